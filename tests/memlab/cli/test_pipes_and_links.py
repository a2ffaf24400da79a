"""A name may be a pipe, and a file may lead to one: nothing waits for its other end."""

import os
import shutil
from pathlib import Path

import h5py
import pytest
from support.command import in_process
from support.old_files import FIXTURES

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes"),
    pytest.mark.timeout(90),
]
RUN = FIXTURES / "d9f9529/runs/staircase.h5"

PIPES = [
    "chip show f.toml",
    "read --board emulator:?chip=f.toml --out a.npy",
    "train airline --set chip=f.toml --out t.h5",
    "sweep airline --set chip=f.toml --out s",
    "estimate airline --board-profile f.toml",
    "runs import f.csv --out i.h5",
    "runs import f.h5 --out i.h5",
    "read --board emulator:?calibration=f.json --out a.npy",
    "chip fit f.csv --column gate_voltage=a:V --column conductance=b:S --out t.toml",
    "board serve --tcp 0 --log f.log",
    "train gait --data f.npz --out t.h5",
    "train wafer --data f.tsv --out t.h5",
    "vmm f.npy --out a.npy",
    "runs plot f.h5 --out p.png",
]
LINKED = ["runs plot r.h5 --out p.png", "report r.h5 --out p.html", "runs resume r.h5"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], command: str) -> str:
    code, out, said = in_process(capsys, *command.split())
    assert (code in (1, 2), out) == (True, ""), said
    assert len(said.strip().splitlines()) == 1, said
    assert "--debug" not in said, said
    return said


@pytest.mark.parametrize("command", PIPES)
def test_a_pipe_is_no_file(command: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = next(word for word in command.replace("=", " ").split() if word.startswith("f."))
    os.mkfifo(here / name)
    assert name in refused(capsys, command)
    assert sorted(path.name for path in here.iterdir() if path.name != "state") == [name]


@pytest.mark.parametrize("place", ["entry", "entry/map", "entry/result"])
def test_a_link_into_another_file_is_not_followed(
    place: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(here / "target.h5")
    shutil.copy(RUN, "r.h5")
    with h5py.File("r.h5", "r+") as file:
        del file[place]
        file[place] = h5py.ExternalLink("target.h5", "/x")
    for command in LINKED:
        assert "another file" in refused(capsys, command)


def test_a_link_that_leads_nowhere_is_damage(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(RUN, "r.h5")
    with h5py.File("r.h5", "r+") as file:
        del file["entry"]
        file["entry"] = h5py.SoftLink("/entry")
    for command in LINKED:
        assert "leads nowhere" in refused(capsys, command)
