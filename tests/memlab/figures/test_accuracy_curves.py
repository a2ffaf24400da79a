"""Curves of many simulations with a chip's over them show medians, extremes and every run."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memlab.figures.accuracy_curves import draw_accuracy_curves

EPOCHS = 4
SIMULATIONS = np.linspace(0.2, 0.9, 5 * EPOCHS).reshape(5, EPOCHS)
CHIP = np.array([[0.1, 0.2, 0.3, 0.4], [0.3, 0.4, 0.6, 0.5], [0.2, 0.6, 0.5, 0.7]])


def empty() -> Axes:
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def test_every_simulation_and_both_medians_are_drawn_in_percent_against_epochs_from_one() -> None:
    axes = empty()
    draw_accuracy_curves(axes, SIMULATIONS, CHIP, ("simulations", "chip"))
    *thin, middle, chip = axes.lines
    np.testing.assert_allclose([line.get_ydata() for line in thin], 100 * SIMULATIONS)
    np.testing.assert_allclose(middle.get_ydata(), 100 * SIMULATIONS[2], rtol=1e-12)
    np.testing.assert_allclose(chip.get_ydata(), [20, 40, 50, 50])
    np.testing.assert_array_equal(chip.get_xdata(), [1, 2, 3, 4])
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (10.0, 70.0)


def test_the_legend_says_how_many_runs_there_are_and_of_what() -> None:
    axes = empty()
    draw_accuracy_curves(axes, SIMULATIONS, CHIP[:1], ("simulations", "chip"))
    texts = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert texts == ["5 simulations", "their median", "chip"]
    assert not axes.collections
    axes = empty()
    draw_accuracy_curves(axes, SIMULATIONS, CHIP, ("simulations", "chip"))
    assert axes.figure.legends[0].get_texts()[-1].get_text() == "chip, median and extremes of 3"
