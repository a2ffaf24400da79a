"""One layer after the other: each later one learns on what the written ones really compute."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from memlab.array.ideal import IdealArray
from memlab.experiments import estimate, make_plan, run
from memlab.mapping import Layout, pair_weight

UNITS, EPOCHS = 3, 12
BASE = (f"network.units={UNITS}", "method=layer-by-layer", f"transfer.tuning_epochs={EPOCHS}")


def window(out: Path, *settings: str, **options: Any) -> Any:
    return make_plan("airline-window", settings=[*BASE, *settings], out=out, **options)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def written(file: h5py.File, name: str, scale: float, what: str) -> np.ndarray:
    """Return the weights of a matrix that lies on the array as published."""
    rows, columns = {
        "lstm": (slice(0, 2 * (UNITS + 2)), slice(0, 4 * UNITS)),
        "dense": (slice(0, 2 * (UNITS + 1)), slice(4 * UNITS, 4 * UNITS + 1)),
    }[name]
    return pair_weight(file[f"entry/transfer/{what}"][rows, columns], scale, Layout.BLOCK)


@pytest.mark.parametrize("final", [0.01, 0.001])
def test_the_dense_layer_is_trained_on_what_the_written_lstm_makes(
    final: float, tmp_path: Path
) -> None:
    """On `ideal:` only the clipping of the largest weights keeps the LSTM from its own."""
    rng = np.random.default_rng(4)
    first = {
        "lstm": rng.uniform(-1, 1, (UNITS + 2, 4 * UNITS)),
        "dense": rng.uniform(-1, 1, (UNITS + 1, 1)),
    }
    np.savez(tmp_path / "w.npz", **first)
    settings = (f"weights={tmp_path / 'w.npz'}", "transfer.clip=0.3", f"train.lr_final={final}")
    plan = window(tmp_path / "r.h5", *settings, board="ideal:", preset="paper")
    found = run(plan, figure=False)["transfer"]
    experiment = plan.kind.make(plan.config, [IdealArray(128, 64)])
    ((x, target),) = experiment.batches(0)
    scale = found["siemens_per_weight"]
    with h5py.File(tmp_path / "r.h5") as file:
        lstm = written(file, "lstm", scale["lstm"], "final")
        dense = written(file, "dense", scale["dense"], "target")
    assert np.abs(lstm - first["lstm"]).max() > 0.1  # what was clipped
    # Li 2019's LSTM: rows are the input, the units before, the bias; columns a, i, f, o.
    bias = plan.config.network.bias
    h, c = np.zeros((2, x.shape[1], UNITS))
    for step in x:
        inputs = np.concatenate([step, h, np.full((len(h), 1), bias)], axis=1)
        a, i, f, o = np.split(inputs @ lstm, 4, axis=1)
        c = sigmoid(i) * np.tanh(a) + sigmoid(f) * c
        h = sigmoid(o) * np.tanh(c)
    inputs = np.concatenate([h, np.full((len(h), 1), bias)], axis=1)
    weight, step, rate = first["dense"].copy(), 0.0, 0.01 * 2 * 1.02e4 * 98e-6
    for epoch in range(EPOCHS):
        falling = rate * (final / 0.01) ** (epoch / EPOCHS)
        made = sigmoid(inputs @ weight)
        step = 0.9 * step - falling * inputs.T @ ((made - target) * made * (1 - made))
        weight = weight + step
    assert np.abs(weight - first["dense"]).max() > 0.05
    largest = np.quantile(np.abs(weight), 0.7)
    np.testing.assert_allclose(dense, np.clip(weight, -largest, largest), rtol=1e-7, atol=1e-9)


def test_each_cell_is_written_once_and_the_software_is_that_of_ex_situ(tmp_path: Path) -> None:
    chip = ("chip.defects.stuck_on=0.05", "train.epochs=5")
    found = run(window(tmp_path / "layers.h5", *chip, seed=5), figure=False)
    at_once = run(window(tmp_path / "once.h5", *chip, "method=ex-situ", seed=5), figure=False)
    assert found["transfer"]["cells"] == at_once["transfer"]["cells"]
    software = "software_test_rmse"
    assert found["metrics"][software] == at_once["metrics"][software]
    with h5py.File(tmp_path / "layers.h5") as a, h5py.File(tmp_path / "once.h5") as b:
        assert a["entry/training/update"][:].tolist() == list(range(5 + EPOCHS))
        targets = [file["entry/transfer/target"][:] for file in (a, b)]
        lstm = np.s_[: 2 * (UNITS + 2), : 4 * UNITS]
        np.testing.assert_array_equal(targets[0][lstm], targets[1][lstm])
        dense = np.s_[: 2 * (UNITS + 1), 4 * UNITS]
        assert (targets[0][dense] != targets[1][dense]).any()
        assert a["entry/transfer/done"][-1] == found["transfer"]["done"]


def test_the_bill_has_the_batches_between_two_layers(tmp_path: Path) -> None:
    plan = window(tmp_path / "r.h5", "train.epochs=2", seed=5)
    bill, taken = estimate(plan), run(plan, figure=False)
    assert bill["method"] == "layer-by-layer"
    assert bill["counts"]["vmm"] == taken["counts"]["vmm"]
    assert bill["on_board"]["seconds"] == pytest.approx(taken["on_board"]["seconds"], rel=0.3)
