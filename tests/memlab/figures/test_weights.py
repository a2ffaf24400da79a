"""The histogram of weights."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from memlab.figures import weights
from memlab.figures.style import figure_file


@pytest.mark.parametrize("top", [0.9, 2.13, 4.0, 4.74, 7.3])
def test_no_tick_is_cut_off_at_the_edge_of_the_picture(
    top: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_pairs", lambda block, values: values)
    before, after = np.random.default_rng(1).normal(0.0, 0.1, (2, 1000))
    after[:2] = -top, top
    with figure_file(tmp_path / "weights.png", 3.9, "Weights") as figure:
        _, axes = weights.panels(figure, 1, 2)
        weights._draw_histogram(axes, [None], [before], [after])  # type: ignore[list-item]
    assert (imread(tmp_path / "weights.png")[:, -1, :3] > 0.9).all()
