"""The log of a write-and-verify against its result: every number at its own name and place."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.array.ideal import IdealArray
from memlab.mapping import Round, SwitchingLaw, WriteVerify, write_verify
from memlab.numeric import FloatArray
from memlab.runs import RunFile, WriteVerifyLog

LAW = SwitchingLaw(98e-6, 110e-6)
"""10 uS below what an ideal array does."""
BEFORE = 1e-6 * np.array([[300.0, 0.0, 40.0], [270.0, 310.0, 260.0], [20.0, 0.0, 200.0], [0, 1, 2]])
TARGET = 1e-6 * np.array(
    [[250.0, 250.0, np.nan], [240.0, np.nan, 260.0], [0.0, 230.0, 220.0], [np.nan] * 3]
)


@pytest.mark.parametrize("maps", [True, False])
def test_every_read_and_where_every_cell_ended(tmp_path: Path, maps: bool) -> None:
    array = IdealArray(9, 7)[[1, 4, 2, 8], [0, 5, 3]]
    array.write(BEFORE)
    run = RunFile(tmp_path / "run.h5", "write-and-verify", {})
    log = WriteVerifyLog(run, "program")
    log.declare(array, maps=maps)
    run.start()
    log.target(TARGET)
    seen: list[tuple[Round, FloatArray]] = []

    def observe(step: Round, conductance: FloatArray) -> None:
        seen.append((step, conductance.copy()))
        log.read(step, conductance)
        with h5py.File(tmp_path / "run.h5", "r", swmr=True) as file:  # before the next pulse
            assert file["entry/program/read"].size == len(seen)

    settings = WriteVerify(2e-6, correction=0.5, attempts=3)
    result = write_verify(array, TARGET, LAW, settings, observer=observe)
    log.finish(result)
    run.close("finished")

    assert result.failed.any()
    assert result.done.any()
    assert (result.set != result.reset).any()
    with h5py.File(tmp_path / "run.h5") as file:
        group = file["entry/program"]
        assert group["row"][:].tolist() == [1, 4, 2, 8]
        assert group["column"][:].tolist() == [0, 5, 3]
        assert group["read"][:].tolist() == list(range(len(seen)))
        for name, field in (
            ("done", "done"),
            ("failed", "failed"),
            ("sets", "set"),
            ("resets", "reset"),
            ("median_error", "median_error"),
        ):
            assert group[name][:].tolist() == [getattr(step, field) for step, _ in seen], name
        assert ("conductance" in group) == maps
        if maps:
            np.testing.assert_array_equal(group["conductance"][:], [cells for _, cells in seen])
        for name, values in (
            ("target", TARGET),
            ("final", array.read_conductance()),
            ("error", array.read_conductance() - TARGET),
            ("set_pulses", result.set),
            ("reset_pulses", result.reset),
            ("cell_failed", result.failed),
        ):
            np.testing.assert_array_equal(group[name][:], values, name)


def test_it_says_under_which_loads_the_cells_were_read(tmp_path: Path) -> None:
    array = IdealArray(9, 7)
    views = [array[:4, :3], array[4:, 2:6], array[:4, :3]]
    for group, given, expected in (
        ("whole", [], [array.load]),
        ("one", views[:1], [views[0].load]),
        ("two", views, [views[0].load, views[1].load]),
    ):
        run = RunFile(tmp_path / f"{group}.h5", "write-and-verify", {})
        WriteVerifyLog(run, group).declare(array, views=given)
        run.start()
        run.close("finished")
        with h5py.File(tmp_path / f"{group}.h5") as file:
            told = file[f"entry/{group}"].attrs["load"]
        assert told == " | ".join(map(str, expected))


def test_maps_of_every_read_are_kept_unless_somebody_says_no(tmp_path: Path) -> None:
    run = RunFile(tmp_path / "run.h5", "write-and-verify", {})
    WriteVerifyLog(run, "one").declare(IdealArray(9, 7))
    WriteVerifyLog(run, "other").declare(IdealArray(9, 7), maps=False)
    run.close("finished")
    with h5py.File(tmp_path / "run.h5") as file:
        assert set(file["entry/one"]) - set(file["entry/other"]) == {"conductance"}
