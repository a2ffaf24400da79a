"""Operations and calibrations declare what they find, as every other kind does."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.any_run import type_in

from memlab.kinds import load_kind
from memlab.operations import ProgramConfig, program_target, read_map
from memlab.regions import Region
from memlab.runs import open_run

BOARD = "emulator:?seed=1&chip=ta-hfo2"
REGION = Region("0:5", "2:9")


def found(path: Path) -> dict[str, float]:
    run = open_run(path)
    kind = load_kind(run.kind)
    assert run.findings.values.keys() <= {one.name for one in kind.quantities}
    assert kind.chief(run.findings.values) == kind.quantities[0].name  # what `runs list` shows
    return {name: one.number for name, one in run.findings.values.items()}


def test_a_map_is_known_by_the_median_of_the_cells_of_its_region(tmp_path: Path) -> None:
    out = tmp_path / "map.h5"
    document = read_map(BOARD, REGION, out=out, figure=False)
    assert found(out) == {"conductance": pytest.approx(document["median"])}
    one = open_run(out).findings.values["conductance"]
    assert (one.units, one.n, one.of) == ("S", 35, "cells read")


def test_a_programming_is_known_by_its_cells_within_tolerance_and_their_error(
    tmp_path: Path,
) -> None:
    target = np.full((128, 64), np.nan)
    target[:3, 4:9] = 3e-4
    np.save(tmp_path / "target.npy", target)
    out = tmp_path / "program.h5"
    document = program_target(
        tmp_path / "target.npy", BOARD, ProgramConfig(), out=out, figure=False
    )
    assert found(out) == {
        "within_tolerance": pytest.approx(document["within_tolerance"] / 15),
        "rms_error": pytest.approx(document["rms_error"]["value"]),
    }
    assert open_run(out).findings.values["within_tolerance"].n == 15


def test_a_calibration_is_known_by_what_products_are_wrong_by(tmp_path: Path) -> None:
    out = tmp_path / "calibrate.h5"
    words = ("--board", BOARD, "--program", "--passes", "1", "--no-store", "--out", str(out))
    document = json.loads(type_in("calibrate", *words, "--json", "--quiet"))
    numbers = found(out)
    assert numbers["vmm_error"] == document["vmm_error"]["after"]["value"]
    assert numbers["vmm_error_before"] == document["vmm_error"]["before"]["value"]
    spread = document["spread"]["transimpedance"]
    one = open_run(out).findings.values["transimpedance_spread"]
    assert (one.number, one.units, one.n, one.of) == (
        spread["value"],
        spread["units"],
        spread["n"],
        "columns",
    )
    unknown = open_run(out).findings.values["row_gain_uncertainty"]
    assert not unknown.is_found
    assert "row_gain" in document["unknown"]
