"""A damaged record of pulses is refused or tells the truth, of each pulse."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from drivers.board import Outcome
from drivers.errors import DeviceError, TransportError
from drivers.tickets import Batch, Tickets, entries_of

BATCHES = 12
PULSES = 5


def whole_record(path: Path) -> bytes:
    """Make a record: of each batch the first pulses were fired, one is in doubt, the rest not."""
    tickets = Tickets(path)
    for k in range(BATCHES):
        entries = entries_of(np.zeros(PULSES), np.full(PULSES, k), np.full(PULSES, 5, np.uint64))
        tickets.sent(k + 1, Batch(f"run/{k}", PULSES), 0, entries)
        if k < BATCHES - 1:
            tickets.settled(k + 1, 1 + k % 3, 2 + k % 3)
    tickets.close()
    return path.read_bytes()


def fates(path: Path) -> Iterator[tuple[int, np.ndarray | None]]:
    """Yield what a record says of each batch; None where it does not know it."""
    tickets = Tickets(path)
    try:
        _ = tickets.unsettled
        for k in range(BATCHES):
            yield k, tickets.fate(f"run/{k}")
    finally:
        tickets.close()


def check(path: Path, truth: dict[int, np.ndarray | None], damage: str) -> bool:
    """Return whether a record was refused; fail where it lies."""
    try:
        for k, fate in fates(path):
            if fate is not None:
                assert np.array_equal(fate, truth[k]), (damage, k, fate, truth[k])
    except (TransportError, DeviceError) as error:
        said = str(error)
        assert path.name in said, (damage, said)
        assert "\n" not in said, (damage, said)
        return True
    return False


@pytest.mark.parametrize(
    "count", [pytest.param(30, id="sample"), pytest.param(600, marks=pytest.mark.slow, id="all")]
)
def test_cuts_and_flips(count: int, tmp_path: Path) -> None:
    path = tmp_path / "board.sqlite"
    whole = whole_record(path)
    truth = dict(fates(path))
    assert truth[0] is not None
    assert truth[0].tolist().count(Outcome.DONE) == 1
    generator, refused = random.Random(11), 0
    for k in range(2 * count):
        for left in tmp_path.iterdir():
            left.unlink()
        if k % 2:
            place, bit = generator.randrange(len(whole)), generator.randrange(8)
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            damage = f"bit {bit} of byte {place}"
        else:
            length = generator.randrange(1, len(whole))
            damaged, damage = bytearray(whole[:length]), f"cut to {length}"
        path.write_bytes(damaged)
        refused += check(path, truth, damage)
    assert refused > count / 2
