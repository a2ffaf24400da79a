"""Matrices of several pairs per weight, folded and spread: the same matrix as ever."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.mapping import (
    Block,
    Copies,
    DifferentialMatrix,
    DirectUpdate,
    Layout,
    MatrixPlan,
    OneShotUpdate,
    Request,
    Tile,
    cnn_plan,
    pair_conductance,
    place,
    tile_weights,
)

FloatArray = npt.NDArray[np.float64]
SIEMENS_PER_WEIGHT = 1e-4


def ideal_matrix(
    weight: FloatArray, plan: MatrixPlan, arrays: list[IdealArray], layout: Layout = Layout.BLOCK
) -> DifferentialMatrix:
    def rule(tile: Tile) -> DirectUpdate:
        held = tile_weights(weight, plan, tile)
        return DirectUpdate(pair_conductance(held, SIEMENS_PER_WEIGHT, 200e-6, layout))

    matrix = DifferentialMatrix.from_plan(plan, arrays, SIEMENS_PER_WEIGHT, 0.2, rule, layout)
    matrix.initialise()
    return matrix


COPIES = [Copies(), Copies(stacked=2), Copies(beside=3), Copies(2, 2)]


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("chunks", [1, 2, 3, 5])
@pytest.mark.parametrize("copies", COPIES, ids=str)
def test_copies_and_chunks_do_not_change_the_matrix(
    copies: Copies, chunks: int, layout: Layout
) -> None:
    rng = np.random.default_rng(3)
    weight, x, change = (rng.normal(size=size) for size in ((7, 3), (2, 4, 7), (7, 3)))
    plan = MatrixPlan.placed("w", (7, 3), (1, 2), copies, chunks)
    matrix = ideal_matrix(weight, plan, [IdealArray(64, 64)], layout)
    assert len(matrix.blocks) == len(plan.tiles)
    np.testing.assert_allclose(matrix.weight, weight, atol=1e-12)
    np.testing.assert_allclose(matrix.multiply(x), x @ weight, atol=1e-12)
    matrix.update(change)
    np.testing.assert_allclose(matrix.weight, weight + change, atol=1e-12)
    np.testing.assert_allclose(matrix.multiply(x), x @ (weight + change), atol=1e-12)


def test_a_chunk_may_end_one_copy_and_begin_the_next() -> None:
    # Pairs 2, 3, 4 of two copies of three inputs carry inputs 2, 0, 1.
    weight, x = np.array([[1.0], [2.0], [4.0]]), np.array([[3.0, -1.0, 2.0]])
    chunks = (range(2), range(2, 5), range(5, 6))
    tiles = [Tile(pairs, range(1)).at(2, 3 + k) for k, pairs in enumerate(chunks)]
    plan = MatrixPlan("w", 3, 1, Copies(stacked=2), tuple(tiles))
    matrix = ideal_matrix(weight, plan, [IdealArray(64, 64)])
    np.testing.assert_allclose(matrix.weight, weight, atol=1e-12)
    np.testing.assert_allclose(matrix.multiply(x), [[9.0]], atol=1e-12)


def test_a_matrix_larger_than_an_array_lies_on_several() -> None:
    rng = np.random.default_rng(5)
    weight = rng.normal(size=(50, 30))
    arrays = [IdealArray(40, 24) for _ in range(5)]
    plan = place([Request("w", 50, 30)], [array.shape for array in arrays])["w"]
    matrix = ideal_matrix(weight, plan, arrays)
    assert {tile.array for tile in plan.tiles} > {0, 1}
    x = rng.normal(size=(3, 50))
    np.testing.assert_allclose(matrix.multiply(x), x @ weight, atol=1e-12)


def test_copies_average_the_noise_and_the_dead_cells_away() -> None:
    # Experiments reference 2: [W] uses two pairs per weight, averaged.
    spread = []
    for copies in (Copies(), Copies(stacked=2), Copies(beside=2)):
        board = EmulatedBoard(load_preset("pt-taox-ta").replace(non_responsive=0.0), seed=4)
        plan = MatrixPlan.placed("w", (30, 20), (0, 0), copies)

        def rule(tile: Tile) -> OneShotUpdate:
            return OneShotUpdate(1.5e4, 1.6, 0.5, 2.5, set_all=False)

        matrix = DifferentialMatrix.from_plan(plan, [BoardArray(board)], 1e-4, 0.2, rule)
        matrix.initialise()
        spread.append(float(matrix.weight.std()))
    # A pair has twice the variance of a cell: 10 uS * sqrt(2) / 1e-4 S; 600 weights, 3 %.
    assert spread == pytest.approx([0.1414, 0.1, 0.1], rel=0.1)


def test_a_chunk_on_a_board_sees_only_its_own_inputs() -> None:
    board = EmulatedBoard(load_preset("ideal"), seed=0)
    array = BoardArray(board)
    rng = np.random.default_rng(6)
    gates = iter([rng.uniform(0.7, 1.6, tile.shape) for tile in cnn_plan()["dense"].tiles])

    class Given(OneShotUpdate):
        def initialise(self, array: BoardArray) -> object:  # type: ignore[override]
            array.program(next(gates), reset=np.ones(array.shape, bool))
            return super()

    def rule(tile: Tile) -> Given:
        return Given(1.02e4, 1.0, 0.7, 1.6)

    plan = cnn_plan()["dense"]
    matrix = DifferentialMatrix.from_plan(plan, [array], 1e-4, 0.2, rule, Layout.INTERLEAVED)
    matrix.initialise()
    x = rng.normal(size=(5, 64))
    # A current is wrong by half an ADC step, 153 uV / 1e3 ohm, in each of three chunks, and
    # 256 row voltages by half a DAC step at 277 uS; 0.2 V * 1e-4 S * 2 is one at the peak.
    error = np.abs(matrix.multiply(x) - x @ matrix.weight) / np.abs(x).max(axis=1, keepdims=True)
    assert error.max() < (3 * 153e-6 / 2e3 + 256 * 76e-6 * 277e-6) / (0.2 * 1e-4 * 2)
    assert np.abs(matrix.weight).std() > 0.1
    assert array.counts.vmm == 3 * 5


def test_a_block_goes_on_from_a_state() -> None:
    def made() -> Block:
        array = BoardArray(EmulatedBoard(load_preset("ideal"), 1, (6, 5)))
        rule = OneShotUpdate(1e4, 1.1, 0.7, 1.6)
        return Block("w", array, rule, Layout.INTERLEAVED)

    first, second = made(), made()
    second.restore(first.state())  # of a block that was neither programmed nor read
    assert not hasattr(second, "programmed")
    assert not hasattr(second, "reading")
    first.initialise()
    second.restore(first.state())
    assert not hasattr(second, "reading")
    first.change(1e-6 * np.arange(-7.0, 8.0).reshape(3, 5))
    first.difference()
    second.restore(first.state())
    for name in ("gate_voltage", "reset"):
        expected = getattr(first.programmed, name)
        np.testing.assert_array_equal(getattr(second.programmed, name), expected)
    for name in ("value", "saturated", "adc_code", "gain"):
        np.testing.assert_array_equal(
            getattr(second.reading, name), getattr(first.reading, name), err_msg=name
        )
    assert second.array.counts.set == second.array.counts.reset == 0


def test_a_matrix_of_several_blocks_has_no_single_array() -> None:
    plan = MatrixPlan.placed("w", (4, 2), (0, 0), chunks=2)
    matrix = ideal_matrix(np.ones((4, 2)), plan, [IdealArray(8, 8)])
    assert [block.name for block in matrix.blocks] == ["w_0", "w_1"]
    with pytest.raises(ValueError, match="2 blocks"):
        _ = matrix.array


def test_layers_are_read_after_all_of_them_are_programmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from memlab.nn import SGD, Dense, Network

    heard: list[str] = []

    def spy(name: str) -> Callable[..., None]:
        original = getattr(DifferentialMatrix, name)

        def call(self: DifferentialMatrix, *arguments: object) -> None:
            heard.append(f"{name} {self.name}")
            original(self, *arguments)

        return call

    layers = []
    for k in range(2):
        plan = MatrixPlan.placed(f"w{k}", (2, 2), (4 * k, 0))
        layers.append(Dense(ideal_matrix(np.ones((2, 2)), plan, [IdealArray(8, 4)])))
    for name in ("program", "read_back"):
        monkeypatch.setattr(DifferentialMatrix, name, spy(name))
    Network(layers).update(SGD(0.1))
    assert heard == ["program w0", "program w1", "read_back w0", "read_back w1"]
