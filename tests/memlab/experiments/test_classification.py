"""Accuracies, batches, and the classification experiments on data made for the test."""

import os
import statistics
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from memlab import open_run
from memlab.array.urls import open_array
from memlab.errors import MissingDataError, SettingError
from memlab.experiments import make_plan, run
from memlab.experiments.classification import accuracy, balanced_accuracy
from memlab.experiments.gait import PRESETS, GaitKind
from memlab.experiments.wafer import PRESETS as WAFER_PRESETS
from memlab.experiments.wafer import WaferKind
from memlab.settings import apply_settings

SHARED = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[4] / "shared" / "data"))
SYNTHETIC = "data.source=synthetic"


def shared(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"no {name} here; set MEMLAB_DATA to its directory")
    return SHARED


def train(name: str, out: Path, **options: Any) -> dict[str, Any]:
    return run(make_plan(name, out=out / f"{name}-{options.get('seed', 1)}.h5", **options))


def test_balanced_accuracy_of_a_constant_answer_is_one_half_however_rare_the_other_class() -> None:
    label = np.array([0] * 9 + [1])
    assert accuracy(label, np.zeros(10, int)) == pytest.approx(0.9)
    assert balanced_accuracy(label, np.zeros(10, int)) == pytest.approx(0.5)
    assert balanced_accuracy(label, label) == 1


# -- gait -----------------------------------------------------------------------------------


def test_the_gait_layers_lie_on_the_published_cells() -> None:
    config = apply_settings(PRESETS["paper"](), [SYNTHETIC])
    experiment = GaitKind.make(config, [open_array("ideal:")])
    lstm, dense = experiment.network.blocks
    assert lstm.array.shape == (128, 56)
    assert dense.array.shape == (28, 8)
    np.testing.assert_array_equal(dense.array.rows, np.arange(28))
    np.testing.assert_array_equal(dense.array.columns, np.arange(56, 64))


def test_an_epoch_shows_every_training_sequence_once() -> None:
    settings = [SYNTHETIC, "train.shuffle=true"]
    config = apply_settings(PRESETS["paper"](), settings)
    experiment = GaitKind.make(config, [open_array("ideal:")])
    assert experiment.task.y_train.size == 597
    epochs = []
    for epoch in range(2):
        batches = list(experiment.batches(epoch))
        assert [x.shape[1] for x, _ in batches] == [50] * 11 + [47]
        epochs.append(np.concatenate([x[0, :, :].sum(axis=-1) for x, _ in batches]))
    np.testing.assert_allclose(
        np.sort(epochs[0]), np.sort(experiment.task.x_train[0].sum(axis=-1)), rtol=1e-12
    )
    assert (epochs[0] != epochs[1]).any()


def test_standardising_uses_the_training_sequences_only() -> None:
    settings = [SYNTHETIC, "data.standardise=true", "data.split=pass"]
    task = GaitKind.make(apply_settings(PRESETS["paper"](), settings), [open_array("ideal:")]).task
    np.testing.assert_allclose(task.x_train.mean(axis=(0, 1)), 0, atol=1e-9)
    np.testing.assert_allclose(task.x_train.std(axis=(0, 1)), 1, rtol=1e-9)
    assert np.abs(task.x_test.mean(axis=(0, 1))).max() > 0.02


@pytest.mark.usefixtures("drawn")
def test_synthetic_gait_is_learnt_and_the_run_file_says_that_it_is_synthetic(
    tmp_path: Path,
) -> None:
    document = train("gait", tmp_path, preset="memlab", epochs=5, settings=[SYNTHETIC])
    assert set(document["metrics"]) == {
        "train_accuracy",
        "test_accuracy",
        "test_balanced_accuracy",
        "majority_test_accuracy",
        "final_loss",
    }
    # Chance is 0.125.
    assert document["metrics"]["test_accuracy"] > 0.3
    with h5py.File(document["run"]) as file:
        entry = file["entry"]
        assert "SYNTHETIC" in entry["test"].attrs["source"]
        assert entry["accuracy/test"].size == 5
        assert entry["accuracy/test"][-1] == pytest.approx(document["metrics"]["test_accuracy"])
        confusion = entry["test/confusion"][:]
        found = np.trace(confusion) / confusion.sum()
        assert found == pytest.approx(document["metrics"]["test_accuracy"])
        # The curve is not part of the record of the forward passes of training.
        training = 664 - entry["test/sequence"].size
    assert open_run(document["run"]).codes["lstm"].dac_code.shape == (5 * 25 * training, 128)
    assert Path(document["figure"]).read_bytes().startswith(b"\x89PNG")


def test_missing_gait_is_said_before_any_file_is_made(tmp_path: Path) -> None:
    plan = make_plan(
        "gait", settings=[f"data.path={tmp_path}"], out=tmp_path / "run.h5", preset="memlab"
    )
    with pytest.raises(MissingDataError, match="--data"):
        run(plan)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_gait_by_pass_is_within_three_points_of_the_software_reference(tmp_path: Path) -> None:
    where = shared("gait_kth_width.npz")
    settings = [f"data.path={where}", "log.level=off"]
    found = [
        train("gait", tmp_path, preset="memlab", seed=seed, settings=settings)["metrics"]
        for seed in range(1, 6)
    ]
    # Software, standardised, by pass: 87.9 % (mean of 3 seeds).
    assert statistics.median(metrics["test_accuracy"] for metrics in found) > 0.849


# -- wafer ----------------------------------------------------------------------------------


def made_up_wafers(directory: Path, series: int = 200) -> Path:
    rng = np.random.default_rng(8)
    arrays: dict[str, Any] = {}
    for part in ("train", "test"):
        y = (np.arange(series) % 10 == 0).astype(np.uint8)
        x = rng.standard_normal((series, 152)).astype(np.float32)
        x[y == 1, 30:60] += 3.0
        arrays |= {f"x_{part}": x, f"y_{part}": y}
    np.savez(directory / "wafer.npz", **arrays)
    return directory


def test_152_inputs_are_folded_onto_one_array(tmp_path: Path) -> None:
    config = apply_settings(WAFER_PRESETS["paper"](), [f"data.path={made_up_wafers(tmp_path)}"])
    experiment = WaferKind.make(config, [open_array("ideal:")])
    lstm, dense = experiment.network.matrices
    assert lstm.shape == (152 + 4 + 1, 16)
    assert len(lstm.blocks) == 3
    assert dense.shape == (5, 2)
    [(x, _), *_] = experiment.batches(0)
    assert x.shape == (1, 50, 152)


def test_a_trace_can_be_cut_into_equal_frames_only(tmp_path: Path) -> None:
    where = f"data.path={made_up_wafers(tmp_path)}"
    config = apply_settings(WAFER_PRESETS["paper"](), [where, "network.steps=8"])
    experiment = WaferKind.make(config, [open_array("ideal:")])
    [(x, _), *_] = experiment.batches(0)
    assert x.shape == (8, 50, 19)
    first = experiment.task.x_train[:, 3].ravel()
    np.testing.assert_array_equal(first, np.load(tmp_path / "wafer.npz")["x_train"][3])
    with pytest.raises(SettingError, match="152"):
        WaferKind.make(
            apply_settings(WAFER_PRESETS["paper"](), [where, "network.steps=5"]),
            [open_array("ideal:")],
        )


def test_rare_abnormal_wafers_are_found_because_the_loss_weighs_classes(tmp_path: Path) -> None:
    settings = [f"data.path={made_up_wafers(tmp_path)}"]
    document = train("wafer", tmp_path, epochs=15, settings=settings)
    assert document["metrics"]["test_balanced_accuracy"] > 0.8


def test_what_has_not_learnt_begins_anew_on_the_chip_and_in_software(tmp_path: Path) -> None:
    # No loss is as low as 0: every restart that is allowed is made.
    restarts = ["train.restarts=2", "train.restart_after=1", "train.restart_loss=0"]
    settings = [f"data.path={made_up_wafers(tmp_path)}", *restarts]
    found = {}
    for board in ("emulator:", "ideal:"):
        out = tmp_path / f"{board[:-1]}.h5"
        plan = make_plan("wafer", board=board, epochs=3, settings=settings, out=out)
        document = run(plan, figure=False)
        assert document["metrics"]["restarts"] == 2
        assert document["metrics_of"]["restarts"] == {"units": "1", "n": 1, "of": "training"}
        found[board] = document
        with h5py.File(out) as file:
            attempt, epoch = file["entry/training/restarts"][:], file["entry/training/epoch"][:]
            updates = attempt.size // 5
            np.testing.assert_array_equal(epoch, np.repeat(np.arange(5), updates))
            np.testing.assert_array_equal(attempt, np.repeat([0, 1, 2, 2, 2], updates))
            # The first loss of an attempt is that of other starting weights, not of learnt ones.
            first = file["entry/training/loss"][: 3 * updates : updates]
            assert np.unique(first).size == 3
            if board == "emulator:":
                cells = sum(file[f"entry/{name}/conductance"][0].size for name in blocks(file))
    counts = found["emulator:"]["counts"]
    # Each start RESETs and SETs every cell; preset `paper` SETs every cell at each update.
    assert counts["set"] == cells * (3 + 5 * updates)


def blocks(file: h5py.File) -> list[str]:
    return [name for name in file["entry"] if "conductance" in file[f"entry/{name}"]]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_wafers_in_one_step_have_a_balanced_accuracy_of_95_percent(tmp_path: Path) -> None:
    settings = [f"data.path={shared('wafer.npz')}", "log.level=off"]
    found = [
        train("wafer", tmp_path, seed=seed, settings=settings)["metrics"] for seed in range(1, 6)
    ]
    assert min(metrics["test_balanced_accuracy"] for metrics in found) > 0.95


# -- airline presets ------------------------------------------------------------------------


def test_both_airline_presets_use_the_same_devices_and_operating_point() -> None:
    from memlab.experiments.airline import PRESETS as AIRLINE_PRESETS

    paper, ours = AIRLINE_PRESETS["paper"](), AIRLINE_PRESETS["memlab"]()
    assert paper.chip == ours.chip
    assert paper.mapping == ours.mapping
    assert paper.point == ours.point
    assert paper.network.units == ours.network.units


def test_airline_window_lies_on_12_x_16_and_10_x_1_cells_and_learns(tmp_path: Path) -> None:
    document = train("airline-window", tmp_path, preset="memlab", epochs=60)
    assert document["metrics"]["persistence_test_rmse"] == pytest.approx(48.5, abs=0.05)
    with h5py.File(document["run"]) as file:
        entry = file["entry"]
        assert entry["lstm/conductance"].shape == (60, 12, 16)
        assert entry["dense/conductance"].shape == (60, 10, 1)
        assert entry["prediction/month"].size == 141
        assert entry["prediction/training"][:].sum() == 94
        assert entry["training/loss"][-1] < entry["training/loss"][0]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_our_airline_recipe_beats_persistence_by_a_quarter(tmp_path: Path) -> None:
    found = [
        train("airline", tmp_path, preset="memlab", seed=seed, settings=["log.level=off"])
        for seed in range(1, 8)
    ]
    assert statistics.median(run["metrics"]["test_rmse"] for run in found) < 0.75 * 48.5
