"""Small pieces of HTML for notebooks and pages: a card of numbers, and a map as a picture inside.

Nothing is loaded for it, colours of text and ground are those of the page, and whatever a file or
a user calls a thing is escaped: it is text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Sequence
from io import BytesIO

import numpy as np
import numpy.typing as npt

from memlab.units import prefixed

__all__ = [
    "card",
    "curve",
    "escape",
    "plain",
    "scale_bar",
    "small_map",
    "spelt",
    "table",
    "usual_ends",
]

_COLOURS = "440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725"
"""Viridis (matplotlib), which rises in lightness and is told apart by colour-blind people."""

_WIDE, _LARGEST = 256, 12
"""Pixels of a map, and the most of a cell."""

_SHARE = 1.0
"""Percent of the cells at either end that do not stretch the scale."""

_CELL = "padding:.1em .9em .1em 0;text-align:left;vertical-align:top;border:0"


def plain(text: str, keep: str = "") -> str:
    """Return a text of a file without what a terminal or a browser would obey.

    Control characters become U+FFFD, those that turn the direction of what follows (U+202E, and the
    others of Unicode's category Cf) too: a number after one would be read backwards. `keep` says
    which are left.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep or unicodedata.category(c) == "Zs" else "\ufffd"
        for c in text
    )


def escape(text: str) -> str:
    """Return a text as HTML shows it: `plain`, but for the ends of its lines and its tabs."""
    return html.escape(plain(text, "\n\t"))


def card(
    title: str,
    rows: Iterable[tuple[str, str]],
    maps: Sequence[str] = (),
    mark: str = "",
    more: str = "",
) -> str:
    """Return a box with a title, names and what they are, and maps beside them.

    Parameters
    ----------
    title, mark
        What it is; and in a frame behind it what nobody must miss: EMULATOR.
    rows
        Names and texts; both are escaped.
    maps, more
        HTML that is put in as it is, beside and below.
    """
    frame = "border:1px solid currentColor;border-radius:3px;padding:0 .4em;margin-left:.6em"
    marked = f'<strong style="{frame};font-size:85%">{escape(mark)}</strong>' if mark else ""
    beside = "".join(f"<div>{one}</div>" for one in (table(rows), *maps))
    return (
        '<div class="memlab" style="font-size:90%;line-height:1.4">'
        f"<div><strong>{escape(title)}</strong>{marked}</div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:1em 2em;margin:.4em 0">{beside}</div>'
        f"{more}</div>"
    )


_NUMBER = re.compile(r"(?<=\d )(?:u(?=[SAVJs])|(?P<prefix>[kM]?)ohm)")


def spelt(text: str) -> str:
    """Return a text with the units of its numbers spelt as on paper: µS for uS, kΩ for kohm."""
    return _NUMBER.sub(
        lambda found: "µ" if found["prefix"] is None else f"{found['prefix']}Ω", text
    )


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Return a table of escaped texts; the first of each row is what it is about."""
    top = "".join(f'<th scope="col" style="{_CELL}">{escape(text)}</th>' for text in head)
    body = "".join(
        "<tr>"
        + f'<th scope="row" style="{_CELL};font-weight:normal;opacity:.75">{escape(name)}</th>'
        + "".join(f'<td style="{_CELL}">{escape(text)}</td>' for text in texts)
        + "</tr>"
        for name, *texts in rows
    )
    head_row = f"<thead><tr>{top}</tr></thead>" if top else ""
    style = "border-collapse:collapse;border:0;margin:0;background:none"
    return f'<table style="{style}">{head_row}<tbody>{body}</tbody></table>'


def usual_ends(*maps: npt.ArrayLike) -> tuple[float, float] | None:
    """Return the ends of a scale for maps of one quantity; None where no cell has a value."""
    parts = [one[np.isfinite(one)] for one in (np.asarray(m, np.float64).ravel() for m in maps)]
    known = [np.percentile(part, [_SHARE, 100.0 - _SHARE]) for part in parts if part.size]
    if not known:
        return None
    return float(min(low for low, _ in known)), float(max(high for _, high in known))


def small_map(
    values: npt.ArrayLike, units: str, title: str = "", ends: tuple[float, float] | None = None
) -> str:
    """Return a map, shape (rows, columns), as a picture in the page, with its scale.

    A pixel is a cell; what has no value is left clear. One cell in a hundred at either end may be
    off the scale: a few stuck cells would leave the others in one colour. `ends` are those of a
    scale that other maps have too; its colours then stand elsewhere (`scale_bar`).
    """
    cells = np.asarray(values, np.float64)
    missing = int(cells.size - np.isfinite(cells).sum())
    name = f"{title}, " if title else ""
    rows, columns = cells.shape
    low, high = ends or usual_ends(cells) or (0.0, 0.0)
    if missing == cells.size:
        return f"{escape(name)}{rows} x {columns}: no cell has a value"
    factor, unit = prefixed(max(abs(low), abs(high)), units)
    unit = "" if unit == "1" else f" {unit}"
    scale = [spelt(f"{end / factor + 0.0:.4g}{unit}") for end in (low, high)]
    about = f"{name}{rows} rows x {columns} columns, {' to '.join(scale)}"
    if missing:
        about += f", {missing} without a value"
    size = max(1, min(_LARGEST, _WIDE // max(rows, columns)))
    wide = max(columns * size, 1)
    picture = b64encode(_picture(cells, low, high)).decode("ascii")
    key = "" if ends else scale_bar(*scale)
    return (
        f'<img alt="{escape(about)}" style="width:{wide}px;height:{rows * size}px;'
        f'{_EDGE};image-rendering:pixelated;display:block" src="data:image/png;base64,{picture}">'
        f'{key}<div style="font-size:85%">{escape(about.partition(", " + scale[0])[0])}'
        f"{escape(f', {missing} without a value' if missing else '')}</div>"
    )


def scale_bar(low: str, high: str) -> str:
    """Return the colours of a map between what its ends stand for."""
    bar = ",".join(f"#{colour}" for colour in _COLOURS.split())
    style = "display:inline-block;width:4em;height:.7em;background:linear-gradient(to right,"
    return (
        f'<div style="font-size:85%">{escape(low)} <span style="{style}{bar})"></span> '
        f"{escape(high)}</div>"
    )


_EDGE = "outline:1px solid rgba(128,128,128,.5)"
"""Of a map: cells without a value are clear, and belong to it."""

_CURVE = 240, 96
"""Pixels of a curve."""


def curve(values: npt.NDArray[np.float64], title: str) -> str:
    """Return a curve over its items as a drawing in the page, with its ends in numbers.

    Of many items the mean of each part is drawn. What is no number is left out.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return f"{escape(title)}: no value"
    wide, high = _CURVE
    parts = np.array_split(known, min(wide // 2, known.size))
    means = np.array([part.mean() for part in parts])
    low, span = float(means.min()), float(np.ptp(means)) or 1.0
    across = np.linspace(1.0, wide - 1.0, means.size)
    down = (high - 2.0) * (1.0 - (means - low) / span) + 1.0
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    about = f"{title}: {known[0]:.4g} to {known[-1]:.4g} over {known.size}, least {known.min():.4g}"
    return (
        f'<svg role="img" aria-label="{escape(about)}" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}"><polyline points="{points}" fill="none" '
        f'stroke="currentColor" stroke-width="1.5"/></svg>'
        f'<div style="font-size:85%">{escape(about)}</div>'
    )


def _picture(cells: npt.NDArray[np.float64], low: float, high: float) -> bytes:
    """Return a PNG with a pixel for each cell: colour 0 of its palette is clear."""
    from PIL import Image  # most of those who load this module draw no map

    share = (cells - low) / (high - low) if high > low else np.full(cells.shape, 0.5)
    place = np.nan_to_num(np.clip(share, 0.0, 1.0) * 254.0 + 1.0, nan=0.0)
    colour = np.where(np.isfinite(cells), place, 0.0).round().astype(np.uint8)
    rows, columns = cells.shape
    image = Image.frombytes("P", (columns, rows), colour.tobytes())
    image.putpalette(_palette())
    png = BytesIO()
    image.save(png, "PNG", transparency=0)
    return png.getvalue()


def _palette() -> bytes:
    anchors = np.array([list(bytes.fromhex(one)) for one in _COLOURS.split()], np.float64)
    places = np.linspace(0.0, len(anchors) - 1.0, 255)
    rises = [np.interp(places, np.arange(len(anchors)), part) for part in anchors.T]
    return bytes(3) + np.stack(rises, axis=1).round().astype(np.uint8).tobytes()
