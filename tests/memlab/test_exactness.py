"""The codes do not depend on how a computation is cut up, threaded, ordered or started.

Design 3: one vector at a time or 6,400 at once, on any number of threads, with any BLAS kernel, in
any process, the codes are identical; and a chip is programmed alike whatever way its pulses come.
"""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import memlab
from drivers.board import AUTO_GAIN, PulseBatch, PulseKind, Selection
from drivers.published_board import Span
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_board
from memlab.chip.limits import Limits
from memlab.emulator import EmulatedBoard
from memlab.emulator.chip import GRID, MAX_CONDUCTANCE
from memlab.emulator.grid import VOLT_GRID, grid_volts
from memlab.errors import LimitError

SHAPES = [(128, 64), (64, 64), (32, 32), (5, 3), (200, 130)]
EVERYTHING = Selection(np.arange(128), np.arange(64))
LARGE = 6400
"""Vectors of one large batch: 100 images of 64 patches (experiments reference 3.3)."""

SCRIPT = """
import hashlib
import numpy as np
import memlab
with memlab.open_array("emulator:?chip=pt-taox-ta&seed=7") as array:
    rng = np.random.default_rng(1)
    array.program(rng.uniform(0.5, 2.5, (128, 64)), reset=rng.random((128, 64)) < 0.5)
    digest = hashlib.sha256()
    for gain in range(5):
        measured = array[:60].measure_vmm(rng.uniform(-0.02, 0.02, (500, 60)), gain=gain)
        digest.update(measured.adc_code.astype("<u2").tobytes() + measured.gain.tobytes())
    digest.update(array.read_conductance().astype("<f8").tobytes())
print(digest.hexdigest())
"""


def largest_voltage(shape: tuple[int, int]) -> float:
    """Return the largest row voltage (V) for which exactness is promised: 1 A in a column."""
    return 1.0 if shape[0] <= 128 else 0.9


def everything(shape: tuple[int, int]) -> Selection:
    """Return all lines; the same object for the same shape."""
    return EVERYTHING if shape == (128, 64) else Selection(*map(np.arange, shape))


@cache
def board(chip: str = "pt-taox-ta", shape: tuple[int, int] = (128, 64)) -> EmulatedBoard:
    """Return a board whose cells have all kinds of conductances."""
    board = open_board(f"emulator:?chip={chip}&seed=3&shape={shape[0]}x{shape[1]}")
    assert isinstance(board, EmulatedBoard)
    gate = np.random.default_rng(0).uniform(0.0, 2.5, shape)
    BoardArray(board, Limits(read_voltage=largest_voltage(shape))).program(gate)
    return board


@cache
def codes(n: int, shape: tuple[int, int] = (128, 64)) -> np.ndarray:
    """Return row codes of vectors of all sizes, from microvolts to the largest; read-only."""
    rng = np.random.default_rng(2)
    largest = 6553.0 * largest_voltage(shape) * rng.random((n, 1)) ** 4
    codes = (32768 + np.rint(largest * rng.uniform(-1, 1, (n, shape[0])))).astype(np.uint16)
    codes.flags.writeable = False
    return codes


class TestBatches:
    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(st.integers(0, 300), max_size=8),
        st.sampled_from([AUTO_GAIN, 1, 2, 3, 4]),
        st.sampled_from([1, 5, 64, 128, 200]),
        st.sampled_from([1, 3, 64]),
        st.sampled_from(SHAPES),
    )
    def test_any_split_of_a_batch_gives_the_same_codes(
        self, cuts: list[int], gain: int, rows: int, columns: int, shape: tuple[int, int]
    ) -> None:
        chosen, n = board(shape=shape), shape[1]
        rows, columns = min(rows, shape[0]), min(columns, n)
        selection = Selection(
            np.arange(shape[0] - rows, shape[0]), np.arange(0, n, n // columns)[:columns]
        )
        vectors = codes(300, shape)[:, :rows]
        whole = chosen.vmm(selection, vectors, gain)
        parts = [chosen.vmm(selection, part, gain) for part in np.split(vectors, sorted(cuts))]
        np.testing.assert_array_equal(np.concatenate([part.code for part in parts]), whole.code)
        np.testing.assert_array_equal(np.concatenate([part.gain for part in parts]), whole.gain)

    def test_6400_vectors_at_once_or_one_by_one_give_the_same_codes(self) -> None:
        vectors = codes(LARGE)
        whole = board().vmm(EVERYTHING, vectors)
        assert np.unique(whole.gain).tolist() == [1, 2, 3, 4]
        for k in range(LARGE):
            one = board().vmm(EVERYTHING, vectors[k : k + 1])
            assert one.code.tobytes() == whole.code[k].tobytes()
            assert one.gain.tobytes() == whole.gain[k].tobytes()

    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_memory_order_and_strides_do_not_matter(self, shape: tuple[int, int]) -> None:
        vectors, chosen, lines = codes(301, shape), board(shape=shape), everything(shape)
        whole = chosen.vmm(lines, vectors)
        turned = chosen.vmm(lines, np.asfortranarray(vectors))
        backwards = chosen.vmm(lines, vectors[::-1])
        np.testing.assert_array_equal(turned.code, whole.code)
        np.testing.assert_array_equal(backwards.code[::-1], whole.code)

    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_a_part_of_the_columns_gives_its_part_of_the_codes(
        self, shape: tuple[int, int]
    ) -> None:
        whole = board(shape=shape).vmm(everything(shape), codes(50, shape))
        columns = np.unique([0, 7 % shape[1], 8 % shape[1], shape[1] - 1])
        part = board(shape=shape).vmm(Selection(np.arange(shape[0]), columns), codes(50, shape))
        np.testing.assert_array_equal(part.code, whole.code[:, columns])


class TestThreads:
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_one_and_two_blas_threads_give_the_same_codes(self, shape: tuple[int, int]) -> None:
        results = []
        for threads in (1, 2):
            with threadpool_limits(threads, user_api="blas"):
                pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
                if not pools:
                    pytest.skip("the threads of this BLAS cannot be set")
                assert {pool["num_threads"] for pool in pools} == {threads}
                results.append(board(shape=shape).vmm(everything(shape), codes(LARGE, shape)))
        np.testing.assert_array_equal(results[0].code, results[1].code)
        np.testing.assert_array_equal(results[0].gain, results[1].gain)


class TestProcesses:
    def test_one_seed_gives_the_same_codes_in_any_process_with_any_blas_kernel(self) -> None:
        home = str(Path(memlab.__file__).parents[1])
        # OPENBLAS_CORETYPE selects other kernels, which sum in another order, on x86; other BLAS
        # and other processors ignore it.
        variants: list[dict[str, str]] = [
            {"OPENBLAS_NUM_THREADS": "1"},
            {"OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem", "PYTHONHASHSEED": "1"},
        ]
        hashes = {
            subprocess.run(
                [sys.executable, "-c", SCRIPT],
                env={**os.environ, "PYTHONPATH": home, **variant},
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            ).stdout.strip()
            for variant in variants
        }
        assert len(hashes) == 1
        assert len(hashes.pop()) == 64


class TestIntegers:
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_the_product_is_that_of_whole_numbers(self, shape: tuple[int, int]) -> None:
        transfer = board(shape=shape).transfer(everything(shape))
        volts = grid_volts(codes(200, shape), Span.BIPOLAR_5)
        assert (transfer == np.rint(transfer)).all()
        exact = volts.astype(np.int64) @ transfer.astype(np.int64)
        np.testing.assert_array_equal((volts @ transfer).astype(np.int64), exact)

    def test_128_of_the_largest_cells_at_1_volt_stay_exact_in_float64(self) -> None:
        largest = round(MAX_CONDUCTANCE * GRID)
        # 1 V is 6553.6 steps of the +/-5 V span: the DAC cannot exceed 6554 of them.
        volt = int(grid_volts(np.array([32768 + 6554], np.uint16), Span.BIPOLAR_5).item())
        assert volt >= VOLT_GRID
        assert 128 * largest * volt < 2**53

    @pytest.mark.parametrize(
        ("rows", "offset"),
        # 6554 steps of 10 V / 65536 on 5 mS are 5.0003 mA a cell: 160 A, and 32 A with errors.
        [(31998, "0"), (6399, "1e-9")],
    )
    def test_a_shape_whose_column_could_carry_more_than_sums_exactly_is_refused(
        self, rows: int, offset: str
    ) -> None:
        url = "emulator:?chip=ideal&limits.read_voltage=1&board.dac.offset="
        with pytest.raises(LimitError, match=f"at most {rows} rows") as refused:
            memlab.open_array(f"{url}{offset}&shape={rows + 1}x1")
        assert "\n" not in str(refused.value)
        memlab.open_array(f"{url}{offset}&shape={rows}x1").close()

    @pytest.mark.parametrize("rows", [128, 199, 201, 450])
    def test_lines_with_errors_stay_exact_where_columns_could_carry_more_than_1_ampere(
        self, rows: int
    ) -> None:
        chip = "chip=ideal&set_slope=0&set_offset=5e-3&board.dac.offset=1e-4"
        board = open_board(f"emulator:?{chip}&shape={rows}x2")
        assert isinstance(board, EmulatedBoard)
        BoardArray(board, Limits(read_voltage=1.0)).program(1.0)
        lines = everything((rows, 2))
        codes = np.full((9, rows), 32768 + 6553, np.uint16)
        codes[1:] = np.random.default_rng(0).integers(26215, 39322, (8, rows))
        whole = board.vmm(lines, codes, 1)
        drive = board._prepare(lines, board._require_config()).drive
        drive.fill(codes, volts := np.empty(codes.shape))
        assert (volts == np.rint(volts)).all()
        # Every partial sum, in any order, is a whole number below 2^53.
        assert np.abs(volts).sum(axis=1).max() * round(5e-3 * GRID) < 2**53
        coarser = {128: 1, 199: 1, 201: 2, 450: 4}
        assert drive.unit == coarser[rows] * 2.0**-20
        for k in range(9):
            assert board.vmm(lines, codes[k : k + 1], 1).code.tobytes() == whole.code[k].tobytes()

    @pytest.mark.parametrize("first_negative", [64, 1, 127])
    def test_the_largest_sums_that_nearly_cancel_are_exact_in_any_order(
        self, first_negative: int
    ) -> None:
        largest = round(MAX_CONDUCTANCE * GRID)
        cells = np.full((128, 3), largest, np.int64)
        cells[:, 1] -= np.arange(128)
        cells[5, 2] -= 1
        codes = np.full((1, 128), 32768 + 6554, np.uint16)
        codes[0, first_negative:] = 32768 - 6554
        volts = grid_volts(codes, Span.BIPOLAR_5)
        exact = [
            [sum(int(v) * int(g) for v, g in zip(volts[0], column, strict=True))]
            for column in cells.T
        ]
        rng = np.random.default_rng(0)
        for order in (np.arange(128), np.arange(128)[::-1], *(rng.permutation(128),) * 3):
            product = volts[:, order] @ cells[order].astype(np.float64)
            assert [[int(value)] for value in product[0]] == exact

    def test_a_board_whose_cells_are_all_at_5_ms_reads_one_grid_step_among_them(self) -> None:
        # 2^-33 S at 1 V is 0.76 codes of gain 4; the rest of the column cancels exactly.
        cells = {}
        for offset in (5e-3, 5e-3 - 2.0**-33):
            loud = open_board(f"emulator:?chip=ideal&set_slope=0&set_offset={offset!r}")
            assert isinstance(loud, EmulatedBoard)
            array = BoardArray(loud, Limits(read_voltage=1.0))
            array[:, 0].program(1.0)
            cells[offset] = loud
        codes = np.full((1, 128), 32768 + 6553, np.uint16)
        codes[0, 64:] = 32768 - 6553
        for loud in cells.values():
            samples = loud.vmm(Selection(np.arange(128), np.array([0])), codes)
            assert (samples.code.item(), samples.gain.item()) == (32768, 4)
            one_more = codes.copy()
            one_more[0, 127] += 1
            # One DAC step more on a 5 mS cell: 763 nA, 0.763 V at gain 4, 5000 codes.
            shifted = loud.vmm(Selection(np.arange(128), np.array([0])), one_more)
            assert (shifted.code.item(), shifted.gain.item()) == (32768 - 5000, 4)


def random_pulses(n: int, seed: int) -> PulseBatch:
    """Return SET and RESET pulses of random rows and columns, rows repeated."""
    rng = np.random.default_rng(seed)
    return PulseBatch(
        row=rng.integers(0, 12, n).astype(np.uint8),
        kind=rng.choice([PulseKind.SET, PulseKind.RESET], n).astype(np.uint8),
        amplitude_code=np.full(n, 32768 + 11141, np.uint16),
        width_ticks=np.full(n, 202, np.uint16),
        columns=rng.random((n, 64)) < 0.4,
        gate_code=rng.integers(0, 16385, (n, 64)).astype(np.uint16),
    )


def fresh_board(chip: str = "pt-taox-ta") -> EmulatedBoard:
    board = open_board(f"emulator:?chip={chip}&seed=21")
    assert isinstance(board, EmulatedBoard)
    BoardArray(board)  # configures the board
    return board


class TestPulses:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32), st.lists(st.integers(0, 60), max_size=6))
    def test_any_split_of_a_pulse_batch_programs_the_same_conductances(
        self, seed: int, cuts: list[int]
    ) -> None:
        pulses = random_pulses(60, seed)
        whole, cut, single = fresh_board(), fresh_board(), fresh_board()
        whole.pulse(pulses)
        edges = [0, *sorted(cuts), 60]
        fields = PulseBatch.__dataclass_fields__
        for start, stop in pairwise(edges):
            part = {name: getattr(pulses, name)[start:stop] for name in fields}
            cut.pulse(replace(pulses, **part))
        for k in range(60):
            part = {name: getattr(pulses, name)[k : k + 1] for name in fields}
            single.pulse(replace(pulses, **part))
        np.testing.assert_array_equal(cut.chip.conductance, whole.chip.conductance)
        np.testing.assert_array_equal(single.chip.conductance, whole.chip.conductance)

    @pytest.mark.parametrize("chip", ["ta-hfo2", "pt-taox-ta"])
    def test_program_does_what_reset_row_and_program_row_do_in_its_order(self, chip: str) -> None:
        rng = np.random.default_rng(4)
        gate = rng.uniform(0.5, 2.5, (20, 30))
        reset, set_ = rng.random((2, 20, 30)) < 0.5
        boards = [fresh_board(chip) for _ in range(2)]
        together, row_by_row = (BoardArray(board)[90:110, 64 - 30 :] for board in boards)
        for _ in range(3):
            together.program(gate, reset=reset, set=set_)
            for row in range(20):
                row_by_row.reset_row(row, columns=reset[row])
            for row in range(20):
                row_by_row.program_row(row, gate[row], columns=set_[row])
        np.testing.assert_array_equal(boards[0].chip.conductance, boards[1].chip.conductance)
        assert boards[0].chip.conductance[90:110].any()

    def test_what_is_multiplied_in_between_does_not_change_what_is_programmed(self) -> None:
        boards = [fresh_board() for _ in range(2)]
        for k, board in enumerate(boards):
            for seed in range(4):
                board.pulse(random_pulses(10, seed))
                if k:
                    board.read(EVERYTHING, 34079)
                    board.vmm(Selection(np.arange(3), np.arange(2)), np.full((5, 3), 33000, "u2"))
        np.testing.assert_array_equal(boards[0].chip.conductance, boards[1].chip.conductance)

    def test_a_product_follows_every_pulse(self) -> None:
        # The emulator keeps what it derived from the cells: it must notice each change.
        board = fresh_board("ideal")
        selection = Selection(np.arange(12), np.arange(64))
        seen = set()
        for seed in range(6):
            board.pulse(random_pulses(5, seed))
            code = board.read(selection, 34079, 2).code
            G = board.chip.conductance[:12]
            assert np.abs((32768.0 - code) - G * 1311 * 1e4).max() <= 0.51
            seen.add(code.tobytes())
        assert len(seen) == 6
