"""What the network is shown of the series, and that nothing of the test months leaks into it."""

import numpy as np
import pytest

from memlab.datasets import load_airline
from memlab.experiments.passengers import Encoding, Prediction, encode

PASSENGERS = load_airline().passengers


@pytest.mark.parametrize("encoding", list(Encoding))
def test_perfect_outputs_decode_to_the_true_passengers(encoding: Encoding) -> None:
    series = encode(PASSENGERS, encoding)
    np.testing.assert_allclose(series.decode(series.target), PASSENGERS[1:], rtol=1e-12)
    np.testing.assert_allclose(series.decode(series.target[-20:]), PASSENGERS[-20:], rtol=1e-12)


def test_log_changes_of_the_training_months_do_not_depend_on_the_test_months() -> None:
    changed = PASSENGERS.copy()
    changed[97:] *= np.linspace(2.0, 9.0, 47)
    ours, other = encode(PASSENGERS, Encoding.LOG_CHANGE), encode(changed, Encoding.LOG_CHANGE)
    np.testing.assert_array_equal(ours.x[:97], other.x[:97])
    np.testing.assert_array_equal(ours.target[:96], other.target[:96])
    assert ours.scale == other.scale
    # And what is predicted for a month does not depend on that month.
    np.testing.assert_array_equal(ours.base[:97], other.base[:97])


def test_log_changes_of_the_training_months_have_mean_0_and_deviation_1() -> None:
    series = encode(PASSENGERS, Encoding.LOG_CHANGE)
    assert series.target[:96].mean() == pytest.approx(0, abs=1e-12)
    assert series.target[:96].std() == pytest.approx(1)
    np.testing.assert_array_equal(series.x[1:], series.target[:-1])
    assert series.x[0] == 0


@pytest.mark.parametrize("skipped", [0, 2])
def test_train_and_test_months_meet_after_the_97th_month(skipped: int) -> None:
    prediction = Prediction.make(load_airline(), PASSENGERS[1 + skipped :].copy())
    assert prediction.month[0] == ("1949-02", "1949-03", "1949-04")[skipped]
    assert prediction.month[prediction.training] == "1957-02"
    assert prediction.rmse(prediction.prediction) == (0.0, 0.0)
    assert prediction.rmse(prediction.persistence)[1] == pytest.approx(48.5, abs=0.05)
