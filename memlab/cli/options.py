"""Options that several commands share, so that they read the same everywhere.

Here, and in the modules of commands, what a command works with loads when it runs, and not before:
`--help` answers at once.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import rich_click as click
from click.core import ParameterSource

from drivers.tokens import take_token
from memlab.errors import SettingError

__all__ = [
    "EXISTING",
    "NEW",
    "SEED",
    "FiniteRange",
    "board_option",
    "check_picture",
    "data_option",
    "epochs_option",
    "gain_option",
    "json_option",
    "label_options",
    "limits_option",
    "line_options",
    "load_option",
    "out_option",
    "preset_option",
    "quiet_option",
    "region_options",
    "run_argument",
]

_LOGGER = logging.getLogger(__name__)

NEW = click.Path(dir_okay=False, path_type=Path)
"""Type of a file that will be written."""
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
"""Type of a file that is read."""
SEED = click.IntRange(0, 2**63 - 1)
"""Type of every seed: what a run file can hold."""


def _board(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return the URL, without a token: that stays out of what commands show and write."""
    given = context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
    # Options that were given are read before those that were not.
    if not given and not any(context.params.get(name) for name in ("quiet", "listed")):
        _LOGGER.warning(
            "no --board was given: this is an emulated chip (%s, of the command's own preset)",
            value,
        )
    return take_token(value)


board_option = click.option(
    "--board",
    "url",
    default="emulator:",
    show_default=True,
    metavar="URL",
    callback=_board,
    help="Board: serial:///dev/ttyACM0, socket://host:port, dpe+serial://COM4, emulator:.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
)
gain_option = click.option(
    "--gain",
    type=click.IntRange(0, 4),
    default=0,
    show_default=True,
    help="1 to 4 for a transimpedance of 1e3 to 1e6 V/A; 0 chooses for each reading.",
)
load_option = click.option(
    "--load",
    type=click.Choice(["selection", "array"]),
    default=None,
    help="Lines that take part in readings: the rows and columns selected, while other rows float "
    "and other gates are at 0 V (lines without gates do what the board says); or all of the "
    "array. Where wires have resistance, cells read "
    "lower the more take part.  [default: selection]",
)


def _limits(context: click.Context, parameter: click.Parameter, value: Path | None) -> Any:
    if value is None:
        return None
    from memlab.chip.limit_changes import read_limits

    return read_limits(value)


limits_option = click.option(
    "--limits",
    type=EXISTING,
    callback=_limits,
    metavar="FILE",
    help="What the chip may see: a TOML file with a table [limits], which may be the chip's own.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Data file or directory.  [default: $MEMLAB_DATA, else ~/.local/share/memlab]",
)
preset_option = click.option(
    "--preset",
    help="Recipe: paper, the published one, or memlab, ours.  [default: memlab, where it is]",
)
epochs_option = click.option(
    "--epochs", type=click.IntRange(min=0), help="Passes over the training data."
)
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
run_argument = click.argument("file", metavar="RUN", type=EXISTING)


def out_option(
    text: str, kind: click.Path = NEW, metavar: str = "FILE", **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return --out, what to write; `text` is its help."""
    return click.option("--out", type=kind, metavar=metavar, help=text, **more)


class FiniteRange(click.FloatRange):
    """A range of floats that has neither NaN nor infinity in it."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or refuse it."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not finite.", param, ctx)
        return number


PICTURE_FORMATS = (".pdf", ".png", ".svg")


def check_picture(picture: Path) -> None:
    """Raise `SettingError` unless a picture can be written here."""
    if picture.suffix not in PICTURE_FORMATS:
        raise SettingError(f"{picture}: a picture ends in {', '.join(PICTURE_FORMATS)}")
    from memlab.storage import check_new  # loads numpy

    check_new(picture, "another")


def label_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --tag and --note; the command takes them as `labels`."""

    @click.option(
        "--tag", "tags", multiple=True, metavar="WORD", help="Tag of the run; repeatable."
    )
    @click.option("--note", default="", metavar="TEXT", help="Note that the run file keeps.")
    @wraps(command)
    def with_labels(*args: Any, tags: tuple[str, ...], note: str, **options: Any) -> Any:
        from memlab.session import Labels

        return command(*args, labels=Labels(tags, note), **options)

    return with_labels


def line_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --rows and --columns."""
    rows = click.option(
        "--rows", default="", metavar="LINES", help="Rows, for example 0:16 or 3,5."
    )
    columns = click.option(
        "--columns", default="", metavar="LINES", help="Columns, for example 0:8."
    )
    return rows(columns(command))


def region_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --rows, --columns, --cells and --mask; the command takes them as one `region`."""

    @line_options
    @click.option("--cells", multiple=True, metavar="ROW,COLUMN", help="A single cell; repeatable.")
    @click.option(
        "--mask",
        type=EXISTING,
        metavar="FILE",
        help="A .npy file with a boolean mask of the array's shape.",
    )
    @wraps(command)
    def with_region(
        *args: Any,
        rows: str,
        columns: str,
        cells: tuple[str, ...],
        mask: Path | None,
        **options: Any,
    ) -> Any:
        from memlab.regions import Region

        return command(*args, region=Region(rows, columns, cells, mask), **options)

    return with_region
