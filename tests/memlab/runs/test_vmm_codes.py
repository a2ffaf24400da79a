"""Codes that are logged in short: what is read back is what the board drove, bit for bit."""

import os
import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from support.made_up_digits import write_digits

from memlab import open_run
from memlab.experiments import make_plan, resume, run
from memlab.mapping.layout import Layout, pair_rows
from memlab.runs import RunFile
from memlab.runs.rescue import rescue
from memlab.runs.vmm_codes import VmmLog, read_row_codes
from memlab.training import Observer, UpdateResult

DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[4] / "shared" / "data"))
COLUMNS = (3, 7)


def block(layout: Layout, rows: int, row_type: str, zero: int) -> Any:
    """Return what a log wants to know of a block."""
    array = SimpleNamespace(
        rows=np.arange(5, 5 + rows),
        columns=np.array(COLUMNS),
        code_types=(row_type, "u2"),
        describe=lambda: {"board": {"row": {"zero_code": zero}}},
    )
    return SimpleNamespace(name="one", array=array, layout=layout)


def mirrored(
    rng: np.random.Generator, n: int, layout: Layout, inputs: int, row_type: str, zero: int
) -> npt.NDArray[Any]:
    """Return row codes of vectors with zeros in them, and the largest steps of both signs."""
    steps = rng.integers(-2047, 2048, (n, inputs)) * rng.integers(0, 2, (n, inputs))
    if n:
        steps[0, :2] = -2047, 2047
    codes = np.empty((n, 2 * inputs), np.int64)
    plus, minus = pair_rows(layout, inputs)
    codes[:, plus], codes[:, minus] = zero + steps, zero - steps
    return codes.astype(row_type)


def write(path: Path, one: Any, passes: list[npt.NDArray[Any]]) -> RunFile:
    file = RunFile(path, "codes", {"kind": "airline", "family": "experiment", "schema_version": 3})
    log = VmmLog(file, one, 2, {})
    file.start()
    for k, dac in enumerate(passes):
        sensed = np.full((len(dac), len(COLUMNS)), k, np.uint16)
        log.append(k, dac, sensed + 60_000, sensed.astype(np.uint8) % 4 + 1)
    return file


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize(
    ("row_type", "zero"), [("u2", 32768), ("u2", 1000), ("i4", 0), ("i4", -7), ("i8", 0)]
)
@pytest.mark.parametrize("inputs", [3, 8, 17])
def test_what_is_read_is_what_was_driven(
    layout: Layout, row_type: str, zero: int, inputs: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(inputs)
    passes = [mirrored(rng, n, layout, inputs, row_type, zero) for n in (5, 1, 0, 8, 3, 2, 1, 6)]
    passes[3][4, 0] += np.array(1, row_type)  # not the mirror of its partner
    plus, minus = pair_rows(layout, inputs)
    passes[5][1, plus.start] = zero + 2048  # of 13 bits
    passes[5][1, minus.start] = np.array(zero - 2048).astype(row_type)
    passes[6][:] = zero
    path = tmp_path / "run.h5"
    write(path, block(layout, 2 * inputs, row_type, zero), passes).close("finished")
    whole = np.concatenate(passes)
    with h5py.File(path) as file:
        group = file["entry/one_vmm"]
        assert group["other/number"][()].tolist() == [*range(6, 14), 17, 18]
        for first in range(len(whole) + 1):
            # A part that is empty, of one vector, within a byte, over the end of one, to the end.
            last = (first, first + 1, first + 4, first + 7, len(whole))[(first + inputs) % 5]
            found = read_row_codes(group, slice(first, last))
            np.testing.assert_array_equal(found, whole[first:last])
            assert found.dtype == whole.dtype
    codes = open_run(path).codes["one"]
    numbers = np.repeat(np.arange(8), [len(one) for one in passes])
    assert len(codes) == len(whole)
    np.testing.assert_array_equal(codes.dac_code, whole)
    np.testing.assert_array_equal(codes.update, numbers)
    np.testing.assert_array_equal(codes.adc_code[:, 1], 60_000 + numbers)
    np.testing.assert_array_equal(codes.gain[:, 0], numbers % 4 + 1)
    assert (codes.adc_code.dtype, codes.gain.dtype) == (np.uint16, np.uint8)


def test_a_step_without_a_counterpart_of_the_other_sign_is_told_as_it_is(tmp_path: Path) -> None:
    codes = np.full((3, 4), 32768, "u2")
    codes[1, [0, 2]] = 0  # -32768 of 16 bits, whose negative is itself
    write(tmp_path / "run.h5", block(Layout.BLOCK, 4, "u2", 32768), [codes]).close("finished")
    np.testing.assert_array_equal(open_run(tmp_path / "run.h5").codes["one"].dac_code, codes)


def test_a_block_with_an_odd_number_of_rows_has_its_codes_as_they_are(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).integers(0, 2**16, (5, 3)).astype("u2")
    file = write(tmp_path / "run.h5", block(Layout.BLOCK, 3, "u2", 9), [codes[:2], codes[2:]])
    file.close("finished")
    np.testing.assert_array_equal(open_run(tmp_path / "run.h5").codes["one"].dac_code, codes)


def test_a_copy_of_a_file_that_was_killed_ends_with_its_last_whole_vector(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    passes = [mirrored(rng, n, Layout.BLOCK, 9, "u2", 32768) for n in (4, 3, 6)]
    file = write(tmp_path / "run.h5", block(Layout.BLOCK, 18, "u2", 32768), passes)
    file.flush()
    killed = tmp_path / "killed.h5"
    shutil.copy(tmp_path / "run.h5", killed)
    file.close("finished")
    whole = np.concatenate(passes)
    np.testing.assert_array_equal(open_run(killed).codes["one"].dac_code, whole)
    rescue(killed, {"one_vmm/vector": 7})
    codes = open_run(killed).codes["one"]
    np.testing.assert_array_equal(codes.dac_code, whole[:7])
    assert len(codes.adc_code) == len(codes.gain) == len(codes) == 7
    with h5py.File(tmp_path / "run.h5") as one, h5py.File(killed) as other:
        assert find_filters(other["entry"]) == find_filters(one["entry"])


def find_filters(entry: h5py.Group) -> dict[str, tuple[Any, ...]]:
    """Return how each dataset that grows is stored."""
    found: dict[str, tuple[Any, ...]] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.maxshape[:1] == (None,):
            found[name] = item.chunks, item.scaleoffset, item.fletcher32

    entry.visititems(visit)
    assert any(scaled is not None for _, scaled, _ in found.values())
    assert all(checksum for _, _, checksum in found.values())
    return found


EXPERIMENTS = {
    "airline": ("airline", "memlab", []),
    "airline, interleaved": ("airline", "paper", ["mapping.layout=interleaved"]),
    "airline, copies": ("airline", "paper", ["network.placement=automatic"]),
    "airline, a chip with everything": ("airline", "memlab", ["chip=ta-hfo2-full"]),
    "airline-window": ("airline-window", "memlab", []),
    "gait": ("gait", "memlab", ["data.source=synthetic"]),
    "wafer": ("wafer", "paper", [f"data.path={DATA}"]),
    "mnist-cnn": ("mnist-cnn", "paper", ["train.batch=40"]),
    "mnist-sequence": ("mnist-sequence", "memlab", ["train.batch=40"]),
}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[npt.NDArray[Any], ...]]]:
    """Every code that a log is told, by the block."""
    found: dict[str, list[tuple[npt.NDArray[Any], ...]]] = {}
    append = VmmLog.append

    def listen(self: VmmLog, update: int, *codes: npt.NDArray[Any]) -> None:
        name = self.group.removesuffix("_vmm")
        found.setdefault(name, []).append(tuple(one.copy() for one in codes))
        append(self, update, *codes)

    monkeypatch.setattr(VmmLog, "append", listen)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_codes_of_every_experiment(name: str, heard: dict[str, Any], tmp_path: Path) -> None:
    experiment, preset, settings = EXPERIMENTS[name]
    if experiment == "wafer" and not (DATA / "wafer.npz").exists():
        pytest.skip("no wafer.npz; set MEMLAB_DATA")
    if experiment.startswith("mnist"):
        digits = write_digits(tmp_path / "digits.npz")
        settings = [*settings, f"data.path={digits}", "data.train=120", "data.test=20"]
    out = tmp_path / "run.h5"
    settings = [*settings, "log.level=all"]
    run(make_plan(experiment, preset=preset, epochs=1, settings=settings, out=out), figure=False)
    codes = open_run(out).codes
    assert codes.keys() == heard.keys()
    for block_name, passes in heard.items():
        dac, adc, gain = (np.concatenate(parts) for parts in zip(*passes, strict=True))
        one = codes[block_name]
        for found, told in ((one.dac_code, dac), (one.adc_code, adc), (one.gain, gain)):
            assert len(told) > 20
            assert found.dtype == told.dtype
            np.testing.assert_array_equal(found, told)
        with h5py.File(out) as file:
            group = file["entry"][f"{block_name}_vmm"]
            assert not len(group["other/number"]), "all of an uncalibrated board are mirrored"
            assert "dac_code" not in group


class StopAt(Observer):
    """Interrupts a training after an update."""

    def __init__(self, update: int):
        self._update = update

    def updated(self, result: UpdateResult, network: Any) -> None:
        if result.index == self._update:
            raise KeyboardInterrupt


def test_a_run_that_goes_on_has_the_codes_of_one_that_was_never_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A checkpoint is taken where the file was flushed.
    monkeypatch.setattr("memlab.runs.run_file.FLUSH_SECONDS", 0.0)

    def plan(name: str) -> Any:
        return make_plan("airline", epochs=6, settings=["log.level=all"], out=tmp_path / name)

    run(plan("whole.h5"), figure=False)
    with pytest.raises(KeyboardInterrupt):
        run(plan("stopped.h5"), [StopAt(3)], figure=False)
    resume(tmp_path / "stopped.h5", figure=False)
    whole, stopped = (open_run(tmp_path / name).codes for name in ("whole.h5", "stopped.h5"))
    assert len(whole["lstm"]) == 6 * 96
    for name, one in whole.items():
        np.testing.assert_array_equal(stopped[name].dac_code, one.dac_code)
        np.testing.assert_array_equal(stopped[name].update, one.update)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A training that an earlier version was killed in."""
    path = Path(__file__).parents[2] / "fixtures" / "d9f9529" / "runs" / "airline-full.h5"
    copy = tmp_path / "earlier.h5"
    shutil.copy(path, copy)
    return copy


def test_codes_of_an_earlier_version_are_read_alike(earlier: Path) -> None:
    codes = open_run(earlier).codes
    with h5py.File(earlier) as file:
        for name, one in codes.items():
            group = file["entry"][f"{name}_vmm"]
            np.testing.assert_array_equal(one.dac_code, group["dac_code"][()])
            np.testing.assert_array_equal(one.adc_code, group["adc_code"][()])
            np.testing.assert_array_equal(
                read_row_codes(group, slice(2, 9)), group["dac_code"][2:9]
            )
    assert {name: one.dac_code.shape[1] for name, one in codes.items()} == {"lstm": 34, "dense": 32}


def test_a_file_of_an_earlier_version_goes_on_as_it_is(earlier: Path) -> None:
    with h5py.File(earlier) as file:
        before = file["entry/dense_vmm/dac_code"][()]
        rows = file["entry/dense_vmm/row"][()]
        columns = file["entry/dense_vmm/column"][()]
    one = block(Layout.BLOCK, len(rows), "u2", 32768)
    one.name, one.array.rows, one.array.columns = "dense", rows, columns
    file = RunFile.resume(earlier, {})
    log = VmmLog(file, one, 2, {})
    file.start()
    more = np.arange(3 * len(rows), dtype=np.uint16).reshape(3, -1)
    log.append(99, more, np.full((3, len(columns)), 1, "u2"), np.full((3, len(columns)), 2, "u1"))
    file.close("finished")
    codes = open_run(earlier).codes["dense"]
    np.testing.assert_array_equal(codes.dac_code, np.concatenate([before, more]))
    assert codes.update[-4:].tolist() == [codes.update[-4], 99, 99, 99]
    with h5py.File(earlier) as again:
        assert "other" not in again["entry/dense_vmm"]


def test_a_log_of_codes_is_the_same_however_often_it_is_flushed(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    passes = [mirrored(rng, n, Layout.INTERLEAVED, 5, "u2", 32768) for n in (3, 4, 2)]
    one = block(Layout.INTERLEAVED, 10, "u2", 32768)
    file = write(tmp_path / "once.h5", one, passes)
    file.close("finished")
    often = RunFile(tmp_path / "often.h5", "codes", {"kind": "airline", "family": "experiment"})
    log = VmmLog(often, one, 2, {})
    often.start()
    for k, dac in enumerate(passes):
        log.append(k, dac, np.zeros((len(dac), 2), "u2"), np.ones((len(dac), 2), "u1"))
        often.flush()
    often.close("finished")
    with h5py.File(tmp_path / "once.h5") as a, h5py.File(tmp_path / "often.h5") as b:
        for name in ("step/step", "pass/byte", "pass/begin", "driven", "vector"):
            np.testing.assert_array_equal(a[f"entry/one_vmm/{name}"], b[f"entry/one_vmm/{name}"])
        begins = a["entry/one_vmm/pass/byte"][()].tolist()
        assert all(first < last and last % 3 == 0 for first, last in pairwise(begins))
