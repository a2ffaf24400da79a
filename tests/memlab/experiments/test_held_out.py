"""Samples held out of training: which they are, what they decide, and what they leave alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.special import log_softmax

from memlab import open_run
from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.experiments import EXPERIMENTS, make_plan, run
from memlab.experiments.classification import ClassificationConfig, Classifier, Task
from memlab.experiments.estimate import estimate
from memlab.figures.declared import draw_loss
from memlab.mapping import DifferentialMatrix, DirectUpdate
from memlab.nn import Dense, Network

PATIENT = ["train.patience=2", "train.lr=0.05", "train.lr_final=0.05"]


def train(out: Path, *settings: str, board: str = "ideal:", epochs: int = 40) -> dict[str, Any]:
    plan = make_plan("airline", board=board, epochs=epochs, settings=settings, out=out)
    return run(plan, figure=False)


def test_airline_stops_by_the_last_fifth_of_its_training_months_and_reports_the_last_update(
    tmp_path: Path,
) -> None:
    document = train(tmp_path / "run.h5", *PATIENT)
    metrics, best = document["metrics"], document["best"]
    epochs = int(metrics["epochs"])
    assert epochs < 40
    assert best["epoch"] == epochs - 2
    assert best["validation_loss"] < metrics["validation_loss"]
    about = document["metrics_of"]
    # A fifth of 96, rounded up, is 20.
    assert about["validation_loss"]["n"] == 20
    assert about["final_loss"]["n"] == 76
    with open_run(document["run"]).entry() as entry:
        curve = entry["validation/loss"][()]
        assert len(curve) == len(entry["training/loss"]) == epochs
        np.testing.assert_array_equal(entry["validation/updates"], 1 + np.arange(epochs))
        assert curve[-1] == metrics["validation_loss"]
        assert curve[best["epoch"] - 1] == curve.min() == best["validation_loss"]
        # Training alone, as long as that, ends in the same: nothing went back to the best.
        weight = entry["lstm/conductance"][-1]
    again = train(tmp_path / "again.h5", "train.validation=0.2", *PATIENT[1:], epochs=epochs)
    with open_run(again["run"]).entry() as entry:
        np.testing.assert_array_equal(entry["lstm/conductance"][-1], weight)
    assert again["metrics"] == metrics


def test_the_validation_loss_is_drawn_over_that_of_training(tmp_path: Path) -> None:
    found = open_run(train(tmp_path / "run.h5", "train.validation=0.2", epochs=7)["run"])
    updates, held_out = found.validation_losses()
    np.testing.assert_array_equal(updates, np.arange(1, 8))
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    draw_loss(axes, found)
    training, validation = axes.lines
    np.testing.assert_array_equal(training.get_ydata(), found.losses())
    np.testing.assert_array_equal(validation.get_xdata(), updates)
    np.testing.assert_array_equal(validation.get_ydata(), held_out)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "held out"]
    without = open_run(train(tmp_path / "without.h5", epochs=2)["run"])
    assert [one.size for one in without.validation_losses()] == [0, 0]


def test_the_best_weights_lie_beside_the_run_and_a_training_begins_with_them(
    tmp_path: Path,
) -> None:
    document = train(tmp_path / "run.h5", *PATIENT)
    best = tmp_path / document["best"]["weights"]
    assert best == tmp_path / "run.best.npz"
    begun = train(tmp_path / "begun.h5", f"weights={best}", "train.validation=0.2", epochs=0)
    assert begun["given"]["clipped"] == 0.0
    with open_run(document["run"]).entry() as entry:
        best_update = document["best"]["epoch"] - 1
        wanted = entry["lstm/conductance"][best_update]
    with open_run(begun["run"]).entry() as entry:
        held = entry["lstm/initial_conductance"][()]
    half = len(wanted) // 2
    np.testing.assert_allclose(
        held[:half] - held[half:], wanted[:half] - wanted[half:], rtol=0, atol=1e-15
    )
    best.rename(tmp_path / "other.best.npz")
    with pytest.raises(SettingError, match=r"other\.best\.npz exists already"):
        make_plan("airline", out=tmp_path / "other.h5")


def test_no_test_month_decides_anything() -> None:
    # 96 pairs of months train, and 94 windows of three of them.
    for name, known, held_out in (("airline", 96, 20), ("airline-window", 94, 19)):
        plan = make_plan(name, settings=["train.patience=5"])
        experiment = EXPERIMENTS[name].make(plan.config, [IdealArray(128, 64)])
        samples = experiment.samples()
        experiment.network.initialise()
        ((x, target),) = experiment.batches(0)
        time_axis = 0 if name == "airline" else 1
        assert (samples.trained, samples.held_out) == (known - held_out, held_out)
        assert x.shape[time_axis] == target.shape[0] == known - held_out
        loss = experiment.validate()
        # What a forecast of the training months alone says of its last fifth.
        whole = (slice(None),) * time_axis + (slice(known),)
        output = experiment.network.forward(experiment._x[whole])
        output = output[:, 0, 0] if time_axis == 0 else output[-1, :, 0]
        wanted = experiment._target.reshape(-1)[:known]
        squares = (output - wanted)[-held_out:] ** 2
        assert loss == pytest.approx(squares.mean(), rel=1e-12)


def classifier(validation: float, *, batch: int = 4, count: int = 23) -> Classifier:
    """Return 23 sequences of 3 steps and 2 features, each with its number in it; 3 classes."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3, count, 2))
    x[0, :, 0] = np.arange(count)
    label = (np.arange(count) % 3).astype(np.uint8)
    base = make_plan("gait").config
    train = base.train.model_copy(
        update={"batch": batch, "validation": validation, "shuffle": True, "balance": True}
    )
    config = ClassificationConfig(
        chip=base.chip, train=train, mapping=base.mapping, point=base.point
    )
    task = Task(x, label, x[:, :5] + 99.0, label[:5], ("a", "b", "c"), "made up")
    start = 2e-4 + 5e-5 * rng.uniform(-1, 1, (4, 3))
    matrix = DifferentialMatrix("w", IdealArray(4, 3), 1e-4, 0.2, DirectUpdate(start))
    made = Classifier("made-up", config, task, Network([Dense(matrix)]))
    made.network.initialise()
    return made


def test_a_classifier_trains_on_no_sequence_that_it_holds_out() -> None:
    made = classifier(0.3)
    numbers = []
    for epoch in range(3):
        batches = list(made.batches(epoch))
        assert len(batches) == made.updates_per_epoch == 4
        assert max(x.shape[0] * x.shape[1] for x, _ in batches) == made.vectors_per_update
        numbers.append(np.concatenate([x[0, :, 0] for x, _ in batches]))
        assert sorted(numbers[0]) == sorted(numbers[-1])
        assert len(numbers[-1]) == len(set(numbers[-1])) == 16
    held_out = np.setdiff1d(np.arange(23), numbers[0]).astype(int)
    assert made.samples().held_out == held_out.size == 7
    task = made.task
    logits = made.network.forward(task.x_train[:, held_out])[-1]
    label = task.y_train[held_out]
    weight = 23 / (3 * np.bincount(task.y_train))
    expected = -(weight[label] * log_softmax(logits, axis=-1)[np.arange(7), label]).mean()
    assert made.validate() == pytest.approx(expected, rel=1e-12)


def test_without_anything_held_out_the_order_of_the_sequences_is_that_of_before() -> None:
    whole = np.concatenate([x[0, :, 0] for x, _ in classifier(0.0).batches(0)])
    np.testing.assert_array_equal(whole, np.random.default_rng([1, 1]).permutation(23))


@pytest.mark.parametrize(("validation", "patience", "count"), [(0, 0, 0), (0, 3, 20), (0.1, 3, 10)])
def test_patience_alone_holds_out_a_fifth(validation: float, patience: int, count: int) -> None:
    settings = [f"train.validation={validation}", f"train.patience={patience}"]
    assert make_plan("airline", settings=settings).config.train.held_out(96) == count


def test_a_training_needs_samples() -> None:
    with pytest.raises(SettingError, match="none is left to train on"):
        classifier(0.99, count=3)


def test_the_bill_has_the_validation_in_it_and_takes_the_training_to_go_on_to_its_end() -> None:
    bills = [
        estimate(make_plan("airline", epochs=30, settings=settings))["counts"]
        for settings in (["train.validation=0.2"], ["train.patience=1"], [])
    ]
    assert bills[0] == bills[1]
    # 30 epochs: trained on 76 months, and looked at 96, instead of trained on 96.
    assert bills[0]["vmm"] - bills[2]["vmm"] == 2 * 30 * (76 + 96 - 96)
