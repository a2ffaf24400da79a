"""The ledger counts what a board was asked, cell by cell, and knows it again after any end."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.passports import RESET, SET, SHAPE, new_passport, row_pulses
from support.watched_board import WatchedBoard

from drivers.board import PulseKind
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DeviceError
from memlab.passport import Outcome, Passport, RowPulses
from memlab.passport import ledger as ledger_module
from memlab.passport.pulses import GATE_STEP, decode, encode
from memlab.passport.totals import ASSUMED_CONDUCTANCE

DONE, NOT_FIRED, UNKNOWN = (
    np.array([outcome], np.uint8) for outcome in (Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN)
)

masks = st.lists(st.booleans(), min_size=15, max_size=15).map(
    lambda bits: np.array(bits).reshape(SHAPE)
)


def counts_of(board: WatchedBoard) -> np.ndarray:
    """What reached the board: pulses of each cell, one at a time."""
    counts = np.zeros((2, *SHAPE), int)
    for batch in board.pulses:
        for k in range(len(batch)):
            counts[batch.kind[k], batch.row[k]] += batch.columns[k]
    return counts


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(masks, masks), max_size=6), st.integers(1, 4))
def test_totals_are_what_reached_the_board_and_the_counts_of_the_array(
    updates: list[tuple[np.ndarray, np.ndarray]], save_every: int
) -> None:
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "SAVE_EVERY", save_every)
        path = Path(directory) / "chip.passport"
        board = WatchedBoard(EmulatedBoard(load_preset("ideal"), 1, SHAPE))
        with BoardArray(board, passport=Passport(path, SHAPE)) as array:
            for reset, set_ in updates:
                array.program(1.0, reset=reset, set=set_)
            while_open = Passport.read(path)
            truth = counts_of(board)
            assert array.passport is not None
            for passport in (array.passport, while_open):
                np.testing.assert_array_equal(passport.ledger.totals.fired, truth)
                assert not passport.ledger.totals.doubtful.any()
            while_open.close()
            assert truth[SET].sum() == array.counts.set
            assert truth[RESET].sum() == array.counts.reset
        with Passport.read(path) as passport:
            np.testing.assert_array_equal(passport.ledger.totals.fired, truth)
            kinds = [kind for batch in passport.ledger.batches() for kind in batch.pulses.kind]
        assert kinds == [kind for batch in board.pulses for kind in batch.kind]


@st.composite
def batches(draw: st.DrawFn) -> RowPulses:
    n, columns = draw(st.integers(1, 6)), draw(st.integers(1, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    selected = rng.random((n, columns)) < draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))
    gate = rng.integers(0, 65536, (n, columns)) * GATE_STEP
    gate[rng.random(n) < 0.5] = 5.0  # the same on every gate of a row
    return RowPulses(
        row=rng.integers(0, 128, n),
        kind=rng.integers(0, 2, n).astype(np.uint8),
        columns=selected,
        amplitude=rng.integers(0, 32768, n) * GATE_STEP,
        width=rng.uniform(0.16e-6, 4.42e-6, n),
        gate_voltage=gate * selected,
    )


@given(batches())
def test_a_stored_batch_comes_back_exactly(pulses: RowPulses) -> None:
    back = decode(*encode(pulses), pulses.columns.shape[1])
    for name in ("row", "kind", "columns", "amplitude", "gate_voltage"):
        np.testing.assert_array_equal(getattr(back, name), getattr(pulses, name), err_msg=name)
    np.testing.assert_allclose(back.width, pulses.width, rtol=2**-24)


def test_what_was_pulsed_is_in_volts_and_seconds_as_the_dacs_made_it(tmp_path: Path) -> None:
    board = EmulatedBoard(load_preset("ideal"), 1, SHAPE)
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        array.program([1.1, 1.2, 1.3], reset=np.eye(*SHAPE, dtype=bool))
        assert array.passport is not None
        (batch,) = array.passport.ledger.batches()
    # 10 V / 65536 is one step of each line in use (SoftSpan +/-5 V and 0..10 V).
    is_set = batch.pulses.kind == PulseKind.SET
    np.testing.assert_allclose(batch.pulses.amplitude[is_set], 2.5, atol=0)
    np.testing.assert_allclose(batch.pulses.amplitude[~is_set], 1.7, atol=0.5 * 10 / 65536)
    np.testing.assert_allclose(batch.pulses.width, 1e-6, atol=0.5 / 240e6)
    gates = batch.pulses.gate_voltage
    np.testing.assert_allclose(gates[is_set], [[1.1, 1.2, 1.3]] * 5, atol=0.5 * 10 / 65536)
    np.testing.assert_array_equal(gates[~is_set], 5.0 * np.eye(3))


@pytest.mark.parametrize("stays", [True, False], ids=["chip stays", "chip ends with the program"])
def test_an_entry_is_in_the_file_before_the_pulse_is_sent(tmp_path: Path, stays: bool) -> None:
    seen = []

    class Looks(WatchedBoard):
        life = "1" if stays else ""

        def pulse(self, pulses: object, ticket: str = "") -> None:
            with Passport.read(tmp_path / "chip.passport") as passport:
                seen.extend(entry.pulses.row.tolist() for entry in passport.ledger.open_batches)
                seen.append(int(passport.ledger.totals.doubtful.sum()))

    board = Looks(EmulatedBoard(load_preset("ideal"), 1, SHAPE))
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        array.program_row(4, 1.0)
        # Of a chip in process nobody could ask later: its batch is written with the outcome.
        assert seen == ([[4], 3] if stays else [0])
        with Passport.read(tmp_path / "chip.passport") as passport:
            (batch,) = passport.ledger.batches()
            assert batch.pulses.row.tolist() == [4]
            assert batch.outcome.tolist() == [Outcome.DONE]
            assert passport.ledger.totals.fired[SET].sum() == 3


def test_pulses_of_unknown_fate_count_apart_and_stay(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        for outcome in (DONE, NOT_FIRED, UNKNOWN):
            batch = passport.enter(row_pulses((SET, 2, [0, 1])))
            assert passport.ledger.totals.doubtful[SET, 2, 0] == 1
            passport.ledger.settle(batch, outcome)
        passport.enter(row_pulses((RESET, 2, [1])))  # this program will not come back
    with Passport.read(tmp_path / "chip.passport") as passport:
        totals = passport.ledger.totals
        assert totals.fired[SET].tolist() == [[0] * 3] * 2 + [[1, 1, 0]] + [[0] * 3] * 2
        assert totals.doubtful[:, 2].tolist() == [[1, 1, 0], [0, 1, 0]]
        assert len(passport.ledger.open_batches) == 1


def test_a_row_may_come_twice_in_a_batch(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        pulses = row_pulses((SET, 1, [0]), (SET, 1, [0, 2]), (RESET, 1, [2]), (SET, 4, [1]))
        batch = passport.enter(pulses)
        passport.ledger.settle(batch, np.array([DONE, DONE, UNKNOWN, NOT_FIRED], np.uint8)[:, 0])
        totals = passport.ledger.totals
        assert totals.fired[SET, 1].tolist() == [2, 0, 1]
        assert totals.doubtful[RESET, 1].tolist() == [0, 0, 1]
        assert not totals.fired[SET, 4].any()
        assert totals.energy[4, 1] == pytest.approx(0.0, abs=1e-24)


def test_energy_is_estimated_from_the_conductance_read_last(tmp_path: Path) -> None:
    path = tmp_path / "chip.passport"
    with new_passport(tmp_path) as passport:
        passport.note_reading(np.array([3]), np.array([0, 1]), np.array([[2e-4, 0.0]]))
        batch = passport.enter(row_pulses((SET, 3, [0, 1, 2]), (RESET, 3, [0])))
        passport.ledger.settle(batch, np.array([Outcome.DONE] * 2, np.uint8))
        # V^2 G t: 2.5^2 * 200 uS * 1 us = 1.25 nJ, and 1.7^2 * 200 uS * 1 us = 0.578 nJ.
        unread = 2.5**2 * ASSUMED_CONDUCTANCE * 1e-6
        expected = [1.25e-9 + 0.578e-9, 0.0, unread]
        np.testing.assert_allclose(passport.ledger.totals.energy[3], expected)
    with Passport.read(path) as passport:
        np.testing.assert_allclose(passport.ledger.totals.energy[3], expected)


def test_what_energies_were_estimated_with_comes_back_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "SAVE_EVERY", 4)
    rng, every = np.random.default_rng(4), np.arange(3)
    with new_passport(tmp_path) as passport:
        for k in range(11):
            rows = rng.choice(5, 2 + k % 3, replace=False)
            if k % 3 < 2:  # two batches may follow one reading
                passport.note_reading(rows, every, rng.uniform(1e-5, 5e-4, (rows.size, 3)))
            pulses = row_pulses((SET, rows[0], [0, 2]), (RESET, rows[0], [1]), (SET, k % 5, [1]))
            batch = passport.enter(pulses)
            fate = np.full(3, Outcome.DONE, np.uint8)
            fate[1:] = (Outcome.NOT_FIRED, Outcome.UNKNOWN) if k % 2 else Outcome.DONE
            passport.ledger.settle(batch, fate)
            # A reader sees what a program would find if this one were killed now.
            with Passport.read(tmp_path / "chip.passport") as found:
                assert found.ledger.totals.energy.tobytes() == (
                    passport.ledger.totals.energy.tobytes()
                ), k
                known = passport.ledger.totals.known[np.unique(pulses.row)]
                left = found.ledger.totals.known[np.unique(pulses.row)]
                np.testing.assert_array_equal(left, known)
        kept = passport._store.rows("SELECT batch FROM known")
        assert {number for (number,) in kept} <= {9, 10, 11}, "no longer than the totals lack them"


def test_of_readings_of_the_whole_chip_only_some_are_kept(tmp_path: Path) -> None:
    every = np.arange(5), np.arange(3)
    pulses = row_pulses(*((SET, row, [0, 2]) for row in range(5)))
    with new_passport(tmp_path) as passport:
        for k in range(80):
            passport.note_reading(*every, np.full((5, 3), 1e-6 * (k + 1)))
            passport.ledger.settle(passport.enter(pulses), np.full(5, Outcome.DONE, np.uint8))
            kept = [len(rows) for (rows,) in passport._store.rows("SELECT rows FROM known")]
            assert len(kept) == (k + 1) % 32
        assert passport.ledger.totals.fired[SET, 4].tolist() == [80, 0, 80]


def test_as_many_are_kept_when_a_program_was_killed_among_them(tmp_path: Path) -> None:
    every = np.arange(5), np.arange(3)
    pulses = row_pulses(*((SET, row, [0, 2]) for row in range(5)))
    for begin, end in ((0, 20), (20, 40)):
        with new_passport(tmp_path) as passport:
            for k in range(begin, end):
                passport.note_reading(*every, np.full((5, 3), 1e-6 * (k + 1)))
                passport.ledger.settle(passport.enter(pulses), np.full(5, Outcome.DONE, np.uint8))
                (kept,) = passport._store.row("SELECT count(*) FROM known") or (None,)
                assert kept == (k + 1) % 32
            passport._store.close()  # nothing is written as it ends


def test_a_chip_that_went_back_takes_along_what_was_known_of_it(tmp_path: Path) -> None:
    one, other = np.array([[1e-4, 2e-4, 3e-4]]), np.array([[5e-4, 6e-4, 7e-4]])
    path, row, every = tmp_path / "chip.passport", np.array([4]), np.arange(3)
    with new_passport(tmp_path) as passport:
        passport.begin_run("run.h5", "a1")
        passport.note_reading(row, every, one)
        passport.ledger.settle(passport.enter(row_pulses((SET, 4, [0, 1]))), DONE)
        state = passport.state()
        passport.note_reading(row, every, other)
        passport.ledger.settle(passport.enter(row_pulses((RESET, 4, [1]))), DONE)
        passport.restore(state)
        passport.ledger.settle(passport.enter(row_pulses((RESET, 4, [2]))), DONE)
        with Passport.read(path) as found:
            np.testing.assert_array_equal(found.ledger.totals.known[4], np.float32(one[0]))
            assert found.ledger.totals.energy.tobytes() == passport.ledger.totals.energy.tobytes()
        expected = 1e-6 * np.array([2.5**2 * 1e-4, 2.5**2 * 2e-4, 1.7**2 * 3e-4])
        # Amplitude (squared), width and conductance are float32.
        np.testing.assert_allclose(passport.ledger.totals.energy[4], expected, rtol=4 * 2**-24)


def test_a_cell_that_offsets_make_read_negative_is_given_no_negative_energy(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        passport.note_reading(np.array([3]), np.array([0, 1]), np.array([[-8e-5, 2e-4]]))
        passport.enter(row_pulses((SET, 3, [0, 1])))
        np.testing.assert_allclose(passport.ledger.totals.energy[3, :2], [0.0, 1.25e-9])
        known = passport.ledger.totals.known[3, :2]
        np.testing.assert_array_equal(known, np.float32([-8e-5, 2e-4]))


def test_nobody_changes_what_was_entered(tmp_path: Path) -> None:
    pulses = row_pulses((SET, 3, [0, 1]))
    with new_passport(tmp_path) as passport:
        passport.enter(pulses)
        (batch,) = passport.ledger.batches()
        for record in (pulses, batch, passport.budgets):
            for field in fields(record):
                with pytest.raises(FrozenInstanceError):
                    setattr(record, field.name, None)


def test_batches_may_be_settled_in_any_order(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        several = [passport.enter(row_pulses((SET, row, [0, 2]))) for row in (4, 1, 3)]
        passport.ledger.settle(several[1], DONE)
        assert [one.number for one in passport.ledger.open_batches] == [1, 3]
        passport.ledger.settle(several[1], NOT_FIRED)  # it is over already
        passport.ledger.settle(several[2], NOT_FIRED)
        totals = passport.ledger.totals
        assert totals.fired[SET].sum(axis=1).tolist() == [0, 2, 0, 0, 0]
        assert totals.doubtful[SET].sum(axis=1).tolist() == [0, 0, 0, 0, 2]


def test_nothing_is_pulsed_once_the_passport_is_closed(tmp_path: Path) -> None:
    board = WatchedBoard(EmulatedBoard(load_preset("ideal"), 1, SHAPE))
    array = BoardArray(board, passport=new_passport(tmp_path))
    array.close()
    array.close()
    with pytest.raises(DeviceError, match="closed"):
        array.program(1.0)
    assert board.pulses == []
