"""The configuration of a board that tests of drivers use: memlab's spans, published voltages."""

from drivers.board import BoardConfig, LineClass, Mode
from drivers.converter import CodeRange
from drivers.published_board import SPANS

MID = 32768
"""Row or column code of 0 V."""
CONFIG = BoardConfig(
    spans=SPANS,
    limits={
        (LineClass.ROW, Mode.READ): CodeRange(MID - 1311, MID + 1311),
        (LineClass.COLUMN, Mode.READ): CodeRange(MID, MID),
        (LineClass.GATE, Mode.READ): CodeRange(0, 32768),
        (LineClass.ROW, Mode.SET): CodeRange(MID, MID),
        (LineClass.COLUMN, Mode.SET): CodeRange(MID, 49152),
        (LineClass.GATE, Mode.SET): CodeRange(0, 32768),
        (LineClass.ROW, Mode.RESET): CodeRange(MID, 49152),
        (LineClass.COLUMN, Mode.RESET): CodeRange(MID, MID),
        (LineClass.GATE, Mode.RESET): CodeRange(0, 32768),
    },
    read_gate_code=32768,
    idle_row_code=MID,
)
