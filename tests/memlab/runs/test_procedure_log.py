"""The log of a procedure: what a killed writer left behind is cut to what is whole, and goes on.

Every array here differs from every other and no two axes are equally long, so that an item at
another place, or a dataset in place of another, shows.
"""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.array import Measurement
from memlab.errors import DataError
from memlab.runs import Coordinate, FinishedLog, ProcedureLog, RunFile, read_record
from memlab.runs.procedure_log import MemoryLog
from memlab.runs.record import ProgramEntry, Record

CHIP = (11, 8)
ROWS, COLUMNS = np.array([2, 5, 6, 8, 10]), np.array([1, 3, 4])
MASK = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [0, 0, 0]], bool)
FORMABLE = ~MASK | (np.arange(3) == 1)


def reading(k: int) -> Measurement:
    rng = np.random.default_rng(k)
    shape = ROWS.size, COLUMNS.size
    return Measurement(
        rng.uniform(1e-6, 4e-4, shape),
        rng.random(shape) < 0.3,
        rng.integers(0, 65536, shape).astype(np.uint16),
        rng.integers(1, 5, shape).astype(np.uint8),
    )


def vectors(k: int, n: int) -> Measurement:
    rng = np.random.default_rng(100 + k)
    return Measurement(
        rng.uniform(-1e-4, 1e-4, (n, COLUMNS.size)),
        rng.random((n, COLUMNS.size)) < 0.3,
        rng.integers(0, 65536, (n, COLUMNS.size)).astype(np.uint16),
        rng.integers(1, 5, (n, COLUMNS.size)).astype(np.uint8),
        rng.integers(0, 65536, (n, ROWS.size)).astype(np.uint16),
    )


def levels(*values: float) -> list[dict[str, float]]:
    return [{"level": value, "time": 10.0 + value} for value in values]


def begun(path: Path) -> ProcedureLog:
    """Two readings, three vectors, two batches of which one is confirmed."""
    run = RunFile(path, "procedure", {})
    run.group("instrument", "NXinstrument", {"board": {"rows": CHIP[0], "columns": CHIP[1]}})
    log = ProcedureLog.declare(
        run,
        ROWS,
        COLUMNS,
        MASK,
        {"gate": Coordinate("V", "Gate voltage")},
        {"level": Coordinate("1", "Level")},
        CHIP,
        FORMABLE,
    )
    run.start()
    log.entering(4)
    log.programmed(3, 1)
    for k in range(2):
        log.add_reading(reading(k), {"gate": 1.0 + k, "time": 0.5 + k})
    log.add_vectors(vectors(0, 3), levels(1, 2, 3))
    log.entering(7)
    return log


GROWING = {
    "map": ("reading", "conductance", "saturated", "adc_code", "gain", "gate", "time"),
    "vmm": ("vector", "current", "saturated", "adc_code", "gain", "dac_code", "level", "time"),
    "program": ("batch", "pulses"),
    "programmed": ("batch", "fired", "unknown"),
}


def tear(log: ProcedureLog, behind: dict[str, str]) -> None:
    """Leave all datasets of each group longer than one: that is what a kill in a flush does."""
    run = log.run
    for group, names in GROWING.items():
        for number, name in enumerate(names):
            if name == behind[group]:
                continue
            growing = run._growing[f"{group}/{name}"]
            items = np.ones((1 + number % 2, *growing.items), growing.dataset.dtype)
            run.append(f"{group}/{name}", items)
    run.close("interrupted")


def assert_the_beginning(log: ProcedureLog) -> None:
    record = log.record
    np.testing.assert_array_equal(record.rows, ROWS)
    np.testing.assert_array_equal(record.columns, COLUMNS)
    np.testing.assert_array_equal(record.mask, MASK)
    np.testing.assert_array_equal(record.formable, FORMABLE)
    assert record.chip_shape == CHIP
    assert record.programs == [ProgramEntry(4, fired=3, unknown=1), ProgramEntry(7)]
    assert_series(record.readings.measurements, [reading(0), reading(1)])
    assert record.readings.coordinates == {"gate": [1.0, 2.0], "time": [0.5, 1.5]}
    assert_series(record.vectors.measurements, [vectors(0, 3)[k] for k in range(3)])
    assert record.vectors.coordinates == {"level": [1.0, 2.0, 3.0], "time": [11.0, 12.0, 13.0]}


def assert_series(found: list[Measurement], expected: list[Measurement]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for name in ("value", "saturated", "adc_code", "gain"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
        if other.dac_code is not None:
            np.testing.assert_array_equal(one.dac_code, other.dac_code)


@pytest.mark.parametrize("which", [0, 1, -1])
def test_what_a_kill_left_beyond_the_shortest_dataset_is_dropped_and_the_log_goes_on(
    tmp_path: Path, which: int
) -> None:
    path = tmp_path / "run.h5"
    tear(begun(path), {group: names[which] for group, names in GROWING.items()})
    with h5py.File(path) as file:
        torn = file["entry/map"]
        assert len({torn[name].shape[0] for name in GROWING["map"]}) == 3, "2, 3 and 4 items"
    log = ProcedureLog.reopen(path)
    assert_the_beginning(log)
    log.run.start()
    log.programmed(5, 2)
    log.entering(9)
    log.add_reading(reading(2), {"gate": 3.0, "time": 2.5})
    log.add_vectors(vectors(1, 2), levels(4, 5))
    log.run.close("finished")

    with h5py.File(path) as file:
        for group, names in GROWING.items():
            n = {"map": 3, "vmm": 5, "program": 3, "programmed": 2}[group]
            assert {file[f"entry/{group}/{name}"].shape[0] for name in names} == {n}, group
            np.testing.assert_array_equal(file[f"entry/{group}/{names[0]}"][:], np.arange(n))
    record = read_record(path)
    assert record.programs == [ProgramEntry(4, 3, 1), ProgramEntry(7, 5, 2), ProgramEntry(9)]
    assert_series(record.readings.measurements, [reading(k) for k in range(3)])
    assert record.readings.coordinates == {"gate": [1.0, 2.0, 3.0], "time": [0.5, 1.5, 2.5]}
    more = vectors(1, 2)
    expected = [*(vectors(0, 3)[k] for k in range(3)), more[0], more[1]]
    assert_series(record.vectors.measurements, expected)
    assert record.vectors.coordinates["level"] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_batch_has_the_ticket_of_its_run_and_number(tmp_path: Path) -> None:
    log = begun(tmp_path / "run.h5")
    assert log.ticket(17) == f"{log.run.run_id}/17"
    log.run.close("interrupted")
    again = ProcedureLog.reopen(tmp_path / "run.h5")
    assert again.ticket(17) == log.ticket(17)
    again.run.start()
    again.run.close("interrupted")


def test_a_coordinate_that_is_not_given_is_nan_and_codes_that_are_not_there_are_0(
    tmp_path: Path,
) -> None:
    log = begun(tmp_path / "run.h5")
    bare = Measurement(reading(2).value, reading(2).saturated)
    log.add_reading(bare, {"time": 9.0})
    log.run.close("finished")
    record = read_record(tmp_path / "run.h5")
    np.testing.assert_array_equal(record.readings.coordinates["gate"], [1.0, 2.0, np.nan])
    last = record.readings.measurements[-1]
    np.testing.assert_array_equal(last.value, bare.value)
    assert not last.adc_code.any()
    assert not last.gain.any()


def test_a_finished_log_repeats_and_takes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    log = begun(path)
    log.run.close("finished")
    done = FinishedLog(path)
    assert_the_beginning(done)
    assert done.ticket(3) == f"{log.run.run_id}/3"
    for more in (
        lambda: done.entering(1),
        lambda: done.add_reading(reading(2), {}),
        lambda: done.add_vectors(vectors(1, 1), levels(4)),
    ):
        with pytest.raises(DataError, match="is finished, and its procedure would do more"):
            more()


def test_a_procedure_without_vectors_has_none_and_goes_on(tmp_path: Path) -> None:
    run = RunFile(tmp_path / "run.h5", "procedure", {})
    run.group("instrument", "NXinstrument", {"board": {"rows": CHIP[0], "columns": CHIP[1]}})
    gate = {"gate": Coordinate("V", "Gate voltage")}
    log = ProcedureLog.declare(run, ROWS, COLUMNS, MASK, gate, None, CHIP)
    run.start()
    log.add_reading(reading(0), {"gate": 1.0, "time": 0.5})
    run.close("interrupted")
    log = ProcedureLog.reopen(tmp_path / "run.h5")
    assert (len(log.record.readings), len(log.record.vectors)) == (1, 0)
    assert log.record.formable.all(), "unless somebody says otherwise"
    log.run.start()
    log.run.close("interrupted")


@pytest.mark.parametrize("record", [Coordinate("V", "Gate"), ProgramEntry(4, 3, 1)], ids=str)
def test_nobody_changes_what_was_recorded(record: Coordinate | ProgramEntry) -> None:
    for field in fields(record):
        with pytest.raises(FrozenInstanceError):
            setattr(record, field.name, None)


def test_a_file_from_before_tickets_goes_on_with_no_operation_number(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    run = RunFile(path, "procedure", {})
    shape = CHIP[0], CHIP[1]
    log = ProcedureLog.declare(run, ROWS, COLUMNS, MASK, {}, None, shape)
    text = "Operation number before the batch"
    run.declare("program/last_operation", "i8", ("program/batch",), "1", text, 256)
    run.start()
    log.entering(5)
    run.close("interrupted")
    with h5py.File(path) as file:
        assert file["entry/program/last_operation"][()].tolist() == [-1]
        assert file["entry/program/pulses"][()].tolist() == [5]


def empty_record() -> Record:
    maps, of_vectors = (
        {"gate": Coordinate("V", "Gate voltage")},
        {"level": Coordinate("1", "Level")},
    )
    return Record.empty(ROWS, COLUMNS, MASK, maps, of_vectors, CHIP)


def test_a_log_in_memory_keeps_the_same_as_one_in_a_file() -> None:
    log = MemoryLog(empty_record())
    for pulses, fired, unknown in ((4, 4, 0), (7, 5, 1), (6, 0, 6)):
        log.entering(pulses)
        log.programmed(fired, unknown)
    log.entering(2)
    assert log.record.programs == [
        ProgramEntry(4, fired=4, unknown=0),
        ProgramEntry(7, fired=5, unknown=1),
        ProgramEntry(6, fired=0, unknown=6),
        ProgramEntry(2),
    ]
    log.add_reading(reading(1), {"gate": 1.5})
    log.add_vectors(vectors(0, 3), [{"level": level} for level in (1.0, 2.0, 3.0)])
    assert_series(log.record.readings.measurements, [reading(1)])
    assert_series(log.record.vectors.measurements, [vectors(0, 3)[k] for k in range(3)])
    assert log.record.vectors.coordinates["level"] == [1.0, 2.0, 3.0]
    for series, expected in (
        (log.record.readings, Measurement(reading(1).value[None], reading(1).saturated[None])),
        (log.record.vectors, vectors(0, 3)),
    ):
        np.testing.assert_array_equal(series.value, expected.value)
        np.testing.assert_array_equal(series.saturated, expected.saturated)


def test_something_has_happened_with_the_first_pulse_reading_or_vector() -> None:
    nothing = MemoryLog(empty_record())
    nothing.entering(5)
    assert not nothing.record.happened, "entered, and nobody knows more"
    nothing.programmed(0, 0)
    assert not nothing.record.happened
    for fired, unknown in ((1, 0), (0, 1)):
        log = MemoryLog(empty_record())
        log.entering(5)
        log.programmed(fired, unknown)
        assert log.record.happened
    read = MemoryLog(empty_record())
    read.add_reading(reading(0), {"gate": 1.0})
    assert read.record.happened
    multiplied = MemoryLog(empty_record())
    multiplied.add_vectors(vectors(0, 1), [{"level": 1.0}])
    assert multiplied.record.happened


@pytest.mark.parametrize("content", ["entry/training/loss", "entry/map/row", "something"])
def test_the_file_of_anything_else_is_refused(content: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w", libver=("v110", "v110")) as file:
        file[content] = np.arange(3.0)
    with pytest.raises(DataError, match="is not the run file of a procedure"):
        read_record(tmp_path / "run.h5")
