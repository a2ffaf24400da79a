"""What `--set` does to a configuration."""

import pytest

from memlab.characterize.staircase import StaircaseConfig
from memlab.settings import apply_settings


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_chip_undoes_no_change_of_a_part_of_it_that_is_named_before(
    order: tuple[int, int],
) -> None:
    asked = ["chip.noise=1e-6", "chip=pt-taox-ta"]
    chip = apply_settings(StaircaseConfig(), [asked[k] for k in order]).chip
    assert (chip.name, chip.noise) == ("pt-taox-ta", 1e-6)


def test_of_two_values_of_one_setting_the_last_counts() -> None:
    assert apply_settings(StaircaseConfig(), ["steps=5", "steps=7"]).steps == 7
