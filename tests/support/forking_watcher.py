"""A run whose watcher forks: `python -m support.forking_watcher URL OUT [ENDING ...]`.

The children end as programs of users do; the parent goes on, and prints how each of them ended.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from memlab.characterize import plan_procedures, run_procedures
from memlab.regions import Region


def end(ending: str) -> None:
    """End this forked child, or have it go on: it is refused where it drives or writes."""
    os.close(2)  # a traceback is expected
    if ending == "exit":
        sys.exit(0)
    if ending == "exception":
        raise ValueError("the child fails")
    if ending == "interrupt":
        raise KeyboardInterrupt
    assert ending == "goes-on"


def main(url: str, out: Path, endings: Iterator[str]) -> None:
    parent = os.getpid()

    def watch(name: str, done: int) -> None:
        ending = next(endings, None)
        if ending is None or os.getpid() != parent:
            return
        child = os.fork()
        if not child:
            end(ending)
            return
        print(ending, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

    plans = plan_procedures(["staircase"], board=url, settings=["steps=6"], out=out)
    region = Region(rows="0:4", columns="0:4")
    run_procedures(plans, url, region, watch=watch, figure=False)
    print("finished", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), iter(sys.argv[3:]))
