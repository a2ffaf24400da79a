"""What `memlab runs resume` says where there is nothing to go on with, and when it is stopped."""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.any_run import type_in
from support.command import in_process
from support.stopped import StopAfter

from memlab import Model, open_array
from memlab.array.board_array import BoardArray
from memlab.calibrate.procedure import CalibrationKind
from memlab.experiments import make_plan, resume, run
from memlab.kinds import kind_names, load_kind
from memlab.nn import layers
from memlab.runs import RunFile, open_run
from memlab.session import Session

SETTINGS = ("network.units=2", "log.level=off")
URL = "emulator:?chip=ideal&seed=1"


def begun(out: Path) -> None:
    plan = make_plan("airline-window", seed=3, epochs=2, settings=SETTINGS, out=out)
    with pytest.raises(KeyboardInterrupt):
        run(plan, [StopAfter(updates=1)], figure=False)


# -- kinds that cannot ----------------------------------------------------------------------


def fitted(out: Path) -> None:
    rng = np.random.default_rng(1)
    with open_array(URL) as array:
        model = Model([layers.Dense(2)], array, input_shape=3)
        with pytest.raises(KeyboardInterrupt):
            model.fit(
                rng.random((8, 3)),
                np.arange(8) % 2,
                epochs=2,
                out=out,
                observers=[StopAfter(updates=0)],
            )


def recorded_of_torch(out: Path) -> None:
    pytest.importorskip("torch")
    from memlab.torch import crossbar_layers, record

    with open_array(URL) as array:
        model = crossbar_layers(array, {"only": (3, 2)})["only"]
        with pytest.raises(KeyboardInterrupt), record(model, "mine", out=out):
            raise KeyboardInterrupt


def calibrated(out: Path) -> None:
    def stop(self: object, session: Session) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CalibrationKind, "run", stop)
        with contextlib.suppress(AssertionError):
            type_in("calibrate", "--board", URL, "--no-store", "--out", str(out))


def read(out: Path) -> None:
    type_in("read", "--board", URL, "--rows", "0:3", "--columns", "0:2", "--out", str(out))


def multiplied(out: Path) -> None:
    np.save(out.with_suffix(".npy"), np.full((3, 128), 0.1))
    type_in("vmm", str(out.with_suffix(".npy")), "--board", URL, "--out", str(out))


CANNOT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "Model.fit": ("network", fitted),
    "torch.record": ("network", recorded_of_torch),
    "calibrate": ("calibration", calibrated),
    "read": ("read", read),
    "vmm": ("vmm", multiplied),
}


@pytest.mark.parametrize("what", CANNOT)
def test_a_kind_that_cannot_be_resumed_says_so_in_one_line(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, make = CANNOT[what]
    out = tmp_path / "run.h5"
    make(out)
    code, _, said = in_process(capsys, "runs", "resume", str(out))
    (line,) = said.splitlines()
    assert code == 1
    assert f"{out}: a run of {kind} cannot be resumed; do it again, into another file" in line


def test_every_kind_that_cannot_be_resumed_is_tried_here() -> None:
    tried = {kind for kind, _ in CANNOT.values()} | {"imported"}  # which is never begun
    cannot = {
        name
        for name in kind_names()
        if load_kind(name).__module__.startswith("memlab.") and not load_kind(name).resumable
    }
    assert cannot == tried


# -- a run that ended before it was started ---------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="it forks")
def test_a_file_that_was_left_before_it_was_started_is_said_to_hold_nothing_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.h5"
    if not (child := os.fork()):
        kept = RunFile(out, "a run", {})  # noqa: F841 - it is open until the end
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    for words in (["resume", str(out)], ["show", str(out)]):
        code, _, said = in_process(capsys, "runs", *words)
        (line,) = said.splitlines()
        assert code == 1
        assert line.endswith("holds nothing that was measured; remove it, and start the run again")
    code, _, said = in_process(capsys, "runs", "list", str(tmp_path))
    assert code == 0
    assert "remove it, and start the run again" in said


def test_a_run_without_a_checkpoint_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.h5"
    begun(out)
    for one in tmp_path.glob(".*.checkpoint*"):
        one.unlink()
    code, _, said = in_process(capsys, "runs", "resume", str(out), "--quiet")
    (line,) = said.splitlines()
    assert (code, line.endswith("Start the run again, with another --out")) == (1, True)


# -- signals at its edges ---------------------------------------------------------------------


def signalled(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """Send SIGTERM when a function begins."""
    real = getattr(owner, name)

    def send(*given: object, **named: object) -> object:
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*given, **named)

    monkeypatch.setattr(owner, name, send)


@pytest.mark.usefixtures("drawn")
@pytest.mark.skipif(os.name != "posix", reason="a signal to itself")
@pytest.mark.parametrize(
    ("owner", "name", "finished"),
    [
        ("memlab.experiments.runner", "find_checkpoint", False),
        ("memlab.experiments.runner", "recorded", False),
        ("memlab.runs.run_file.RunFile", "_finish", True),
        ("memlab.session.checkpoint.Checkpoints", "remove", True),
        ("memlab.kinds", "plot_run", True),
    ],
)
def test_a_signal_in_the_first_and_the_last_moment_of_a_resume_names_the_file_and_the_command(
    owner: str,
    name: str,
    finished: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run.h5"
    begun(out)
    with monkeypatch.context() as patch:
        target = pytest.importorskip(owner) if owner.islower() else _named(owner)
        signalled(patch, target, name)
        code, _, said = in_process(capsys, "runs", "resume", str(out), "--quiet")
    line = said.splitlines()[-1]
    assert code == 130
    assert "interrupted by SIGTERM" in line
    assert str(out) in line
    assert line.endswith(f"go on with: memlab runs resume {out}") is not finished
    assert (resume(out, figure=False) is None) is finished


@pytest.mark.skipif(os.name != "posix", reason="a signal to itself")
def test_a_signal_while_the_array_of_procedures_is_closed_names_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["characterize", "staircase", "variation", "--board", "emulator:?chip=ideal&seed=3"]
    small = ["--rows", "0:3", "--columns", "1:3", "--set", "steps=2", "--set", "cycles=2"]
    signalled(monkeypatch, BoardArray, "close")
    code, _, said = in_process(capsys, *words, *small, "--quiet", "--out", str(tmp_path / "two"))
    assert code == 130
    line = said.splitlines()[-1]
    for name in ("staircase.h5", "variation.h5"):
        assert str(tmp_path / "two" / name) in line
        assert open_run(tmp_path / "two" / name).finished
    assert "runs resume" not in line


def _named(path: str) -> object:
    module, _, name = path.rpartition(".")
    return getattr(__import__(module, fromlist=[name]), name)
