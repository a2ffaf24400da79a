"""Figures are laid out no more often than their text asks for."""

from pathlib import Path

import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from memlab.figures.style import figure_file


@pytest.mark.parametrize(("title", "layouts"), [("Loss", 1), ("What it is " * 8, 2)])
def test_a_layout_that_fits_its_text_is_final(
    title: str, layouts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To lay out takes longer than to draw, and matplotlib does it again for each format and size.
    done = []
    execute = ConstrainedLayoutEngine.execute

    def counted(self: ConstrainedLayoutEngine, figure: object) -> object:
        done.append(figure)
        return execute(self, figure)  # type: ignore[arg-type]

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", counted)
    with figure_file(tmp_path / "picture.png", 2.0, "A picture") as figure:
        axes = figure.subplots()
        axes.set_title(title)
    assert len(done) == layouts
    assert len(axes.get_title().split("\n")) == 1 + (layouts > 1)
