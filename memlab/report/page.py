"""One HTML page that needs nothing but itself: no network, no script, figures inside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from memlab._version import __version__
from memlab.markup import plain, scale_bar, small_map, spelt, usual_ends
from memlab.report.pictures import Picture, maps_of
from memlab.report.summary import Row, Summary
from memlab.storage import write_over
from memlab.units import with_error

__all__ = ["write_page"]


def write_page(
    path: Path,
    title: str,
    runs: Sequence[tuple[Summary, Sequence[Picture]]],
    tables: Mapping[str, Sequence[Row]] | None = None,
) -> None:
    """Write a report.

    Parameters
    ----------
    path
        The HTML file; an existing one is replaced.
    title
        Of the page.
    runs
        Each with its figures.
    tables
        What stands before them, by its caption.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("memlab.report", "templates"),
        autoescape=True,
        finalize=_plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = files("memlab.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    environment.filters["base64"] = lambda data: b64encode(data).decode("ascii")
    environment.filters["spelt"] = spelt
    environment.filters["begun"] = lambda text: text[:1].upper() + text[1:]
    scale, maps = _maps([summary for summary, _ in runs])
    page = environment.get_template("report.html.j2").render(
        title=title,
        runs=runs,
        tables=tables or {},
        scale=scale,
        maps=maps,
        shared=sum(len(pictures) for _, pictures in runs) > 1,
        style=style,
        program=f"memlab {__version__}",
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    write_over(path, lambda file: file.write(page.encode()))


def _plain(value: object) -> object:
    """Return what a template puts in: of texts of files what a browser does not obey."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return plain(str(value), "\n\t") if is_text else value


def _maps(summaries: Sequence[Summary]) -> tuple[str, list[str]]:
    """Return the scale and the last maps of runs, where there are several to compare."""
    found = maps_of(summaries)
    ends = usual_ends(*found.values())
    if len(found) < 2 or ends is None:
        return "", []
    low, high = (spelt(with_error(end, None, "S")) for end in ends)
    maps = [small_map(values, "S", name, ends) for name, values in found.items()]
    return scale_bar(low, high), maps
