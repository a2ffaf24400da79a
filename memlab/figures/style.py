"""One look for all figures: colours of Okabe and Ito, which colour-blind people can tell apart."""

from __future__ import annotations

from matplotlib.figure import Figure

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "new_figure"]

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "0.45"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, drawn without any window system."""
    return Figure(figsize=(width, height), layout="constrained")
