"""What was measured once is not lost because its place is gone."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.array.measurement import Counts, Measurement, note_saturation
from memlab.errors import StorageError
from memlab.operations import multiply, read_map


@pytest.mark.parametrize("suffix", [".npy", ".h5"])
@pytest.mark.parametrize("operation", ["read", "vmm"])
def test_a_directory_that_goes_while_it_is_measured_costs_no_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, suffix: str
) -> None:
    out = tmp_path / "place" / "within" / f"out{suffix}"
    out.parent.mkdir(parents=True)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    noted = note_saturation

    def lose(counts: Counts, measurement: Measurement) -> None:
        shutil.rmtree(tmp_path / "place")
        noted(counts, measurement)

    monkeypatch.setattr("memlab.array.seam.note_saturation", lose)
    vectors = tmp_path / "volts.npy"
    np.save(vectors, np.full((3, 128), 0.1))
    run = {
        "read": lambda: read_map("emulator:?seed=3", out=out, figure=False),
        "vmm": lambda: multiply(vectors, "emulator:?seed=3", out=out),
    }
    with pytest.raises(StorageError) as caught:
        run[operation]()
    (saved,) = caught.value.saved
    assert str(saved) in str(caught.value)
    if suffix == ".npy":
        assert np.load(saved).shape == ((128, 64) if operation == "read" else (3, 64))
        return
    with h5py.File(saved, "r") as file:
        assert file["entry"].attrs["status"] == "finished"
        name = "map/conductance" if operation == "read" else "vmm/current"
        assert np.isfinite(file["entry"][name][()]).all()
