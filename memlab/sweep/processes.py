"""Trials on the cores of this machine, one process each.

Every process takes the next trial when it is free. A process that dies takes its pool with it
(that is how `concurrent.futures` works); the trials that were not finished go to a new pool.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.process import BaseProcess
from pathlib import Path

from drivers import stopping
from memlab.errors import MemlabError
from memlab.sweep.trial import Outcome, Trial, run_trial

__all__ = ["run_on_processes"]

GIVE_UP = 3
"""Pools that may break in a row without one finished trial between them."""

_PATIENCE = 3.0
"""Seconds that a process has to end before it is killed."""

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")


def run_on_processes(trials: Sequence[Trial], workers: int, unfinished: Path) -> Iterator[Outcome]:
    """Run trials on some processes, and yield each outcome as it comes, in any order.

    Parameters
    ----------
    trials, workers
        What to run, on how many processes.
    unfinished
        Directory in which trials stay whose process ends too early, to go on from there.

    Raises
    ------
    MemlabError
        If the processes die again and again without finishing anything.
    """
    waiting = {trial.name: trial for trial in trials}
    broken = 0
    while waiting:
        finished = len(waiting)
        try:
            for outcome in _run_pool(list(waiting.values()), workers, unfinished):
                del waiting[outcome.trial.name]
                yield outcome
        except BrokenProcessPool as error:
            broken = 1 if len(waiting) < finished else broken + 1
            if broken == GIVE_UP:
                raise MemlabError(
                    f"worker processes died {GIVE_UP} times in a row (out of memory?); what "
                    "is finished is kept, run the command again with fewer --workers"
                ) from error


def _run_pool(trials: Sequence[Trial], workers: int, unfinished: Path) -> Iterator[Outcome]:
    # A copy has all modules loaded. But of other threads, Python's or those of a BLAS, it would
    # have the locks without the threads; and only Linux tells that there are none.
    alone = len([*Path("/proc/self/task").glob("*")]) == 1
    context = multiprocessing.get_context("fork" if alone else "spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(min(workers, len(trials)), context, _end_with_the_parent)
    # A little more than the processes can hold, so that none waits, and no more: what is handed
    # out is lost work when the command is stopped.
    todo = iter(trials)
    running: set[Future[Outcome]] = set()
    try:
        while True:
            for trial in islice(todo, workers + 1 - len(running)):
                with _as_children_need_it():  # submitting starts processes
                    running.add(pool.submit(_run, trial, unfinished))
            if not running:
                break
            done, running = wait(running, stopping.LOOK_EVERY, FIRST_COMPLETED)
            stopping.check()
            for future in done:
                yield future.result()
        pool.shutdown()
    except BaseException:
        # Stopped, or broken: do not wait for trials that nobody will read.
        pool.shutdown(wait=False, cancel_futures=True)
        _end(set(multiprocessing.active_children()) - others)
        raise


def _run(trial: Trial, unfinished: Path) -> Outcome:
    """Run a trial; a process that is told to end does so once the trial is interrupted in order."""
    try:
        return run_trial(trial, unfinished)
    except KeyboardInterrupt:
        os._exit(1)


def _end(processes: set[BaseProcess]) -> None:
    """End processes, and return when there are none: they would write where we clean up."""
    for process in processes:
        process.terminate()
    give_up = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(0.0, give_up - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


@contextmanager
def _as_children_need_it() -> Iterator[None]:
    """Start children whose BLAS makes no threads at all, and that hear no Ctrl-C from the first.

    Threads in use cannot be taken back. A signal mask is inherited; what this thread was sent
    meanwhile, it hears at the end.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    masked = hasattr(signal, "pthread_sigmask")  # not on Windows
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masked else set()
    try:
        yield
    finally:
        if masked:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end_with_the_parent() -> None:
    """End this process when the command is killed: nobody would read its results."""
    # Ctrl-C reaches the whole group of processes; the parent says what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
