"""`memlab train` as a user types it, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from support.command import in_process

from memlab.cli import main

MEMLAB = [sys.executable, "-m", "memlab"]
REPOSITORY = Path(__file__).parents[3]


def test_json_prints_one_document_on_stdout_and_progress_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("train", "airline", "--epochs", "4", "--seed", "3", "--json")
    code, out, talk = in_process(capsys, *words)
    assert code == 0, talk
    document = json.loads(out)
    assert document["experiment"] == "airline"
    assert document["preset"] == "memlab"
    assert document["board"] == "emulator:"
    assert document["seed"] == 3
    assert document["seconds"] > 0
    assert set(document["metrics"]) == {
        "train_rmse",
        "test_rmse",
        "persistence_train_rmse",
        "persistence_test_rmse",
        "final_loss",
    }
    # Experiments reference 5: persistence 23.2 / 48.5 thousand.
    of = document["metrics_of"]["test_rmse"]
    assert of == {"units": "1e3 passengers", "n": 47, "of": "months of test"}
    assert document["metrics"]["persistence_train_rmse"] == pytest.approx(23.2, abs=0.05)
    assert document["metrics"]["persistence_test_rmse"] == pytest.approx(48.5, abs=0.05)
    # 96 training vectors for each layer and epoch, 143 for each layer in the prediction.
    assert document["counts"]["vmm"] == 2 * (4 * 96 + 143)
    # Every cell is SET at the start and at each update.
    assert document["counts"]["set"] == (34 * 60 + 32) * 5
    assert "epoch 4/4" in talk
    assert "\x1b" not in talk
    with h5py.File(tmp_path / document["run"]) as file:
        assert file["entry/training/loss"].size == 4
    assert (tmp_path / document["figure"]).read_bytes().startswith(b"\x89PNG")


def test_a_person_gets_a_summary_on_stdout_and_progress_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, said = in_process(capsys, "train", "airline", "--epochs", "2", "--out", "run.h5")
    assert code == 0
    assert "persistence" in out
    assert "run.png" in out
    assert "epoch" not in out
    assert "epoch 2/2" in said
    assert "run.png" not in said


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--board", "nonsense"], "must start with"),
        (["--board", "emulator:?chip=none"], "choose one of"),
        (["--board", "emulator:?sead=3"], "sead"),
        (["--board", "emulator:?seed=x"], "whole number"),
        (["--set", "train.lear=1"], "train.lr"),
        (["--set", "train.lr"], "key=value"),
        (["--set", "train.lr=fast"], "train.lr=fast"),
        (["--set", "train.lr=-1"], "train.lr"),
        (["--set", "train=1"], "train.epochs"),
        (["--set", "chip.noise=-1"], "chip.noise"),
        (["--set", "chip=none"], "none"),
        (["--set", "network.units=0"], "network.units"),
        (["--set", "network.units=16"], "units"),
        (["--set", "mapping.gate_initial=3"], "gate"),
        (["--epochs", "-1"], "epochs"),
        (["--seed", "-1"], "seed"),
        (["--preset", "best"], "paper"),
        (["--out", "precious.h5"], "exists already"),
        (["--out", "precious.dat"], "exists already"),
        (["--out", "missing/run.h5"], "no directory"),
        (["--out", "."], "directory"),
    ],
)
def test_bad_input_gets_one_line_exit_code_2_and_touches_nothing(
    tmp_path: Path,
    arguments: list[str],
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "precious.h5").write_bytes(b"precious")
    (tmp_path / "precious.png").write_bytes(b"precious")
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["memlab", "train", "airline", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    stdout, stderr = capsys.readouterr()
    assert ended.value.code == 2, stderr
    assert stdout == ""
    assert len(stderr.strip().splitlines()) == 1, stderr
    assert hint in stderr
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "precious.h5").read_bytes() == b"precious"


def test_a_refused_limit_ends_with_exit_code_4_before_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, said = in_process(capsys, "train", "airline", "--set", "point.read_voltage=0.5")
    assert code == 4
    assert "limits.read_voltage" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["trian"], ["train", "airlines"], ["train"], ["--nope"]])
def test_unknown_commands_and_experiments_are_usage_errors(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = in_process(capsys, *arguments)
    assert code == 2
    assert len(said.strip().splitlines()) == 1


def test_ctrl_c_ends_with_130_and_keeps_what_was_measured(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        [*MEMLAB, "train", "airline", "--out", "run.h5"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("airline, preset memlab: ")
    assert process.stderr.readline().startswith("epoch 1/400")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["entry"].attrs["status"] == "interrupted"
        assert file["entry/training/loss"].size >= 1


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], {"numpy", "scipy", "h5py", "matplotlib", "pydantic"}),
        (
            ["train", "airline", "--epochs", "0", "--quiet"],
            {"scipy.stats", "scipy.optimize", "scipy.signal", "scipy.io", "xarray", "dask"},
        ),
    ],
    ids=["help", "train"],
)
def test_a_start_loads_nothing_heavy_that_it_does_not_use(
    arguments: list[str], heavy: set[str], tmp_path: Path
) -> None:
    code = (
        "import sys; from memlab.cli import cli\n"
        f"cli.main({arguments}, standalone_mode=False)\n"
        f"heavy = {heavy} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert arguments[0] == "train" or "train" in done.stdout


def test_missing_data_is_one_line_that_says_how_to_get_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("gait", "wafer"):
        arguments = ["memlab", "train", name, "--data", str(tmp_path), "--out", "run.h5"]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capsys.readouterr()
        assert (ended.value.code, stdout) == (2, "")
        assert len(stderr.strip().splitlines()) == 1
        assert "--data" in stderr
    assert list(tmp_path.iterdir()) == []


def test_data_is_refused_by_an_experiment_that_brings_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["memlab", "train", "airline", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "takes no --data" in capsys.readouterr().err


def test_a_resume_with_nothing_left_to_do_is_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run.h5")
    assert in_process(capsys, "train", "airline", "--epochs", "0", "--quiet", "--out", out)[0] == 0
    code, stdout, stderr = in_process(capsys, "runs", "resume", out, "--json")
    assert code == 0
    assert json.loads(stdout) == {"run": out, "status": "finished"}
    assert "nothing was left to run" in stderr
