"""Lines, cells and masks as people write them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memlab.errors import SettingError
from memlab.regions import Region, parse_lines


@given(st.sets(st.integers(0, 127), min_size=1))
def test_a_list_of_lines_is_those_lines_in_rising_order(lines: set[int]) -> None:
    text = ", ".join(map(str, lines))
    assert parse_lines(text, 128, "rows").tolist() == sorted(lines)


@given(st.integers(0, 63), st.integers(1, 64))
def test_a_range_is_that_of_python(first: int, last: int) -> None:
    if first < last:
        assert parse_lines(f"{first}:{last}", 64, "columns").tolist() == list(range(first, last))
    else:
        with pytest.raises(SettingError, match="--columns"):
            parse_lines(f"{first}:{last}", 64, "columns")


@pytest.mark.parametrize("text", ["128", "-1", "3:200", "a", "1;2", ",", "4:4", "1:2:3"])
def test_a_line_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="--rows"):
        parse_lines(text, 128, "rows")


def test_open_ranges_reach_the_ends_and_nothing_means_all() -> None:
    assert parse_lines(":3,126:", 128, "rows").tolist() == [0, 1, 2, 126, 127]
    assert parse_lines("", 64, "columns").size == 64


def test_conditions_are_all_met(tmp_path: Path) -> None:
    mask = np.zeros((128, 64), bool)
    mask[3:9, :] = True
    np.save(tmp_path / "mask.npy", mask)
    region = Region(rows="0:6", columns="5,7", mask=tmp_path / "mask.npy")
    assert np.argwhere(region.pick((128, 64))).tolist() == [
        [row, column] for row in (3, 4, 5) for column in (5, 7)
    ]
    cells = Region(columns="7", cells=("3,5", "127,7"))
    assert np.argwhere(cells.pick((128, 64))).tolist() == [[127, 7]]


@pytest.mark.parametrize("cell", ["3", "3,64", "128,0", "3;5", "-1,0", "1,2,3"])
def test_a_cell_that_does_not_exist_is_refused(cell: str) -> None:
    with pytest.raises(SettingError, match="row,column"):
        Region(cells=(cell,)).pick((128, 64))


def test_a_region_without_cells_is_refused() -> None:
    with pytest.raises(SettingError, match="no cell is left"):
        Region(rows="0:3", cells=("5,5",)).pick((128, 64))


@pytest.mark.parametrize("content", [np.ones((64, 128), bool), np.ones((128, 64))])
def test_a_mask_of_another_shape_or_kind_is_refused(tmp_path: Path, content: np.ndarray) -> None:
    np.save(tmp_path / "mask.npy", content)
    with pytest.raises(SettingError, match="boolean array"):
        Region(mask=tmp_path / "mask.npy").pick((128, 64))


def test_a_mask_that_is_no_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mask.npy").write_text("not numpy")
    with pytest.raises(SettingError, match="cannot read the mask"):
        Region(mask=tmp_path / "mask.npy").pick((128, 64))
