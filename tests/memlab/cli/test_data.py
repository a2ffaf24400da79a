"""`memlab data` as a user types it."""

import json
import sys
from pathlib import Path

import pytest

from memlab.cli import main


def memlab(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["memlab", "data", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    stdout, stderr = capsys.readouterr()
    code = ended.value.code or 0
    assert isinstance(code, int)
    return code, stdout, stderr


def test_list_says_what_is_here_and_how_to_get_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wafer.npz").write_bytes(b"")
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path))
    monkeypatch.setattr("memlab.datasets.series.find_spec", lambda package: None)
    code, stdout, _ = memlab(monkeypatch, capsys, "list", "--json")
    assert code == 0
    document = json.loads(stdout)
    assert document["directory"] == str(tmp_path)
    present = {entry["name"]: entry["present"] for entry in document["datasets"]}
    assert present == {
        "airline": True,
        "mnist": False,
        "gait": False,
        "gait-synthetic": True,
        "wafer": True,
        "ecg200": False,
        "japanese-vowels": False,
        "spoken-digits": False,
    }
    code, stdout, stderr = memlab(monkeypatch, capsys, "list")
    assert (code, stderr) == (0, "")
    assert "memlab data fetch mnist" in stdout


def test_path_prints_a_directory_or_a_file_that_scripts_can_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wafer.npz").write_bytes(b"")
    where = ["--data", str(tmp_path)]
    assert memlab(monkeypatch, capsys, "path", *where)[:2] == (0, f"{tmp_path}\n")
    expected = f"{tmp_path / 'wafer.npz'}\n"
    assert memlab(monkeypatch, capsys, "path", "wafer", *where)[:2] == (0, expected)


@pytest.mark.parametrize("command", ["path", "fetch"])
@pytest.mark.parametrize("name", ["gait", "wafer"])
def test_missing_data_is_one_line_that_says_how_to_get_it_and_exit_code_2(
    command: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, stdout, stderr = memlab(monkeypatch, capsys, command, name, "--data", str(tmp_path))
    assert (code, stdout) == (2, "")
    assert len(stderr.strip().splitlines()) == 1
    assert "--data" in stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_that_does_not_answer_is_one_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMLAB_MNIST_URL", "http://127.0.0.1:9/")
    code, stdout, stderr = memlab(monkeypatch, capsys, "fetch", "mnist", "--data", str(tmp_path))
    assert (code, stdout) == (1, "")
    assert len(stderr.strip().splitlines()) == 1
    assert "cannot download" in stderr
