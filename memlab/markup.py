"""Small pieces of HTML for notebooks and pages: a card of numbers, and a map as a picture inside.

Nothing is loaded for it, colours of text and ground are those of the page, and whatever a file or
a user calls a thing is escaped: it is text.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from memlab.units import prefixed

__all__ = ["card", "small_map", "table"]

_COLOURS = "440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725"
"""Viridis (matplotlib), which rises in lightness and is told apart by colour-blind people."""

_WIDE, _LARGEST = 256, 12
"""Pixels of a map, and the most of a cell."""

_SHARE = 1.0
"""Percent of the cells at either end that do not stretch the scale."""

_CELL = "padding:.1em .9em .1em 0;text-align:left;vertical-align:top;border:0"


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


def small_map(values: npt.ArrayLike, units: str, title: str = "") -> str:
    """Return a map, shape (rows, columns), as a picture in the page, with its scale.

    A pixel is a cell; what has no value is left clear. One cell in a hundred at either end may be
    off the scale: a few stuck cells would leave the others in one colour.
    """
    cells = np.asarray(values, np.float64)
    known = cells[np.isfinite(cells)]
    name = f"{title}, " if title else ""
    rows, columns = cells.shape
    if not known.size:
        return f"{escape(name)}{rows} x {columns}: no cell has a value"
    low, high = (float(end) for end in np.percentile(known, [_SHARE, 100.0 - _SHARE]))
    factor, unit = prefixed(max(abs(low), abs(high)), units)
    unit = "" if unit == "1" else f" {unit}".replace(" u", " µ")
    scale = [f"{end / factor + 0.0:.4g}{unit}" for end in (low, high)]
    about = f"{name}{rows} rows x {columns} columns, {' to '.join(scale)}"
    if missing := cells.size - known.size:
        about += f", {missing} without a value"
    size = max(1, min(_LARGEST, _WIDE // max(rows, columns)))
    bar = ",".join(f"#{colour}" for colour in _COLOURS.split())
    wide = max(columns * size, 1)
    picture = b64encode(_picture(cells, low, high)).decode("ascii")
    return (
        f'<img alt="{escape(about)}" style="width:{wide}px;height:{rows * size}px;'
        f'image-rendering:pixelated;display:block" src="data:image/png;base64,{picture}">'
        f'<div style="font-size:85%">{escape(scale[0])} <span style="display:inline-block;'
        f'width:4em;height:.7em;background:linear-gradient(to right,{bar})"></span> '
        f"{escape(scale[1])}</div>"
        f'<div style="font-size:85%">{escape(about.partition(", " + scale[0])[0])}'
        f"{escape(f', {missing} without a value' if missing else '')}</div>"
    )


def _picture(cells: npt.NDArray[np.float64], low: float, high: float) -> bytes:
    """Return a PNG with a pixel for each cell: colour 0 of its palette is clear."""
    share = (cells - low) / (high - low) if high > low else np.full(cells.shape, 0.5)
    place = np.nan_to_num(np.clip(share, 0.0, 1.0) * 254.0 + 1.0, nan=0.0)
    colour = np.where(np.isfinite(cells), place, 0.0).round().astype(np.uint8)
    rows, columns = cells.shape
    lines = np.zeros((rows, columns + 1), np.uint8)  # each with its filter, none, before it
    lines[:, 1:] = colour
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            (b"PLTE", _palette()),
            (b"tRNS", b"\x00"),
            (b"IDAT", zlib.compress(lines.tobytes(), 6)),
            (b"IEND", b""),
        )
    )


def _palette() -> bytes:
    anchors = np.array([list(bytes.fromhex(one)) for one in _COLOURS.split()], np.float64)
    places = np.linspace(0.0, len(anchors) - 1.0, 255)
    rises = [np.interp(places, np.arange(len(anchors)), part) for part in anchors.T]
    return bytes(3) + np.stack(rises, axis=1).round().astype(np.uint8).tobytes()
