"""The drawing of a floor plan shows every tile where it lies."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from support.full_disk import largest_file

from memlab.errors import StorageError
from memlab.figures import plot_floor_plan
from memlab.figures.floor_plan import draw_floor_plan
from memlab.mapping import Request, cnn_plan, place


def test_every_tile_is_drawn_where_it_lies_with_its_name_and_size() -> None:
    axes = Figure().subplots()
    plan = cnn_plan()
    draw_floor_plan(axes, plan)
    drawn = {
        (patch.get_y(), patch.get_x(), patch.get_height(), patch.get_width())
        for patch in axes.patches
        if isinstance(patch, Rectangle)
    }
    # Wang 2019: conv1 36 x 15 at (87, 36), conv2 120 x 8 at (3, 51), three chunks from (37, 0).
    assert drawn == {
        (87, 36, 36, 15),
        (3, 51, 120, 8),
        (37, 0, 86, 10),
        (37, 10, 86, 10),
        (37, 20, 84, 10),
    }
    names = [text.get_text() for text in axes.texts]
    assert names[0] == "conv1\n36 x 15"
    assert names[-1] == "dense_2\n84 x 10"
    assert axes.get_ylim() == pytest.approx((123, 0)), "row 0 is at the top"


def test_a_plan_of_several_arrays_gives_a_picture(tmp_path: Path) -> None:
    plan = place([Request("large", 128, 64)], [(128, 64), (128, 64)])
    plot_floor_plan(plan, tmp_path / "plan.png")
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_a_full_disk_is_told_whatever_the_format(tmp_path: Path, suffix: str) -> None:
    """The writer of PDF of matplotlib hides the first error behind one of its own."""
    path = tmp_path / f"plan.{suffix}"
    with largest_file(4096), pytest.raises(StorageError, match=f"cannot write {path}: File too"):
        plot_floor_plan(cnn_plan(), path)
    assert not list(tmp_path.iterdir())
