"""Batches of a ledger one after the other: their numbers, their ends, and what each brings along.

Of batches that are open together each has other cells, so that one taken for the other shows.
"""

from pathlib import Path

import numpy as np
import pytest
from support.passports import RESET, SET, SHAPE, new_passport, row_pulses

from memlab.passport import Outcome, Passport
from memlab.passport import ledger as ledger_module

FILE = "chip.passport"
ONE, TWO, THREE = (SET, 4, [0, 2]), (RESET, 1, [1]), (SET, 2, [0])
DONE, UNKNOWN, NOT_FIRED = (
    np.array([one], np.uint8) for one in (Outcome.DONE, Outcome.UNKNOWN, Outcome.NOT_FIRED)
)


def counted(*pulses: tuple[int, int, list[int]]) -> np.ndarray:
    counts = np.zeros((2, *SHAPE), int)
    for kind, row, columns in pulses:
        counts[kind, row, columns] += 1
    return counts


def known(passport: Passport) -> list[tuple[int, list[int]]]:
    """Return of which batches the file keeps what was known before, and of which rows."""
    found = passport._store.rows("SELECT batch, rows FROM known ORDER BY batch")
    return [(batch, np.frombuffer(rows, "<u2").tolist()) for batch, rows in found]


def test_batches_are_numbered_from_1(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        assert passport.ledger.last == passport.reached == 0
        first = passport.enter(row_pulses(ONE))
        assert (first.number, passport.ledger.last, passport.reached) == (1, 1, 1)
        passport.ledger.settle(first, DONE)
        passport.ledger.save_totals()
        with Passport.read(tmp_path / FILE) as found:
            assert (found.ledger.last, found.reached) == (1, 1)
        assert passport.enter(row_pulses(TWO)).number == 2
        with Passport.read(tmp_path / FILE) as found:
            assert found.ledger.last == 2
            assert [one.number for one in found.ledger.open_batches] == [2]
            assert [one.number for one in found.ledger.batches(1)] == [2]
            assert [one.number for one in found.ledger.batches()] == [1, 2]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_each_open_batch_has_its_own_end_and_only_one(
    order: tuple[int, int, int], tmp_path: Path
) -> None:
    outcomes = DONE, UNKNOWN, NOT_FIRED
    with new_passport(tmp_path) as passport:
        ledger = passport.ledger
        entered = [passport.enter(row_pulses(pulses)) for pulses in (ONE, TWO, THREE)]
        assert [one.number for one in ledger.open_batches] == [1, 2, 3]
        ended = set()
        for k in order:
            for _ in range(2):  # again does nothing
                ledger.settle(entered[k], outcomes[k])
            ended.add(k)
            assert [one.number for one in ledger.open_batches] == [
                j + 1 for j in range(3) if j not in ended
            ]
            fired, doubtful = ledger.totals.fired, ledger.totals.doubtful
            np.testing.assert_array_equal(fired, counted(*[ONE] * (0 in ended)))
            waiting = [one for j, one in enumerate((ONE, TWO, THREE)) if j == 1 or j not in ended]
            np.testing.assert_array_equal(doubtful, counted(*waiting))
    with Passport.read(tmp_path / FILE) as found:
        np.testing.assert_array_equal(found.ledger.totals.fired, counted(ONE))
        np.testing.assert_array_equal(found.ledger.totals.doubtful, counted(TWO))
        assert [one.outcome.tolist() for one in found.ledger.batches()] == [
            [int(outcome[0])] for outcome in outcomes
        ]
        assert [one.number for one in found.ledger.doubtful()] == [2]


def test_a_batch_brings_along_what_is_known_since_the_last_one_and_nothing_twice(
    tmp_path: Path,
) -> None:
    every = np.arange(3)
    with new_passport(tmp_path) as passport:
        passport.note_reading(np.array([1, 4]), every, np.full((2, 3), 1e-4))
        for _ in range(2):
            passport.ledger.settle(passport.enter(row_pulses(ONE)), DONE)
        assert known(passport) == [(1, [4])], "row 4 was pulsed, row 1 not"
        passport.ledger.settle(passport.enter(row_pulses(TWO, ONE)), np.repeat(DONE, 2))
        assert known(passport) == [(1, [4]), (3, [1])]
        passport.note_reading(np.array([2, 4]), every, np.full((2, 3), 2e-4))
        passport.ledger.settle(passport.enter(row_pulses(THREE, ONE)), np.repeat(DONE, 2))
        assert known(passport) == [(1, [4]), (3, [1]), (4, [2, 4])]
        passport.ledger.save_totals()
        assert known(passport) == [], "the totals have it all"
        passport.ledger.settle(passport.enter(row_pulses(ONE)), DONE)
        assert known(passport) == []


@pytest.mark.parametrize("many", [1, 3])
def test_totals_are_written_after_so_many_batches_and_not_before(
    many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "SAVE_EVERY", many)
    with new_passport(tmp_path) as passport:
        for k in range(1, 8):
            passport.ledger.settle(passport.enter(row_pulses(ONE)), DONE)
            saved = passport._store.row("SELECT through FROM totals")
            assert (saved[0] if saved else 0) == k - k % many


def test_a_batch_is_found_by_its_ticket_and_only_by_one(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        for pulses, ticket in ((ONE, "run/0"), (TWO, ""), (THREE, "run/1")):
            passport.ledger.settle(passport.enter(row_pulses(pulses), ticket), UNKNOWN)
        found = passport.ledger.find("run/1")
        assert found is not None
        assert (found.number, found.pulses.row.tolist()) == (3, [2])
        assert found.outcome.tolist() == UNKNOWN.tolist()
        assert passport.ledger.find("run/2") is None
        assert passport.ledger.find("") is None


def test_a_decision_stands_beside_the_outcome_and_comes_after_open_batches(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        ledger = passport.ledger
        ledger.settle(passport.enter(row_pulses(ONE)), UNKNOWN)
        waits = passport.enter(row_pulses(TWO))
        first = ledger.doubtful()[0]
        for call in (lambda: ledger.settle_again(first, DONE, "me"), passport.state):
            with pytest.raises(ValueError, match="a batch is open"):
                call()
        ledger.settle(waits, DONE)
        ledger.settle_again(first, DONE, "me, who looked")
        ledger.settle_again(next(ledger.batches()), DONE, "what is so already")
        decided = passport._store.rows("SELECT batch, decided_by, outcome FROM decisions")
        assert list(decided) == [(1, "me, who looked", DONE.tobytes())]
        assert ledger.doubtful() == []
    with Passport.read(tmp_path / FILE) as found:
        np.testing.assert_array_equal(found.ledger.totals.fired, counted(ONE, TWO))
        assert not found.ledger.totals.doubtful.any()


def test_what_was_read_before_a_batch_stays_while_something_of_it_is_in_doubt(
    tmp_path: Path,
) -> None:
    everything = np.arange(SHAPE[0]), np.arange(SHAPE[1])

    def enter(passport: Passport, pulses: tuple[int, int, list[int]]) -> ledger_module.OpenBatch:
        passport.note_reading(*everything, np.full(SHAPE, 1e-4))
        return passport.enter(row_pulses(pulses))

    def places(passport: Passport) -> list[int]:
        """Return the batches before which the file has readings, place by place."""
        return [k for (k,) in passport._store.rows("SELECT batch FROM before ORDER BY slot")]

    with new_passport(tmp_path) as passport:
        first, second = enter(passport, ONE), enter(passport, TWO)
        assert places(passport) == [1, 2]
        passport.ledger.settle(first, DONE)
        enter(passport, THREE)
        assert places(passport) == [3, 2], "in place of what nobody needs"
        passport.ledger.settle(second, UNKNOWN)
        enter(passport, ONE)
        assert places(passport) == [3, 2, 4]
    with new_passport(tmp_path) as passport:
        enter(passport, TWO)
        assert places(passport) == [3, 2, 4, 5], "also in a later program"
