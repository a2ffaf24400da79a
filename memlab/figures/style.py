"""One look for all figures: colours of Okabe and Ito, which colour-blind people can tell apart."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from memlab.storage import write_over

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "new_figure", "save_figure"]

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "0.45"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, drawn without any window system."""
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the suffix, whole or not at all; one that is there goes.

    Text in PDF and SVG stays text.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    kind = path.suffix.removeprefix(".") or "png"
    # Drawn first: on a full disk the PDF writer of matplotlib raises an error of its own.
    drawn = BytesIO()
    with rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):
        figure.savefig(drawn, dpi=200, format=kind)
    write_over(path, lambda file: file.write(drawn.getbuffer()))
