"""`memlab runs diff` names every difference, and only differences."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.image import imread

from memlab.cli import cli
from memlab.runs import open_run
from memlab.runs.difference import NumberChange, compare_runs

pytestmark = pytest.mark.usefixtures("rendered")


def test_a_copy_is_the_same(made_runs: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5"
    copy.write_bytes(made_runs["steps-a"].read_bytes())
    assert compare_runs(open_run(made_runs["steps-a"]), open_run(copy)).same


def test_settings_seed_and_chip_are_named(made_runs: dict[str, Path]) -> None:
    found = compare_runs(open_run(made_runs["steps-a"]), open_run(made_runs["steps-b"]))
    assert not found.same
    assert [(one.name, one.before, one.after) for one in found.about] == [("seed", 1, 9)]
    assert [one.name for one in found.settings] == ["seed"]
    serial = {one.name: (one.before, one.after) for one in found.instrument}["board.serial"]
    assert serial == ("ta-hfo2-1", "ta-hfo2-9")
    assert not found.versions


def test_only_what_was_changed_is_named(made_runs: dict[str, Path]) -> None:
    found = compare_runs(open_run(made_runs["train-a"]), open_run(made_runs["train-b"]))
    changes = {one.name: (one.before, one.after) for one in found.settings}
    assert changes == {"train.epochs": (3, 4), "train.lr": (0.001, 0.003)}
    assert not found.instrument


def test_numbers_have_a_difference_in_their_errors(made_runs: dict[str, Path]) -> None:
    a, b = (open_run(made_runs[name]) for name in ("steps-a", "steps-b"))
    found = {one.name: one for one in compare_runs(a, b).numbers}["set_slope"]
    first, second = a.findings.values["set_slope"], b.findings.values["set_slope"]
    assert found.difference == pytest.approx(second.value - first.value)
    error = np.hypot(float(first.error or 0), float(second.error or 0))
    assert found.z == pytest.approx((second.value - first.value) / error)


def test_what_one_run_lacks_has_no_difference() -> None:
    only = NumberChange("g", "S", "a conductance", 1e-4, 1e-6, None, None)
    assert only.difference is None
    assert only.z is None
    no_error = NumberChange("g", "S", "a conductance", 1e-4, None, 2e-4, 1e-6)
    assert no_error.difference == pytest.approx(1e-4)
    assert no_error.z is None


def test_what_a_run_does_not_ask_is_not_called_undetermined(made_runs: dict[str, Path]) -> None:
    pair = [str(made_runs[name]) for name in ("map", "train-a")]
    said = CliRunner().invoke(cli, ["runs", "diff", *pair])
    lines = [line for line in said.stdout.splitlines() if line.strip().startswith("final_loss")]
    assert len(lines) == 1
    assert lines[0].split()[1] == "-"
    numbers = compare_runs(*(open_run(Path(name)) for name in pair)).numbers
    assert {one.name: one.given for one in numbers}["final_loss"] == (False, True)


def test_different_kinds_are_compared_in_what_they_share(made_runs: dict[str, Path]) -> None:
    found = compare_runs(open_run(made_runs["map"]), open_run(made_runs["train-a"]))
    assert ("kind", "read", "airline") in [(o.name, o.before, o.after) for o in found.about]
    lacking = {one.name: one for one in found.numbers}["test_rmse"]
    assert lacking.before is None
    assert lacking.after is not None


@pytest.mark.parametrize("names", [("train-a", "train-b"), ("steps-a", "steps-b")])
def test_the_picture_overlays_both(
    names: tuple[str, str], made_runs: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "both.png"
    files = [str(made_runs[name]) for name in names]
    done = CliRunner().invoke(cli, ["runs", "diff", *files, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["figure"] == str(out)
    assert imread(out).std() > 0.05


def test_maps_without_a_common_cell_are_not_drawn(
    made_runs: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "both.png"
    files = [str(made_runs[name]) for name in ("map", "train-a")]
    done = CliRunner().invoke(cli, ["runs", "diff", *files, "--out", str(out)])
    assert done.exit_code == 0
    assert not out.exists()
    assert "no picture" in done.stdout
