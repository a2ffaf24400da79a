"""Boards with static errors, and what their products are really worth."""

import tomllib
from importlib import resources

import numpy as np

from drivers.board import Selection
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset

INJECTED = {
    "board.dac.offset": 2e-3,
    "board.dac.gain": 8e-4,
    "board.amplifier.offset": 0.7e-3,
    "board.amplifier.mismatch": 5e-3,
    "board.adc.offset": 3.0,
}
"""A board at the limits of its data sheets, without noise."""
EVERYTHING = Selection(np.arange(128), np.arange(64))


def data_sheet_errors() -> dict[str, float]:
    """Return the part `measured-board`: errors and noise of a board that works as specified."""
    part = resources.files("memlab.emulator").joinpath("presets", "parts", "measured-board.toml")
    board = tomllib.loads(part.read_text())["board"]
    return {f"board.{g}.{k}": value for g, values in board.items() for k, value in values.items()}


def programmed(errors: dict[str, float], seed: int) -> tuple[BoardArray, EmulatedBoard]:
    """Return an array whose cells are SET at random gate voltages, 0.7 to 1.6 V."""
    board = EmulatedBoard(load_preset("ta-hfo2").replace(**errors), seed)
    array = BoardArray(board)
    array.program(np.random.default_rng(seed).uniform(0.7, 1.6, array.shape))
    return array, board


def vmm_error(array: BoardArray, board: EmulatedBoard, vectors: int = 100) -> float:
    """Return the rms error (A) against true conductances times the voltages that were wanted."""
    wanted = np.random.default_rng(77).uniform(-0.2, 0.2, (vectors, 128))
    true = wanted @ (board.transfer(EVERYTHING) / 2**33)
    return float(np.sqrt(np.mean((array.vmm(wanted) - true) ** 2)))
