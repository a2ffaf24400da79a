"""A passport finds up to where it tells of a chip, by the history that the chip keeps itself."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.passports import SET, row_pulses

from drivers.board import Outcome
from drivers.history import History
from memlab.passport import Passport

D, N, U = Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN


@pytest.fixture
def passport(tmp_path: Path) -> Iterator[Passport]:
    with Passport(tmp_path / "chip.passport", (8, 5), chip="die") as passport:
        yield passport


def prints(number: int) -> np.ndarray:
    return np.arange(3, dtype=np.uint32) + 10 * number


def enter(passport: Passport, number: int, outcome: list[int] | None, known: bool = True) -> None:
    pulses = row_pulses(*((SET, row, [1, 3]) for row in range(3)), columns=5)
    batch = passport.enter(pulses, f"run/{number}", prints(number) if known else None)
    if outcome is not None:
        passport.ledger.settle(batch, np.array(outcome, np.uint8))


def history(*got: np.ndarray) -> History:
    return History().after(np.concatenate([np.empty(0, np.uint32), *got]))


def decide(passport: Passport, number: int, outcome: list[int]) -> None:
    batch = passport.ledger.find(f"run/{number}")
    assert batch is not None
    passport.ledger.settle_again(batch, np.array(outcome, np.uint8))


def test_the_place_is_the_last_batch_of_which_something_was_fired(passport: Passport) -> None:
    for number, outcome in enumerate(([D, D, D], [D, D, N], [N, N, N], [D, D, D], [N, N, N]), 1):
        enter(passport, number, outcome)
    got = [prints(1), prints(2)[:2], prints(4)]
    for count, number in enumerate((0, 1, 2, 4)):
        found = passport.find_history(history(*got[:count]))
        assert (found.number, found.fired) == (number, {})
    assert passport.find_history(history(prints(1), prints(2))).number is None
    assert list(passport.find_history(history(prints(7))).ends) == [history(*got)]


def test_a_part_of_a_batch_is_a_place(passport: Passport) -> None:
    enter(passport, 1, [D, N, D])
    enter(passport, 2, [D, D, D])
    found = passport.find_history(history(prints(1)[::2], prints(2)[:1]))
    assert found.number == 2
    fired = {number: which.tolist() for number, which in found.fired.items()}
    assert fired == {2: [True, False, False]}


def test_pulses_in_doubt_are_the_first_ones_or_none(passport: Passport) -> None:
    enter(passport, 1, [D, U, U])
    enter(passport, 2, [D, D, D])
    enter(passport, 3, None)  # entered, and nothing known
    for first in (1, 2, 3):
        for third in (0, 1, 2, 3):
            got = history(prints(1)[:first], prints(2), prints(3)[:third])
            found = passport.find_history(got)
            fired = {number: which.tolist() for number, which in found.fired.items()}
            assert fired[1] == [True, first > 1, first > 2]
            assert found.number == (3 if third else 2)
            if third:
                assert fired[3] == [True, third > 1, third > 2]
    assert passport.find_history(history(prints(1)[::2], prints(2))).number is None
    passport.ledger.settle(passport.ledger.open_batches[0], np.array([N, N, N], np.uint8))


def test_batches_that_are_fired_again_after_they_were_taken_back_have_their_own_place(
    passport: Passport,
) -> None:
    """A run that goes on fires them in order; where the chip was before says nothing of then."""
    for number in (1, 2, 3):
        enter(passport, number, [D, D, D])
    for number in (1, 2, 3):
        decide(passport, number, [N, N, N])
    assert passport.find_history(history()).number == 0
    for number in (1, 2, 3):
        decide(passport, number, [D, D, D])
    for count in range(4):
        found = passport.find_history(history(*(prints(k + 1) for k in range(count))))
        assert found.number == count


def test_what_a_chip_said_that_was_ahead_is_gone_on_from_until_what_was_before_is_decided_anew(
    passport: Passport,
) -> None:
    for number in (1, 2):
        enter(passport, number, [D, D, D])
    ahead = history(prints(1), prints(2), prints(77))
    passport.note_history(2, ahead)
    enter(passport, 3, [D, D, D])
    assert passport.find_history(ahead).number == 2
    assert passport.find_history(ahead.after(prints(3))).number == 3
    assert passport.find_history(history(prints(1), prints(2), prints(3))).number == 3
    decide(passport, 3, [N, N, N])
    assert passport.find_history(ahead).number == 2
    decide(passport, 2, [N, N, N])
    assert passport.find_history(ahead).number is None


def test_of_batches_whose_checksums_are_not_kept_nothing_is_known_but_what_a_chip_said(
    passport: Passport,
) -> None:
    enter(passport, 1, [D, D, D])
    enter(passport, 2, [D, D, D], known=False)
    enter(passport, 3, [D, D, D])
    found = passport.find_history(history(prints(1), prints(2), prints(3)))
    assert (found.number, found.ends) == (None, {})
    assert passport.find_history(history(prints(1))).number == 1
    passport.note_history(2, history(prints(5)))
    assert passport.find_history(history(prints(5), prints(3))).number == 3


def test_what_is_taken_back_with_a_run_takes_its_places_along(passport: Passport) -> None:
    passport.begin_run("run")
    enter(passport, 1, [D, D, D])
    state = passport.state()
    enter(passport, 2, [D, D, D])
    passport.note_history(2, history(prints(9)))
    passport.restore(state)
    assert passport.find_history(history(prints(9))).number is None
    enter(passport, 2, [D, D, D])
    assert passport.find_history(history(prints(1), prints(2))).number == 2
