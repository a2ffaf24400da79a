"""A host that runs procedures and is killed -9 at a chosen moment.

A moment counts what touches disk or board: each ticket, each flush of the run file, and each
programming operation just before it leaves and just after it is settled. `mid-pulse` dies
while the board fires the third operation.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
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


REGION = Region(rows="0:6", columns="2:9")


def host(
    moment: str, board: str, out: Path, names: list[str], settings: list[str], region: Region
) -> None:
    arrange(moment)
    plans = plan_procedures(names, board=board, settings=settings, out=out)
    run_procedures(plans, board, region, figure=False)


def killed(
    moment: str,
    board: str,
    out: Path,
    names: list[str],
    settings: Sequence[str],
    region: Region = REGION,
) -> None:
    """Run procedures in a process of their own, until it is killed at that moment."""
    from support.forked_command import Forked  # needs POSIX

    process = Forked(host, moment, board, out, names, list(settings), region)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said
