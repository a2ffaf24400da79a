"""A network of one's own: data in, run out, on `ideal:` and on emulated chips that it fills."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import log_softmax

from memlab import Model, open_array, open_run
from memlab.array import Array
from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.nn import SGD, CrossEntropy, Network, SquaredError, layers
from memlab.session import Labels
from memlab.training import EpochResult, Observer, UpdateResult

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def flowers(count: int, seed: int) -> tuple[FloatArray, IntArray]:
    """Return points around three corners, and which; every tenth lies at another one."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 3
    corner = np.array([[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, -0.5], [0.0, -0.5, 1.0, 0.0]])
    return corner[label] + 0.15 * rng.normal(size=(count, 4)), label


def two_chips() -> list[Array]:
    """Return 9 x 7 and 8 x 7 cells: 8 x 6 of a layer lie on one, 14 x 3 folded on the other."""
    urls = ("emulator:?chip=ta-hfo2&seed=5", "emulator:?chip=ta-hfo2&seed=6")
    return [open_array(urls[0])[3:12, 40:47], open_array(urls[1])[20:28, 2:9]]


def error_rate(label: npt.NDArray[Any], output: FloatArray) -> float:
    return float(np.mean(output.argmax(axis=-1) != label))


def test_a_classifier_learns_on_two_small_chips_and_leaves_a_whole_run(tmp_path: Path) -> None:
    x, y = flowers(61, 1)
    arrays = two_chips()
    model = Model(
        [layers.Dense(6, "tanh", bias=None), layers.Dense(3, bias=0.5)],
        arrays,
        4,
        seed=3,
        name="flowers",
    )
    run = model.fit(
        x,
        y,
        epochs=12,
        batch=10,
        validation=0.25,
        test=flowers(30, 2),
        metrics={"error_rate": error_rate},
        out=tmp_path / "run.h5",
        labels=Labels(("spring",), "a test"),
        figure=False,
    )
    assert (run.kind, run.title, run.status, run.seed) == ("network", "flowers", "finished", 3)
    assert (run.tags, run.note) == (("spring",), "a test")
    assert run.boards == tuple(array.url for array in arrays)
    assert run.boards[1] == "emulator:?chip=ta-hfo2&seed=6"
    assert run.settings["train"]["optimizer"].startswith("Adam(lr=0.05, beta1=0.9")
    assert run.settings["train"]["held_out"] == 16
    assert run.settings["layers"][1] == "Dense(units=3, activation='linear', bias=0.5, name='')"
    found = run.findings.values
    assert found["train_accuracy"].value > 0.8
    assert found["test_accuracy"].value > 0.8
    assert {name: one.n for name, one in found.items()} == {
        "final_loss": 45,
        "epochs": 1,
        **{f"train_{name}": 45 for name in ("loss", "accuracy", "error_rate")},
        **{f"validation_{name}": 16 for name in ("loss", "accuracy", "error_rate")},
        **{f"test_{name}": 30 for name in ("loss", "accuracy", "error_rate")},
    }
    assert found["test_error_rate"].value == pytest.approx(1 - found["test_accuracy"].value)
    assert not (tmp_path / "run.png").exists()
    with run.entry() as entry:
        # 45 samples in batches of 10 are five updates.
        assert len(entry["training/loss"]) == 60
        np.testing.assert_array_equal(entry["validation/updates"], 5 * np.arange(1, 13))
        blocks = [block.name for block in model.network.blocks]
        assert blocks == ["dense", "dense2_0", "dense2_1"]
        for name in blocks:
            assert len(entry[f"{name}/conductance"]) == 60
            # Training alone: neither validation nor what came after it.
            assert len(entry[f"{name}_vmm/adc_code"]) == 12 * 45
    # The cells are as the last update left them, and predict uses them.
    x_test, y_test = flowers(30, 2)
    assert error_rate(y_test, model.predict(x_test)) == found["test_error_rate"].value
    assert model.predict(x_test).shape == (30, 3)


@pytest.mark.usefixtures("drawn")
def test_a_picture_lies_beside_the_run(tmp_path: Path) -> None:
    x, y = flowers(6, 1)
    Model([layers.Dense(3)], IdealArray(10, 3), 4).fit(x, y, epochs=2, out=tmp_path / "run.h5")
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_one_seed_gives_one_run_and_another_seed_another(tmp_path: Path) -> None:
    x, y = flowers(20, 1)

    def losses(seed: int, out: str) -> FloatArray:
        with open_array("emulator:?seed=7") as array:
            model = Model([layers.Dense(3)], array[:12, :5], 4, seed=seed)
            run = model.fit(x, y, epochs=2, batch=7, out=tmp_path / out, figure=False)
        return run.losses()

    first = losses(1, "a.h5")
    np.testing.assert_array_equal(losses(1, "b.h5"), first)
    assert not np.array_equal(losses(2, "c.h5"), first)


def test_the_loss_is_that_of_the_formula_and_sequences_are_time_first_inside(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(7, 5, 2))
    y = rng.integers(0, 3, (7, 5))
    model = Model([layers.GRU(4), layers.Dense(3)], IdealArray(64, 20), 2)
    run = model.fit(
        x, y, epochs=1, batch=7, optimizer=SGD(0.0), out=tmp_path / "steps.h5", figure=False
    )
    output = model.predict(x)
    assert output.shape == (7, 5, 3)
    log_p = log_softmax(output, axis=-1)
    wanted = -np.take_along_axis(log_p, y[..., np.newaxis], axis=-1).mean()
    assert run.metrics["train_loss"] == pytest.approx(wanted, rel=1e-12)
    assert run.metrics["final_loss"] == pytest.approx(wanted, rel=1e-12)
    assert run.findings.values["train_accuracy"].n == 35
    # Without a time axis the last step counts alone.
    run = model.fit(
        x, y[:, 4], epochs=1, batch=7, optimizer=SGD(0.0), out=tmp_path / "last.h5", figure=False
    )
    log_p = log_softmax(model.predict(x)[:, 4], axis=-1)
    assert run.metrics["train_loss"] == pytest.approx(-log_p[np.arange(7), y[:, 4]].mean())


def test_an_lstm_learns_a_sum_and_is_judged_by_its_squared_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.5, 0.5, (40, 3, 1))
    y = x.sum(axis=1)
    description = [layers.LSTM(5), layers.LastStep(), layers.Dense(1)]
    model = Model(description, IdealArray(40, 24), 1)
    run = model.fit(
        x, y, epochs=60, batch=8, test=(-x, -y[:, 0]), out=tmp_path / "run.h5", figure=False
    )
    output = model.predict(x)
    assert output.shape == (40, 1)
    assert run.metrics["train_loss"] == pytest.approx(np.mean((output - y) ** 2))
    assert run.metrics["train_loss"] < 0.1 * np.mean(y**2)
    assert "train_accuracy" not in run.metrics
    assert run.metrics["test_loss"] == pytest.approx(np.mean((model.predict(-x) + y) ** 2))


def test_images_are_learnt_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    x = 0.1 * rng.normal(size=(30, 6, 5, 1))
    x[y == 1, 1:3] += 1.0
    x[y == 0, :, 1:3] += 1.0
    description = [
        layers.Conv2D(3, (2, 3), activation="relu"),
        layers.MaxPool(2),
        layers.Flatten(),
        layers.Dense(2),
    ]
    model = Model(description, IdealArray(40, 9), (6, 5, 1))
    run = model.fit(x, y, epochs=15, batch=10, out=tmp_path / "run.h5", figure=False)
    assert run.metrics["train_accuracy"] == 1.0


def test_patience_ends_training_and_the_best_weights_are_kept_beside_the_last(
    tmp_path: Path,
) -> None:
    x, y = flowers(30, 1)
    array = IdealArray(20, 6)
    model = Model([layers.Dense(3)], array, 4)
    # What is held out wants the opposite: the first epoch is its best.
    held_out = (x, (y + 1) % 3)
    run = model.fit(
        x, y, epochs=40, validation=held_out, patience=4, out=tmp_path / "run.h5", figure=False
    )
    assert run.metrics["epochs"] == 5
    assert run.attributes["best.epoch"] == 1
    with np.load(tmp_path / "run.best.npz") as best, run.entry() as entry:
        assert best.files == ["dense"]
        half = 5
        maps = entry["dense/conductance"]
        first, last = (g[:half] - g[half:] for g in (maps[0], maps[4]))
        np.testing.assert_allclose(best["dense"], first / 2e-5, rtol=0, atol=1e-12)
        np.testing.assert_allclose(model.weights["dense"], last / 2e-5, rtol=0, atol=1e-12)
    assert not np.allclose(first, last)


def test_a_fit_that_is_broken_off_leaves_its_file_and_the_model_can_begin_again(
    tmp_path: Path,
) -> None:
    class Stops(Observer):
        def updated(self, result: UpdateResult, network: Network) -> None:
            if result.index == 2:
                raise KeyboardInterrupt

    x, y = flowers(20, 1)
    with open_array("emulator:?seed=7") as array:
        model = Model([layers.Dense(3)], array, 4)
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, epochs=2, batch=5, out=tmp_path / "a.h5", observers=[Stops()])
        run = open_run(tmp_path / "a.h5")
        assert run.status == "interrupted"
        assert len(run.losses()) == 3
        assert model.fit(x, y, epochs=1, out=tmp_path / "b.h5", figure=False).finished
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["entry"].attrs["counts.set"] >= 15


def test_observers_and_losses_of_ones_own_are_taken(tmp_path: Path) -> None:
    heard: list[float] = []

    class Hears(Observer):
        def epoch_finished(self, result: EpochResult) -> None:
            heard.append(result.loss)

    class Halved:
        """Half of the squared error."""

        def __call__(self, output: FloatArray, target: FloatArray) -> Any:
            return SquaredError(last_step=True)(0.5 * output, target)

    x = np.eye(3)
    model = Model([layers.Dense(2)], IdealArray(8, 2), 3)
    run = model.fit(
        x,
        np.zeros((3, 2)),
        epochs=3,
        loss=Halved(),
        observers=[Hears()],
        out=tmp_path / "run.h5",
        figure=False,
    )
    assert len(heard) == 3
    assert run.settings["train"]["loss"] == "Halved()"
    assert run.metrics["train_loss"] == pytest.approx(np.mean((0.5 * model.predict(x)) ** 2))


X, Y = flowers(9, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X[:, :3]}, r"x has shape \(9, 3\); this network takes \(samples, 4\) or"),
        ({"x": X[:0], "y": Y[:0]}, "at least one sample"),
        ({"x": np.where(X > 1, np.nan, X)}, "x holds what is not finite"),
        ({"x": [["a"] * 4] * 9}, "x holds what is no number"),
        ({"y": Y[:8]}, r"y has shape \(8,\); with these samples this network takes \(9,\) or"),
        ({"y": Y + 1}, "classes 1 to 3; a network of 3 outputs has 0 to 2"),
        ({"y": Y.astype(float)}, r"takes \(9, 3\) or \(9, 1, 3\); classes are whole numbers"),
        ({"epochs": 0}, "epochs=0 and batch=32 must be at least 1"),
        ({"batch": 0}, "batch=0 must be"),
        ({"patience": 3}, "patience needs samples that are held out"),
        ({"validation": 1.5}, "validation=1.5 must be a part"),
        ({"validation": 0.95}, "holds out all of 9 samples"),
        ({"validation": (X, Y[:3])}, "y of validation has shape"),
        ({"test": (X[:, :2], Y)}, "x of test has shape"),
        ({"loss": CrossEntropy()}, "CrossEntropy does not take this y"),
        ({"optimizer": "adam"}, "optimizer is an object of memlab.nn, not a name; got 'adam'"),
        ({"log": "some"}, "choose one of all, epochs, off"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_touched(
    arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    array = IdealArray(20, 6)
    model = Model([layers.Dense(3)], array, 4)
    whole = {"x": X, "y": Y, "epochs": 1, "out": tmp_path / "run.h5", **arguments}
    with pytest.raises(SettingError, match=message):
        model.fit(**whole)
    assert list(tmp_path.iterdir()) == []
    assert (array.counts.vmm, array.counts.set) == (0, 0)


def test_two_parts_of_one_array_are_refused_and_what_ends_in_images_cannot_be_learnt() -> None:
    array = IdealArray(20, 6)
    with pytest.raises(SettingError, match="parts of one"):
        Model([layers.Dense(3)], [array[:4], array[4:]], 4)
    model = Model([layers.Conv2D(2)], array, (3, 3, 1))
    with pytest.raises(SettingError, match="end it in Flatten"):
        model.fit(np.zeros((2, 3, 3, 1)), [0, 1], epochs=1)


def test_a_prediction_before_fit_says_once_what_it_multiplies_by(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    x, y = flowers(12, 1)
    model = Model([layers.Dense(3)], IdealArray(12, 6), 4)
    for _ in range(2):
        model.predict(x)
    assert len([r for r in caplog.records if "not fitted here" in r.message]) == 1
    caplog.clear()
    fitted = Model([layers.Dense(3)], IdealArray(12, 6), 4)
    run = fitted.fit(x, y, epochs=1, out=tmp_path / "run.h5", figure=False)
    fitted.predict(x)
    assert not caplog.records
    found = run.findings.values["train_accuracy"]
    assert found.description == "Fraction classified correctly, train"
