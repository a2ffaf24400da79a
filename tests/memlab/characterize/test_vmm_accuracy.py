"""The error of products is what quantisation, noise and offsets make it."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.analysed import Analysed, analyse

from memlab.characterize import Region


def rms(run: Analysed, name: str) -> np.ndarray:
    """Rms over columns of each amplitude and gain, in A."""
    return np.sqrt(np.mean(run.results[name] ** 2, axis=-1))


def driven(run: Analysed) -> np.ndarray:
    """Row voltages (V) of the largest vectors at automatic gain."""
    with h5py.File(run.path) as file:
        vmm = file["entry/vmm"]
        which = (vmm["amplitude"][()] == vmm["amplitude"][()].max()) & (vmm["set_gain"][()] == 0)
        return (vmm["dac_code"][()][which] - 32768.0) * 10.0 / 65536


@pytest.mark.usefixtures("drawn")
def test_on_the_ideal_chip_the_error_is_quantisation(tmp_path: Path) -> None:
    run = analyse("vmm-accuracy", tmp_path, "ideal", settings={"gains": "[1,0]"}, figure=True)
    # The steps at gain 1 and of the matrix at gain 2 (0.2 V): uniform, so step / sqrt(12). The
    # matrix has the same error in all vectors of a column, which leaves some 64 x 128 deviates.
    step = 10.0 / 65536 / 1e3
    matrix = 10.0 / 65536 / 1e4 / 0.2
    amplitude = run.results["amplitude"]
    expected = np.sqrt((step**2 + 128 * amplitude**2 / 3 * matrix**2) / 12.0)
    np.testing.assert_allclose(rms(run, "total")[:, 0], expected, rtol=0.05)
    np.testing.assert_allclose(rms(run, "quantisation")[:, 0], expected, rtol=0.05)
    assert (rms(run, "noise") == 0.0).all()
    assert (rms(run, "offset") == 0.0).all()
    # Nothing is known of the wires: that is no 0.
    assert np.isnan(run.value("wire_loss_error"))
    assert run.path.with_suffix(".png").is_file()


def test_noise_of_the_cells_explains_the_error_it_makes(tmp_path: Path) -> None:
    run = analyse("vmm-accuracy", tmp_path, "ta-hfo2", read_noise__white=0.01)
    # Each cell adds 1 % of its own current; the matrix, a mean of 8 reads, 1 % / sqrt(8) more.
    voltage = driven(run)
    squared = (voltage**2) @ run.board.chip.conductance**2
    expected = 0.01 * np.sqrt((1 + 1 / 8) * squared.mean())
    # 50 vectors and 64 columns, each product 4 times: 12,800 deviates.
    assert rms(run, "noise")[-1, 0] == pytest.approx(expected, rel=0.03)
    assert rms(run, "total")[-1, 0] == pytest.approx(expected, rel=0.05)
    assert run.value("rest_error") < 0.3 * run.value("total_error")


def test_offsets_are_told_from_the_rest(tmp_path: Path) -> None:
    run = analyse("vmm-accuracy", tmp_path, "ta-hfo2", board__dac__offset=1e-3)
    total, offset, rest = (run.value(f"{name}_error") for name in ("total", "offset", "rest"))
    assert offset == pytest.approx(total, rel=0.02)
    assert rest < 0.02 * total


def test_wires_take_from_the_cells_and_add_nothing_to_the_error(tmp_path: Path) -> None:
    bare = analyse("vmm-accuracy", tmp_path, "ta-hfo2")
    (tmp_path / "wires").mkdir()
    settings = {"wire_resistance": 0.3}
    run = analyse(
        "vmm-accuracy", tmp_path / "wires", "ta-hfo2", settings=settings, wires__resistance=0.3
    )
    np.testing.assert_allclose(rms(run, "total")[:, 0], rms(bare, "total")[:, 0], rtol=0.4)
    # What is lost of each cell, from the chip's hidden truth.
    with h5py.File(run.path) as file:
        read = file["entry/map/conductance"][()].mean(axis=0)
    lost = driven(run) @ (run.board.chip.conductance - read)
    assert rms(run, "wire_loss")[-1, 0] == pytest.approx(np.sqrt((lost**2).mean()), rel=0.02)


def test_saturated_currents_are_counted_and_left_out(tmp_path: Path) -> None:
    run = analyse("vmm-accuracy", tmp_path, "ideal", settings={"gains": "[2]"})
    assert run.results["saturated"].mean() > 0.1
    assert run.value("total_error") < 1e-3


def test_only_cells_of_the_region_are_pulsed(tmp_path: Path) -> None:
    region = Region(rows="100:", columns="3:9")
    run = analyse("vmm-accuracy", tmp_path, "ta-hfo2", region=region)
    run.assert_only_pulsed(region)


def test_rounding_of_numbers_is_no_error_of_a_chip_that_is_off(tmp_path: Path) -> None:
    # Cells of 1 uS make of a step of the inputs one of the converter: products are exact.
    few = Region(rows="0:8", columns="0:8")
    settings = {"patterns": 10}
    chip = {"defects__stuck_off": 1.0}
    run = analyse("vmm-accuracy", tmp_path, "ta-hfo2", region=few, settings=settings, **chip)
    assert 0.0 < run.results["current"][-1, 0].max() < 1e-6
    for part in ("total", "quantisation", "noise", "offset", "rest", "wire_loss"):
        assert np.isnan(run.value(f"{part}_error")), part
