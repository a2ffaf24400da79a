"""What varies in a sweep."""

import pytest

from memlab.errors import SettingError
from memlab.sweep import parse_settings, plan_sweep


def test_a_range_has_both_ends_and_the_asked_number_of_values() -> None:
    grid = parse_settings(["chip.noise=0:20e-6:11", "train.lr=0.01"])
    [axis] = grid.axes
    assert axis.key == "chip.noise"
    assert axis.values == pytest.approx([k * 2e-6 for k in range(11)])
    assert grid.fixed == ("train.lr=0.01",)


def test_equal_ratios_lists_of_numbers_and_lists_of_words() -> None:
    grid = parse_settings(["train.lr=1e-4:1e-2:3:log", "network.units=5,10", "chip=ideal,ta-hfo2"])
    ratio, units, chip = grid.axes
    assert ratio.values == pytest.approx([1e-4, 1e-3, 1e-2])
    assert units.values == (5.0, 10.0)
    assert chip.values == ("ideal", "ta-hfo2")
    assert grid.shape == (3, 2, 2)
    combinations = list(grid)
    assert len(combinations) == len(grid) == 12
    assert combinations[1] == ((0, 0, 1), (ratio.setting(0), "network.units=5.0", "chip=ta-hfo2"))


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        (["chip.noise=0:x:3"], "first:last:count"),
        (["chip.noise=0:1:0"], "first:last:count"),
        (["chip.noise=0:1:3:log"], "above zero"),
        (["chip.noise=1,1"], "differ"),
        (["chip.noise"], "key=value"),
        (["chip.noise=1,2", "chip.noise=3"], "twice"),
        (["seed=1,2"], "--seeds"),
        (["chip.noice=1e-6,2e-6"], "chip.noise"),
        (["chip.noise=-1:1:3"], "chip.noise"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_runs(settings: list[str], hint: str) -> None:
    with pytest.raises(SettingError, match=hint):
        plan_sweep("airline", settings=settings, seeds=1)


def test_a_board_of_which_there_is_one_is_not_swept() -> None:
    with pytest.raises(SettingError, match="side by side"):
        plan_sweep("airline", board="serial:///dev/ttyACM0")


def test_a_trial_is_named_by_its_configuration_and_seed_and_by_nothing_else() -> None:
    first = plan_sweep("airline", settings=["chip.noise=0:2e-6:2"], seeds=2)
    # The same numbers, written differently, in another order, in a larger sweep.
    again = plan_sweep("airline", settings=["chip.noise=2e-06,0.0,1e-6"], seeds=3)
    names = {trial.name for trial in first.trials}
    assert len(names) == 4
    assert names < {trial.name for trial in again.trials}
    other = plan_sweep("airline", settings=["chip.noise=0:2e-6:2"], seeds=2, epochs=3)
    assert not names & {trial.name for trial in other.trials}
