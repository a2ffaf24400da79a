"""Weights of one's own: where training starts, or what is transferred."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import in_process

from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.experiments import make_plan, run
from memlab.mapping import (
    Copies,
    DifferentialMatrix,
    DirectUpdate,
    Layout,
    MatrixPlan,
    Request,
    place,
)

SHAPES = {"lstm": (17, 60), "dense": (16, 1)}


def weights(scale: float = 1.0, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: scale * rng.uniform(-1, 1, shape) for name, shape in SHAPES.items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.npz"
    np.savez(path, **weights())
    return path


def train(tmp_path: Path, file: Path, *settings: str, **options: object) -> dict:
    plan = make_plan(
        "airline",
        settings=[f"weights={file}", *settings],
        out=tmp_path / f"run-{len(list(tmp_path.iterdir()))}.h5",
        **{"epochs": 0, **options},  # type: ignore[arg-type]
    )
    return run(plan, figure=False)


def learnt(document: dict) -> dict[str, np.ndarray]:
    """Return G+ - G- over R_gw of the first map, per matrix; the layout is that of blocks."""
    found = {}
    with h5py.File(document["run"]) as opened:
        for name in SHAPES:
            group = opened["entry"][name]
            first = group["initial_conductance"][()]
            half = len(first) // 2
            found[name] = (first[:half] - first[half:]) / group.attrs["siemens_per_weight"]
    return found


def test_ideal_weights_are_the_given_ones(tmp_path: Path, file: Path) -> None:
    found = learnt(train(tmp_path, file, board="ideal:"))
    for name, expected in weights().items():
        np.testing.assert_allclose(found[name], expected, atol=1e-12)


def test_a_chip_starts_from_the_given_weights_as_far_as_pulses_go(
    tmp_path: Path, file: Path
) -> None:
    np.savez(file, **weights(0.85))
    document = train(tmp_path, file, "chip.noise=0")
    for name, expected in weights(0.85).items():
        # Gates and readings have their steps; nothing else is in between.
        np.testing.assert_allclose(learnt(document)[name], expected, atol=5e-3)
    assert document["given"] == {"clipped": 0.0, "cells": 2 * (17 * 60 + 16)}
    high = train(tmp_path, file, "chip.noise=0", "mapping.gate_initial=1.5")
    np.testing.assert_allclose(learnt(high)["lstm"], weights(0.85)["lstm"], atol=5e-3)
    noisy = learnt(train(tmp_path, file))
    spread = np.std(noisy["lstm"] - weights(0.85)["lstm"])
    assert spread == pytest.approx(4e-6 * 2**0.5 / 1e-4, rel=0.1)
    large = tmp_path / "large.npz"
    np.savez(large, **weights(20.0))
    assert train(tmp_path, large)["given"]["clipped"] > 0.5


def test_training_goes_on_from_the_weights_of_a_run(tmp_path: Path) -> None:
    first = run(
        make_plan("airline", board="ideal:", epochs=300, out=tmp_path / "first.h5"), figure=False
    )
    again = train(tmp_path, Path(first["run"]), "chip.noise=1e-6", epochs=2)
    fresh = run(make_plan("airline", epochs=2, out=tmp_path / "fresh.h5"), figure=False)
    assert again["preset"] == first["preset"]
    assert again["metrics"]["test_rmse"] < 0.9 * fresh["metrics"]["test_rmse"]


def test_given_weights_are_transferred_as_they_are(tmp_path: Path, file: Path) -> None:
    document = train(tmp_path, file, "method=ex-situ", "chip.noise=0")
    software = train(tmp_path, file, board="ideal:")["metrics"]["test_rmse"]
    assert document["metrics"]["software_test_rmse"] == pytest.approx(software, rel=1e-9)
    assert document["metrics"]["test_rmse"] == pytest.approx(software, rel=0.2)


def test_the_command_line_takes_them(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--epochs", "1", "--quiet", "--out", str(tmp_path / "run.h5")]
    assert in_process(capsys, "train", "airline", "--weights", str(file), *out)[0] == 0
    # What no gate voltage writes is told.
    np.savez(file, **weights(20.0))
    out[-1] = str(tmp_path / "large.h5")
    _, said, _ = in_process(capsys, "train", "airline", "--weights", str(file), *out)
    assert "% of 2072 cells cannot reach theirs" in said
    code, _, said = in_process(capsys, "train", "gait", "--weights", str(file), *out[:-1], "x.h5")
    assert code == 2
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lstm": np.zeros((60, 17))}, "17 x 60"),
        ({"dense": np.full((16, 1), np.nan)}, "finite"),
        ({"dense": np.full((16, 1), 1j)}, "finite"),
        ({"dense": None}, "dense"),
        ({"dense": np.array([[None]] * 16)}, "weights.npz"),
    ],
)
def test_weights_that_do_not_fit_are_refused_before_anything_is_touched(
    tmp_path: Path, file: Path, change: dict, words: str
) -> None:
    arrays = {name: value for name, value in {**weights(), **change}.items() if value is not None}
    np.savez(file, **arrays)
    with pytest.raises(SettingError, match=words):
        train(tmp_path, file)
    assert list(tmp_path.iterdir()) == [file]
    for content in (b"", b"PK", b"PK\x03\x04 and no archive", b"text"):
        file.write_bytes(content)
        with pytest.raises(SettingError, match=r"weights\.npz"):
            train(tmp_path, file)


def test_copies_and_chunks_hold_the_matrix_once() -> None:
    arrays = [IdealArray(40, 24)]
    (plan,) = place([Request("m", 30, 7)], [(40, 24)])
    assert len(plan.tiles) > 1
    copies = MatrixPlan.placed("b", (5, 7), (0, 0), Copies(stacked=2, beside=3))
    rng = np.random.default_rng(1)
    for one in (plan, copies):
        matrix = DifferentialMatrix.from_plan(
            one,
            arrays,
            1e-4,
            0.2,
            lambda tile: DirectUpdate(np.zeros((1, 1))),
            Layout.BLOCK,
        )
        whole = rng.normal(size=matrix.shape)
        np.testing.assert_allclose(matrix.gather(matrix.spread_out(whole)), whole, rtol=1e-14)


def test_a_file_that_is_no_archive_or_lacks_a_matrix_is_named_with_what_it_holds(
    tmp_path: Path, file: Path
) -> None:
    np.savez(file, lstm=np.zeros(SHAPES["lstm"]), other=np.zeros(3))
    with pytest.raises(SettingError, match=r"has no array 'dense'; those there: lstm, other; "):
        train(tmp_path, file)
    file.write_text("weights")
    with pytest.raises(SettingError, match=r"is no \.npz archive; --weights takes one, or"):
        train(tmp_path, file)
