"""What figures of procedures show is what was measured, also far from the usual chip."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from support.analysed import analyse
from support.drawn import faults, figures_of

from memlab.characterize import PROCEDURES, Region
from memlab.kinds import plot_run

FEW = Region(rows="40:48", columns="20:28")


def drawn(
    name: str,
    out: Path,
    region: Region = FEW,
    settings: dict[str, object] | None = None,
    **changes: float,
) -> Figure:
    """Run a procedure on `ta-hfo2` with changes and return its figure, which has no faults."""
    run = analyse(name, out, "ta-hfo2", region=region, settings=settings, **changes)
    (figure,) = figures_of(lambda: plot_run(run.path, out / "picture.png"))
    assert faults(figure) == []
    return figure


def said(figure: Figure) -> str:
    """Return all titles and all entries of legends."""
    legends = [legend for part in figure.subfigs for legend in part.legends]
    entries = [text.get_text() for legend in legends for text in legend.get_texts()]
    return "\n".join([*(axes.get_title() for axes in figure.axes), *entries])


def test_the_law_of_lifetimes_is_that_of_the_cells_beside_it(tmp_path: Path) -> None:
    changes = {"wear__lifetime": 300.0, "wear__shape": 0.7}
    figure = drawn("endurance", tmp_path, Region(rows="0:4"), {"cycles": 300}, **changes)
    survivors = figure.axes[1]
    measured, law = (line.get_xydata() for line in survivors.lines)
    at = np.interp(np.log(measured[:, 0]), np.log(law[:, 0]), law[:, 1])
    assert at[0] == pytest.approx(100.0)  # a cell that did not live at first was not tested
    # Of 256 cells: three standard deviations of a share.
    assert np.abs(at - measured[:, 1]).max() < 300.0 * 0.5 / 256**0.5
    assert {axes.get_xlabel() for axes in figure.axes} == {"Cycle (two pulses)"}


def test_the_law_of_a_staircase_passes_through_the_points_beside_it(tmp_path: Path) -> None:
    # An amplifier's offset is in every reading, and not in the law.
    figure = drawn("staircase", tmp_path, noise=0.0, board__amplifier__offset=2e-3)
    law, points = figure.axes[1].lines[0], figure.axes[1].containers[1].lines[0]
    assert law.get_label().startswith("law")
    x, y = points.get_data()
    at = np.interp(x - 0.012, *law.get_data())
    assert np.abs(at - y).max() < 1.0, "uS"


def test_cells_that_stay_high_are_told_from_those_that_stay_low(tmp_path: Path) -> None:
    changes = {"defects__stuck_on": 0.3, "defects__stuck_off": 0.2}
    figure = drawn("staircase", tmp_path, **changes)
    assert "stay low" in said(figure)
    assert "stay high" in said(figure)
    heights = [axes.get_window_extent().height / figure.dpi for axes in figure.axes]
    assert min(heights) > 2.0, "inches that the legend leaves"


@pytest.mark.parametrize("defect", ["stuck_on", "stuck_off"])
@pytest.mark.parametrize("name", list(PROCEDURES))
@pytest.mark.slow
def test_chips_on_which_nothing_works(name: str, defect: str, tmp_path: Path) -> None:
    drawn(name, tmp_path, **{f"defects__{defect}": 1.0})


@pytest.mark.parametrize("name", ["staircase", "endurance"])
def test_a_chip_on_which_nothing_works(name: str, tmp_path: Path) -> None:
    drawn(name, tmp_path, defects__stuck_off=1.0)


def test_lines_left_out_of_a_single_row_are_marked_beside_the_title(tmp_path: Path) -> None:
    changes = {"non_responsive": 0.2}
    assert "left out" in said(drawn("yield", tmp_path, Region(rows="5"), **changes))
