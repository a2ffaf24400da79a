"""For people who test drivers, arrays and procedures of their own, with pytest.

    python -m pip install memlab pytest

contract suites
    `BoardContract`, `ArrayContract`, `BoardArrayContract`: what every board and every array must
    do. A subclass of 20 lines runs them on yours; see `memlab.testing.boards` and `.arrays`. On a
    board that memlab knows, they run without a line of code:

    python -m pytest --pyargs memlab.testing.contracts --board serial:///dev/ttyACM0

plug-in
    pytest finds the fixtures `memlab_array`, `memlab_open`, `memlab_served`, `memlab_board_url` and
    `memlab_runs` by itself; see `memlab.testing.plugin`.

`ServedBoard`, `BoardProcess`
    A virtual board in a thread or a process, on TCP or a pseudo-terminal.

`truth_of`
    What an emulated chip is, as against what is measured of it.

Faults are asked for in the URL of a board, `emulator:?fault.drop_after=100`; see `drivers.faults`.

Nothing of memlab imports this package, and importing it loads neither pytest nor numpy.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `memlab`: `typing` is slow to load
if TYPE_CHECKING:
    from typing import Any

    from memlab.testing.arrays import ArrayContract, BoardArrayContract
    from memlab.testing.boards import BoardContract
    from memlab.testing.served import BoardProcess, ServedBoard
    from memlab.testing.truth import GroundTruth, truth_of

__all__ = [
    "ArrayContract",
    "BoardArrayContract",
    "BoardContract",
    "BoardProcess",
    "GroundTruth",
    "ServedBoard",
    "truth_of",
]

_HOMES = {
    "ArrayContract": "memlab.testing.arrays",
    "BoardArrayContract": "memlab.testing.arrays",
    "BoardContract": "memlab.testing.boards",
    "BoardProcess": "memlab.testing.served",
    "GroundTruth": "memlab.testing.truth",
    "ServedBoard": "memlab.testing.served",
    "truth_of": "memlab.testing.truth",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'memlab.testing' has no attribute {name!r}")
