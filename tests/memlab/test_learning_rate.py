"""The learning rate that falls: its laws, and whoever sets it from epoch to epoch."""

import math
from pathlib import Path

import numpy as np
import pytest
from support.stopped import StopAfter, assert_same

import memlab
from memlab.errors import SettingError
from memlab.experiments import Plan, make_plan, resume, run
from memlab.nn import SGD, Constant, Cosine, Geometric, Network, Schedule, Step, layers
from memlab.training import EpochResult, LearningRate, Observer, UpdateResult

BY_HAND = (
    (Constant(), [0.2, 0.2, 0.2, 0.2]),
    (Step(every=2, factor=0.5), [0.2, 0.2, 0.1, 0.1]),
    (Step(every=3), [0.2, 0.2, 0.2, 0.02]),
    (Geometric(0.002), [0.2, 0.2 * 10**-0.5, 0.02, 0.02 * 10**-0.5]),
    (Cosine(0.04), [0.2, 0.12 + 0.08 * math.sqrt(0.5), 0.12, 0.12 - 0.08 * math.sqrt(0.5)]),
    (Cosine(), [0.2, 0.1 + 0.1 * math.sqrt(0.5), 0.1, 0.1 - 0.1 * math.sqrt(0.5)]),
)


@pytest.mark.parametrize(("schedule", "rates"), BY_HAND)
def test_a_law_gives_the_rates_that_are_worked_out_by_hand(
    schedule: Schedule, rates: list[float]
) -> None:
    assert [schedule.rate(0.2, k, 4) for k in range(4)] == pytest.approx(rates, rel=1e-12)


@pytest.mark.parametrize(("schedule", "end"), [(Geometric(0.002), 0.002), (Cosine(0.04), 0.04)])
def test_the_last_epoch_nears_the_final_rate(schedule: Schedule, end: float) -> None:
    assert schedule.rate(0.2, 4, 4) == pytest.approx(end)


def test_a_schedule_that_would_end_nowhere_is_refused() -> None:
    for wrong in (
        lambda: Step(0),
        lambda: Step(2, 0.0),
        lambda: Step(2, 1.5),
        lambda: Geometric(0.0),
        lambda: Cosine(-1e-3),
        lambda: Cosine(math.nan),
    ):
        with pytest.raises(SettingError, match="learning rate"):
            wrong()


def test_the_rate_falls_and_starts_again_with_a_new_training() -> None:
    optimizer = SGD(0.1)
    rate = LearningRate(optimizer, Geometric(0.001))
    rate.started(Network([]))
    rates = []
    for epoch in range(4):
        rates.append(optimizer.lr)
        rate.epoch_finished(EpochResult(epoch, 4, 0.0))
    assert rates == pytest.approx([0.1, 0.1 * 10**-0.5, 0.01, 0.01 * 10**-0.5])
    assert optimizer.lr == pytest.approx(0.001)
    rate.started(Network([]))
    assert optimizer.lr == 0.1


def test_the_rate_starts_again_where_a_training_begins_anew() -> None:
    optimizer = SGD(0.1)
    rate = LearningRate(optimizer, Step(every=2))
    rate.started(Network([]))
    for epoch in range(3):
        rate.epoch_finished(EpochResult(epoch, 4, 9.0))
    rate.restarted(EpochResult(2, 4, 9.0), Network([]))
    rates = []
    for epoch in range(3, 7):
        rates.append(optimizer.lr)
        rate.epoch_finished(EpochResult(epoch, 7, 0.0))
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01])


def test_a_training_that_follows_another_has_the_whole_schedule() -> None:
    optimizer = SGD(0.1)
    rate = LearningRate(optimizer, Geometric(0.001), begun=50)
    rates = []
    for epoch in range(50, 54):
        rates.append(optimizer.lr)
        rate.epoch_finished(EpochResult(epoch, 54, 0.0))
    assert rates == pytest.approx([0.1, 0.1 * 10**-0.5, 0.01, 0.01 * 10**-0.5])


class _Rates(Observer):
    def __init__(self, optimizer: SGD):
        self._optimizer, self.seen = optimizer, list[float]()

    def updated(self, result: UpdateResult, network: Network) -> None:
        self.seen.append(self._optimizer.lr)


def test_a_model_trains_with_the_rates_of_its_schedule_and_gives_the_optimizer_back(
    tmp_path: Path,
) -> None:
    x = np.random.default_rng(1).random((6, 3))
    optimizer = SGD(0.2)
    watch = _Rates(optimizer)
    with memlab.open_array("ideal:") as array:
        model = memlab.Model([layers.Dense(2)], array, 3)
        run = model.fit(
            x,
            np.arange(6) % 2,
            epochs=4,
            batch=3,
            optimizer=optimizer,
            schedule=Cosine(0.04),
            observers=[watch],
            out=tmp_path / "run.h5",
            figure=False,
        )
        with pytest.raises(SettingError, match="schedule is an object"):
            model.fit(x, np.arange(6) % 2, epochs=1, schedule="cosine")  # type: ignore[arg-type]
    assert watch.seen == pytest.approx([Cosine(0.04).rate(0.2, k // 2, 4) for k in range(8)])
    assert optimizer.lr == 0.2
    assert run.settings["train"]["schedule"] == "Cosine(final=0.04)"


def _schedule(*settings: str) -> Schedule | None:
    plan = make_plan("airline", preset="memlab", settings=settings)
    return plan.config.train.make_schedule()


def test_experiments_have_the_same_schedules_by_settings() -> None:
    assert _schedule() == Geometric(1e-4)  # the preset's
    assert _schedule("train.lr_final=null") is None
    assert _schedule("train.schedule=constant") is None
    assert _schedule("train.schedule=cosine") == Cosine(1e-4)
    assert _schedule("train.schedule=cosine", "train.lr_final=null") == Cosine(0.0)
    step = ("train.schedule=step", "train.lr_every=5", "train.lr_factor=0.3")
    assert _schedule(*step) == Step(5, 0.3)
    with pytest.raises(SettingError, match=r"train\.schedule"):
        _schedule("train.schedule=linear")


def test_a_rate_that_would_rise_is_refused_before_a_run() -> None:
    for law in ("cosine", "geometric"):
        said = rf"lr_final=0\.1 is above train\.lr=0\.001, and by train\.schedule={law}"
        with pytest.raises(SettingError, match=said):
            _schedule("train.lr=0.001", "train.lr_final=0.1", f"train.schedule={law}")
    # One after the other, in any order: only the whole is judged.
    assert _schedule("train.lr=1e-5", "train.lr_final=1e-6") == Geometric(1e-6)
    assert _schedule("train.lr=1e-5", "train.schedule=constant") is None
    assert _schedule("train.lr=1e-4") == Geometric(1e-4)


def test_a_training_by_steps_goes_on_to_the_last_bit(tmp_path: Path) -> None:
    settings = (
        "network.units=2",
        "train.epochs=4",
        "train.schedule=step",
        "train.lr_every=2",
        "log.level=epochs",
    )

    def plan(name: str) -> Plan:
        return make_plan(
            "airline", preset="paper", board="ideal:", settings=settings, out=tmp_path / name
        )

    run(plan("whole.h5"), figure=False)
    with pytest.raises(KeyboardInterrupt):
        run(plan("broken.h5"), [StopAfter(updates=3)], figure=False)
    resume(tmp_path / "broken.h5", figure=False)
    assert_same(tmp_path / "broken.h5", tmp_path / "whole.h5", but=("run_id",))
