"""Trials on a Dask cluster, named by the address of its scheduler.

Dask gives the trials of a lost worker to another one. The machines need memlab and, for the
experiments that read files, the data; they share no disk: run files come back over the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from memlab.errors import MemlabError, SettingError
from memlab.sweep.trial import Outcome, Trial, run_trial

__all__ = ["run_on_cluster"]

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
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise SettingError(
            "--scheduler needs Dask: python -m pip install 'memlab[sweep]'"
        ) from error
    client = _connect(Client, address)
    try:
        # Not pure: Dask must not take a result of an earlier sweep that it remembers.
        futures = {client.submit(run_trial, trial, pure=False): trial for trial in trials}
        for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
            trial = futures.pop(future)
            try:
                yield future.result()
            except KilledWorker as error:
                yield Outcome(trial, None, f"workers died of it, or with it: {error}")
            except OSError as error:
                raise MemlabError(f"lost the scheduler at {address}: {error}") from error
            future.release()  # or the cluster would keep every run file
    finally:
        client.close()


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
