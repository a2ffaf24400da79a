"""The history of a chip tells its pulses apart, and not how they were sent."""

import zlib

import numpy as np
import pytest

from drivers import history
from drivers.board import PulseBatch
from drivers.history import History, KeptHistory, prints_of

COLUMNS = 11


def batch(n: int, seed: int = 1) -> PulseBatch:
    rng = np.random.default_rng(seed)
    return PulseBatch(
        row=rng.integers(0, 300, n).astype(np.uint16),
        kind=rng.integers(0, 2, n).astype(np.uint8),
        amplitude_code=rng.integers(0, 65536, n).astype(np.uint16),
        width_ticks=rng.integers(0, 1024, n).astype(np.uint16),
        columns=rng.random((n, COLUMNS)) < 0.4,
        gate_code=rng.integers(1, 65536, (n, COLUMNS)).astype(np.uint16),
    )


def test_prints_are_of_the_bytes_that_the_specification_says() -> None:
    columns = np.zeros((1, COLUMNS), bool)
    columns[0, [0, 9]] = True
    gates = np.arange(1, COLUMNS + 1, dtype=np.uint16)[np.newaxis]
    one = PulseBatch(
        np.array([258], np.uint16),
        np.array([1], np.uint8),
        np.array([0x8001], np.uint16),
        np.array([7], np.uint16),
        columns,
        gates,
    )
    words = "0201 01 01800000 07000000 0102 01000000" + "00000000" * 8 + "0a000000 00000000"
    assert prints_of(one).tolist() == [zlib.crc32(bytes.fromhex(words))]
    after = History().after(prints_of(one))
    assert after == History(1, zlib.crc32(prints_of(one).astype("<u4").tobytes()))


def test_codes_of_columns_that_are_not_selected_mean_nothing() -> None:
    pulses = batch(9)
    gates = np.where(pulses.columns, pulses.gate_code, 5).astype(np.uint16)
    wider = PulseBatch(
        pulses.row.astype(np.int64),
        pulses.kind,
        pulses.amplitude_code.astype(np.int32),
        pulses.width_ticks,
        pulses.columns,
        gates,
    )
    assert np.array_equal(prints_of(wider), prints_of(pulses))


@pytest.mark.parametrize(
    "name", ["row", "kind", "amplitude_code", "width_ticks", "columns", "gate_code"]
)
def test_every_field_of_a_pulse_counts(name: str) -> None:
    pulses, other = batch(9), batch(9)
    values = getattr(other, name)
    where = (4,) if values.ndim == 1 else (4, int(np.flatnonzero(pulses.columns[4])[0]))
    values[where] = not values[where] if name in ("kind", "columns") else values[where] ^ 1
    differs = prints_of(other) != prints_of(pulses)
    assert np.flatnonzero(differs).tolist() == [4]


def test_a_history_does_not_depend_on_how_pulses_were_split_and_depends_on_their_order() -> None:
    prints = prints_of(batch(20))
    whole = History().after(prints)
    assert History().after(prints[:3]).after(prints[3:3]).after(prints[3:]) == whole
    assert History().after(prints[::-1]) != whole
    assert whole.count == 20


def test_what_it_was_before_the_last_pulses_is_known_and_survives_a_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "KEPT", 8)
    kept, every = KeptHistory(), prints_of(batch(40))
    for start in range(0, 40, 5):
        kept.add(every[start : start + 5])
        kept = KeptHistory.of(kept.state())
    assert kept.now == kept.at(None) == History().after(every)
    told = [count for count in range(41) if kept.at(count) is not None]
    assert told == list(range(told[0], 41))
    assert 8 <= 40 - told[0] <= 16
    for count in told:
        assert kept.at(count) == History().after(every[:count])
    assert kept.at(41) is None
