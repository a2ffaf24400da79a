"""What lies along the picture of a sweep, and what becomes a curve."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from support.drawn import figures_of

from memlab.figures import sweep

AxisValues = Sequence[float] | Sequence[str]


def drawn(
    path: Path,
    values: np.ndarray,
    axes: list[tuple[str, AxisValues]],
) -> Axes:
    def draw() -> None:
        sweep.plot_sweep(path, values, axes, "test_accuracy", "a sweep")

    draw()
    assert path.read_bytes().startswith(b"\x89PNG")
    return figures_of(draw)[0].axes[0]


@pytest.mark.parametrize("words_first", [True, False])
def test_an_axis_of_words_becomes_curves_wherever_it_stands(
    words_first: bool, tmp_path: Path
) -> None:
    numbers, words = ("stuck (1)", (0.0, 0.1, 0.2)), ("method", ("in-situ", "ex-situ"))
    # Shape (words, numbers, seeds), the median of the seeds in the middle.
    medians = np.array([[0.9, 0.8, 0.7], [0.9, 0.5, 0.1]])
    values = medians[..., np.newaxis] + np.array([-0.01, 0.0, 0.02])
    axes: list[tuple[str, AxisValues]] = [words, numbers]
    if not words_first:
        values, axes = values.swapaxes(0, 1), [numbers, words]
    plot = drawn(tmp_path / "sweep.png", values, axes)
    assert plot.get_xlabel() == "stuck (1)"
    assert [line.get_label() for line in plot.lines] == ["in-situ", "ex-situ"]
    for line, median in zip(plot.lines, medians, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [0.0, 0.1, 0.2])
        np.testing.assert_allclose(line.get_ydata(), median)


def test_words_lie_along_the_picture_where_there_are_no_numbers(tmp_path: Path) -> None:
    values = np.array([[0.9, 0.91], [0.5, 0.51]])
    plot = drawn(tmp_path / "s.png", values, [("method", ("in-situ", "ex-situ"))])
    assert plot.get_xlabel() == "method"
    assert [label.get_text() for label in plot.get_xticklabels()] == ["in-situ", "ex-situ"]
    assert len(plot.lines) == 1


def test_the_first_axis_of_numbers_lies_along_the_picture(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(3, 2, 2)
    plot = drawn(tmp_path / "s.png", values, [("a", (1, 2, 3)), ("b", (0.5, 1.5))])
    assert plot.get_xlabel() == "a"
    assert [line.get_label() for line in plot.lines] == ["b = 0.5", "b = 1.5"]


@pytest.mark.parametrize(("seeds", "bands"), [(2, 0), (3, 0), (4, 1), (19, 1), (20, 2)])
def test_a_band_is_drawn_only_where_seeds_lie_beyond_it(
    seeds: int, bands: int, tmp_path: Path
) -> None:
    values = np.linspace(0.5, 0.9, 3)[:, np.newaxis] + 0.01 * np.arange(seeds)
    plot = drawn(tmp_path / "s.png", values, [("noise", (0.0, 1.0, 2.0))])
    # A band is one area; points are one collection of all seeds where there is none.
    assert len(plot.collections) == (bands or 1)
    if not bands:
        assert len(plot.collections[0].get_offsets()) == 3 * seeds
    assert f"{seeds} seeds" in plot.figure.get_suptitle()
    assert ("90 %" in plot.figure.get_suptitle()) == (bands == 2)


@pytest.mark.parametrize(
    ("along", "scale"),
    [
        ((1e-4, 1e-3, 1e-2), "log"),
        (tuple(np.geomspace(2.0, 50.0, 6)), "log"),
        ((0.0, 1e-3, 1e-2), "linear"),
        ((1.0, 2.0, 4.0), "linear"),
        ((1.0, 10.0, 11.0), "linear"),
    ],
)
def test_equal_ratios_lie_at_equal_distances(
    along: tuple[float, ...], scale: str, tmp_path: Path
) -> None:
    values = np.full((len(along), 2), 0.5)
    assert drawn(tmp_path / "s.png", values, [("a", along)]).get_xscale() == scale


def test_an_axis_of_small_numbers_has_the_prefix_that_a_person_would_choose(tmp_path: Path) -> None:
    values = np.full((3, 2), 0.5)
    plot = drawn(tmp_path / "s.png", values, [("chip.noise (S)", (0.0, 1e-5, 2e-5))])
    assert plot.get_xlabel() == "chip.noise (µS)"
    np.testing.assert_allclose(plot.lines[0].get_xdata(), [0.0, 10.0, 20.0])
