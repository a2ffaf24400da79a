"""The log of a training against what it was told: every number at its own name and place."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import h5py
import numpy as np
import pytest

from memlab.array import Measurement
from memlab.array.set_control import SetControl
from memlab.chip.load import Load
from memlab.errors import SettingError
from memlab.mapping.layout import Layout
from memlab.nn import Network
from memlab.runs import RunFile, TrainingLog
from memlab.runs.training_log import LogLevel
from memlab.runs.vmm_codes import read_row_codes
from memlab.training import EpochResult, UpdateResult

ROWS, COLUMNS = (2, 5, 6), (1, 4)
RESET = [[1, 0], [0, 1], [0, 0]], [[1, 0], [0, 0], [1, 1]]
"""Of maps with an even number, and with an odd one."""


class Array:
    """What a log wants to know of the array of a block."""

    rows, columns, load = np.array(ROWS), np.array(COLUMNS), Load(ROWS, COLUMNS, (9, 7), 3)
    code_types = "<u2", "<i2"
    control = SetControl.GATE
    on_vmm: Any = None

    def __init__(self, codes: bool) -> None:
        self.codes = codes

    def describe(self) -> dict[str, Any]:
        return {"board": {"transimpedance": 1e3} if self.codes else {}}


def block(name: str, codes: bool) -> Any:
    cell = SimpleNamespace(name=name, array=Array(codes), array_number=3, layout=next(iter(Layout)))
    read(cell, 0)
    return cell


def read(cell: Any, k: int) -> None:
    """Give a block its k-th map."""
    value = 2.0**-20 * np.arange(6.0).reshape(3, 2) + k
    codes = np.arange(6).reshape(3, 2) + 100 * k if cell.array.codes else None
    gain = None if codes is None else np.full((3, 2), k + 1, np.uint8)
    cell.reading = Measurement(value, value < 0, codes, gain)
    reset = np.array(RESET[k % 2], bool)
    cell.programmed = SimpleNamespace(gate_voltage=value * 8 + 0.5, reset=reset)


def multiply(cell: Any, first: int, n: int) -> None:
    """Let the array of a block multiply n vectors, if anybody listens."""
    if cell.array.on_vmm is not None:
        column = np.arange(first, first + n)[:, np.newaxis]
        currents = column + np.array([[0.5, 0.25]])
        codes, gain = column - np.array([1, 2]), np.full((n, 2), 4, np.uint8)
        dac = column + np.array([10, 20, 30])
        cell.array.on_vmm(Measurement(currents, currents < 0, codes, gain, dac))


class Training:
    """A network of two blocks, of which only the first has codes, and its log."""

    def __init__(self, run: RunFile, level: LogLevel, **options: bool) -> None:
        self.blocks = [block("lstm", True), block("dense", False)]
        matrix = SimpleNamespace(blocks=self.blocks, siemens_per_weight=25e-6, read_voltage=0.2)
        matrix.slices = [matrix]
        self.network = cast(Network, SimpleNamespace(matrices=[matrix], blocks=self.blocks))
        self.log = TrainingLog(run, level)
        self.log.declare(self.network, 4, **options)
        run.start()

    def update(self, index: int, epoch: int) -> None:
        multiply(self.blocks[0], 10 * index, 2)
        multiply(self.blocks[0], 10 * index + 2, 1)
        self.log.multiplied(self.network)
        for k, one in enumerate(self.blocks):
            read(one, index + 1 + k)
        self.log.updated(UpdateResult(index, epoch, 0.5 + index, 0.25 * index), self.network)

    def end_epoch(self, epoch: int) -> None:
        self.log.epoch_finished(EpochResult(epoch, 2, 1.5, 7.0 + epoch))


def train(path: Path, level: LogLevel, **options: bool) -> None:
    """Make a run of two epochs of two updates, and another start after the first."""
    run = RunFile(path, "training", {})
    training = Training(run, level, **options)
    training.log.started(training.network)
    for index in range(4):
        training.update(index, index // 2)
        if index % 2:
            training.end_epoch(index // 2)
        if index == 1:
            training.log.restarted(EpochResult(0, 2, 1.5), training.network)
    training.log.stop_codes()
    multiply(training.blocks[0], 90, 5)
    training.log.multiplied(training.network)
    run.close("finished")


def values(file: h5py.File, group: str) -> dict[str, Any]:
    return {name: item[()].tolist() for name, item in file[f"entry/{group}"].items()}


def test_numbers_of_every_update_and_epoch(tmp_path: Path) -> None:
    train(tmp_path / "run.h5", LogLevel.ALL, classes=True, restarts=True, validation=True)
    with h5py.File(tmp_path / "run.h5") as file:
        assert values(file, "training") == {
            "update": [0, 1, 2, 3],
            "loss": [0.5, 1.5, 2.5, 3.5],
            "epoch": [0, 0, 1, 1],
            "accuracy": [0.0, 0.25, 0.5, 0.75],
            "restarts": [0, 0, 1, 1],
        }
        found = file["entry/validation"]
        assert values(file, "validation") == {
            "epoch": [1, 2],
            "loss": [7.0, 8.0],
            "updates": [2, 4],
        }
        assert all(found[name].dtype.kind == "i" for name in ("epoch", "updates"))


def test_what_was_not_asked_for_is_not_there(tmp_path: Path) -> None:
    train(tmp_path / "run.h5", LogLevel.OFF)
    with h5py.File(tmp_path / "run.h5") as file:
        assert set(file["entry"]) == {"training"}
        assert set(file["entry/training"]) == {"update", "loss", "epoch"}


@pytest.mark.parametrize(
    ("level", "updates", "vectors"),
    [
        (LogLevel.ALL, [0, 1, 2, 3], [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]),
        (LogLevel.EPOCHS, [1, 3], [0, 1, 2, 20, 21, 22]),
    ],
)
def test_maps_and_codes(
    level: LogLevel, updates: list[int], vectors: list[int], tmp_path: Path
) -> None:
    train(tmp_path / "run.h5", level)
    base = 2.0**-20 * np.arange(6.0).reshape(3, 2)
    maps = base + np.array(updates)[:, np.newaxis, np.newaxis] + 1
    column = np.array(vectors)[:, np.newaxis]
    with h5py.File(tmp_path / "run.h5") as file:
        entry = file["entry"]
        assert set(entry) == {"training", "lstm", "lstm_vmm", "dense"}
        for name, later in (("lstm", 0), ("dense", 1)):
            group = entry[name]
            assert group["row"][()].tolist() == list(ROWS)
            assert group["column"][()].tolist() == list(COLUMNS)
            assert group["update"][()].tolist() == updates
            np.testing.assert_array_equal(group["initial_conductance"][()], base)
            np.testing.assert_array_equal(group["conductance"][()], maps + later)
            np.testing.assert_array_equal(group["gate_voltage"][()], (maps + later) * 8 + 0.5)
            assert group["reset"][()].tolist() == [RESET[(k + 1 + later) % 2] for k in updates]
            assert (group.attrs["siemens_per_weight"], group.attrs["read_voltage"]) == (25e-6, 0.2)
            assert (group.attrs["array"], group.attrs["load.parts"]) == (3, 3)
            assert ("conductance_code" in group) == ("conductance_gain" in group) == (later == 0)
        group = entry["lstm"]
        codes = np.arange(6).reshape(3, 2) + 100 * (np.array(updates) + 1)[:, None, None]
        np.testing.assert_array_equal(group["conductance_code"][()], codes)
        assert group["conductance_gain"][:, 2, 1].tolist() == [k + 2 for k in updates]
        assert group["conductance_code"].dtype == np.dtype("<i2")
        group = entry["lstm_vmm"]
        assert group.attrs["load.parts"] == 1, "a product has all rows at once"
        assert group["vector"][()].tolist() == list(range(len(vectors)))
        assert group["update"][()].tolist() == [vector // 10 for vector in vectors]
        np.testing.assert_array_equal(read_row_codes(group), column + np.array([10, 20, 30]))
        np.testing.assert_array_equal(group["adc_code"][()], column - np.array([1, 2]))
        assert (read_row_codes(group).dtype, group["adc_code"].dtype) == (np.dtype("<u2"), "<i2")
        assert np.unique(group["gain"][()]).tolist() == [4]


@pytest.mark.parametrize("listens", [True, False])
def test_a_training_goes_on_with_or_without_codes_as_it_was(listens: bool, tmp_path: Path) -> None:
    first = Training(RunFile(tmp_path / "one.h5", "training", {}), LogLevel.EPOCHS)
    first.log.started(first.network)
    first.update(0, 0)
    if listens:
        first.end_epoch(0)
    first.log.restarted(EpochResult(0, 2, 1.5), first.network)
    state = first.log.state()
    assert state == {
        "update": 1,
        "attempt": 1,
        "recorded": {"lstm": 3},
        "listens": listens,
    }
    second = Training(RunFile(tmp_path / "two.h5", "training", {}), LogLevel.EPOCHS, restarts=True)
    second.log.restore(state)
    second.log.resumed(second.network)
    second.update(1, 1)
    second.log._run.close("finished")
    first.log._run.close("interrupted")
    with h5py.File(tmp_path / "two.h5") as file:
        vmm = file["entry/lstm_vmm"]
        assert vmm["vector"][()].tolist() == ([3, 4, 5] if listens else [])
        assert vmm["update"][()].tolist() == ([1, 1, 1] if listens else [])
        assert file["entry/training/restarts"][()].tolist() == [1]


def test_a_level_is_named_or_refused_with_all_names() -> None:
    assert LogLevel.of("epochs") is LogLevel.EPOCHS
    with pytest.raises(SettingError, match="log='some': choose one of all, epochs, off"):
        LogLevel.of("some")


@pytest.mark.parametrize("missing", ["dac_code", "adc_code", "gain"])
def test_a_product_without_its_codes_is_refused(missing: str, tmp_path: Path) -> None:
    run = RunFile(tmp_path / "run.h5", "training", {})
    training = Training(run, LogLevel.ALL)
    training.log.started(training.network)
    values = np.ones((1, 2))
    codes: dict[str, Any] = {
        "adc_code": np.ones((1, 2), int),
        "gain": np.ones((1, 2), np.uint8),
        "dac_code": np.ones((1, 3), int),
    }
    codes[missing] = None
    training.blocks[0].array.on_vmm(Measurement(values, values < 0, **codes))
    with pytest.raises(ValueError, match="no codes to record"):
        training.log.multiplied(training.network)
    run.close("failed")
