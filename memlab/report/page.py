"""One HTML page that needs nothing but itself: no network, no script, figures inside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from memlab._version import __version__
from memlab.report.pictures import Picture
from memlab.report.summary import Row, Summary
from memlab.storage import write_over

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
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: b64encode(data).decode("ascii")
    page = environment.get_template("report.html.j2").render(
        title=title,
        runs=runs,
        tables=tables or {},
        program=f"memlab {__version__}",
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    write_over(path, lambda file: file.write(page.encode()))
