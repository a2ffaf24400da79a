"""The process that looks through a file before HDF5 opens it, forked, as are `memlab` commands.

It is a process of its own with its own deadline and bound of memory, as in use; only no interpreter
starts for it, which takes ten times as long as to look through a small file.
"""

import os
import sys
import time
from pathlib import Path

from support.forked_command import Forked

from memlab.runs import probe


def ask(path: Path, *, swmr: bool) -> list[str]:
    """Stand for `memlab.runs.opening._ask`."""
    process = Forked(look, str(path), *(["swmr"] if swmr else []))
    said, _ = process.communicate()
    return said.split("\n")


def look(path: str, *options: str) -> None:
    """Be that process."""
    os.setpgid(0, 0)  # Ctrl-C is for whoever waits
    probe.main(path, str(time.monotonic() - time.process_time()), *options)
    sys.stdout.flush()
