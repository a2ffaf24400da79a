"""memlab: control, emulation and in-situ training of memristor crossbar arrays.

import memlab

with memlab.open_array("emulator:?seed=7&chip=ta-hfo2") as array:
    array.program_row(0, gate_voltage=1.2)
    print(array.read_conductance()[0])
"""

from __future__ import annotations

from memlab._version import __version__

TYPE_CHECKING = False  # type checkers know the name; `typing` is slow to load (see `__main__`)
if TYPE_CHECKING:
    from typing import Any

    from memlab.array import Array
    from memlab.array.urls import open_array, open_board
    from memlab.chip.limits import Limits, OperatingPoint
    from memlab.errors import LimitError, MemlabError
    from memlab.model.model import Model
    from memlab.runs import Run, open_run

__all__ = [
    "Array",
    "LimitError",
    "Limits",
    "MemlabError",
    "Model",
    "OperatingPoint",
    "Run",
    "__version__",
    "open_array",
    "open_board",
    "open_run",
]

# Loaded when first used (PEP 562), so that `memlab --help` does not wait for numpy.
_HOMES = {
    "Array": "memlab.array",
    "LimitError": "memlab.errors",
    "Limits": "memlab.chip.limits",
    "MemlabError": "memlab.errors",
    "Model": "memlab.model.model",
    "OperatingPoint": "memlab.chip.limits",
    "open_array": "memlab.array.urls",
    "Run": "memlab.runs",
    "open_board": "memlab.array.urls",
    "open_run": "memlab.runs",
}


def __dir__() -> list[str]:
    """Return the public names, whether loaded or not."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'memlab' has no attribute {name!r}")
