"""A host that runs procedures and is killed -9 at a chosen moment.

    python -m support.killed_procedure MOMENT BOARD OUT NAME... -- SETTING...

MOMENT counts what touches disk or board: each ticket, each flush of the run file, and each
programming operation just before it leaves and just after it is settled. `mid-pulse` dies
while the board fires the third operation.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from drivers.link import Link
from drivers.tickets import Tickets
from memlab.characterize import plan_procedures, run_procedures
from memlab.regions import Region
from memlab.runs import RunFile


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(moment: str) -> None:
    count = 0

    def counted(original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal count
            result = original(*arguments)
            count += 1
            if moment.isdecimal() and count == int(moment):
                die()
            return result

        return call

    RunFile.flush = counted(RunFile.flush)
    Tickets.register = counted(Tickets.register)
    Tickets.sent = counted(Tickets.sent)
    Tickets.settled = counted(Tickets.settled)
    if moment == "mid-pulse":
        operations, run = 0, Link.run

        def run_and_die(self: Link, operation: object) -> object:
            nonlocal operations
            operations += type(operation).__name__ == "Job"
            if operations == 3 and type(operation).__name__ == "Job":
                kill_soon()
            return run(self, operation)

        Link.run = run_and_die


def kill_soon() -> None:
    child = os.fork()
    if child == 0:
        time.sleep(0.003)
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)


def main() -> None:
    moment, board, out, *rest = sys.argv[1:]
    names, settings = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    arrange(moment)
    plans = plan_procedures(names, board=board, settings=settings, out=Path(out))
    run_procedures(plans, board, Region(rows="0:6", columns="2:9"), figure=False)


if __name__ == "__main__":
    main()
