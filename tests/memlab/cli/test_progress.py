"""What a training says of its pace, where nobody watches a terminal."""

import pytest

from memlab.cli.progress import TrainingProgress
from memlab.nn import Network
from memlab.training import EpochResult


def test_after_a_resume_the_pace_is_told_from_the_second_epoch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = iter([0.0, 0.0, 2.0, 4.0])
    with TrainingProgress(interval=0.0, clock=lambda: next(times)) as progress:
        progress.resumed(Network([]))
        for epoch in (26, 27, 29):
            progress.epoch_finished(EpochResult(epoch, 50, 0.5))
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == "epoch 27/50  loss 0.50000"
    assert second == "epoch 28/50  loss 0.50000  0 epochs/s  44 s left"
    assert third == "epoch 30/50  loss 0.50000  1 epochs/s  27 s left"
