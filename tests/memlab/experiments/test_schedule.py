"""The learning rate that falls."""

import pytest

from memlab.experiments.schedule import LearningRateSchedule
from memlab.nn import SGD, Network
from memlab.training import EpochResult


def test_the_rate_falls_geometrically_and_starts_again_with_a_new_training() -> None:
    optimizer = SGD(0.1)
    schedule = LearningRateSchedule(optimizer, 0.001)
    schedule.started(Network([]))
    rates = []
    for epoch in range(4):
        rates.append(optimizer.lr)
        schedule.epoch_finished(EpochResult(epoch, 4, 0.0))
    assert rates == pytest.approx([0.1, 0.1 * 10**-0.5, 0.01, 0.01 * 10**-0.5])
    assert optimizer.lr == pytest.approx(0.001)
    schedule.started(Network([]))
    assert optimizer.lr == 0.1


def test_the_rate_starts_again_where_a_training_begins_anew() -> None:
    optimizer = SGD(0.1)
    schedule = LearningRateSchedule(optimizer, 0.001)
    schedule.started(Network([]))
    for epoch in range(3):
        schedule.epoch_finished(EpochResult(epoch, 4, 9.0))
    schedule.restarted(EpochResult(2, 4, 9.0), Network([]))
    rates = []
    for epoch in range(3, 7):
        rates.append(optimizer.lr)
        schedule.epoch_finished(EpochResult(epoch, 7, 0.0))
    assert rates == pytest.approx([0.1, 0.1 * 10**-0.5, 0.01, 0.01 * 10**-0.5])
    assert optimizer.lr == pytest.approx(0.001)
