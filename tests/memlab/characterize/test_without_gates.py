"""Procedures on chips whose cells have no gates: SETs have amplitudes, or the procedure says no."""

from typing import Any

import numpy as np
import pytest

from memlab.array.set_control import SetControl
from memlab.characterize import Region, estimate_procedures, plan_procedures, run_procedures
from memlab.characterize.levels import LevelsConfig
from memlab.characterize.procedure import Procedure
from memlab.characterize.registry import PROCEDURES, load_procedure
from memlab.emulator import line_solution
from memlab.errors import LimitError, SettingError
from memlab.runs import open_run, read_record

CHIP = "emulator:?chip=passive-tiox&seed=7&shape=8x7"
SAME = f"{CHIP}&spread.threshold=0&noise=0&non_responsive=0"
REGION = Region(rows="2:7", columns="1:6")
QUICK = {
    "forming": ["voltage_maximum=2.6", "steps=3"],
    "iv": ["cycles=1", "steps=6"],
    "set": ["voltage_maximum=2.6"],
    "endurance": ["cycles=5"],
    "retention": ["duration=1"],
    "read-noise": ["reads=16", "burst=4", "zeros=8"],
    "variation": ["cycles=2"],
    "vmm-accuracy": ["patterns=4"],
}
WHOLE = ("linearity", "wires")


def ran(name: str, path: Any, *, url: str = SAME, settings: Any = ()) -> Any:
    """Run a procedure and return its run."""
    (plan,) = plan_procedures([name], board=url, settings=settings, out=path / "run.h5")
    region = Region() if name in WHOLE else REGION
    run_procedures([plan], url, region, figure=True)
    return open_run(path / "run.h5")


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("name", sorted({*PROCEDURES} - {"staircase"}))
def test_a_procedure_runs_without_gates_and_draws_its_picture(name, tmp_path):
    run = ran(name, tmp_path, url=CHIP, settings=QUICK.get(name, ()))
    assert run.finished
    assert (tmp_path / "run.png").exists()
    record = read_record(run.path)
    assert not record.load.gates
    assert len(record.load.columns) == 7  # those that are not selected are at 0 V, too


def test_a_rehearsal_counts_what_a_run_does_and_solves_no_wires(monkeypatch, tmp_path):
    settings = [*QUICK["forming"], "chip=passive-tiox", "chip.shape=8x7", "seed=7"]
    run = ran("forming", tmp_path, url=CHIP, settings=QUICK["forming"])
    monkeypatch.setattr(line_solution, "_te_lines", None)
    (bill,) = estimate_procedures(plan_procedures(["forming"], settings=settings), REGION)
    fired = sum(batch.pulses for batch in read_record(run.path).programs)
    assert bill["pulses"] == fired > 15


def test_the_staircase_is_one_of_gate_voltages_and_refuses_before_there_is_a_file(tmp_path):
    with pytest.raises(SettingError, match=r"no gates, and .*memlab characterize set.*Nothing was"):
        ran("staircase", tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "setting"), [("yield", "gate_voltage=1.2"), ("variation", "gate_low=1.0")]
)
def test_gate_voltages_that_somebody_chose_are_refused(name, setting, tmp_path):
    with pytest.raises(SettingError, match=rf"{setting}: the cells .*no gates.*set_voltage=2\.2 V"):
        ran(name, tmp_path, settings=[setting])
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", WHOLE)
def test_what_reckons_with_wires_wants_the_whole_array(name, tmp_path):
    (plan,) = plan_procedures([name], board=CHIP, out=tmp_path / "run.h5")
    with pytest.raises(SettingError, match="whole array"):
        run_procedures([plan], CHIP, REGION)
    assert not [*tmp_path.iterdir()]


def test_the_levels_of_retention_are_set_amplitudes_and_are_called_so(tmp_path):
    run = ran("retention", tmp_path, settings=["duration=1", "set_states=3", "set_minimum=1.6"])
    axis = run.findings.axes["set_voltage"].value
    np.testing.assert_allclose(axis, [0.0, 1.6, 1.9, 2.2])
    assert "gate_voltage" not in run.findings.axes
    mean = run.findings.values["mean"].value[:, 0]
    assert (np.diff(mean) > 10e-6).all()


def test_a_set_map_has_one_row_and_finds_where_amplitudes_begin_to_do_something(tmp_path):
    run = ran("set", tmp_path, settings=["voltage_maximum=2.6", "voltages=12"])
    assert run.findings.axes["gate_voltage"].value.tolist() == [0.0]
    volts = run.findings.axes["voltage"].value
    mean = run.findings.values["mean"].value[0]
    assert mean[volts < 1.3].max() < 6e-6  # the threshold of the preset
    assert mean[volts > 2.2].min() > 95e-6


def test_a_procedure_of_another_package_is_refused_unless_it_says_that_it_can(tmp_path):
    class Own(load_procedure("yield")):
        needs_gates = Procedure.needs_gates

    (plan,) = plan_procedures(["yield"], board=CHIP, out=tmp_path / "run.h5")
    plan = type(plan)(Own(plan.config), plan.out)
    with pytest.raises(SettingError, match="was not written for such chips"):
        run_procedures([plan], CHIP, REGION)


def test_levels_lie_between_the_lowest_amplitude_and_that_of_the_point():
    config = LevelsConfig(set_minimum=1.5).model_copy(
        update={"point": LevelsConfig().point.model_copy(update={"set_voltage": 2.1})}
    )
    found = config.controls(SetControl.AMPLITUDE, [[0.8, 1.6], [2.4, 1.2]], (0.8, 2.4))
    np.testing.assert_allclose(found, [[1.5, 1.8], [2.1, 1.65]])
    same = config.controls(SetControl.GATE, [0.8, 1.6], (0.8, 2.4))
    assert same.tolist() == [0.8, 1.6]
    assert config.controls(SetControl.AMPLITUDE, 1.0, (1.0, 1.0)).tolist() == 2.1
    with pytest.raises(SettingError, match="below"):
        config.model_copy(update={"set_minimum": 2.1}).controls(
            SetControl.AMPLITUDE, 1.0, (0.8, 2.4)
        )


def test_cells_without_gates_are_formed_where_the_board_holds_the_current_only(monkeypatch):
    import dataclasses

    import memlab

    with memlab.open_array(SAME) as array:
        array.check_forming(0.0)
        held = dataclasses.replace(array.board.capabilities, compliance=None)
        monkeypatch.setattr(array._session, "able", held)
        with pytest.raises(LimitError, match="holds no current"):
            array.check_forming(0.0)
