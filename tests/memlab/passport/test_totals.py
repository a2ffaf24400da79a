"""Sums of pulses and energy by hand, on a chip with more rows than columns and in both kinds.

Every batch has SETs and RESETs, rows that come twice, rows that come once, and cells that are not
selected; every pulse has a voltage and a width of its own.
"""

from dataclasses import replace

import numpy as np
import pytest

from drivers.board import Outcome
from drivers.errors import LimitError, PulseOutcomeUnknown, PulsesInterruptedError
from memlab.errors import DataError, SettingError
from memlab.passport.budgets import Budgets, parse_budget
from memlab.passport.fate import ask, attempts, of_error
from memlab.passport.pulses import RowPulses
from memlab.passport.totals import ASSUMED_CONDUCTANCE, Totals, add_rows, count

SHAPE = (5, 3)
SET, RESET = 0, 1
PULSES = RowPulses(
    row=np.array([1, 4, 1, 1, 2]),
    kind=np.array([SET, RESET, RESET, SET, SET], np.uint8),
    columns=np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 0]], bool),
    amplitude=np.array([2.5, 1.7, 1.5, 2.0, 1.0]),
    width=np.array([1e-6, 2e-6, 0.5e-6, 1e-6, 3e-6]),
    gate_voltage=np.full((5, 3), 1.0),
)
KNOWN = np.full(SHAPE, np.nan)
KNOWN[1], KNOWN[4] = [1e-4, 2e-4, 4e-4], [9e-4, 3e-4, -1e-6]

ENERGY = np.zeros((5, 3))
"""V^2 G t of each pulse in each cell, in J."""
ENERGY[0] = 2.5**2 * 1e-6 * np.array([1e-4, 0.0, 4e-4])
ENERGY[1] = 1.7**2 * 2e-6 * np.array([0.0, 3e-4, 0.0])
ENERGY[2] = 1.5**2 * 0.5e-6 * np.array([1e-4, 2e-4, 0.0])
ENERGY[3] = 2.0**2 * 1e-6 * np.array([0.0, 0.0, 4e-4])
ENERGY[4] = 1.0**2 * 3e-6 * np.array([ASSUMED_CONDUCTANCE, 0.0, 0.0])


def counted(*which: int) -> np.ndarray:
    """How often each cell is pulsed by these of the pulses."""
    counts = np.zeros((2, *SHAPE), int)
    for k in which:
        counts[PULSES.kind[k], PULSES.row[k]] += PULSES.columns[k]
    return counts


def energy_of(*which: int) -> np.ndarray:
    energy = np.zeros(SHAPE)
    for k in which:
        energy[PULSES.row[k]] += ENERGY[k]
    return energy


def totals() -> Totals:
    """Those of a chip that has seen something already, different in every cell and kind."""
    some = np.arange(30, dtype=np.int32).reshape(2, *SHAPE)
    return Totals(some + 1, 2 * some + 7, 1e-9 * np.arange(1.0, 16.0).reshape(SHAPE), KNOWN.copy())


class TestCounting:
    def test_each_kind_row_and_column_by_itself(self) -> None:
        counts = count(PULSES, SHAPE)
        np.testing.assert_array_equal(counts, counted(0, 1, 2, 3, 4))
        # Row 1 has two SETs in column 2, and none in column 1.
        assert counts[SET, 1].tolist() == [1, 0, 2]
        assert counts[RESET, 1].tolist() == [1, 1, 0]

    def test_some_of_the_pulses(self) -> None:
        which = np.array([False, True, True, False, True])
        np.testing.assert_array_equal(count(PULSES, SHAPE, which), counted(1, 2, 4))
        np.testing.assert_array_equal(count(PULSES, SHAPE, ~which), counted(0, 3))
        assert not count(PULSES, SHAPE, np.zeros(5, bool)).any()

    @pytest.mark.parametrize("index", [[3, 0, 4], [3, 0, 3, 3, 1], [2, 2], []], ids=str)
    def test_rows_are_added_also_where_one_repeats(self, index: list[int]) -> None:
        rng = np.random.default_rng(len(index))
        found, values = rng.normal(size=SHAPE), rng.normal(size=(len(index), 3))
        expected = found.copy()
        np.add.at(expected, np.array(index, np.intp), values)
        add_rows(found, np.array(index, np.intp), values)
        np.testing.assert_allclose(found, expected, rtol=1e-14)

    def test_energy_is_that_of_the_selected_cells_by_the_last_reading(self) -> None:
        np.testing.assert_allclose(totals().energy_of(PULSES), ENERGY, rtol=1e-7)
        below = replace(PULSES, columns=np.ones((5, 3), bool))
        assert totals().energy_of(below)[1, 2] == 0.0, "a cell that reads below 0 S"


class TestOutcomes:
    def enter(self) -> Totals:
        found = totals()
        found.enter(PULSES, count(PULSES, SHAPE), found.energy_of(PULSES))
        return found

    def test_what_is_entered_is_in_doubt_and_its_energy_counts(self) -> None:
        found, before = self.enter(), totals()
        np.testing.assert_array_equal(found.doubtful, before.doubtful + counted(0, 1, 2, 3, 4))
        np.testing.assert_array_equal(found.fired, before.fired)
        np.testing.assert_allclose(found.energy, before.energy + energy_of(0, 1, 2, 3, 4))

    def settled(self, outcome: list[Outcome]) -> Totals:
        found = self.enter()
        energy, asked = found.energy_of(PULSES), count(PULSES, SHAPE)
        found.settle(PULSES, asked, energy, np.array(outcome, np.uint8))
        return found

    def test_what_was_fired_is_fired_and_nothing_in_doubt(self) -> None:
        found, before = self.settled([Outcome.DONE] * 5), totals()
        np.testing.assert_array_equal(found.fired, before.fired + counted(0, 1, 2, 3, 4))
        np.testing.assert_array_equal(found.doubtful, before.doubtful)
        np.testing.assert_allclose(found.energy, before.energy + energy_of(0, 1, 2, 3, 4))

    MIXED = (
        Outcome.DONE,
        Outcome.UNKNOWN,
        Outcome.NOT_FIRED,
        Outcome.NOT_FIRED,
        Outcome.UNKNOWN,
    )

    def assert_mixed(self, found: Totals) -> None:
        before = totals()
        np.testing.assert_array_equal(found.fired, before.fired + counted(0))
        np.testing.assert_array_equal(found.doubtful, before.doubtful + counted(1, 4))
        np.testing.assert_allclose(found.energy, before.energy + energy_of(0, 1, 4), rtol=1e-7)

    def test_each_pulse_counts_by_its_own_outcome(self) -> None:
        self.assert_mixed(self.settled([*self.MIXED]))

    @pytest.mark.parametrize(
        "was",
        [
            [Outcome.DONE] * 5,
            [Outcome.NOT_FIRED] * 5,
            [Outcome.UNKNOWN] * 5,
            [Outcome.UNKNOWN, Outcome.DONE, Outcome.DONE, Outcome.UNKNOWN, Outcome.NOT_FIRED],
        ],
        ids=lambda was: "".join(str(int(one)) for one in was),
    )
    def test_a_later_decision_counts_as_if_it_had_been_the_first(self, was: list[Outcome]) -> None:
        found = self.settled(was)
        found.settle_again(PULSES, np.array(was, np.uint8), np.array(self.MIXED, np.uint8))
        self.assert_mixed(found)

    def test_a_batch_that_was_only_entered_is_decided_in_the_same_way(self) -> None:
        found = self.enter()
        entered = np.zeros(5, np.uint8)
        found.settle_again(PULSES, entered, np.array(self.MIXED, np.uint8))
        self.assert_mixed(found)

    def test_energy_never_falls_below_none(self) -> None:
        found = Totals.zero(SHAPE)
        found.settle_again(
            PULSES, np.full(5, Outcome.UNKNOWN), np.full(5, Outcome.NOT_FIRED, np.uint8)
        )
        assert (found.energy == 0.0).all()


class TestBytes:
    def test_everything_comes_back_at_its_place(self) -> None:
        before = totals()
        back = Totals.unpack(before.pack(), SHAPE)
        for name in ("fired", "doubtful", "energy", "known"):
            np.testing.assert_array_equal(getattr(back, name), getattr(before, name), name)
        assert back.shape == SHAPE
        back.fired += 1  # it may be counted on

    @pytest.mark.parametrize("field", ["fired", "doubtful", "energy"])
    def test_less_than_nothing_is_damage(self, field: str) -> None:
        wrong = totals()
        getattr(wrong, field)[..., 4, 2] = -1
        with pytest.raises(ValueError, match="below 0"):
            Totals.unpack(wrong.pack(), SHAPE)

    def test_another_number_of_bytes_is_damage(self) -> None:
        content = totals().pack()
        for wrong in (content[:-1], content + b"\0", b""):
            with pytest.raises(ValueError, match=r"bytes of totals for 15 cells"):
                Totals.unpack(wrong, SHAPE)


class TestBudgets:
    def check(self, **budgets: float | None) -> None:
        used = Totals.zero(SHAPE)
        used.fired[SET, 1, 2], used.doubtful[SET, 1, 2] = 10, 5
        used.fired[RESET, 1, 1], used.doubtful[RESET, 1, 1] = 3, 4
        used.known[...] = KNOWN
        used.energy[1, 2] = 1e-9
        nothing = {"set": None, "reset": None}
        Budgets(**(nothing | budgets)).check(used, count(PULSES, SHAPE), PULSES, "here")  # type: ignore[arg-type]

    # Cell [1, 2]: 15 SETs and two more; cell [1, 1]: 7 RESETs and one more.
    @pytest.mark.parametrize(
        ("name", "most", "place"),
        [("set", 17, "1, 2"), ("reset", 8, "1, 1"), ("pulses", 17, "1, 2")],
    )
    def test_the_last_pulse_that_is_allowed_is_that_on_the_budget(
        self, name: str, most: int, place: str
    ) -> None:
        self.check(**{name: most})
        with pytest.raises(LimitError, match=rf"cell \[{place}\] has had .*--{name} N"):
            self.check(**{name: most - 1})

    def test_energy_of_all_pulses_of_a_batch_counts(self) -> None:
        asked = 1e-9 + energy_of(0, 3)[1, 2]
        self.check(energy=asked * (1 + 1e-7))
        with pytest.raises(LimitError, match=r"cell \[1, 2\].* J, "):
            self.check(energy=asked * (1 - 1e-7))

    def test_without_an_end_nothing_is_refused(self) -> None:
        self.check()
        assert Budgets(set=None, reset=None, forming=None).limited == {}
        assert Budgets(energy=0.0).limited == {
            "set": 100_000,
            "reset": 100_000,
            "energy": 0.0,
            "forming": 1,
        }

    def test_a_cell_is_formed_as_often_as_its_budget(self) -> None:
        formed = np.array([[0, 1, 2], [3, 0, 1]], np.int32)
        assert Budgets().may_form(formed).tolist() == [[True, False, False], [False, True, False]]
        assert Budgets(forming=2).may_form(formed).tolist()[0] == [True, True, False]
        assert Budgets(forming=None).may_form(formed).all()
        Budgets(forming=2).check_forming(formed, formed < 2, "here")
        with pytest.raises(LimitError, match=r"cell \[0, 2\] has had 2 formings"):
            Budgets(forming=2).check_forming(formed, formed == 2, "here")
        Budgets(forming=None).check_forming(formed, formed > 0, "here")

    def test_values_as_people_write_them(self) -> None:
        assert parse_budget("set", "1e5") == 100_000
        assert isinstance(parse_budget("reset", "3"), int)
        assert parse_budget("energy", "1.5e-6") == 1.5e-6
        assert parse_budget("pulses", "0") == 0
        assert parse_budget("forming", "none") is None
        assert parse_budget("set", str(2**31 - 1)) == 2**31 - 1
        pulses, joules = "a whole number of pulses", "a number of joules"
        for name, text, kind in (
            ("set", "1.5", pulses),
            ("set", "much", pulses),
            ("set", "-1", pulses),
            ("energy", "-1e-9", joules),
            ("energy", "much", joules),
            ("pulses", "2e10", pulses),
        ):
            with pytest.raises(SettingError, match=rf"budget {name}={text}: give {kind}, for"):
                parse_budget(name, text)
        with pytest.raises(SettingError, match="choose one of set, reset, pulses, energy, forming"):
            parse_budget("sets", "1")


class Knowing:
    """A board that knows only tickets."""

    def __init__(self, **fates: list[Outcome]) -> None:
        self.fates = {name.replace("_", "."): np.array(v, np.uint8) for name, v in fates.items()}

    def fate(self, ticket: str) -> np.ndarray | None:
        return self.fates.get(ticket)


class TestFate:
    def test_a_batch_that_the_board_never_heard_of(self) -> None:
        outcome, ticket = attempts(Knowing(), "run/3", 4)  # type: ignore[arg-type]
        assert outcome is None
        assert ticket == "run/3"
        assert ask(Knowing(), "", 4) is None  # type: ignore[arg-type]

    def test_what_was_not_fired_is_followed_through_its_further_attempts(self) -> None:
        done, not_fired, unknown = Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN
        board = Knowing(
            t=[done, not_fired, not_fired, unknown, not_fired],
            t_1=[not_fired, done, Outcome.ENTERED],
            t_2=[not_fired],
        )
        outcome, ticket = attempts(board, "t", 5)  # type: ignore[arg-type]
        assert outcome is not None
        assert outcome.tolist() == [done, not_fired, done, unknown, unknown]
        assert ticket == "t.3"

    def test_a_ticket_of_other_pulses_is_refused(self) -> None:
        board = Knowing(t=[Outcome.NOT_FIRED] * 3, t_1=[Outcome.DONE])
        with pytest.raises(DataError, match=r"ticket t\.1 is one of 1 pulses .* and of 3"):
            attempts(board, "t", 3)  # type: ignore[arg-type]

    def test_what_an_error_says(self) -> None:
        done, not_fired, unknown = Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN
        found = of_error(PulsesInterruptedError("stopped", 7, 5, 2), 5)
        assert found is not None
        assert found.tolist() == [done, done, not_fired, not_fired, not_fired]
        error = PulseOutcomeUnknown(7, 5, 1, range(1, 3), [(0, 1)], "lost")
        found = of_error(error, 5)
        assert found is not None
        assert found.tolist() == [done, unknown, unknown, not_fired, not_fired]
        refused = of_error(LimitError("too much"), 2)
        assert refused is not None
        assert refused.tolist() == [not_fired] * 2
        assert of_error(OSError("cable"), 2) is None


def test_energies_add_up_to_the_same_in_any_order_and_go_as_they_came() -> None:
    rng = np.random.default_rng(1)
    outcomes = rng.choice([Outcome.DONE, Outcome.NOT_FIRED], (40, 5)).astype(np.uint8)
    done = np.full(5, Outcome.DONE, np.uint8)
    there, late = Totals.zero(SHAPE), Totals.zero(SHAPE)
    batches = [replace(PULSES, width=rng.uniform(1e-7, 4e-6, 5)) for _ in outcomes]
    asked = count(PULSES, SHAPE)
    for totals, order in ((there, range(40)), (late, range(39, -1, -1))):
        totals.known[...] = KNOWN * 1.1
        for k in order:
            energy = totals.energy_of(batches[k])
            totals.enter(batches[k], asked, energy)
            fate = done if totals is there else outcomes[k]
            totals.settle(batches[k], asked, energy, fate)
    for k in range(40):
        late.settle_again(batches[k], outcomes[k], done)
    assert there.energy.tobytes() == late.energy.tobytes()
    np.testing.assert_array_equal(there.fired, late.fired)
