"""Faults that a URL asks for: told apart, checked first, and raised as what they imitate."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from drivers.board import Board, Outcome
from drivers.errors import DeviceError, PulseOutcomeUnknown, SupplyError, TransportError
from drivers.faults.options import Faults
from drivers.mock_board import MockBoard
from memlab.array.urls import check_url, open_array, open_board
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.faulty_board import FaultyEmulatedBoard
from memlab.errors import SettingError
from memlab.testing import ServedBoard
from memlab.testing.boards.codes import (
    CELLS,
    OPEN_GATE,
    RESET,
    SET,
    STRONG_GATE,
    Words,
    conductances,
    pulses,
    vectors,
)

WORDS = Words(MockBoard((128, 64)).capabilities)
CONFIG, READ, ZERO = WORDS.config, WORDS.read, WORDS.zero
CHIP = "emulator:?chip=ideal"
UP = (3, SET, [1, 2], STRONG_GATE)
DOWN = (3, RESET, [1, 2], OPEN_GATE)
MANY = (UP, DOWN, UP, DOWN, (4, SET, [5], STRONG_GATE))


def configured(url: str) -> Board:
    board = open_board(url)
    board.configure(CONFIG)
    return board


@pytest.fixture
def served() -> Iterator[Callable[..., ServedBoard]]:
    """Serve a new ideal chip, with what is wrong with the board itself."""
    running: list[ServedBoard] = []

    def serve(dialect: str = "mlp", **wrong: int) -> ServedBoard:
        preset = load_preset("ideal")
        faulty = FaultyEmulatedBoard(preset, 0, Faults(**wrong))
        running.append(ServedBoard(faulty if wrong else EmulatedBoard(preset, 0), dialect=dialect))
        return running[-1].__enter__()

    yield serve
    for board in running:
        board.__exit__(None, None, None)


class TestWords:
    @pytest.mark.parametrize(
        ("url", "said"),
        [
            (f"{CHIP}&fault.drop_afer=3", "did you mean drop_after"),
            (f"{CHIP}&fault.explode=1", "allowed: drop_after, delay, stuck_column"),
            (f"{CHIP}&fault.drop_after=-1", "whole number, at least 0"),
            (f"{CHIP}&fault.drop_after=1.5", "whole number"),
            (f"{CHIP}&fault.delay=nan", "a number, 0 to 3600 s"),
            (f"{CHIP}&fault.stuck_column=64", "0 to 63"),
            (f"{CHIP}&fault.stuck_code=9", "says something of stuck_column"),
            (f"{CHIP}&fault.rate=1e-3", "has no line; serve it with `memlab board serve`"),
            (f"{CHIP}&fault.drop_after=1&fault.drop_after=2", "twice"),
            (
                "socket://127.0.0.1:1?fault.brown_out_after=3",
                "board serve --fault brown_out",
            ),
            ("socket://127.0.0.1:1?fault.rate=0.9", "0 to 0.5"),
            ("socket://127.0.0.1:1?fault.rate=1e-4&fault.kinds=flip,melt", "half-open"),
            ("dpe+socket://127.0.0.1:1?fault.drop_time=1", "says something of drop_after"),
            ("ideal:?fault.drop_after=3", "unknown option 'fault.drop_after'"),
        ],
    )
    def test_what_cannot_be_had_is_refused_before_anything_is_opened(
        self, url: str, said: str
    ) -> None:
        with pytest.raises(SettingError, match=said):
            open_array(url)
        if not url.startswith("ideal"):
            with pytest.raises(SettingError, match=said):
                check_url(url)

    def test_a_board_without_faults_is_that_of_before(self) -> None:
        with open_board(CHIP) as board:
            assert type(board) is EmulatedBoard

    def test_a_faulty_board_says_so_in_its_name_and_nowhere_else(self) -> None:
        with open_board(CHIP) as sound, open_board(f"{CHIP}&fault.drop_after=7") as faulty:
            assert faulty.capabilities.name.endswith("board with faults drop_after=7")
            assert faulty.capabilities.serial == sound.capabilities.serial
            assert isinstance(faulty, EmulatedBoard)


class TestInProcess:
    def test_faults_that_are_not_due_change_no_code(self) -> None:
        later = f"{CHIP}&fault.drop_after=1000&fault.brown_out_after=1000"
        with configured(CHIP) as sound, configured(later) as faulty:
            for board in (sound, faulty):
                board.pulse(pulses(board, *MANY))
            np.testing.assert_array_equal(
                sound.vmm(CELLS, vectors(WORDS, 5)).code, faulty.vmm(CELLS, vectors(WORDS, 5)).code
            )

    def test_the_line_dies_in_the_call_that_was_named(self) -> None:
        board = configured(f"{CHIP}&fault.drop_after=3")  # configuring was one
        board.read(CELLS, READ)
        board.ground()  # is none
        board.vmm(CELLS, vectors(WORDS, 2))
        for _ in range(2):
            with pytest.raises(TransportError, match="died while reading"):
                board.read(CELLS, READ)
        board.close()

    def test_half_of_the_pulses_were_fired_when_it_dies_under_them(self) -> None:
        board = configured(f"{CHIP}&fault.drop_after=2")
        chip = board.chip  # type: ignore[attr-defined]
        board.pulse(pulses(board, DOWN))
        gates = (2, STRONG_GATE), (3, STRONG_GATE), (4, 0.1)
        batch = pulses(board, *((row, SET, [1], gate) for row, gate in gates))
        with pytest.raises(TransportError, match="fate of these pulses is open"):
            board.pulse(batch)
        assert (chip.conductance[[2, 3, 4], 1] > 100e-6).tolist() == [True, True, False]

    def test_a_brown_out_leaves_one_pulse_in_doubt_and_fires_none_after_it(self) -> None:
        board = configured(f"{CHIP}&fault.brown_out_after=3")
        board.pulse(pulses(board, UP))
        with pytest.raises(PulseOutcomeUnknown) as unknown:
            board.pulse(pulses(board, *MANY))
        assert (unknown.value.total, unknown.value.done) == (5, 2)
        assert unknown.value.unknown == range(2, 3)
        assert unknown.value.cells == ((3, 1), (3, 2))
        for use in (lambda: board.read(CELLS, READ), lambda: board.pulse(pulses(board, *MANY))):
            with pytest.raises(SupplyError, match="SUPPLY"):
                use()
        board.configure(CONFIG)
        assert conductances(board)[1, 0] < 38e-6  # UP and DOWN of MANY, and no third
        board.pulse(pulses(board, *MANY))
        assert conductances(board)[2, 2] > 150e-6

    def test_a_column_sticks_and_its_neighbours_do_not(self) -> None:
        with configured(f"{CHIP}&fault.stuck_column=2&fault.stuck_code=40000") as board:
            board.pulse(pulses(board, *MANY))
            for code in (board.read(CELLS, READ).code, board.vmm(CELLS, vectors(WORDS, 4)).code):
                assert (code[:, 1] == 40000).all()
                assert (code[:, [0, 2, 3]] != 40000).all()

    def test_a_slow_board_takes_its_time_in_each_call(self) -> None:
        with configured(f"{CHIP}&fault.delay=0.05") as board:
            began = time.monotonic()
            for _ in range(3):
                board.read(CELLS, READ)
            assert time.monotonic() - began >= 0.15


class TestOnALine:
    def test_a_cable_that_is_plugged_in_again_costs_no_pulse(
        self, served: Callable[..., ServedBoard]
    ) -> None:
        virtual = served()
        url = f"{virtual.url}?fault.drop_after=2&fault.drop_time=0.2"
        with configured(url) as board:
            board.pulse(pulses(board, *MANY))
            board.pulse(pulses(board, *MANY))  # the line dies under these
            fired = [e for e in virtual.events if hasattr(e, "row")]
            assert len(fired) == 10
            assert conductances(board)[2, 2] > 150e-6

    def test_a_cable_that_stays_out_is_a_transport_error_and_leaves_the_fate_open(
        self, served: Callable[..., ServedBoard]
    ) -> None:
        virtual = served()
        board = configured(f"{virtual.url}?fault.drop_after=1&reconnect=0.1")
        ticket = board.ticket(pulses(board, *MANY))
        with pytest.raises(TransportError, match="not back"):
            board.pulse(pulses(board, *MANY), ticket)
        with pytest.raises(TransportError, match="on purpose: drop_after=1"):
            board.read(CELLS, READ)
        board.close()
        with configured(virtual.url) as later:
            fate = later.fate(ticket)
            assert fate is not None
            fired = [e for e in virtual.events if hasattr(e, "row")]
            assert (fate == Outcome.DONE).sum() == len(fired)

    def test_a_line_that_falls_silent_is_a_transport_error(
        self, served: Callable[..., ServedBoard]
    ) -> None:
        board = configured(f"{served().url}?fault.silent_after=1&reconnect=0.1")
        with pytest.raises(TransportError):
            board.read(CELLS, READ)
        board.close()

    def test_damaged_bytes_change_no_code_and_fire_no_pulse_twice(
        self, served: Callable[..., ServedBoard]
    ) -> None:
        virtual = served()
        kinds = "flip,drop,duplicate,insert"
        url = f"{virtual.url}?fault.rate=3e-3&fault.seed=4&fault.kinds={kinds}"
        with configured(CHIP) as sound, configured(url) as faulty:
            for board in (sound, faulty):
                for _ in range(4):
                    board.pulse(pulses(board, *MANY))
            codes = vectors(WORDS, 20)
            np.testing.assert_array_equal(
                sound.vmm(CELLS, codes).code, faulty.vmm(CELLS, codes).code
            )
            cable = faulty._cable  # type: ignore[attr-defined]
            assert sum(cable._up.faults.values()) + sum(cable._down.faults.values()) > 3
        assert len([e for e in virtual.events if hasattr(e, "row")]) == 20

    def test_the_published_dialect_suffers_too(self, served: Callable[..., ServedBoard]) -> None:
        virtual = served("dpe")
        url = f"dpe+{virtual.url}?chip=mine-1&line_pause=0&fault.drop_after=2"
        with configured(url) as board:
            board.read(CELLS, READ)
            with pytest.raises(TransportError, match="on purpose"):
                board.read(CELLS, READ)

    def test_a_served_board_browns_out_and_the_host_is_told_what_hardware_tells(
        self, served: Callable[..., ServedBoard]
    ) -> None:
        virtual = served(brown_out_after=2)
        with configured(virtual.url) as board:
            assert "with fault" in board.capabilities.name
            with pytest.raises(PulseOutcomeUnknown) as unknown:
                board.pulse(pulses(board, *MANY))
            assert (unknown.value.done, unknown.value.unknown) == (2, range(2, 3))
            with pytest.raises(SupplyError, match="SUPPLY"):
                board.read(CELLS, READ)
            board.clear_fault()  # type: ignore[attr-defined]
            board.configure(CONFIG)
            assert (conductances(board)[1, :2] < 38e-6).all()
            board.pulse(pulses(board, *MANY))

    def test_a_served_board_has_a_stuck_column(self, served: Callable[..., ServedBoard]) -> None:
        with configured(served(stuck_column=5).url) as board:
            board.pulse(pulses(board, *MANY))
            assert (board.read(CELLS, READ).code[:, 2] == ZERO).all()


def test_a_wrong_way_to_use_a_dead_board_is_still_its_own_error() -> None:
    board = open_board(f"{CHIP}&fault.drop_after=9")
    with pytest.raises(DeviceError, match="not configured"):
        board.read(CELLS, READ)
    board.close()
