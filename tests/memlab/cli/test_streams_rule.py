"""One rule for all commands: results on stdout, one document with --json; talk on stderr."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.command import in_process

URL = "emulator:?chip=ideal&seed=3"
SMALL = ("--rows", "0:2", "--columns", "0:2")
COMMANDS = {
    "limits": ("limits",),
    "chip show": ("chip", "show", "ideal"),
    "data list": ("data", "list"),
    "settings": ("characterize", "iv", "--settings"),
    "read": ("read", "--board", URL),
    "vmm": ("vmm", "v.npy", "--board", URL),
    "program": ("program", "t.npy", "--board", URL, *SMALL),
    "characterize": ("characterize", "staircase", *SMALL, "--set", "steps=2"),
    "estimate": ("estimate", "staircase", *SMALL, "--set", "steps=2"),
    "train": ("train", "airline", "--epochs", "1", "--board", URL),
    "runs list": ("runs", "list", "made.h5"),
    "runs show": ("runs", "show", "made.h5"),
    "runs validate": ("runs", "validate", "made.h5"),
    "runs diff": ("runs", "diff", "made.h5", "made.h5"),
    "runs watch": ("runs", "watch", "made.h5", "--once"),
    "board info": ("board", "info", "--board", URL),
    "board ground": ("board", "ground", "--board", URL),
    "board bench": ("board", "bench", "--board", URL, "--vectors", "2", "--calls", "2"),
}
TALK = ("epoch 1", "given up", "Ctrl-C", "\r", "\x1b", "memlab: note")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from memlab.characterize import Region, plan_procedures, run_procedures

    path = tmp_path_factory.mktemp("made") / "made.h5"
    plans = plan_procedures(["staircase"], settings=["steps=2"], out=path)
    run_procedures(plans, "emulator:", Region("0", "0"), figure=False)
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_results_go_to_stdout_and_talk_to_stderr(
    name: str,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    np.save("v.npy", np.full((3, 128), 0.1))
    np.save("t.npy", np.full((128, 64), 2e-4))
    Path("made.h5").write_bytes(made.read_bytes())
    code, out, err = in_process(capsys, *COMMANDS[name], "--json")
    assert code == 0, err
    document = json.loads(out)
    assert out.count("\n") == 1
    code, out, err = in_process(capsys, *COMMANDS[name])
    assert code == 0, err
    assert out.strip()
    assert not [words for words in TALK if words in out]
    for key in ("run", "out", "figure"):  # what was written is part of the result
        if isinstance(document, dict) and str(document.get(key, "")).endswith((".h5", ".npy")):
            assert Path(document[key]).suffix in out
            assert Path(document[key]).suffix not in err
