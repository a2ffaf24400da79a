"""What the airline experiments found: the months as predicted, beside the loss."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.experiments.metrics import (
    NAIVE_TEST_RMSE,
    NAIVE_TRAIN_RMSE,
    TEST_RMSE,
    TRAIN_RMSE,
)
from memlab.figures.declared import Part, draw_loss
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import GREY, ORANGE, whole_numbers
from memlab.runs import Run

__all__ = ["prediction_parts"]


def prediction_parts(run: Run, loss_name: str) -> list[Part]:
    """Return the months and the loss, of a finished run."""
    with run.entry() as entry:
        months = {name: item[:] for name, item in entry["prediction"].items()}
    return [(4.4, partial(_draw, run=run, months=months, loss_name=loss_name))]


def _draw(
    figure: Figure | SubFigure, run: Run, months: dict[str, npt.NDArray[np.generic]], loss_name: str
) -> None:
    left, right = panels(figure, 1, 2, widths=(5, 4))
    _draw_months(left, run, months)
    draw_loss(right, run, loss_name)


def _draw_months(axes: Axes, run: Run, months: dict[str, npt.NDArray[np.generic]]) -> None:
    # The last month is December 1960, however many months before it are predicted.
    years = 1961 - np.arange(months["month"].size, 0, -1) / 12
    boundary = years[months["training"].astype(bool)][-1]
    axes.axvspan(boundary, years[-1], color="0.93", linewidth=0, label="test months")
    axes.plot(years, months["passengers"], color=GREY, label="data")
    axes.plot(years, months["predicted"], color=ORANGE, label="array")
    train, test, naive_train, naive_test = map(
        run.number, (TRAIN_RMSE, TEST_RMSE, NAIVE_TRAIN_RMSE, NAIVE_TEST_RMSE)
    )
    axes.set_title(
        f"RMSE train {train:.1f}, test {test:.1f}\n"
        f"persistence {naive_train:.1f}, {naive_test:.1f} (thousand)"
    )
    axes.set_xlabel("Year")
    axes.set_ylabel("Passengers (thousand)")
    whole_numbers(axes.xaxis)
    legend_below(axes)
