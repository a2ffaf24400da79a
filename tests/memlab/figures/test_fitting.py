"""Figures are laid out no more often than their text asks for."""

from pathlib import Path

import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from memlab.figures.style import figure_file


@pytest.mark.parametrize(
    ("title", "tick", "layouts", "lines"),
    [
        ("Loss", "1", 1, 1),
        ("What it is " * 8, "1", 1, 2),
        # Of axes that only the layout finds to be narrow.
        ("What it is " * 4, "a tick with much to say for itself " * 2, 2, 4),
    ],
)
def test_a_layout_that_fits_its_text_is_final(
    title: str,
    tick: str,
    layouts: int,
    lines: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
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
        axes.set_yticks([0.0], [tick])
    assert len(done) == layouts
    assert len(axes.get_title().split("\n")) == lines
