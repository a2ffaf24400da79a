"""A network and a procedure of one's own, installed as packages of others: like built-in ones."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import in_process
from support.outside import install, installed
from support.stopped import StopAfter, assert_same

from memlab import open_run
from memlab.characterize import Region, plan_procedures, run_procedures
from memlab.errors import SettingError
from memlab.experiments import make_plan, resume, run
from memlab.kinds import kind_of_run, plot_run

SCRIPTS = Path(__file__).parents[2] / "scripts"
SMALL = ("data.points=30", "network.units=3", "train.epochs=4", "train.batch=10")
QUICK = [word for setting in (*SMALL, "log.level=off") for word in ("--set", setting)]
"""A picture of few parts."""
REGION = ["--rows", "3:7", "--columns", "10:13"]


@pytest.fixture(scope="module", autouse=True)
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    target = tmp_path_factory.mktemp("site")
    install(target, "our-moons", SCRIPTS / "own_network.py", "experiment", {"moons": "Moons"})
    install(
        target, "our-sets", SCRIPTS / "own_procedure.py", "procedure", {"second-set": "SecondSet"}
    )
    with installed(target):
        yield target


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run of the network."""
    out = tmp_path_factory.mktemp("moons") / "moons.h5"
    run(make_plan("moons", settings=[*SMALL, "log.level=off"], out=out), figure=False)
    return out


@pytest.fixture(scope="module")
def second_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run of the procedure."""
    return procedure(tmp_path_factory.mktemp("sets"))


def procedure(directory: Path, **more: Any) -> Path:
    plans = plan_procedures(
        ["second-set"], settings=["cycles=3", "chip=ta-hfo2"], out=directory / "sets.h5"
    )
    run_procedures(plans, "emulator:", Region("3:7", "10:13"), figure=False, **more)
    return directory / "sets.h5"


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code, out, said = in_process(capsys, *arguments)
    assert code == 0, said
    return out


def test_another_process_finds_them_by_their_metadata_alone(packages: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "memlab", "train", "moons", "--settings", "--json"],
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "network.units" in done.stdout


def test_settings_are_listed_with_meaning_and_unit(capsys: pytest.CaptureFixture[str]) -> None:
    listed = command(capsys, "train", "moons", "--settings")
    assert "network.units" in listed
    assert "Hidden units" in listed
    listed = command(capsys, "characterize", "second-set", "--settings")
    assert "Gate voltage of both SETs" in listed


def test_help_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert "second-set" in command(capsys, "characterize", "--help")
    assert "moons" in command(capsys, "train", "--help")


def test_a_wrong_setting_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = in_process(capsys, "train", "moons", "--set", "network.unit=3")
    assert code == 2
    assert "network.units" in said
    code, _, said = in_process(capsys, "characterize", "second-sett")
    assert code == 2
    assert "second-set" in said


@pytest.mark.usefixtures("drawn")
def test_the_network_is_trained_by_name_and_finds_its_own_metric(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "run.h5"
    told = command(capsys, "train", "moons", "--json", "--quiet", "--out", str(out), *QUICK)
    document = json.loads(told)
    assert document["metrics_of"]["test_margin"] == {"units": "1", "n": 30, "of": "test points"}
    found = open_run(out)
    assert found.settings["network"]["units"] == 3
    assert found.findings.values["test_margin"].error > 0
    assert document["metrics"]["test_margin"] == found.metrics["test_margin"]
    # The first that the kind declares is what lists show.
    assert kind_of_run(found).chief(found.findings.values) == "test_margin"
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_a_transfer_and_early_stopping_are_settings_of_it_too(tmp_path: Path) -> None:
    settings = [*SMALL, "train.epochs=30", "train.patience=2", "method=ex-situ"]
    document = run(make_plan("moons", settings=settings, out=tmp_path / "a.h5"), figure=False)
    assert document["metrics"]["epochs"] < 30
    assert (tmp_path / "a.best.npz").exists()
    assert {"software_test_margin", "test_margin"} <= set(document["metrics"])


def test_the_procedure_finds_what_its_settings_let_it(second_set: Path) -> None:
    found = open_run(second_set)
    assert (found.kind, found.status) == ("second-set", "finished")
    step = found.findings.values["second_step"]
    assert (step.units, step.n, step.of) == ("S", 12, "cells")
    record = found.record
    assert len(record.readings) == 6
    # A SET leaves max(law, G) + noise: the second adds what noise left below, 4 uS / sqrt(2 pi).
    assert abs(step.value - 1.6e-6) < 4 * step.error


@pytest.mark.parametrize("kind", ["moons", "second-set"])
def test_every_command_about_runs_takes_them(
    kind: str,
    moons: Path,
    second_set: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    path = str(moons if kind == "moons" else second_set)
    chief = "test_margin" if kind == "moons" else "second_step"
    assert chief in command(capsys, "runs", "show", path)
    assert chief in command(capsys, "runs", "show", path, "--json")
    assert kind in command(capsys, "runs", "list", str(Path(path).parent), "--json")
    command(capsys, "runs", "validate", path)
    page = tmp_path / "a.html"
    command(capsys, "report", path, "--out", str(page))
    assert chief in page.read_text()
    difference = json.loads(command(capsys, "runs", "diff", path, path, "--json"))
    assert difference["same"]
    command(capsys, "runs", "export", path, "--format", "csv", "--out", str(tmp_path / "csv"))


@pytest.mark.parametrize(
    "arguments", [["moons", *QUICK], ["second-set", *REGION, "--set", "cycles=3"]]
)
def test_the_bill_is_known_before(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bill = json.loads(command(capsys, "estimate", *arguments, "--json"))
    bill = bill[0] if isinstance(bill, list) else bill
    assert "on_board" in json.dumps(bill)


@pytest.mark.slow
def test_a_sweep_tables_the_metric(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    settings = [*QUICK, "--set", "data.noise=0.1,0.2", "--seeds", "1", "--workers", "1"]
    settings += ["--metric", "test_margin"]
    told = command(capsys, "sweep", "moons", *settings, "--out", str(out), "--json", "--quiet")
    assert json.loads(told)["metric"] == "test_margin"
    xarray = pytest.importorskip("xarray")
    with xarray.open_dataset(json.loads(told)["table"]) as table:
        assert table["test_margin"].size == 2
        assert np.isfinite(table["test_margin"]).all()


def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.h5", tmp_path / "broken.h5"
    settings = [*SMALL, "log.level=epochs"]
    run(make_plan("moons", settings=settings, out=whole), figure=False)
    with pytest.raises(KeyboardInterrupt):
        run(make_plan("moons", settings=settings, out=broken), [StopAfter(updates=7)], figure=False)
    document = resume(broken, figure=False)
    assert document is not None
    assert document["metrics"]["test_margin"] == open_run(whole).metrics["test_margin"]
    assert_same(broken, whole)


def test_a_killed_procedure_goes_on_as_if_nothing_had_happened(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, second_set: Path
) -> None:
    def stop(name: str, readings: int) -> None:
        if readings == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        procedure(tmp_path, watch=stop)
    broken = tmp_path / "sets.h5"
    assert open_run(broken).status == "interrupted"
    command(capsys, "runs", "resume", str(broken), "--quiet")
    found, wanted = open_run(broken), open_run(second_set)
    assert found.metrics == wanted.metrics
    for one, other in zip(
        found.record.readings.measurements, wanted.record.readings.measurements, strict=True
    ):
        np.testing.assert_array_equal(one.value, other.value)


def test_without_its_package_a_run_can_be_read_and_drawn_and_says_what_is_missing(
    moons: Path, packages: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "empty"
    elsewhere.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [path for path in sys.path if path != str(packages)])
        with installed(elsewhere):
            found = open_run(moons)
            assert found.metrics["test_margin"] == pytest.approx(found.metrics["test_margin"])
            assert plot_run(moons, tmp_path / "a.png")
            with pytest.raises(SettingError, match="moons"):
                make_plan("moons")
