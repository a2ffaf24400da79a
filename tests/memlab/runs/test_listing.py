"""`memlab runs list` and `show`: which runs are there, and what each says of itself."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.started import start

from memlab.cli import cli
from memlab.errors import SettingError
from memlab.runs import open_run
from memlab.runs.listing import Choice, list_runs


def invoke(*args: str) -> Result:
    return CliRunner().invoke(cli, ["runs", *args])


def test_all_runs_of_a_directory_are_listed_by_their_start(made_runs: dict[str, Path]) -> None:
    folder = made_runs["map"].parent
    found = list_runs([folder])
    assert {run.path for run in found.runs} == set(made_runs.values())
    assert [run.started for run in found.runs] == sorted(run.started for run in found.runs)
    assert not found.unreadable


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(kinds=("staircase",)), {"steps-a", "steps-b"}),
        (Choice(kinds=("experiment", "read")), {"train-a", "train-b", "map"}),
        (Choice(seed=5), {"train-a", "train-b"}),
        (Choice(seed=9), {"steps-b"}),
        (Choice(chip="ta-hfo2-9"), {"steps-b"}),
        (Choice(statuses=("killed",)), set()),
        (Choice(board="emulator:", kinds=("operation",)), {"map"}),
        (Choice(tags=("good",)), set()),
    ],
)
def test_a_choice_leaves_the_wanted_ones(
    choice: Choice, expected: set[str], made_runs: dict[str, Path]
) -> None:
    found = list_runs([made_runs["map"].parent], choice)
    assert {run.path.stem for run in found.runs} == expected


def test_dates_are_the_start_of_the_run(made_runs: dict[str, Path]) -> None:
    started = open_run(made_runs["train-a"]).started
    one = [made_runs["train-a"]]
    second = timedelta(seconds=1)
    assert list_runs(one, Choice(since=started, until=started)).runs
    assert not list_runs(one, Choice(since=started + second)).runs
    assert not list_runs(one, Choice(until=started - second)).runs
    with pytest.raises(SettingError, match="swapped"):
        Choice(since=started + second, until=started)


def test_a_directory_that_goes_while_it_is_looked_into_is_passed_over(
    tmp_path: Path, made_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("goes", "stays"):
        (tmp_path / name).mkdir()
    (tmp_path / "stays" / "run.h5").write_bytes(made_runs["map"].read_bytes())
    scandir = os.scandir

    def late(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "goes":
            Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", late)
    assert [run.path.name for run in list_runs([tmp_path], below=True).runs] == ["run.h5"]


def test_directories_below_are_looked_into_when_asked(
    made_runs: dict[str, Path], tmp_path: Path
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "run.h5").write_bytes(made_runs["map"].read_bytes())
    assert not list_runs([tmp_path]).runs
    assert len(list_runs([tmp_path], below=True).runs) == 1


def test_what_is_no_run_is_named_and_hides_no_run(
    made_runs: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "good.h5").write_bytes(made_runs["map"].read_bytes())
    damaged = bytearray(made_runs["steps-a"].read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.h5").write_bytes(damaged)
    (tmp_path / "notes.hdf5").write_text("no HDF5")
    done = invoke("list", str(tmp_path), "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert [Path(one["run"]).name for one in document["runs"]] == ["good.h5"]
    why = {Path(one["file"]).name: one["why"] for one in document["unreadable"]}
    assert set(why) == {"damaged.h5", "notes.hdf5"}
    assert "damaged" in why["damaged.h5"]


def test_people_see_one_line_a_run(made_runs: dict[str, Path]) -> None:
    done = invoke("list", str(made_runs["map"].parent), "--kind", "airline")
    assert done.exit_code == 0
    assert "test_rmse" in done.stdout
    assert "2 runs" in done.stderr


def test_names_of_any_characters_are_shown_as_they_are(
    made_runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    name = "a[bold]b[0]\n\x1b[31mred.h5"
    (tmp_path / name).write_bytes(made_runs["map"].read_bytes())
    shown = "a[bold]b[0]\ufffd\ufffd[31mred.h5"
    (line,) = invoke("list", str(tmp_path)).stdout.splitlines()[1:]
    assert shown in line
    done = invoke("show", str(tmp_path / name))
    assert shown in done.stdout
    assert "\x1b" not in done.stdout
    done = invoke("list", str(tmp_path), "--json")
    assert Path(json.loads(done.stdout)["runs"][0]["run"]).name == name


def test_show_says_settings_and_results_of_any_kind(made_runs: dict[str, Path]) -> None:
    for name, path in made_runs.items():
        done = invoke("show", str(path))
        assert done.exit_code == 0, name
        assert "nothing here was measured on silicon" in done.stdout
    done = invoke("show", str(made_runs["train-b"]))
    assert "train.lr" in done.stdout
    assert "by default 0.001" in done.stdout


def test_the_document_of_show_holds_everything(made_runs: dict[str, Path]) -> None:
    done = invoke("show", str(made_runs["steps-b"]), "--json")
    document = json.loads(done.stdout)
    run = open_run(made_runs["steps-b"])
    assert document["run_id"] == run.run_id
    assert document["settings"]["steps"] == 4
    assert document["results"]["set_slope"]["value"] == run.metrics["set_slope"]
    assert document["results"]["set_slope"]["units"] == "S/V"
    assert document["instruments"][0]["board.serial"] == "ta-hfo2-9"


COMMANDS = {
    "train": ["train", "airline", "--epochs", "1", "--quiet"],
    "characterize": ["characterize", "staircase", "--rows", "0:2", "--set", "steps=2", "--quiet"],
    "calibrate": ["calibrate", "--program", "--passes", "1", "--no-store", "--quiet"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_run_is_found_by_its_tags_and_says_its_note(name: str, tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    board = ["--board", "emulator:?chip=ta-hfo2"] if name == "calibrate" else []
    labels = ["--tag", "die-7", "--tag", "before bake", "--note", "fresh from the oven"]
    done = CliRunner().invoke(cli, [*COMMANDS[name], *board, *labels, "--out", str(out)])
    assert done.exit_code == 0, done.output
    run = open_run(out)
    assert run.tags == ("die-7", "before bake")
    assert run.note == "fresh from the oven"
    assert list_runs([tmp_path], Choice(tags=("before bake",))).runs
    assert not list_runs([tmp_path], Choice(tags=("before bake", "die-8"))).runs


@pytest.mark.parametrize("tags", [["a", "a"], [""], [" a"]])
def test_a_wrong_tag_is_refused_before_anything_is_touched(tags: list[str], tmp_path: Path) -> None:
    given = [part for tag in tags for part in ("--tag", tag)]
    out = tmp_path / "run.h5"
    done = CliRunner().invoke(cli, ["train", "airline", *given, "--out", str(out)])
    assert isinstance(done.exception, SettingError)
    assert not out.exists()


def test_of_a_directory_with_other_runs_nothing_is_said_of_those_below(
    made_runs: dict[str, Path],
) -> None:
    done = invoke("list", str(made_runs["map"].parent), "--seed", "4711")
    assert done.stderr == "0 runs\n"


def test_in_a_pipe_names_are_whole_and_runs_below_are_told_of(
    made_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_runs["map"].parent
    monkeypatch.chdir(folder.parent)
    monkeypatch.delenv("COLUMNS", raising=False)

    def listed(where: str) -> tuple[str, str]:
        process = start("support.started:command", "runs", "list", where)
        out, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return out, said

    lines = listed(str(folder))[0].splitlines()
    assert len(lines) == 1 + len(made_runs), "a line for each run"
    for path in made_runs.values():
        assert sum(str(path) in line for line in lines) == 1
    assert not [line for line in lines if line != line.rstrip()]
    out, said = listed(".")
    assert out == ""
    assert "--below" in said
    assert "0 runs" in said
