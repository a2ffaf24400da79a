"""Faults of the system around a command: no traceback, nothing lost, one line, the right exit code.

Each row of `FAULTS` is a command in a shell of its own; `RUNS` are trainings that something happens
to. Those that take seconds are marked slow.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")

MEMLAB = [sys.executable, "-m", "memlab"]
REPOSITORY = Path(__file__).parents[3]

VMM = "vmm volts.npy --board emulator:?chip=ideal --rows 0:2 --columns 0:4 --out out.h5"
SHORT_SWEEP = "sweep airline --epochs 20 --seeds 2 --workers 2 --json --out sweep"
TRAIN = "train airline --epochs 3 --out run.h5"


@dataclass(frozen=True)
class Fault:
    """A command line, what the shell does before it, and what must come of it."""

    name: str
    command: str
    code: int
    word: str = ""
    """What the one line on stderr must hold; no line at all where it is empty."""
    before: str = ""
    streams: str = ""
    environment: dict[str, str | None] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    """Run files that must be complete."""
    talks: bool = False
    """Whether words for people may stand before the line."""
    slow: bool = False


CANNOT = "cannot be written to stdout"
OUT = ("out.h5",)
RUN = ("run.h5",)
FAULTS = [
    Fault("stdout closed", f"{VMM} --json", 1, "out.h5", streams=">&-", whole=OUT),
    Fault("stdout full", f"{VMM} --json", 1, "out.h5", streams=">/dev/full", whole=OUT, slow=True),
    Fault("stdout full, a table", "chip show ta-hfo2", 1, CANNOT, streams=">/dev/full"),
    Fault("stdout closed, a table", "chip show ta-hfo2", 1, CANNOT, streams=">&-", slow=True),
    Fault("stdout closed, none needed", "limits", 0, streams=">&-", talks=True),
    Fault("viewer of stdout gone", "limits --json", 1, CANNOT, streams="| exec true"),
    Fault("stderr closed", VMM, 0, streams="2>&-", whole=OUT, slow=True),
    Fault("stderr full", VMM, 0, streams="2>/dev/full", whole=OUT, slow=True),
    Fault("stderr full, an error", "limits extra", 2, streams="2>/dev/full"),
    Fault("viewer of both gone", "limits", 1, streams="2>&1 | exec true"),
    Fault("stdin closed", VMM, 0, streams="<&-", whole=OUT, talks=True, slow=True),
    Fault("all closed", VMM, 0, streams="<&- >&- 2>&-", whole=OUT),
    Fault("all closed, an error", "limits extra", 2, streams="<&- >&- 2>&-"),
    Fault("locale C", "chip show ta-hfo2", 0, environment={"LC_ALL": "C", "LANG": "C"}, slow=True),
    Fault("ASCII", "chip show ta-hfo2", 0, environment={"PYTHONIOENCODING": "ascii"}, slow=True),
    Fault("cp1252", "chip show ta-hfo2", 0, environment={"PYTHONIOENCODING": "cp1252"}, slow=True),
    Fault("cp1252, help", "--help", 0, environment={"PYTHONIOENCODING": "cp1252"}),
    Fault("dumb terminal", "limits", 0, environment={"TERM": "dumb"}, talks=True),
    Fault("no home", VMM, 0, environment={"HOME": None}, whole=OUT, talks=True, slow=True),
    Fault("no TMPDIR", VMM, 0, environment={"TMPDIR": "/gone"}, whole=OUT, talks=True, slow=True),
    Fault("no directory for the output", f"{VMM[:-6]}/gone/out.h5", 2, "/gone", slow=True),
    Fault("a directory of the kernel", f"{VMM[:-6]}/proc/out.h5", 1, "measured is in", slow=True),
    Fault("working directory gone", "read", 1, "memlab-runs", "mkdir w; cd w; rmdir ../w"),
    Fault("files limited", f"{VMM[:-6]}out.npy", 1, "File too large", "ulimit -f 0"),
    Fault("disk full in a run", TRAIN, 1, "File too large", "ulimit -f 60", talks=True, slow=True),
    Fault("no memory", "board bench --vectors 20000000", 1, "memory", "ulimit -v 4000000"),
    Fault("few files", TRAIN, 1, "Too many open", "ulimit -n 8", talks=True, slow=True),
    Fault("stderr full, a run", TRAIN, 0, streams="2>/dev/full", whole=RUN, slow=True),
    Fault("viewer gone, a run", TRAIN, 0, streams="2>&1 | head -1", whole=RUN, slow=True),
    Fault("all closed, a run", TRAIN, 0, streams="<&- >&- 2>&-", whole=RUN, slow=True),
    Fault(
        "stdout full, a run",
        f"{TRAIN} --json --quiet",
        1,
        "run.h5",
        streams=">/dev/full",
        whole=RUN,
        slow=True,
    ),
]


def _environment(changes: dict[str, str | None] = {}) -> dict[str, str]:  # noqa: B006 - only read
    merged = {**os.environ, "PYTHONPATH": str(REPOSITORY), **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _status(path: Path) -> str:
    with h5py.File(path) as file:
        return str(file["entry"].attrs["status"])


def _assert_one_line(text: str, word: str, talks: bool) -> None:
    lines = text.splitlines()
    assert "Traceback" not in text, text
    assert "Exception ignored" not in text, text
    assert "--debug" not in text, text
    errors = [line for line in lines if line.startswith("memlab: ")]
    if not word:
        assert errors == [], text
    else:
        assert len(errors) == 1, text
        assert word in errors[0]
    assert talks or lines == errors, text


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=fault.name, marks=[pytest.mark.slow] * fault.slow) for fault in FAULTS],
)
def test_a_fault_of_the_system_is_one_line_and_loses_nothing(fault: Fault, tmp_path: Path) -> None:
    if "/dev/full" in fault.streams and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    np.save(tmp_path / "volts.npy", np.full((3, 2), 0.1))
    command = f"( {fault.before or ':'}; exec \"$@\" ); echo $? >'{tmp_path}/code'"
    script = f"{{ {command}; }} {fault.streams}"
    done = subprocess.run(
        ["sh", "-c", script, "sh", *MEMLAB, *fault.command.split()],
        cwd=tmp_path,
        env=_environment(fault.environment),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (tmp_path / "code").read_text().strip() == str(fault.code), done.stderr
    _assert_one_line(done.stderr.decode(errors="replace"), fault.word, fault.talks)
    for name in fault.whole:
        assert _status(tmp_path / name) == "finished"


class Training:
    """A training in a process of its own that goes on until something happens to it."""

    def __init__(self, directory: Path, *prefix: str, epochs: int = 1000000) -> None:
        self.run = directory / "run.h5"
        self.process = subprocess.Popen(
            [*prefix, *MEMLAB, "train", "airline", "--epochs", str(epochs), "--out", "run.h5"],
            cwd=directory,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stderr is not None
        self.said = ""
        while "epoch" not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line

    def end(self) -> tuple[int, str]:
        _, rest = self.process.communicate(timeout=60)
        return self.process.returncode, self.said + rest

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Callable[..., Training]]:
    started: list[Training] = []

    def start(*prefix: str, epochs: int = 1000000) -> Training:
        started.append(Training(tmp_path, *prefix, epochs=epochs))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param((signal.SIGTERM,), id="SIGTERM"),
        pytest.param((signal.SIGINT, signal.SIGINT), id="SIGINT twice"),
        pytest.param((signal.SIGINT,), id="SIGINT", marks=pytest.mark.slow),
        pytest.param((signal.SIGHUP,), id="SIGHUP", marks=pytest.mark.slow),
        pytest.param((signal.SIGTERM, signal.SIGINT), id="both", marks=pytest.mark.slow),
        pytest.param((signal.SIGINT,) * 5, id="SIGINT five times", marks=pytest.mark.slow),
    ],
)
def test_signals_end_a_run_like_ctrl_c(
    training: Callable[..., Training], signals: tuple[int, ...]
) -> None:
    one = training()
    for number in signals:
        one.process.send_signal(number)
    code, said = one.end()
    assert code == 130
    _assert_one_line(said, "run.h5", talks=True)
    assert "every line is grounded" in said
    assert _status(one.run) == "interrupted"


@pytest.mark.slow
def test_a_run_under_nohup_outlives_its_terminal(training: Callable[..., Training]) -> None:
    one = training("sh", "-c", "trap '' HUP; exec \"$@\"", "sh", epochs=60)
    one.process.send_signal(signal.SIGHUP)
    code, said = one.end()
    assert code == 0, said
    assert _status(one.run) == "finished"


@pytest.mark.slow
def test_a_viewer_that_goes_away_in_the_middle_costs_nothing(
    training: Callable[..., Training],
) -> None:
    one = training(epochs=60)
    assert one.process.stderr is not None
    assert one.process.stdout is not None
    one.process.stderr.close()
    one.process.stdout.close()
    assert one.process.wait(60) == 0
    assert _status(one.run) == "finished"


def _children(process: int) -> list[int]:
    return [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_is_ended_leaves_no_process_and_no_folder(tmp_path: Path, how: int) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = ["sweep", "airline-window", "--epochs", "1000000", "--seeds", "2", "--workers", "2"]
    sweep = subprocess.Popen(
        [*MEMLAB, *arguments, "--out", "sweep"],
        cwd=tmp_path,
        env=_environment({"TMPDIR": str(temporary)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while len(list((tmp_path / "sweep" / "unfinished").glob("*.h5"))) < 2:
            assert time.monotonic() < end
            assert sweep.poll() is None
            time.sleep(0.05)
        below = _children(sweep.pid)
        sweep.send_signal(how)
        _, said = sweep.communicate(timeout=60)
        assert sweep.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130)
        if how != signal.SIGKILL:
            _assert_one_line(said, "interrupted", talks=True)
        while any(Path(f"/proc/{pid}").exists() for pid in below):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert list(temporary.iterdir()) == []
    finally:
        if sweep.poll() is None:
            os.killpg(sweep.pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_trial_leaves_no_folder(tmp_path: Path) -> None:
    if not Path("/proc/self/task").exists():
        pytest.skip("finds the workers in /proc")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    sweep = subprocess.Popen(
        [
            *MEMLAB,
            *[
                "sweep",
                "airline",
                "--epochs",
                "20",
                "--seeds",
                "2",
                "--workers",
                "2",
                "--json",
                "--out",
                "sweep",
            ],
        ],
        cwd=tmp_path,
        env=_environment({"TMPDIR": str(temporary)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while len(list((tmp_path / "sweep" / "unfinished").glob("*.h5"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(_children(sweep.pid)[-1], signal.SIGKILL)
    out, said = sweep.communicate(timeout=120)
    assert sweep.returncode == 0, said
    assert json.loads(out)["failed"] == []
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "sweep" / "unfinished").exists()


@pytest.mark.slow
def test_the_output_directory_is_removed_in_mid_run(
    training: Callable[..., Training], tmp_path: Path
) -> None:
    one = training()
    one.run.unlink()
    one.process.send_signal(signal.SIGINT)
    code, said = one.end()
    assert code in (1, 130)
    _assert_one_line(said, "memlab:", talks=True)


def test_the_list_has_twenty_faults() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20
    assert shutil.which("sh")
