"""The run file as other programs see it: plain h5py, xarray, and after a kill."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray
from support.started import start

from memlab.errors import SettingError
from memlab.experiments import make_plan, run
from memlab.runs import RunFile
from memlab.runs.vmm_codes import read_row_codes


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of three epochs."""
    out = tmp_path_factory.mktemp("run") / "run.h5"
    run(make_plan("airline", epochs=3, seed=5, out=out))
    return out


def datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    found = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(visit)
    return found


def test_every_dataset_has_units_a_meaning_and_a_scale_on_each_axis(finished: Path) -> None:
    with h5py.File(finished) as file:
        found = datasets(file)
        assert len(found) > 30
        for name, dataset in found.items():
            # A text has no unit: NeXus says so.
            assert ("units" in dataset.attrs) == (dataset.dtype.kind != "O"), name
            assert dataset.attrs.get("units", "none"), name
            assert dataset.attrs["long_name"], name
            if not dataset.is_scale:
                assert all(len(dimension) == 1 for dimension in dataset.dims), name


def test_raw_codes_give_the_scaled_values(finished: Path) -> None:
    """G = -(code - 32768) * 10 / 65536 / R / V_read (board reference 0.1), V_read = 1311 steps."""
    with h5py.File(finished) as file:
        group = file["entry/lstm"]
        code = group["conductance_code"][:].astype(float)
        resistance = np.array([np.nan, 1e3, 1e4, 1e5, 1e6])[group["conductance_gain"][:]]
        conductance = group["conductance"][:]
    expected = -(code - 32768) * 10 / 65536 / resistance / (1311 * 10 / 65536)
    np.testing.assert_allclose(conductance, expected, rtol=1e-12)


def test_codes_of_every_vector_are_recorded(finished: Path) -> None:
    with h5py.File(finished) as file:
        group = file["entry/lstm_vmm"]
        dac_code = read_row_codes(group)
        assert dac_code.shape == (3 * 96, 34)
        assert group["adc_code"].shape == group["gain"].shape == (3 * 96, 60)
        np.testing.assert_array_equal(group["update"][:], np.repeat([0, 1, 2], 96))
        np.testing.assert_array_equal(group["vector"][:], np.arange(3 * 96))
        # Block layout: the negative rows carry the mirrored voltage, 0x8000 is 0 V.
        plus, minus = np.split(dac_code.astype(int) - 0x8000, 2, axis=1)
        np.testing.assert_array_equal(plus, -minus)


def test_xarray_opens_the_tree_with_named_axes(finished: Path) -> None:
    with xarray.open_datatree(finished, engine="h5netcdf") as tree:
        conductance = tree["entry/lstm/conductance"]
        assert conductance.dims == ("update", "row", "column")
        assert conductance.attrs["units"] == "S"
        assert tree["entry/dense/column"].values.tolist() == [60]
        assert tree["entry/prediction/predicted"].sizes == {"month": 143}


def test_configuration_seed_and_versions_are_complete(finished: Path) -> None:
    with h5py.File(finished) as file:
        entry = file["entry"]
        config = json.loads(entry["config"].attrs["json"])
        assert config["seed"] == entry.attrs["seed"] == 5
        assert config["train"]["epochs"] == entry["config"].attrs["train.epochs"] == 3
        assert entry.attrs["status"] == "finished"
        assert entry["versions"].attrs["h5py"] == h5py.__version__
        assert entry["instrument"].attrs["board.rows"] == 128


def test_two_runs_with_one_seed_have_byte_identical_datasets(
    finished: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.h5"
    run(make_plan("airline", epochs=3, seed=5, out=again))
    with h5py.File(finished) as one, h5py.File(again) as other:
        first, second = datasets(one), datasets(other)
        assert first.keys() == second.keys()
        for name, dataset in first.items():
            assert np.asarray(dataset).tobytes() == np.asarray(second[name]).tobytes() or (
                dataset.dtype.kind == "O" and list(dataset) == list(second[name])
            ), name


@pytest.mark.parametrize(
    ("level", "maps", "vectors"), [("all", 3, 288), ("epochs", 3, 288), ("off", None, None)]
)
def test_log_level_switches_maps_and_codes(
    tmp_path: Path, level: str, maps: int | None, vectors: int | None
) -> None:
    out = tmp_path / "run.h5"
    run(make_plan("airline", epochs=3, out=out, settings=[f"log.level={level}"]))
    with h5py.File(out) as file:
        entry = file["entry"]
        assert entry["training/loss"].size == 3
        if maps is None:
            assert "lstm" not in entry
            assert "lstm_vmm" not in entry
        else:
            assert entry["lstm/conductance"].shape[0] == maps
            assert entry["lstm_vmm/adc_code"].shape[0] == vectors


def test_a_killed_run_leaves_all_but_the_last_second_readable(tmp_path: Path) -> None:
    out, second = tmp_path / "run.h5", 0.3
    code = (
        "import time\n"
        "from memlab.runs import run_file\n"
        f"run_file.FLUSH_SECONDS = {second}\n"
        "from memlab.experiments import make_plan, run\n"
        "from memlab.training import Observer\n"
        "from pathlib import Path\n"
        "class Tell(Observer):\n"
        "    def epoch_finished(self, result): print(time.monotonic(), result.loss, flush=True)\n"
        f"run(make_plan('airline', epochs=8000, out=Path({str(out)!r})), [Tell()])\n"
    )
    process = start("support.started:execute", code)
    told = [process.stdout.readline().split()]
    while float(told[-1][0]) - float(told[0][0]) < 2.5 * second or len(told) < 8:
        told.append(process.stdout.readline().split())
    process.kill()
    told += [line.split() for line in process.communicate()[0].splitlines() if " " in line]
    # The log is asked before the observer tells, so that the second began before the last but one.
    safe = sum(float(when) <= float(told[-2][0]) - second for when, _ in told)
    assert safe >= 2
    with h5py.File(out, "r", swmr=True) as file:
        entry = file["entry"]
        loss = entry["training/loss"][:]
        assert loss.size >= safe
        assert loss[:safe].tolist() == [float(text) for _, text in told[:safe]]
        assert entry["lstm/conductance"].shape[0] >= safe
        assert (entry["lstm/conductance"][:safe] > 0).all()
        assert entry["lstm_vmm/adc_code"].shape[0] >= 96 * safe
        assert entry.attrs["status"] == "running"


def test_an_interrupted_run_is_closed_and_says_so(tmp_path: Path) -> None:
    from memlab.training import EpochResult, Observer

    class Interrupt(Observer):
        def epoch_finished(self, result: EpochResult) -> None:
            if result.epoch == 1:
                raise KeyboardInterrupt

    out = tmp_path / "run.h5"
    with pytest.raises(KeyboardInterrupt):
        run(make_plan("airline", epochs=10, out=out), [Interrupt()])
    with h5py.File(out) as file:
        assert file["entry"].attrs["status"] == "interrupted"
        assert file["entry/training/loss"].size == 2


def test_a_reader_can_follow_while_the_file_grows(tmp_path: Path) -> None:
    out = tmp_path / "follow.h5"
    writer = RunFile(out, "follow", {})
    writer.group("data", "NXdata")
    writer.scale("data/step", None, "1", "Step")
    writer.declare("data/value", "f8", ("data/step",), "V", "Value", 4)
    writer.start()
    with h5py.File(out, "r", swmr=True) as reader:
        value = reader["entry/data/value"]
        for step in range(10):
            writer.append("data/step", [step])
            writer.append("data/value", [step / 2])
            writer.flush()
            value.refresh()
            assert value[:].tolist() == [k / 2 for k in range(step + 1)]
    writer.close("finished")


def test_items_of_the_wrong_shape_are_refused(tmp_path: Path) -> None:
    writer = RunFile(tmp_path / "run.h5", "shape", {})
    writer.group("data", "NXdata")
    writer.scale("data/step", None, "1", "Step")
    writer.scale("data/row", np.arange(3), "1", "Row")
    writer.declare("data/value", "f8", ("data/step", "data/row"), "V", "Value", 1)
    writer.start()
    with pytest.raises(ValueError, match="items of shape"):
        writer.append("data/value", np.zeros((1, 4)))
    writer.close("failed")


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    out.write_bytes(b"precious")
    with pytest.raises(SettingError, match="exists already"):
        RunFile(out, "title", {})
    assert out.read_bytes() == b"precious"


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
@pytest.mark.parametrize("looks", [2, 1000])
def test_somebody_who_looks_at_a_file_that_is_being_created_is_waited_for(
    looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that follows files may have opened it before HDF5 locks it."""
    import fcntl

    real, left = h5py.File, looks

    def looked_at(path: Path, mode: str, **named: object) -> h5py.File:
        nonlocal left
        if mode != "x" or not left:
            return real(path, mode, **named)
        left -= 1
        with path.open("xb"), path.open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_SH)
            return real(path, "w")  # what "x" does once it has made the file

    monkeypatch.setattr(h5py, "File", looked_at)
    monkeypatch.setattr("memlab.runs.hdf5._LOOK", 0.0)
    out = tmp_path / "run.h5"
    if looks > 100:
        with pytest.raises(SettingError, match="another program"):
            RunFile(out, "a run", {})
        assert list(tmp_path.iterdir()) == []
        return
    run_file = RunFile(out, "a run", {})
    run_file.start()
    run_file.close("finished")
    assert left == 0
    with real(out) as file:
        assert file["entry"].attrs["status"] == "finished"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_directory_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SettingError, match="cannot write"):
        RunFile(tmp_path / "run.h5", "title", {})


def test_no_text_keeps_a_run_file_from_being_written(tmp_path: Path) -> None:
    """HDF5 ends a string at NUL, and UTF-8 has no lone surrogates."""
    path = tmp_path / "run.h5"
    odd = "a\0b\ud800 \udcff\U0001f600" + "x" * 100_000
    run = RunFile(path, odd, {"first": odd, "nested": {"second": odd}})
    run.group("instrument", "NXinstrument", {"board": {"name": odd}})
    run.note({"third": odd})
    run.start()
    run.close("finished", {"fourth": odd})
    expected = "a\\x00b\\ud800 \\udcff\U0001f600" + "x" * 100_000
    with h5py.File(path) as file:
        entry = file["entry"]
        names = ("title", "first", "nested.second", "third", "fourth")
        found = [entry.attrs[name] for name in names]
        assert [*found, entry["instrument"].attrs["board.name"]] == [expected] * 6
