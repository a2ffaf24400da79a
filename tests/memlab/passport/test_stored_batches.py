"""The bytes of a stored batch, written out by hand from the description of the format."""

import struct

import numpy as np
import pytest

from memlab.passport.pulses import RowPulses, decode, encode

COLUMNS = 11
STEP = 10 / 65536
PULSES = RowPulses(
    row=np.array([300, 7, 2, 65535]),
    kind=np.array([0, 1, 1, 0], np.uint8),
    columns=np.array(
        [
            [0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1],  # each with its own gate voltage
            [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0],  # all with one
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # no cell at all
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],  # one alone
        ],
        bool,
    ),
    amplitude=np.array([2.5, 1.75, 0.5, 3.0]),
    width=np.array([2.0**-20, 2.0**-19, 2.0**-21, 2.0**-18]),
    gate_voltage=STEP
    * np.array(
        [
            [0, 700, 0, 600, 0, 0, 0, 0, 0, 0, 65535],
            [9, 0, 500, 500, 0, 0, 0, 0, 500, 0, 8],  # not selected: ignored
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
            [0, 0, 0, 0, 0, 0, 0, 258, 0, 0, 0],
        ]
    ),
)
MASKS = 0b100_0000_1010, 0b001_0000_1100, 0, 0b1000_0000
RECORDS = b"".join(
    struct.pack("<HBBHff", row, kind, uniform, mask, amplitude, width)
    for row, kind, uniform, mask, amplitude, width in zip(
        (300, 7, 2, 65535),
        (0, 1, 1, 0),
        (0, 1, 1, 1),
        MASKS,
        (2.5, 1.75, 0.5, 3.0),
        (2.0**-20, 2.0**-19, 2.0**-21, 2.0**-18),
        strict=True,
    )
)
GATES = struct.pack("<5H", 700, 600, 65535, 500, 258)
"""Each of the first pulse, one of the second, none of the third, one of the last."""


def test_a_batch_is_stored_as_the_format_says() -> None:
    assert encode(PULSES) == (RECORDS, GATES)


def test_a_batch_is_read_as_the_format_says() -> None:
    found = decode(RECORDS, GATES, COLUMNS)
    for name in ("row", "kind", "columns", "amplitude", "width"):
        np.testing.assert_array_equal(getattr(found, name), getattr(PULSES, name), name)
    assert found.columns.dtype == bool
    np.testing.assert_array_equal(found.gate_voltage, PULSES.gate_voltage * PULSES.columns)
    assert len(found) == 4


@pytest.mark.parametrize("gates", [GATES[:-2], GATES + b"\1\0", GATES[:-1]])
def test_more_or_fewer_gate_voltages_than_cells_are_damage(gates: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(RECORDS, gates, COLUMNS)
