"""What every `Array` must do, in volts, amperes and siemens.

A new board is tested by its URL (`--board`), not by new tests. On hardware the suite pulses the
cells of rows 2 to 4 and columns 1 to 6 a few dozen times, with the published amplitudes.

Numbers by hand: a DAC step is 10 V / 65536; a code at gain 2 is 15.26 nA, or 76.3 nS at 0.2 V
(board reference 3.1); the Ta/HfO2 SET law gives 120 uS + 98 uS/V (experiments reference 2).
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_array, open_board
from memlab.errors import DeviceError, LimitError, SaturationWarning
from memlab.limits import Limits, OperatingPoint

ROWS, COLUMNS = [2, 3, 4], [1, 2, 5, 6]
GATE = np.linspace(0.7, 1.6, 12).reshape(3, 4)
"""Gate voltages of the cells that the suite looks at, all different."""
DAC_STEP = 10 / 65536
CODE_CURRENT, CODE_CONDUCTANCE = 15.26e-9, 76.4e-9
"""One ADC code at gain 2 in A, and in S at the read voltage."""


@pytest.fixture
def array(array_url: str) -> Iterator[Array]:
    """The whole array."""
    with open_array(array_url) as array:
        yield array


@pytest.fixture
def blank(array: Array) -> Array:
    """A 3 x 4 view with a gap in its columns, all cells in RESET."""
    view = array[2:5, COLUMNS]
    view.program(0.0, reset=np.ones(view.shape, bool), set=np.zeros(view.shape, bool))
    return view


@pytest.fixture
def view(blank: Array) -> Array:
    """The same view, SET with the gate voltages of `GATE`."""
    blank.program(GATE)
    return blank


@pytest.fixture
def board_array(board_url: str) -> Iterator[BoardArray]:
    """A 3 x 4 view, SET as `view`, of an array that has a board below."""
    with open_array(board_url) as array:
        assert isinstance(array, BoardArray)
        view = array[2:5, COLUMNS]
        view.program(GATE, reset=np.ones(view.shape, bool))
        yield view


def steps(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Voltages within +/-0.1 V that a DAC makes exactly."""
    return np.random.default_rng(seed).integers(-655, 656, shape) * DAC_STEP


class TestShape:
    def test_the_default_array_is_that_of_the_published_chip(self, array: Array) -> None:
        assert array.shape == (128, 64)
        assert array.rows.tolist() == list(range(128))
        assert array.columns.tolist() == list(range(64))

    def test_conductance_has_the_shape_of_the_view(self, array: Array, blank: Array) -> None:
        assert blank.read_conductance().shape == (3, 4)
        assert array.read_conductance().shape == (128, 64)
        assert blank.read_conductance().dtype == np.float64

    @pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (0,), (2, 0), (1, 1, 1)])
    def test_vmm_turns_the_last_axis_from_rows_into_columns(
        self, view: Array, batch: tuple[int, ...]
    ) -> None:
        current = view.vmm(np.zeros((*batch, 3)))
        assert current.shape == (*batch, 4)
        assert current.dtype == np.float64

    @pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 1), (3, 0)])
    def test_vectors_that_do_not_fit_the_rows_are_refused(
        self, view: Array, shape: tuple[int, ...]
    ) -> None:
        with pytest.raises(ValueError, match="rows"):
            view.vmm(np.zeros(shape))

    def test_integers_and_lists_are_voltages_too(self, view: Array) -> None:
        assert view.vmm([0, 0, 0]).shape == (4,)


class TestViews:
    @pytest.mark.parametrize(
        ("rows", "columns"),
        [
            (slice(2, 5), slice(1, 7)),
            (slice(5, 1, -1), slice(None)),
            (slice(None, None, 40), slice(-3, None)),
            ([4, 2], [6, 1, 5]),
            ([3, 4, 2], [5, 6, 1]),
            ([-1, 3, 0], [-64]),
            (3, 5),
            (-1, slice(0, 2)),
            (np.arange(128) % 31 == 3, np.arange(64) < 3),
            (np.array([3]), [False] * 60 + [True] * 4),
            (range(2, 9, 3), ...),
        ],
    )
    def test_a_view_reads_the_cells_that_numpy_would_pick(
        self,
        array: Array,
        view: Array,
        rows: object,
        columns: object,
        conductance_tolerance: float,
    ) -> None:
        part = array[rows, columns]
        expected_rows = np.atleast_1d(np.arange(128)[rows])
        expected_columns = np.atleast_1d(np.arange(64)[columns])
        assert part.rows.tolist() == expected_rows.tolist()
        assert part.columns.tolist() == expected_columns.tolist()
        assert part.shape == (expected_rows.size, expected_columns.size)
        picked = array.read_conductance()[np.ix_(expected_rows, expected_columns)]
        assert np.abs(part.read_conductance() - picked).max() <= conductance_tolerance

    def test_one_index_picks_rows(self, array: Array) -> None:
        assert array[5].shape == (1, 64)
        assert array[5:8].shape == (3, 64)
        assert array[[9, 3]].rows.tolist() == [9, 3]

    def test_iteration_walks_over_the_rows(self, view: Array) -> None:
        assert [row.rows.tolist() for row in view] == [[2], [3], [4]]

    def test_a_view_of_a_view_counts_from_its_own_lines(self, view: Array) -> None:
        inner = view[[2, 0], 1:][::-1, [-1, 0]]
        assert inner.rows.tolist() == [2, 4]
        assert inner.columns.tolist() == [6, 2]

    @pytest.mark.parametrize(
        "key",
        [
            3,
            -4,
            [0, 3],
            [1, 1],
            [0, -3],
            [],
            slice(3, None),
            slice(2, 1),
            [False] * 3,
            [True] * 4,
            1.0,
            None,
            True,
            [[0, 1]],
            (0, 4),
            (0, [2, 2]),
            (0, [False] * 4),
            (slice(None), slice(4, 9)),
            (0, 0, 0),
            (0,),
            (),
        ],
        ids=repr,
    )
    def test_a_view_without_lines_twice_a_line_or_a_line_too_far_is_an_index_error(
        self, view: Array, key: object
    ) -> None:
        with pytest.raises(IndexError):
            view[key]

    def test_vmm_of_a_view_has_its_rows_and_columns_in_its_order(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        voltage = steps((6, 3))
        straight = view.vmm(voltage, gain=2)
        turned = view[[2, 0, 1], [3, 0, 2, 1]].vmm(voltage[:, [2, 0, 1]], gain=2)
        allowed = np.abs(voltage).sum(axis=1, keepdims=True) * conductance_tolerance
        # Reordering must not even change the last bit, except where float64 itself adds up.
        assert (np.abs(turned - straight[:, [3, 0, 2, 1]]) <= allowed + 1e-18).all()

    def test_programming_a_view_follows_its_order(self, blank: Array) -> None:
        gate = np.array([[0.7, 0.7, 0.7, 1.6], [0.7, 0.7, 0.7, 0.7]])
        blank[[2, 0], ::-1].program(gate)
        conductance = blank.read_conductance()
        assert conductance.argmax() == 2 * 4 + 0
        assert conductance[1].max() < 50e-6 < conductance[[0, 2]].min()

    def test_lines_outside_a_view_neither_drive_nor_appear(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        # Only row 2 of the view is driven, so other rows' cells add nothing.
        part = view[[2], [0, 3]]
        expected = 0.1 * view.read_conductance()[2, [0, 3]]
        error = np.abs(part.vmm(np.array([0.1])) - expected).max()
        assert error <= 277e-6 * DAC_STEP + CODE_CURRENT + 0.1 * conductance_tolerance

    def test_taking_a_view_leaves_the_array_as_it_is(self, array: Array) -> None:
        array[3:5, [7, 2]]
        assert array.shape == (128, 64)


class TestPrograms:
    def test_a_larger_gate_voltage_leaves_a_larger_conductance(self, view: Array) -> None:
        # Means of four cells, 0.33 V apart.
        assert (np.diff(view.read_conductance().mean(axis=1)) > 0).all()

    def test_reset_brings_a_cell_down(self, view: Array) -> None:
        view.reset_row(1)
        conductance = view.read_conductance()
        assert conductance[1].max() < 50e-6 < conductance[[0, 2]].min()

    def test_a_weaker_set_does_not_lower_a_conductance(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        before = view.read_conductance()
        view.program(0.7)
        noise = 24e-6 if conductance_tolerance else 0.0
        assert (view.read_conductance() >= before - noise).all()

    def test_program_row_pulses_only_the_masked_cells_of_its_row(
        self, view: Array, array: Array, conductance_tolerance: float
    ) -> None:
        before = array.read_conductance()
        mask = np.array([True, False, True, False])
        view.program_row(0, [1.6, 2.5, 1.6, 2.5], columns=mask)
        change = np.abs(array.read_conductance() - before)
        assert (change[2, [1, 5]] > 30e-6).all()
        change[2, [1, 5]] = 0.0
        assert change.max() <= conductance_tolerance

    def test_reset_row_pulses_only_the_masked_cells_of_its_row(
        self, view: Array, array: Array, conductance_tolerance: float
    ) -> None:
        before = array.read_conductance()
        view.reset_row(-1, columns=np.array([False, True, True, False]))
        change = np.abs(array.read_conductance() - before)
        assert (change[4, [2, 5]] > 100e-6).all()
        change[4, [2, 5]] = 0.0
        assert change.max() <= conductance_tolerance

    def test_program_resets_first_and_sets_after(self, view: Array) -> None:
        before = view.read_conductance()[1, :2].mean()
        down = np.zeros(view.shape, bool)
        down[1] = True
        up = ~down
        up[1, :2] = True
        view.program(0.7, reset=down, set=up)
        conductance = view.read_conductance()
        # RESET and SET again with 0.7 instead of some 1.07 V; RESET only: about 0.
        assert 75e-6 < conductance[1, :2].mean() < before - 15e-6
        assert (conductance[1, 2:] < 50e-6).all()

    def test_program_without_cells_changes_nothing(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        before = view.read_conductance()
        view.program(1.6, set=np.zeros(view.shape, bool))
        assert np.abs(view.read_conductance() - before).max() <= conductance_tolerance

    def test_a_gate_voltage_may_be_one_for_all_or_one_for_each_column(self, blank: Array) -> None:
        blank.program(np.array([0.7, 0.7, 1.6, 1.6]))
        conductance = blank.read_conductance()
        assert (conductance[:, :2].max(axis=1) < conductance[:, 2:].min(axis=1)).all()

    @pytest.mark.parametrize("shape", [(3, 3), (4, 4), (2, 3, 4), (3,)])
    def test_gate_voltages_that_do_not_fit_are_refused(
        self, view: Array, shape: tuple[int, ...], conductance_tolerance: float
    ) -> None:
        before = view.read_conductance()
        with pytest.raises(ValueError):
            view.program(np.ones(shape))
        assert np.abs(view.read_conductance() - before).max() <= conductance_tolerance

    def test_a_mask_must_be_boolean_and_fit(self, view: Array) -> None:
        with pytest.raises(TypeError, match="reset"):
            view.program(1.0, reset=np.ones(view.shape))
        with pytest.raises(TypeError, match="columns"):
            view.program_row(0, 1.0, columns=[0, 1])
        with pytest.raises(ValueError):
            view.program(1.0, set=np.ones((4, 3), bool))

    def test_a_row_that_does_not_exist_is_an_index_error(self, view: Array) -> None:
        for use in (lambda: view.program_row(3, 1.0), lambda: view.reset_row(-4)):
            with pytest.raises(IndexError):
                use()

    def test_the_arguments_of_the_caller_are_not_changed(self, view: Array) -> None:
        gate, mask = GATE.copy(), np.eye(3, 4, dtype=bool)
        view.program(gate, reset=mask, set=mask)
        voltage = steps((2, 3))
        view.vmm(voltage)
        np.testing.assert_array_equal(gate, GATE)
        np.testing.assert_array_equal(mask, np.eye(3, 4, dtype=bool))
        np.testing.assert_array_equal(voltage, steps((2, 3)))


class TestMultiplies:
    def test_vmm_is_the_product_with_the_conductances_that_were_read(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        voltage = steps((20, 3))
        expected = voltage @ view.read_conductance()
        sums = np.abs(voltage).sum(axis=1, keepdims=True)
        allowed = CODE_CURRENT / 2 + sums * (CODE_CONDUCTANCE / 2 + conductance_tolerance)
        assert (np.abs(view.vmm(voltage) - expected) <= allowed).all()

    def test_vmm_is_linear(self, view: Array, conductance_tolerance: float) -> None:
        one, other = steps((8, 3), seed=1), steps((8, 3), seed=2)
        parts = view.vmm(one) + view.vmm(other)
        sums = (np.abs(one) + np.abs(other)).sum(axis=1, keepdims=True)
        # Three readings, each off by half a code.
        allowed = 1.5 * CODE_CURRENT + 2 * sums * conductance_tolerance
        assert (np.abs(view.vmm(one + other) - parts) <= allowed).all()

    def test_current_flows_from_row_to_column(self, view: Array) -> None:
        assert (view.vmm([0.1, 0.1, 0.1]) > 0).all()
        assert (view.vmm([-0.1, -0.1, -0.1]) < 0).all()

    def test_reading_and_multiplying_do_not_program(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        before = view.read_conductance()
        for _ in range(5):
            view.vmm(np.full((10, 3), 0.2))
        assert np.abs(view.read_conductance() - before).max() <= conductance_tolerance

    def test_an_observer_sees_every_vmm_of_its_view_and_of_no_other(self, view: Array) -> None:
        seen = []
        view.on_vmm = seen.append
        current = view.vmm(steps((2, 3)))
        view[:2].vmm(steps((2, 2)))
        assert len(seen) == 1
        np.testing.assert_array_equal(seen[0].value, current)


class TestCounts:
    def test_counts_are_vectors_and_cells(self, array: Array) -> None:
        assert (array.counts.vmm, array.counts.set, array.counts.reset) == (0, 0, 0)
        view = array[2:5, COLUMNS]
        view.vmm(np.zeros((2, 5, 3)))
        view.vmm(np.zeros(3))
        view.vmm(np.zeros((0, 3)))
        view.program_row(0, 0.7)
        view.program_row(0, 0.7, columns=np.array([True, False, False, False]))
        view.reset_row(1)
        view.program(0.7, reset=np.eye(3, 4, dtype=bool), set=np.zeros(view.shape, bool))
        assert (array.counts.vmm, array.counts.set, array.counts.reset) == (11, 5, 7)

    def test_what_was_refused_is_not_counted(self, array: Array) -> None:
        view = array[2:5, COLUMNS]
        with pytest.raises(ValueError):
            view.vmm(np.zeros((2, 4)))
        with pytest.raises(ValueError):
            view.program(np.zeros((4, 3)))
        with pytest.raises(TypeError):
            view.program(0.7, reset=np.ones(view.shape))
        assert (array.counts.vmm, array.counts.set, array.counts.reset) == (0, 0, 0)


class TestLife:
    def test_ground_at_any_time_changes_no_cell(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        before = view.read_conductance()
        view.ground()
        view.ground()
        assert np.abs(view.read_conductance() - before).max() <= conductance_tolerance

    def test_an_array_can_be_closed_twice(self, array: Array) -> None:
        array.close()
        array.close()

    def test_an_exception_passes_on_through_the_context_manager(self, array: Array) -> None:
        def fail_while_open() -> None:
            with array:
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_while_open()

    def test_an_array_describes_itself_in_plain_values(self, array: Array) -> None:
        board = array.describe()["board"]
        assert board["name"]
        assert (board["rows"], board["columns"]) == (128, 64)


class TestOnABoard:
    """What an array adds where there is a board below: codes, gains, limits, an end."""

    def test_a_measurement_carries_its_raw_codes(self, board_array: BoardArray) -> None:
        voltage = steps((2, 5, 3))
        measured = board_array.measure_vmm(voltage, gain=2)
        assert measured.adc_code is not None
        assert measured.dac_code is not None
        assert (measured.adc_code.shape, measured.adc_code.dtype) == ((2, 5, 4), np.uint16)
        np.testing.assert_array_equal(measured.gain, np.full((2, 5, 4), 2))
        # Codes by hand, from the span of +/-5 V and the 10 kohm of gain 2.
        np.testing.assert_array_equal(measured.dac_code, 32768 + np.rint(voltage * 6553.6))
        current = -(measured.adc_code.astype(float) - 32768) * 10 / 65536 / 1e4
        np.testing.assert_allclose(measured.value, current, rtol=1e-14)

    def test_conductance_is_current_over_the_voltage_that_the_dac_makes(
        self, board_array: BoardArray
    ) -> None:
        measured = board_array.measure_conductance(gain=2)
        assert measured.adc_code is not None
        current = -(measured.adc_code.astype(float) - 32768) * 10 / 65536 / 1e4
        # 0.2 V is 1310.72 steps: the DAC makes 1311 of them.
        np.testing.assert_allclose(measured.value, current / (1311 * 10 / 65536), rtol=1e-14)

    def test_a_read_is_a_vmm_of_one_hot_vectors(
        self, board_array: BoardArray, code_tolerance: int
    ) -> None:
        read, multiplied = (
            measured.adc_code.astype(int)
            for measured in (
                board_array.measure_conductance(gain=2),
                board_array.measure_vmm(0.2 * np.eye(3), gain=2),
            )
        )
        assert np.abs(read - multiplied).max() <= code_tolerance

    def test_fixed_and_automatic_gain_agree_within_a_code(
        self, board_array: BoardArray, code_tolerance: int
    ) -> None:
        voltage = steps((20, 3))
        automatic = board_array.vmm(voltage)
        for gain, step in ((1, 152.6e-9), (2, CODE_CURRENT)):
            difference = np.abs(board_array.vmm(voltage, gain=gain) - automatic).max()
            assert difference <= (1 + code_tolerance) * step

    def test_saturation_is_flagged_counted_and_warned_of(self, board_array: BoardArray) -> None:
        # 0.2 V on 189 uS and more is above the 25 uA at which 100 kohm make 2.5 V.
        board_array.reset_row(1)
        with pytest.warns(SaturationWarning, match="saturated"):
            measured = board_array.measure_conductance(gain=3)
        assert measured.saturated.tolist() == [[True] * 4, [False] * 4, [True] * 4]
        assert board_array.counts.saturated == 8
        with pytest.warns(SaturationWarning, match="saturated"):
            board_array.vmm([[0.2, 0.0, 0.0], [0.0, 0.0, 0.0]], gain=3)
        assert board_array.counts.saturated == 12

    def test_a_saturated_reading_is_a_lower_bound(self, board_array: BoardArray) -> None:
        true = board_array.read_conductance()
        with pytest.warns(SaturationWarning):
            bound = board_array.read_conductance(gain=4)
        assert (bound < true).all()

    @pytest.mark.parametrize("gain", [-1, 5])
    def test_a_gain_that_does_not_exist_is_refused(
        self, board_array: BoardArray, gain: int
    ) -> None:
        with pytest.raises(DeviceError, match="gain"):
            board_array.vmm(np.zeros(3), gain=gain)

    @pytest.mark.parametrize(
        ("use", "reason"),
        [
            (lambda array: array.vmm([0.0, 0.0, 0.2001]), "read_voltage"),
            (lambda array: array.vmm([0.0, -0.2001, 0.0]), "read_voltage"),
            (lambda array: array.vmm([0.0, np.nan, 0.0]), "read_voltage"),
            (lambda array: array.vmm([0.0, -np.inf, 0.0]), "read_voltage"),
            (lambda array: array.program_row(0, 2.51), "set_gate_voltage"),
            (lambda array: array.program_row(0, -0.01), "set_gate_voltage"),
            (lambda array: array.program_row(0, [1.0, 1.0, np.nan, 1.0]), "set_gate_voltage"),
            (lambda array: array.program_row(0, np.inf), "set_gate_voltage"),
            (
                lambda array: array.program(
                    np.where(np.arange(12).reshape(3, 4) == 11, 2.6, 1.6),
                    reset=np.ones((3, 4), bool),
                ),
                "set_gate_voltage",
            ),
            (
                lambda array: array.with_operating_point(set_voltage=3.01).program_row(0, 1.0),
                "set_voltage",
            ),
            (
                lambda array: array.with_operating_point(reset_voltage=3.01).reset_row(0),
                "reset_voltage",
            ),
            (
                lambda array: array.with_operating_point(reset_voltage=np.nan).reset_row(0),
                "reset_voltage",
            ),
            (
                lambda array: array.with_operating_point(reset_gate_voltage=5.01).reset_row(0),
                "gate_voltage",
            ),
            (
                lambda array: array.with_operating_point(set_width=4.5e-6).program_row(0, 1.0),
                "width",
            ),
            (
                lambda array: array.with_operating_point(reset_width=0.1e-6).reset_row(0),
                "width",
            ),
            (
                lambda array: array.with_operating_point(read_voltage=0.21).read_conductance(),
                "read_voltage",
            ),
        ],
    )
    def test_a_limit_raises_says_which_and_leaves_the_cells_alone(
        self,
        board_array: BoardArray,
        use: Callable[[BoardArray], object],
        reason: str,
        code_tolerance: int,
    ) -> None:
        before = board_array.read_conductance()
        counts = vars(board_array.counts).copy()
        with pytest.raises(LimitError, match=reason):
            use(board_array)
        change = np.abs(board_array.read_conductance() - before).max()
        assert change <= code_tolerance * CODE_CONDUCTANCE
        assert vars(board_array.counts) == counts

    def test_a_gate_voltage_that_is_not_used_is_not_checked(self, board_array: BoardArray) -> None:
        gate = np.array([1.0, np.nan, 9.9, 1.0])
        board_array.program_row(0, gate, columns=np.array([True, False, False, True]))
        assert np.isfinite(board_array.read_conductance()).all()

    def test_values_exactly_at_their_limits_are_allowed(self, board_url: str) -> None:
        # Limits lowered to harmless values, so that the pulses at them are harmless too.
        limits = Limits(set_gate_voltage=0.8, set_voltage=2.5, reset_voltage=1.7)
        with BoardArray(open_board(board_url), limits) as array:
            view = array[2:5, COLUMNS]
            view.program_row(0, 0.8)
            view.program_row(0, view.gate_voltage_step)  # 0 V, or the least that can be asked for
            view.reset_row(0)
            assert view.vmm([0.2, -0.2, 0.2]).shape == (4,)
            with pytest.raises(LimitError, match="set_gate_voltage"):
                view.program_row(0, 0.8001)

    @pytest.mark.parametrize(
        "use",
        [
            lambda array: array.read_conductance(),
            lambda array: array.vmm(np.zeros(3)),
            lambda array: array.program_row(0, 1.0),
            lambda array: array.reset_row(0),
        ],
        ids=["read", "vmm", "program_row", "reset_row"],
    )
    def test_no_view_of_a_closed_array_is_used(
        self, board_array: BoardArray, use: Callable[[BoardArray], object]
    ) -> None:
        board_array[:2].close()
        with pytest.raises(DeviceError, match="closed"):
            use(board_array)

    def test_an_exception_closes_the_board(self, board_array: BoardArray) -> None:
        def fail_while_open() -> None:
            with board_array:
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_while_open()
        with pytest.raises(DeviceError, match="closed"):
            board_array.read_conductance()

    def test_the_operating_point_is_that_of_the_view(self, board_array: BoardArray) -> None:
        gentle = board_array.with_operating_point(read_voltage=0.1)
        assert gentle.operating_point == OperatingPoint(read_voltage=0.1)
        assert gentle[:2, 1:].operating_point == gentle.operating_point
        assert board_array.operating_point == OperatingPoint()


class TestExact:
    """What only an array without noise can promise."""

    @pytest.fixture(autouse=True)
    def _only_exact(self, conductance_tolerance: float) -> None:
        if conductance_tolerance:
            pytest.skip("this chip has noise: its values need not repeat")

    def test_set_follows_the_law_of_li_2019(self, view: Array) -> None:
        error = view.read_conductance() - (98e-6 * GATE + 120e-6)
        step = max(DAC_STEP, view.gate_voltage_step)
        assert np.abs(error).max() <= 98e-6 * step + CODE_CONDUCTANCE

    def test_every_vector_alone_gives_the_current_of_the_batch(self, view: Array) -> None:
        voltage = steps((7, 3))
        batch = view.vmm(voltage)
        for k in range(7):
            # float64 itself may add up in another order; codes may not (see the board contract).
            np.testing.assert_allclose(view.vmm(voltage[k]), batch[k], rtol=1e-14, atol=1e-20)
