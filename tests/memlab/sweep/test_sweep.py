"""Sweeps end with the same table whatever is killed, wherever they run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray
from support.command import in_process

from memlab.errors import MemlabError
from memlab.sweep import Outcome, Sweep, Trial, plan_sweep, run_sweep
from memlab.sweep import runner as sweep_runner

MEMLAB = [sys.executable, "-m", "memlab"]
REPOSITORY = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"}
SMALL = ["airline-window", "--set", "chip.noise=0:8e-6:2", "--seeds", "3", "--epochs", "3"]


def command(out: Path, *arguments: str) -> list[str]:
    return [*MEMLAB, "sweep", *arguments, "--out", str(out), "--json"]


def sweep(out: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        command(out, *arguments),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def small(out: Path, epochs: int = 3) -> Sweep:
    return plan_sweep(
        "airline-window", settings=["chip.noise=0:8e-6:2"], seeds=3, epochs=epochs, out=out
    )


def in_this_process(trials: list[Trial], *_: object) -> Iterator[Outcome]:
    yield from map(sweep_runner_run_trial, trials)


def sweep_runner_run_trial(trial: Trial) -> Outcome:
    from memlab.sweep import run_trial

    return run_trial(trial)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of the small sweep, trial after trial in this process."""
    out = tmp_path_factory.mktemp("reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_runner, "run_on_processes", in_this_process)
        result = run_sweep(small(out))
    assert (result.trials, result.ran, result.reused) == (6, 6, 0)
    return out


OTHER_THREAD = """
import sys, threading
if "sweep" in sys.orig_argv:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


def beginning(lines: str, directory: Path) -> dict[str, str]:
    """Return an environment in which every Python begins with some lines."""
    (directory / "sitecustomize.py").write_text(lines)
    return ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(directory), str(REPOSITORY)])}


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Process ids below a process, from /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


def workers(pid: int) -> list[int]:
    """Children of a sweep that run trials, copies of it and spawned ones."""
    found = []
    for child in children(pid):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"resource_tracker" not in words:
            found.append(child)
    return found


# -- the table ------------------------------------------------------------------------------


def test_xarray_reads_the_table_and_every_trial_has_a_run_file(reference: Path) -> None:
    with xarray.open_dataset(reference / "table.nc", engine="h5netcdf") as table:
        assert table["test_rmse"].dims == ("chip.noise", "seed")
        np.testing.assert_allclose(table["chip.noise"], [0, 8e-6])
        np.testing.assert_array_equal(table["seed"], [1, 2, 3])
        assert np.isfinite(table["test_rmse"]).all()
        # Without noise a chip has nothing that a seed could change.
        assert np.ptp(table["test_rmse"][0].values) == 0
        assert np.ptp(table["test_rmse"][1].values) > 0
        names = table["trial"].values
        for index in np.ndindex(2, 3):
            with h5py.File(reference / "trials" / f"{names[index]}.h5") as file:
                entry = file["entry"].attrs
                assert entry["seed"] == index[1] + 1
                assert entry["metrics.test_rmse"] == table["test_rmse"].values[index]
    assert (reference / "table.png").read_bytes().startswith(b"\x89PNG")


def test_a_trial_has_the_result_of_memlab_train(
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--seed", "2", "--epochs", "3", "--set", "chip.noise=8e-6", "--json", "--quiet"]
    code, out, said = in_process(capsys, "train", "airline-window", *arguments)
    assert code == 0, said
    with xarray.open_dataset(reference / "table.nc", engine="h5netcdf") as table:
        assert json.loads(out)["metrics"]["test_rmse"] == table["test_rmse"].values[1, 1]


# -- running again --------------------------------------------------------------------------


def test_running_again_runs_nothing_and_a_larger_sweep_only_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_runner, "run_on_processes", in_this_process)
    assert run_sweep(small(tmp_path)).ran == 6
    first = (tmp_path / "table.nc").read_bytes()
    again = run_sweep(small(tmp_path))
    assert (again.ran, again.reused) == (0, 6)
    assert (tmp_path / "table.nc").read_bytes() == first
    larger = plan_sweep(
        "airline-window", settings=["chip.noise=0,8e-6"], seeds=4, epochs=3, out=tmp_path
    )
    result = run_sweep(larger)
    assert (result.ran, result.reused) == (2, 6)


def test_a_damaged_run_file_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_runner, "run_on_processes", in_this_process)
    planned = small(tmp_path)
    run_sweep(planned)
    first = (tmp_path / "table.nc").read_bytes()
    victim = planned.file(planned.trials[4])
    victim.write_bytes(victim.read_bytes()[:1000])
    assert run_sweep(planned).ran == 1
    assert (tmp_path / "table.nc").read_bytes() == first


def test_a_failed_trial_is_said_left_out_of_the_table_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_fails(trials: list[Trial], *_: object) -> Iterator[Outcome]:
        yield Outcome(trials[0], None, "DeviceError: it burnt")
        yield from in_this_process(trials[1:])

    monkeypatch.setattr(sweep_runner, "run_on_processes", one_fails)
    planned = small(tmp_path)
    result = run_sweep(planned)
    assert [reason for _, reason in result.failed] == ["DeviceError: it burnt"]
    with xarray.open_dataset(result.table, engine="h5netcdf") as table:
        assert np.isnan(table["test_rmse"].values).sum() == 1
    monkeypatch.setattr(sweep_runner, "run_on_processes", in_this_process)
    assert (run_sweep(planned).ran, run_sweep(planned).ran) == (1, 0)


def test_when_every_trial_fails_the_first_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_fail(trials: list[Trial], *_: object) -> Iterator[Outcome]:
        yield from (Outcome(trial, None, "MissingDataError: none") for trial in trials)

    monkeypatch.setattr(sweep_runner, "run_on_processes", all_fail)
    with pytest.raises(MemlabError, match="MissingDataError: none"):
        run_sweep(small(tmp_path))


# -- killing --------------------------------------------------------------------------------


@pytest.mark.parametrize("alone", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_killed_worker_loses_nothing(alone: bool, reference: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(tmp_path, *SMALL, "--workers", "2"),
        env=beginning("" if alone else OTHER_THREAD, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    wait_for(lambda: len(workers(process.pid)) == 2)
    os.kill(workers(process.pid)[0], signal.SIGKILL)
    stdout, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    document = json.loads(stdout)
    assert document["ran"] == 6
    assert document["failed"] == []
    assert (tmp_path / "table.nc").read_bytes() == (reference / "table.nc").read_bytes()


@pytest.mark.slow
def test_a_killed_command_loses_nothing_and_leaves_no_process(
    reference: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        command(tmp_path, *SMALL, "--workers", "2"),
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    trials = tmp_path / "trials"
    wait_for(lambda: trials.is_dir() and any(trials.glob("[!.]*.h5")))
    below = workers(process.pid)
    process.kill()
    process.wait()
    finished = len(list(trials.glob("[!.]*.h5")))
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), 20)
    document = sweep(tmp_path, *SMALL)
    assert document["reused"] == finished >= 1
    assert document["ran"] == 6 - finished
    assert (tmp_path / "table.nc").read_bytes() == (reference / "table.nc").read_bytes()


def test_ctrl_c_ends_at_once_with_130_and_leaves_no_process(tmp_path: Path) -> None:
    long = ["airline-window", "--epochs", "1000000", "--seeds", "2", "--workers", "2"]
    process = subprocess.Popen(
        command(tmp_path, *long),
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    below: list[int] = []
    try:
        wait_for(lambda: len(workers(process.pid)) == 2)
        below = workers(process.pid)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Traceback" not in stderr
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), 20)
    finally:
        # A million epochs would outlive a test that failed, and slow down all that follow.
        process.kill()
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("alone", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_ctrl_c_is_no_matter_of_a_process_that_is_just_starting(
    alone: bool, tmp_path: Path
) -> None:
    # The whole group hears Ctrl-C: as soon as a process begins, before anything of ours runs.
    lines = f"""
import os, pathlib, signal, sys

def hit(how):
    pathlib.Path({str(tmp_path / "hit")!r}).write_text(how)
    os.kill(os.getpid(), signal.SIGINT)

if "--multiprocessing-fork" in sys.orig_argv:
    hit("spawned")
os.register_at_fork(after_in_child=lambda: hit("copied"))
"""
    environment = beginning(lines + ("" if alone else OTHER_THREAD), tmp_path)
    one = ["airline-window", "--epochs", "1", "--seeds", "1", "--workers", "1"]
    done = subprocess.run(
        command(tmp_path / "out", *one),
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    # Only a process without other threads is copied, and only Linux tells of them.
    copied = alone and sys.platform == "linux"
    assert (tmp_path / "hit").read_text() == ("copied" if copied else "spawned")
    assert "Traceback" not in done.stderr
    assert (done.returncode, json.loads(done.stdout)["ran"]) == (0, 1)


# -- a cluster ------------------------------------------------------------------------------


class Cluster:
    """A Dask scheduler and workers, as processes of their own."""

    def __init__(self, directory: Path):
        self._file = directory / "scheduler.json"
        self._directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        self._start("scheduler", *options, "--scheduler-file", str(self._file))
        wait_for(self._file.exists)
        self.address = json.loads(self._file.read_text())["address"]

    def add_worker(self) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        return self._start("worker", self.address, *options)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env=ENVIRONMENT,
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
        return process


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_a_cluster_gives_the_table_of_one_process(
    reference: Path, tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.add_worker()
    where = ["--scheduler", cluster.address, "--out", str(tmp_path / "out"), "--json"]
    code, out, talk = in_process(capsys, "sweep", *SMALL, *where)
    assert code == 0, talk
    assert json.loads(out)["ran"] == 6
    assert (tmp_path / "out" / "table.nc").read_bytes() == (reference / "table.nc").read_bytes()


@pytest.mark.slow
def test_a_lost_worker_of_a_cluster_loses_nothing(
    reference: Path, tmp_path: Path, cluster: Cluster
) -> None:
    victim, _ = cluster.add_worker(), cluster.add_worker()
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(out, *SMALL, "--scheduler", cluster.address),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    wait_for(lambda: (out / "trials").is_dir() and any((out / "trials").glob("[!.]*.h5")))
    victim.kill()
    stdout, _ = process.communicate(timeout=100)
    assert json.loads(stdout)["ran"] == 6
    assert (out / "table.nc").read_bytes() == (reference / "table.nc").read_bytes()


@pytest.mark.slow
def test_a_killed_command_on_a_cluster_loses_nothing(
    reference: Path, tmp_path: Path, cluster: Cluster
) -> None:
    cluster.add_worker()
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(out, *SMALL, "--scheduler", cluster.address),
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: (out / "trials").is_dir() and any((out / "trials").glob("[!.]*.h5")))
    process.kill()
    process.wait()
    finished = len(list((out / "trials").glob("[!.]*.h5")))
    document = sweep(out, *SMALL, "--scheduler", cluster.address)
    assert document["reused"] == finished >= 1
    assert document["ran"] == 6 - finished
    assert (out / "table.nc").read_bytes() == (reference / "table.nc").read_bytes()


def test_no_scheduler_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["--scheduler", "nonsense://here", "--out", str(tmp_path), "--json"]
    code, _, said = in_process(capsys, "sweep", *SMALL, *nowhere)
    assert code == 2
    assert len(said.strip().splitlines()) == 2  # how far it is, and the error
    assert "nonsense" in said
