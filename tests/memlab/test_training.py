"""The training loop, on networks small enough to follow by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from memlab.array.ideal import IdealArray
from memlab.mapping import DifferentialMatrix, DirectUpdate
from memlab.nn import SGD, Best, Dense, Network, SquaredError, Validation
from memlab.training import Batch, EpochResult, Observer, Restart, UpdateResult, train

FloatArray = npt.NDArray[np.float64]


def one_weight(weight: float) -> tuple[Network, IdealArray]:
    """Return y = weight x on an ideal array."""
    array = IdealArray(2, 1)
    start = np.array([[200e-6 + 50e-6 * weight], [200e-6 - 50e-6 * weight]])
    matrix = DifferentialMatrix("w", array, 1e-4, 0.2, DirectUpdate(start))
    return Network([Dense(matrix)]), array


def sample(x: float, target: float) -> Batch:
    return np.full((1, 1, 1), x), np.full((1, 1, 1), target)


class Notes(Observer):
    """Writes down what it hears, with the weight and the number of VMMs at that moment."""

    def __init__(self, name: str, network: Network, heard: list[tuple[Any, ...]]):
        self.name, self.network, self.heard = name, network, heard

    def _note(self, event: str, *more: Any) -> None:
        matrix = self.network.matrices[0]
        weight = round(float(matrix.weight[0, 0]), 9)
        self.heard.append((self.name, event, *more, weight, matrix.array.counts.vmm))

    def started(self, network: Network) -> None:
        assert network is self.network
        self._note("started")

    def updated(self, result: UpdateResult, network: Network) -> None:
        assert network is self.network
        self._note("updated", result.index, result.epoch, round(result.loss, 9))

    def epoch_finished(self, result: EpochResult) -> None:
        self._note("epoch", result.epoch, result.epochs, round(result.loss, 9))


def test_observers_hear_everything_in_their_order_and_after_the_read_back() -> None:
    network, _ = one_weight(0.5)
    heard: list[tuple[Any, ...]] = []
    observers = [Notes("a", network, heard), Notes("b", network, heard)]
    # y = 0.5 x. Update 0: x 1, target 1, error -0.5, gradient -0.5, weight 0.5 + 0.2 * 0.5 = 0.6.
    # Update 1: x 2, target 0, error 1.2, gradient 2.4, weight 0.6 - 0.48 = 0.12.
    # Epoch 1 has one batch: x 1, target 1, error -0.88, weight 0.12 + 0.176 = 0.296.
    epochs = [[sample(1.0, 1.0), sample(2.0, 0.0)], [sample(1.0, 1.0)]]
    history = train(network, SquaredError(), SGD(0.2), lambda epoch: epochs[epoch], 2, observers)
    events = [
        ("started", 0.5, 0),
        ("updated", 0, 0, 0.25, 0.6, 1),
        ("updated", 1, 0, 1.44, 0.12, 2),
        ("epoch", 0, 2, 0.845, 0.12, 2),
        ("updated", 2, 1, 0.7744, 0.296, 3),
        ("epoch", 1, 2, 0.7744, 0.296, 3),
    ]
    assert heard == [(name, *event) for event in events for name in "ab"]
    assert history == pytest.approx([0.845, 0.7744])


def test_no_epochs_only_program_and_read_the_start() -> None:
    network, array = one_weight(0.5)
    heard: list[tuple[Any, ...]] = []

    def never(epoch: int) -> list[Batch]:
        raise AssertionError("no batch is wanted")

    history = train(network, SquaredError(), SGD(0.1), never, 0, [Notes("a", network, heard)])
    assert history == []
    assert heard == [("a", "started", 0.5, 0)]
    np.testing.assert_allclose(array.read_conductance(), [[225e-6], [175e-6]], rtol=1e-14)


def test_training_again_starts_the_array_afresh() -> None:
    network, _ = one_weight(0.5)
    runs = [
        train(network, SquaredError(), SGD(0.1), lambda _: [sample(1.0, 1.0)], 3) for _ in range(2)
    ]
    assert runs[0][0] == runs[1][0] == pytest.approx(0.25)


def test_losses_are_those_before_each_update_and_fall_along_the_hand_calculation() -> None:
    network, _ = one_weight(0.0)
    # The error shrinks by 1 - lr = 0.9 each time: losses 1, 0.81, 0.6561, ...
    history = train(network, SquaredError(), SGD(0.1), lambda _: [sample(1.0, 1.0)], 4)
    assert history == pytest.approx([0.9 ** (2 * k) for k in range(4)], rel=1e-12)


def test_an_observer_that_raises_stops_the_training() -> None:
    class Stops(Observer):
        def updated(self, result: UpdateResult, network: Network) -> None:
            if result.index == 1:
                raise KeyboardInterrupt

    network, array = one_weight(0.0)
    with pytest.raises(KeyboardInterrupt):
        train(network, SquaredError(), SGD(0.1), lambda _: [sample(1.0, 1.0)], 9, [Stops()])
    assert array.counts.vmm == 2


def test_a_training_that_has_not_learnt_begins_anew_from_the_start_of_array_and_optimizer() -> None:
    network, array = one_weight(0.5)
    heard: list[tuple[Any, ...]] = []

    class Hears(Notes):
        def restarted(self, result: EpochResult, network: Network) -> None:
            self._note("restarted", result.epoch)

    seen: list[int] = []

    def batches(epoch: int) -> list[Batch]:
        seen.append(epoch)
        # The target of the first attempt is far off; that of the second is what the weight gives.
        return [sample(1.0, 4.5 if epoch < 2 else 0.5)]

    restart = Restart(times=3, after=2, loss=0.1)
    sgd = SGD(0.1, 0.9)
    observers = [Hears("a", network, heard)]
    history = train(network, SquaredError(), sgd, batches, 3, observers, restart)
    # Weight 0.5, error -4, step 0.4; weight 0.9, error -3.6, step 0.9 * 0.4 + 0.36 = 0.72.
    # Without the reset of the optimizer its momentum would move the weight in the second attempt.
    assert heard == [
        ("a", "started", 0.5, 0),
        ("a", "updated", 0, 0, 16.0, 0.9, 1),
        ("a", "epoch", 0, 3, 16.0, 0.9, 1),
        ("a", "updated", 1, 1, 12.96, 1.62, 2),
        ("a", "epoch", 1, 3, 12.96, 1.62, 2),
        ("a", "restarted", 1, 0.5, 2),
        ("a", "updated", 2, 2, 0.0, 0.5, 3),
        ("a", "epoch", 2, 5, 0.0, 0.5, 3),
        ("a", "updated", 3, 3, 0.0, 0.5, 4),
        ("a", "epoch", 3, 5, 0.0, 0.5, 4),
        ("a", "updated", 4, 4, 0.0, 0.5, 5),
        ("a", "epoch", 4, 5, 0.0, 0.5, 5),
    ]
    assert seen == [0, 1, 2, 3, 4]
    assert history == pytest.approx([16.0, 12.96, 0.0, 0.0, 0.0])
    assert array.counts.vmm == 5


@pytest.mark.parametrize("loss", [4.5, float("nan")])
def test_a_training_begins_anew_at_most_so_often_and_then_goes_on_to_its_end(loss: float) -> None:
    network, _ = one_weight(0.5)
    restart = Restart(times=2, after=1, loss=0.1)
    batch = [sample(1.0, loss)]
    history = train(network, SquaredError(), SGD(0.1), lambda _: batch, 3, (), restart)
    assert len(history) == 1 + 1 + 3
    np.testing.assert_array_equal(history[0], history[1:3])


def test_the_loss_is_looked_at_once_in_an_attempt() -> None:
    network, _ = one_weight(0.5)
    # Learnt after the second epoch; forgotten in the third.
    batches = [[sample(1.0, 0.5)], [sample(1.0, 0.5)], [sample(1.0, 9.0)]]
    restart = Restart(times=9, after=2, loss=0.1)
    history = train(network, SquaredError(), SGD(0.1), lambda k: batches[k], 3, (), restart)
    assert len(history) == 3


def said(*losses: float) -> Callable[[], float]:
    return iter(losses).__next__


def test_training_stops_when_nothing_was_better_for_as_many_epochs_as_patience_says() -> None:
    network, _ = one_weight(0.0)
    kept: list[Best] = []
    # The lowest is that of epoch 2; epoch 3 is as low, which is not lower.
    validation = Validation(said(5.0, 6.0, 2.0, 2.0, 3.0, 1.0), 2, kept.append)
    heard: list[tuple[int, int, float]] = []

    class Hears(Observer):
        def epoch_finished(self, result: EpochResult) -> None:
            heard.append((result.epoch, result.epochs, result.validation))

    batch = [sample(1.0, 1.0)]
    history = train(
        network, SquaredError(), SGD(0.1), lambda _: batch, 9, [Hears()], validation=validation
    )
    assert heard == [(0, 9, 5.0), (1, 9, 6.0), (2, 9, 2.0), (3, 9, 2.0), (4, 9, 3.0)]
    assert len(history) == 5
    # The error shrinks by 0.9 with each update; the network stays as the last one left it.
    assert network.matrices[0].weight[0, 0] == pytest.approx(1 - 0.9**5)
    assert [(one.epoch, one.loss) for one in kept] == [(0, 5.0), (2, 2.0)]
    weights = [float(one.weights["w"][0, 0]) for one in kept]
    assert weights == pytest.approx([1 - 0.9, 1 - 0.9**3])


def test_without_patience_training_goes_on_and_a_loss_that_is_no_number_is_never_the_best() -> None:
    network, _ = one_weight(0.0)
    nan = float("nan")
    validation = Validation(said(nan, 3.0, nan, 4.0))
    history = train(
        network, SquaredError(), SGD(0.1), lambda _: [sample(1.0, 1.0)], 4, validation=validation
    )
    assert len(history) == 4
    assert validation.best is not None
    assert (validation.best.epoch, validation.best.loss) == (1, 3.0)


def test_a_training_whose_validation_is_never_a_number_stops_too() -> None:
    network, _ = one_weight(0.0)
    validation = Validation(lambda: float("nan"), patience=3)
    history = train(
        network, SquaredError(), SGD(0.1), lambda _: [sample(1.0, 1.0)], 9, validation=validation
    )
    assert len(history) == 3
    assert validation.best is None


def test_a_training_that_begins_anew_is_as_patient_as_before_and_has_a_best_of_its_own() -> None:
    network, _ = one_weight(0.5)
    validation = Validation(said(1.0, 2.0, 9.0, 8.0, 9.0, 9.0), patience=2)
    batch = [sample(1.0, 9.0)]
    restart = Restart(times=1, after=2, loss=0.1)
    history = train(network, SquaredError(), SGD(0.0), lambda _: batch, 5, (), restart, validation)
    # Two epochs in vain; the patience of the first attempt does not count for the second.
    assert len(history) == 6
    assert validation.best is not None
    assert (validation.best.epoch, validation.best.loss) == (3, 8.0)


def test_what_is_validated_is_no_part_of_the_products_that_a_log_hears() -> None:
    network, array = one_weight(0.0)
    heard: list[int] = []

    class Listens(Observer):
        def started(self, network: Network) -> None:
            network.blocks[0].array.on_vmm = lambda measurement: heard.append(array.counts.vmm)

    def measure() -> float:
        return float(network.forward(np.full((3, 1, 1), 2.0)).mean())

    train(
        network,
        SquaredError(),
        SGD(0.1),
        lambda _: [sample(1.0, 1.0)],
        2,
        [Listens()],
        validation=Validation(measure),
    )
    assert array.counts.vmm == 2 * (1 + 3)
    assert heard == [1, 5]


def test_a_validation_goes_on_from_its_state_and_keeps_its_best_again() -> None:
    network, _ = one_weight(0.0)
    network.initialise()
    first = Validation(said(4.0, 5.0), patience=3)
    for epoch in range(2):
        first.after_epoch(epoch, network)
    kept: list[Best] = []
    second = Validation(said(6.0, 7.0), 3, kept.append)
    second.restore(first.state())
    assert [(one.epoch, one.loss, one.weights["w"].tolist()) for one in kept] == [(0, 4.0, [[0.0]])]
    assert not second.exhausted
    second.after_epoch(2, network)
    assert not second.exhausted
    second.after_epoch(3, network)
    assert second.exhausted
