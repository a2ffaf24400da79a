"""Trials on a Dask cluster, named by the address of its scheduler.

Dask gives the trials of a lost worker to another one. The machines need memlab and, for the
experiments that read files, the data; they share no disk: run files come back over the network.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from drivers import stopping
from drivers.extras import pip_command
from memlab.errors import MemlabError, SettingError
from memlab.sweep.trial import Outcome, Trial, run_trial

__all__ = ["run_on_cluster"]

_LOOK_EVERY = 0.05
_CHATTY = ("distributed.client", "distributed.comm", "distributed.core", "distributed.utils")
CONNECT = 20.0
"""Seconds to wait for the scheduler, and for its first worker."""


def run_on_cluster(trials: Sequence[Trial], address: str) -> Iterator[Outcome]:
    """Run trials on a cluster, and yield each outcome as it comes, in any order.

    Parameters
    ----------
    trials
        What to run.
    address
        Of the scheduler, for example `tcp://192.0.2.1:8786`.

    Raises
    ------
    SettingError
        If Dask is not installed, or there is no scheduler or no worker.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise SettingError(f"--scheduler needs Dask: {pip_command('sweep')}") from error
    with _quiet():
        with stopping.at_once():
            client = _connect(Client, address)
        try:
            yield from _outcomes(client, trials, address)
        finally:
            client.close()


def _outcomes(client: Any, trials: Sequence[Trial], address: str) -> Iterator[Outcome]:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    # Not pure: Dask must not take a result of an earlier sweep that it remembers.
    futures = {client.submit(run_trial, trial, pure=False): trial for trial in trials}
    completed = as_completed(list(futures))  # type: ignore[no-untyped-call]
    while futures:
        # Nothing in here waits: a signal would have to wait with it.
        for future in completed.next_batch(block=False):  # type: ignore[no-untyped-call]
            trial = futures.pop(future)
            try:
                yield future.result()
            except KilledWorker as error:
                yield Outcome(trial, None, f"workers died of it, or with it: {error}")
            except (OSError, CancelledError) as error:
                raise MemlabError(
                    f"lost the scheduler at {address}: {error} What is finished is kept; run the "
                    "command again when there is one"
                ) from error
            future.release()  # or the cluster would keep every run file
        stopping.sleep(_LOOK_EVERY)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own words and tracebacks out of stderr: what matters is raised here."""
    loggers = [logging.getLogger(name) for name in ("distributed", *_CHATTY)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _connect(make_client: Any, address: str) -> Any:
    try:
        client = make_client(address, timeout=CONNECT)
    except (OSError, ValueError) as error:
        raise SettingError(
            f"no Dask scheduler at {address!r}: {str(error) or type(error).__name__}"
        ) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT)
    except TimeoutError as error:
        client.close()
        raise SettingError(
            f"the scheduler at {address} has no workers; start some with `dask worker {address}`"
        ) from error
    return client
