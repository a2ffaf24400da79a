"""Two trainings beside each other, one update of each in turn, for ratios of processor time.

On a machine with neighbours a second differs from the next by more than what is asked for. Two
processes that wait for each other after every update meet the same moments.
"""

import multiprocessing
import time
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any

from memlab.experiments import make_plan, run
from memlab.training import Observer

PATIENCE = 300.0
"""s that one waits for an update of the other: then something is broken."""


class Turns(Observer):
    """Lets the other go on after each update, and waits for it."""

    def __init__(self, mine: Semaphore, other: Semaphore) -> None:
        self.mine, self.other = mine, other

    def wait(self) -> None:
        if not self.mine.acquire(timeout=PATIENCE):
            raise TimeoutError("the other training does not go on")

    def updated(self, *_: Any) -> None:
        self.other.release()
        self.wait()


def _train(turns: Turns, updates: int, make: dict[str, Any], answer: Any, key: int) -> None:
    turns.wait()
    start = time.process_time()
    plan = make_plan("airline", epochs=updates, **make)
    run(plan, [turns], figure=False)
    answer.put((key, time.process_time() - start))
    for _ in range(updates + 2):  # the other one waits no more
        turns.other.release()


def processor_seconds_in_turn(
    updates: int, first: dict[str, Any], second: dict[str, Any]
) -> tuple[float, float]:
    """Train the airline network twice, in turn, from making the plan to the end of the run.

    Parameters
    ----------
    updates
        Of each: epochs of one batch.
    first, second
        What `make_plan` is told of each.
    """
    fork = multiprocessing.get_context("fork")
    gates, answer = (fork.Semaphore(0), fork.Semaphore(0)), fork.Queue()
    trainings = [
        fork.Process(
            target=_train,
            args=(Turns(gates[k], gates[1 - k]), updates, make, answer, k),
            daemon=True,
        )
        for k, make in enumerate((first, second))
    ]
    for training in trainings:
        training.start()
    gates[0].release()
    found = dict(answer.get(timeout=PATIENCE) for _ in trainings)
    for training in trainings:
        training.join()
    return found[0], found[1]


def ratios_in_turn(
    pairs: int, updates: int, folder: Path, base: dict[str, Any], other: dict[str, Any]
) -> list[float]:
    """Return how many times the processor time of `base` the other training takes, pair by pair.

    Each pair begins with the other one of them.
    """
    ratios = []
    for pair in range(pairs):
        one = {"out": folder / f"{pair}-base.h5", **base}
        two = {"out": folder / f"{pair}-other.h5", **other}
        if pair % 2:
            slow, fast = processor_seconds_in_turn(updates, two, one)
        else:
            fast, slow = processor_seconds_in_turn(updates, one, two)
        ratios.append(slow / fast)
    return ratios
