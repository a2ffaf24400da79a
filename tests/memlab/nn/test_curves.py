"""Activations from curves: what they make of numbers, their gradients, and networks of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.central_difference import central_difference

from memlab import nn
from memlab.array.ideal import IdealArray
from memlab.errors import DataError, SettingError
from memlab.mapping import DifferentialMatrix
from memlab.nn import LSTM, Curve, Dense, LSTMVariant, layers
from memlab.nn.activations import activation_of

FloatArray = npt.NDArray[np.float64]
MatrixOf = Callable[..., DifferentialMatrix]
Z = np.linspace(-7.91237, 8.17313, 217)  # not at the ends of the lines


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_drawn_curve_without_faults_is_the_ideal_one(name: str) -> None:
    curve, ideal = Curve.of(name), activation_of(name)
    np.testing.assert_allclose(curve.forward(Z), ideal.forward(Z), atol=3e-4)
    y, dy = ideal.forward(Z), np.sin(Z)
    np.testing.assert_allclose(curve.backward(y, dy), ideal.backward(y, dy), atol=0.03)


def test_offsets_gain_and_limits_are_what_they_are_called() -> None:
    curve = Curve.of(
        "tanh", low=-0.5, high=0.7, gain=2.0, input_offset=0.1, output_offset=0.05, points=4001
    )
    wanted = np.clip(np.tanh(2.0 * (Z - 0.1)) + 0.05, -0.5, 0.7)
    np.testing.assert_allclose(curve.forward(Z), wanted, atol=1e-5)
    falling = Curve.of("sigmoid", gain=-1.0, low=0.2)
    np.testing.assert_allclose(falling.forward(Z), np.maximum(1 / (1 + np.exp(Z)), 0.2), atol=3e-4)


@pytest.mark.parametrize("gain", [1.5, -1.5])
def test_the_gradient_is_that_of_the_lines_and_0_beyond_them(gain: float) -> None:
    curve = Curve.of("tanh", low=-0.8, high=0.4, gain=gain, input_offset=0.2)
    step = 1e-7
    slope = (curve.forward(Z + step) - curve.forward(Z - step)) / (2 * step)
    dy = np.cos(Z)
    np.testing.assert_allclose(curve.backward(curve.forward(Z), dy), slope * dy, atol=1e-6)
    assert (slope == 0).sum() > 100
    assert np.abs(slope).max() > 1.0


def test_measured_curves_are_read_from_a_file_and_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("# V, V\n-1, 0.1\n0.5, 0.2\n2, 0.9\n")
    curve = Curve.read(path)
    np.testing.assert_allclose(
        curve.forward(np.array([-5.0, 0.5, 1.25, 9.0])), [0.1, 0.2, 0.55, 0.9]
    )
    path.write_text("1, 2, 3\n")
    with pytest.raises(DataError, match=r"curve\.csv holds no curve"):
        Curve.read(path)
    with pytest.raises(DataError, match="nothing"):
        Curve.read(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((0.0,), (1.0,)),
        ((0.0, 1.0), (1.0, 1.0)),
        ((0.0, 0.0), (0.0, 1.0)),
        ((0.0, 1.0), (0.0, np.nan)),
        ((0.0, 1.0, 2.0), (0.0, 1.0, 0.5)),
        ((0.0, 1.0, 2.0), (0.0, 1.0)),
    ],
)
def test_what_is_no_curve_is_refused(x: tuple[float, ...], y: tuple[float, ...]) -> None:
    with pytest.raises(SettingError, match="a curve needs"):
        Curve(x, y)


@pytest.mark.parametrize(
    "wrong", [{"low": 2.0}, {"low": 0.5, "high": 0.4}, {"gain": 0.0}, {"low": np.nan}]
)
def test_a_drawing_of_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError):
        Curve.of("tanh", **wrong)
    with pytest.raises(SettingError, match="relu"):
        Curve.of("relu")


@pytest.mark.parametrize("peephole", [False, True])
def test_an_lstm_of_circuits_has_the_gradient_of_central_differences(
    matrix_of: MatrixOf, set_weight: Callable[..., None], peephole: bool
) -> None:
    rng = np.random.default_rng(5)
    variant = LSTMVariant(
        gate=Curve.of("sigmoid", low=0.1, high=0.8, input_offset=0.1, points=91),
        squash=Curve.of("tanh", low=-0.5, high=0.6, gain=1.3, points=91),
    )
    eyes = matrix_of(rng.normal(size=(2, 3)), "eyes") if peephole else None
    lstm = LSTM(matrix_of(rng.normal(size=(6, 8))), 0.3, variant, eyes)
    dense = Dense(matrix_of(rng.normal(size=(2, 2)), "out"), Curve.of("tanh", high=0.3, points=91))
    network = nn.Network([lstm, dense])
    x, importance = rng.normal(size=(3, 2, 3)), rng.normal(size=(3, 2, 2))
    network.forward(x)
    dx = network.backward(importance)

    def total(values: FloatArray) -> float:
        return float((network.forward(values) * importance).sum())

    assert dx == pytest.approx(central_difference(total, x, 1e-7), rel=1e-5, abs=1e-7)
    assert np.abs(dx).max() > 0.01


def test_ideal_curves_by_name_change_nothing(matrix_of: MatrixOf) -> None:
    weight, x = np.random.default_rng(1).normal(size=(5, 8)), Z[:60].reshape(5, 4, 3) / 8
    named = LSTM(matrix_of(weight), variant=LSTMVariant(gate="sigmoid", squash="tanh"))
    np.testing.assert_array_equal(named.forward(x), LSTM(matrix_of(weight)).forward(x))
    drawn = LSTM(matrix_of(weight), variant=LSTMVariant(gate=Curve.of("sigmoid")))
    np.testing.assert_allclose(drawn.forward(x), named.forward(x), atol=1e-3)
    weak = LSTM(matrix_of(weight), variant=LSTMVariant(squash=Curve.of("tanh", low=-0.1, high=0.1)))
    assert np.abs(weak.forward(x) - named.forward(x)).max() > 0.01


def test_descriptions_take_curves_and_unknown_names_are_refused() -> None:
    curve = Curve.of("sigmoid")
    description = [layers.LSTM(2, variant=LSTMVariant(gate=curve)), layers.Dense(1, curve)]
    network = nn.build(description, 2, IdealArray(20, 20))
    assert network.layers[1].activation is curve  # type: ignore[attr-defined]
    with pytest.raises(SettingError, match="sinus"):
        LSTMVariant(gate="sinus")
    with pytest.raises(SettingError, match="softmax"):
        LSTMVariant(squash="softmax")
    assert "401 points" in repr(description[1])
