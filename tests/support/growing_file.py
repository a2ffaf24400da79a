"""A process that writes a run file and waits with it open, until it is killed."""

import sys
from pathlib import Path

from memlab.runs import RunFile


def write(path: str) -> None:
    """Be that process."""
    run = RunFile(Path(path), "a run", {"seed": 7})
    run.group("map", "NXdata", {"signal": "conductance"})
    run.scale("map/reading", None, "1", "Reading")
    run.declare("map/conductance", "f8", ("map/reading",), "S", "Conductance", 4)
    run.start()
    for k in range(40):
        run.append("map/reading", [k])
        run.append("map/conductance", [k])
        run.flush()
    print("written", flush=True)
    sys.stdin.readline()
