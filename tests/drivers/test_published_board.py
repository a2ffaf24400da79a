"""What the published board's chips convert by stands in one place, and all others look there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import drivers
import memlab
from drivers import max11046, published_board
from drivers.board import LineClass
from drivers.ltc2668 import Span

PACKAGES = [Path(package.__file__).parent for package in (drivers, memlab)]


@cache
def written(path: Path) -> set[float]:
    """Return the numbers that stand in a file, outside of its texts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }


@pytest.mark.parametrize(
    ("number", "homes"),
    [
        (32768, {"arc2_board.py"}),  # that one's own middle code
        (0.16e-6, {"pulse.py"}),
        (240e6, {"pulse.py"}),
    ],
)
def test_a_constant_of_the_board_is_written_once(number: float, homes: set[str]) -> None:
    paths = [path for package in PACKAGES for path in package.rglob("*.py")]
    # Contracts count by hand, on purpose.
    paths = [path for path in paths if "testing" not in path.parts]
    assert len(paths) > 400
    assert {path.name for path in paths if number in written(path)} == homes


def test_codes_of_zero_volts() -> None:
    """By hand: straight binary over the span, 16 bits."""
    assert max11046.decode(max11046.MID_CODE) == 0.0
    assert [span.zero_code for span in Span] == [0, 0, 0x8000, 0x8000, 0x8000]
    assert [float(span.decode(span.zero_code)) for span in Span] == [0.0] * 5
    assert published_board.SPANS[LineClass.GATE].zero_code == 0


NAMED = {
    "drivers/ltc2668.py",
    "drivers/max11046.py",
    "drivers/published_board.py",
    "memlab/virtual_board/dpe_firmware.py",
    "memlab/virtual_board/low_level.py",
    "memlab/virtual_board/registers.py",
}
"""The codecs, the published board, and the virtual one's chips."""


def test_the_chips_are_named_only_where_they_are() -> None:
    """What is above the board knows converters; presets say which data sheet a number is from."""
    root = PACKAGES[0].parent
    paths = [
        path
        for name in ("drivers", "memlab", "firmware_protocol")
        for path in (root / name).rglob("*.py")
    ]
    assert len(paths) > 500
    found = {
        path.relative_to(root).as_posix()
        for path in paths
        if re.search("ltc2668|max11046", path.read_text(encoding="utf-8"), re.IGNORECASE)
    }
    assert found == NAMED
