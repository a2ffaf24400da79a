"""Runs that end too early: at any step, by any error, and as after a kill -9."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.nn import Network
from memlab.session import Session
from memlab.training import EpochResult, Observer, UpdateResult

OFTEN = 0.0
"""Seconds between two flushes with which there is a checkpoint after each update."""


class StopAfter(Observer):
    """Raises an error after so many updates or epochs."""

    def __init__(self, updates: int = -1, epochs: int = -1, error: BaseException | None = None):
        self.updates, self.epochs = updates, epochs
        self.error = error or KeyboardInterrupt()

    def updated(self, result: UpdateResult, network: Network) -> None:
        if result.index == self.updates:
            raise self.error

    def epoch_finished(self, result: EpochResult) -> None:
        if result.epoch == self.epochs:
            raise self.error


class StopAtKeep:
    """Interrupts a run right before its checkpoint of a number is taken: pulses came before it."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int) -> None:
        self.kept, self._number, keep = 0, number, Session.keep

        def stop(session: Session, state: dict[str, object]) -> None:
            self.kept += 1
            if self.kept == self._number:
                raise KeyboardInterrupt
            keep(session, state)

        patch.setattr(Session, "keep", stop)


def datasets(path: Path) -> dict[str, np.ndarray]:
    """Return every dataset of a run file by its name."""
    found: dict[str, np.ndarray] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


_TIMES = ("start_time", "end_time", "run_id", "lock", "seconds", "resumptions")
_CLOCKS = ("clock.steady", "clock.wall", "clock_origin", "board_life")
_IDENTITIES = ("session", "followed_by", "board.serial", "passport.chip")
_PLACES = ("board", "passport.file")


def attributes(path: Path) -> dict[str, object]:
    """Return all attributes of groups and datasets but those of time, identity and place."""
    found: dict[str, object] = {}

    def note(name: str, item: h5py.HLObject) -> None:
        for key, value in item.attrs.items():
            if key not in (
                *_TIMES,
                *_CLOCKS,
                *_IDENTITIES,
                *_PLACES,
                "DIMENSION_LIST",
                "REFERENCE_LIST",
            ):
                found[f"{name}@{key}"] = value

    with h5py.File(path) as file:
        note("", file["entry"])
        file["entry"].visititems(note)
    return found


def assert_same(found: Path, wanted: Path, *, but: tuple[str, ...] = ()) -> None:
    """Assert that two run files differ in nothing but times, places and what is named in `but`."""
    a, b = (
        {name: one for name, one in datasets(path).items() if not name.endswith(but or ("\0",))}
        for path in (found, wanted)
    )
    assert list(a) == list(b), set(a) ^ set(b)
    others = [name for name in a if not same(a[name], b[name])]
    assert not others, others
    one, other = attributes(found), attributes(wanted)
    assert list(one) == list(other), set(one) ^ set(other)
    differ = {
        n: (one[n], other[n])
        for n in one
        if not same(one[n], other[n]) and not n.startswith(but or "\0")
    }
    assert not differ, differ


def same(a: object, b: object) -> bool:
    """Whether values are the same to the last bit; NaN equals NaN."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return a.tobytes() == b.tobytes() if a.dtype.kind != "O" else bool((a == b).all())
