"""What the published board's chips convert by stands in one place, and all others look there."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

import drivers
import memlab
from drivers import published_board
from drivers.board import LineClass
from drivers.published_board import max11046
from drivers.published_board.ltc2668 import Span

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
    "drivers/published_board/__init__.py",
    "drivers/published_board/ltc2668.py",
    "drivers/published_board/max11046.py",
    "memlab/virtual_board/dpe_firmware.py",
    "memlab/virtual_board/low_level.py",
    "memlab/virtual_board/registers.py",
    "tests/drivers/test_ltc2668.py",
    "tests/drivers/test_max11046.py",
    "tests/drivers/test_published_board.py",
    "tests/memlab/virtual_board/test_board_executor.py",
}
"""The published board with its codecs, the virtual one's chips, and the tests of both."""


def test_the_chips_are_named_only_where_they_are() -> None:
    """Who is above the board knows converters, and says "the published board's DAC"."""
    root = PACKAGES[0].parent
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("no git, or no repository")
    paths = [root / name for name in listed.stdout.split("\0") if name]
    assert len(paths) > 900
    found = {
        path.relative_to(root).as_posix()
        for path in paths
        if path.is_file() and re.search(rb"(?i)ltc2668|max11046", path.read_bytes())
    }
    assert found == NAMED
