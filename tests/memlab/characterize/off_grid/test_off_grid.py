"""Estimates hold at settings on which nothing was tuned (see `harness`)."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from tests.memlab.characterize.off_grid.harness import (
    SEEDS,
    Case,
    Found,
    Setting,
    Verdict,
    judge,
    run_setting,
)
from tests.memlab.characterize.off_grid.table import TABLE


def _verdicts(procedure: str, setting: Setting, seeds: int) -> list[Verdict]:
    return [judge(case) for case in run_setting(procedure, setting, range(1, 1 + seeds))[0]]


def _slow_verdicts(procedure: str, number: int) -> list[Verdict]:
    return _verdicts(procedure, TABLE[procedure][number], SEEDS)


@pytest.mark.parametrize("procedure", TABLE)
def test_the_first_setting_of_each_procedure_holds_for_a_few_seeds(procedure: str) -> None:
    wrong = [str(v) for v in _verdicts(procedure, TABLE[procedure][0], 3) if v.wrong]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_at_most_one_case_in_a_hundred_is_outside_and_none_grossly() -> None:
    jobs = [(name, k) for name, settings in TABLE.items() for k in range(len(settings))]
    # Two at a time, whatever pytest itself does: the whole set takes at most an hour on two cores.
    with ProcessPoolExecutor(2) as pool:
        verdicts = [
            v for found in pool.map(_slow_verdicts, *zip(*jobs, strict=True)) for v in found
        ]
    wrong = [v for v in verdicts if v.wrong]
    listed = "\n".join(map(str, wrong))
    assert not any(v.gross for v in wrong), listed
    assert len(wrong) <= 0.01 * len(verdicts), listed


def _case(z: np.ndarray, **more: object) -> Case:
    return Case("p", "s", "f", tuple(Found(float(x), 0.0, 1.0) for x in z), **more)


@pytest.mark.parametrize("seeds", [3, 8, 40])
def test_an_honest_estimate_hardly_ever_fails_and_a_false_one_does(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    honest = [judge(_case(rng.standard_normal(seeds))) for _ in range(2000)]
    # 0.16 % by the mean, and 0.3 and 0.03 % by the deviation, at 40 seeds.
    assert np.mean([bool(v.wrong) for v in honest]) < 0.012
    small = [judge(_case(10.0 * rng.standard_normal(seeds))) for _ in range(200)]
    assert np.mean([bool(v.wrong) for v in small]) > 0.95
    biased = [judge(_case(5.0 + rng.standard_normal(seeds))) for _ in range(200)]
    assert all(v.gross for v in biased)


def test_what_is_not_determined_makes_no_claim_and_what_must_not_be_stated_is_wrong() -> None:
    nothing = np.full(8, np.nan)
    assert not judge(_case(nothing)).wrong
    assert not judge(_case(nothing, undetermined=True)).wrong
    assert judge(_case(np.zeros(8), undetermined=True)).gross
    assert judge(Case("p", "s", "f", (Found(1.0, 1.0),) * 4)).gross  # a value without an error


def test_intervals_are_judged_by_how_often_they_hold_the_truth() -> None:
    held = Found(3.0, 4.0, interval=(2.0, 5.0))
    missed = Found(3.0, 7.0, interval=(2.0, 5.0))
    assert not judge(Case("p", "s", "f", (held,) * 38 + (missed,) * 2)).wrong
    assert judge(Case("p", "s", "f", (held,) * 20 + (missed,) * 20)).gross
