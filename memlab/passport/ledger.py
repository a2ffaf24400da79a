"""The pulse ledger: every row-pulse is entered before it is sent, and its outcome afterwards.

An entry without an outcome belongs to a program that is at work now, or was killed: its pulses may
have been fired, and count as such until somebody knows better.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.history import Prints
from memlab.chip.load import Load
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray
from memlab.passport.loads import loads_text, read_loads
from memlab.passport.pulses import Outcome, RowPulses, decode, encode
from memlab.passport.store import Execute, Store
from memlab.passport.totals import IntArray, Totals, count
from memlab.storage import State

__all__ = ["SAVE_EVERY", "Batch", "OpenBatch", "PulseLedger"]


SAVE_EVERY = 512
"""Batches after which the totals are written: what an opening has to add up again at the most."""
_MOST_KNOWN = 32
"""Readings of the whole chip that are kept until then, 2 MB of one of 128 x 64."""
_BATCHES = """
SELECT id, run, time, {ticket}, pulses, gates, outcome
FROM batches LEFT JOIN outcomes ON id = batch WHERE id > ? ORDER BY id
"""
_SLOTS = """
SELECT before.batch, slot FROM before LEFT JOIN outcomes ON before.batch = outcomes.batch
WHERE outcome IS NULL OR instr(outcome, x'03')
"""
_ENTER = f"INSERT INTO entries VALUES ({', '.join('?' * 13)})"
_ENTER_IF_NEW = _ENTER.replace("INSERT", "INSERT OR IGNORE")
_SETTLE = "INSERT OR REPLACE INTO outcomes VALUES (?, ?)"
_FORGET = (
    "DELETE FROM batches WHERE id > ?",
    "DELETE FROM outcomes WHERE batch > ?",
    "DELETE FROM decisions WHERE batch > ?",
    "DELETE FROM before WHERE batch > ?",
    "DELETE FROM loads WHERE what = 'before' AND number > ?",
    "DELETE FROM known WHERE batch > ?",
    "DELETE FROM prints WHERE batch > ?",
    "DELETE FROM histories WHERE batch > ?",
)
"""What a batch has left, from after one on."""
_SAVE = "INSERT OR REPLACE INTO totals VALUES (1, ?, ?)"


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch as the ledger has it: what, when, in which run, and the outcome of each pulse.

    `ticket` is what the board knows it by, where that was asked for.
    """

    number: int
    run: int
    time: float
    pulses: RowPulses
    outcome: npt.NDArray[np.uint8]
    ticket: str = ""


@dataclass(eq=False)
class OpenBatch:
    """A batch that was entered and whose fate is not known yet.

    Parameters
    ----------
    number
        In the ledger.
    pulses
        What was entered.
    asked, energy
        Pulses of each cell (`count`), and energy (J) of each pulse in each cell.
    ticket
        What the board knows it by; '' where nobody can be asked.
    """

    number: int
    pulses: RowPulses
    asked: IntArray
    energy: FloatArray
    ticket: str


class PulseLedger:
    """The batches of a passport, and their sums.

    Parameters
    ----------
    store
        The file.
    shape
        (rows, columns) of the chip.
    clock
        Seconds since 1970.

    Attributes
    ----------
    chip_stays
        Whether the chip is there after this program. Then a batch is in the file before it is sent,
        with what its cells conducted, for `before`. Of a chip that ends with the program nobody can
        ask or read later: its batches are written with their outcome.
    """

    chip_stays = True

    def __init__(
        self, store: Store, shape: tuple[int, int], clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._shape, self._clock = store, shape, clock
        self._fresh = np.zeros(shape, bool)
        """Cells that this program has read since it pulsed them."""
        self._loads: list[Load | None] = []
        self._load_of = np.zeros(shape, np.intp)
        """Which of them those cells were read under."""
        self._unwritten = np.zeros(shape[0], bool)
        """Rows of which the file has another conductance than is known now."""
        self._load()

    def _load(self) -> None:
        """Add up what is in the file."""
        store, shape = self._store, self._shape
        self._due: tuple[Any, ...] | None = None
        """A batch that is entered, and not in the file yet."""
        self._open: list[OpenBatch] = []
        self._slots = dict(store.rows(_SLOTS)) if store.format > 1 else {}
        saved = store.row("SELECT through, content FROM totals")
        with store.decoding():
            self._totals = Totals.unpack(saved[1], shape) if saved else Totals.zero(shape)
        self._saved = self._last = saved[0] if saved else 0
        query = "SELECT batch, rows, conductance FROM known WHERE batch > ?"
        found = list(store.rows(query, self._saved)) if "known" in store.tables else []
        known = {batch: content for batch, *content in found}
        self._kept = sum(len(rows) // 2 for rows, _ in known.values())
        """Rows of which the file keeps what was known before a batch."""
        for number, _, _, ticket, pulses, gates, outcome in self._rows(self._saved):
            with store.decoding():
                if number in known:
                    rows, conductance = known[number]
                    self._totals.know(np.frombuffer(rows, "<u2"), np.frombuffer(conductance, "<f4"))
                entry = decode(pulses, gates, shape[1])
                batch = self._add(number, entry, count(entry, shape), ticket)
                if outcome is not None:
                    self._count(batch, np.frombuffer(outcome, np.uint8))
        self._torn = False
        """Whether an exception came between a change of the file and that of the sums."""

    def _mend(self) -> None:
        """Add up the file anew where the sums may differ from it: then the file is right."""
        if self._torn:
            self.write_entered()
            known = self._totals.known
            self._load()
            self._totals.known = known

    @property
    def totals(self) -> Totals:
        """Sums over all batches, those of unknown fate included."""
        self._mend()
        return self._totals

    @property
    def last(self) -> int:
        """Number of the batch that was entered last; 0 where there is none."""
        return self._last

    @property
    def open_batches(self) -> list[OpenBatch]:
        """Batches of which nobody knows yet whether they were fired, in order."""
        self._mend()
        return list(self._open)

    def enter(
        self,
        run: int,
        time: float,
        pulses: RowPulses,
        asked: IntArray,
        ticket: str,
        prints: Prints | None = None,
    ) -> OpenBatch:
        """Enter pulses that are about to be sent.

        They are in the file when this returns, if the chip stays.

        Parameters
        ----------
        run, time
            For which run, and when.
        pulses, asked
            In order, and counted for each cell (`count`).
        ticket
            What the board knows the batch by.
        prints
            Checksums of the pulses as the board gets them.
        """
        self._mend()
        self.write_entered()
        self._torn = True
        number, rows = self._last + 1, _pulsed_rows(pulses)
        known = self._known_of(rows)
        pulsed = asked[0] + asked[1] > 0 if self.chip_stays else None
        before = (None, None, None) if pulsed is None else self._before_of(rows, pulsed)
        printed = None if prints is None else prints.astype("<u4").tobytes()
        entry = (number, run, time, ticket, *encode(pulses), *known, *before, printed, None)
        if self.chip_stays:
            self._store.execute(_ENTER, *entry)
        else:
            self._due = entry
        if before[0] is not None:
            self._slots[number] = before[0]
        if known[0] is not None:
            self._kept += len(known[0]) // 2
        self._unwritten[rows] = False
        if pulsed is not None:
            self._fresh &= ~pulsed
        batch = self._add(number, pulses, asked, ticket)
        self._torn = False
        return batch

    def write_entered(self) -> None:
        """Write the batch that waits for its outcome: nobody knows that now."""
        if self._due is not None:
            # An interrupt may have come after it was written.
            self._store.execute(_ENTER_IF_NEW, *self._due)
            self._due = None

    def _known_of(self, rows: npt.NDArray[np.intp]) -> tuple[bytes, bytes] | tuple[None, None]:
        """Return what the energy of a batch is estimated with, where the file does not have it."""
        new = rows[self._unwritten[rows]]
        if not new.size:
            return None, None
        return new.astype("<u2").tobytes(), self._totals.known[new].astype("<f4").tobytes()

    def _before_of(
        self, rows: npt.NDArray[np.intp], pulsed: BoolArray
    ) -> tuple[int, bytes, str | None] | tuple[None, None, None]:
        """Return a slot, what the cells of these rows conduct before a batch, and its loads.

        Of cells that were pulsed since they were read, nobody knows.
        """
        known = np.where(self._fresh[rows], self._totals.known[rows], np.nan)
        told = np.isfinite(known)
        if not told.any():
            return None, None, None
        slot = next(k for k in itertools.count() if k not in self._slots.values())
        under = np.unique(self._load_of[rows][told & pulsed[rows]])
        return slot, known.astype("<f4").tobytes(), loads_text(self._loads[k] for k in under)

    def note_reading(
        self,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        conductance: FloatArray,
        load: Load | None = None,
    ) -> None:
        """Remember conductances (S) of cells that were read now, and under which load."""
        where = rows[:, np.newaxis], columns
        self._totals.known[where] = np.float32(conductance)  # as it is written
        self._unwritten[rows] = True
        if self.chip_stays:
            if load not in self._loads:
                self._loads.append(load)
            self._load_of[where] = self._loads.index(load)
            self._fresh[where] = True

    def doubtful(self) -> list[Batch]:
        """Return the batches of which a pulse is in doubt, in order."""
        return [batch for batch in self.batches() if _in_doubt(batch.outcome).any()]

    def before(self, batch: Batch) -> FloatArray:
        """Return what was read last before a batch in doubt, in S, shape (rows, columns).

        NaN for cells that had been pulsed since, or were not read by the program that sent it.
        """
        found = np.full(self._shape, np.nan)
        query = "SELECT conductance FROM before WHERE batch = ?"
        rows = _pulsed_rows(batch.pulses)
        for (content,) in self._store.rows(query, batch.number):
            with self._store.decoding():
                found[rows] = np.frombuffer(content, "<f4").reshape(rows.size, -1)
        return found

    def loads_before(self, batch: Batch) -> tuple[Load, ...] | None:
        """Return under which loads the cells pulsed were read; None where it is not recorded."""
        return read_loads(self._store, "before", batch.number)

    def find(self, ticket: str) -> Batch | None:
        """Return the batch that was entered under a ticket, or None."""
        if not ticket:
            return None
        self.write_entered()
        row = self._store.row(
            "SELECT id, run, time, pulses, gates, outcome FROM batches LEFT JOIN outcomes "
            "ON id = batch WHERE ticket = ? AND ticket != ''",  # the index is of those
            ticket,
        )
        return None if row is None else self._batch(*row)

    def settle(self, batch: OpenBatch, outcome: npt.NDArray[np.uint8]) -> None:
        """Enter what became of a batch, one `Outcome` for each row-pulse."""
        self._mend()
        entered = next((one for one in self._open if one.number == batch.number), None)
        if entered is None:
            return  # an interrupt came when it was settled in the file, and here only now
        self._torn = True
        if self._due is not None and self._due[0] == batch.number:
            self._store.execute(_ENTER, *self._due[:-1], outcome.tobytes())
            self._due = None
        else:
            self._store.execute(_SETTLE, batch.number, outcome.tobytes())
        self._keep_before(batch.number, outcome)
        self._count(entered, outcome)
        self._torn = False
        many = self._kept >= _MOST_KNOWN * self._shape[0]
        if many or self._last - self._saved >= SAVE_EVERY:
            self.save_totals()

    def settle_again(self, batch: Batch, outcome: npt.NDArray[np.uint8], by: str = "") -> None:
        """Enter another outcome of a batch that is settled; no batch may be open.

        `by` says who decided so, and how: it stays beside the outcome.
        """
        if np.array_equal(batch.outcome, outcome):
            return
        self._mend()
        if self._open:
            raise ValueError("a batch is open: its outcome comes first")
        self._torn = True
        self._totals.settle_again(batch.pulses, batch.outcome, outcome)
        self._keep_before(batch.number, outcome)
        with self._store.transaction() as execute:
            execute(_SETTLE, (batch.number, outcome.tobytes()))
            execute("DELETE FROM histories WHERE batch >= ?", (batch.number,))
            if by:
                execute(
                    "INSERT INTO decisions(batch, time, decided_by, outcome) VALUES (?, ?, ?, ?)",
                    (batch.number, self._clock(), by, outcome.tobytes()),
                )
            self._write_totals(execute, self._last, self._totals.pack())
        self._saved_through_last()
        self._torn = False

    def _keep_before(self, number: int, outcome: npt.NDArray[np.uint8]) -> None:
        """Let the reading before a batch be overwritten once nothing of it is in doubt."""
        if number in self._slots and not _in_doubt(outcome).any():
            del self._slots[number]

    def save_totals(self) -> None:
        """Write the sums, unless a batch is open: that one must be added up again, as it ends."""
        self._mend()
        self.write_entered()
        if not self._open:
            with self._store.transaction() as execute:
                self._write_totals(execute, self._last, self._totals.pack())
            self._saved_through_last()

    def _write_totals(self, execute: Execute, through: int, content: bytes) -> None:
        """Write sums, which have all that was known when they were made."""
        execute(_SAVE, (through, content))
        execute("DELETE FROM known WHERE batch <= ?", (through,))

    def _saved_through_last(self) -> None:
        self._saved, self._kept = self._last, 0
        self._unwritten[...] = False

    def state(self) -> State:
        """Return where the ledger ends, the sums up to there, and what is known of the cells.

        No batch may be open.
        """
        if self.open_batches:
            raise ValueError("a batch is open: its outcome comes first")
        return {
            "last": self._last,
            "totals": np.frombuffer(self._totals.pack(), np.uint8),
            "fresh": self._fresh.copy(),
            "loads": [None if load is None else load.document() for load in self._loads],
            "load_of": self._load_of.copy(),
        }

    def restore(self, state: State, run: int) -> None:
        """Take back all that was entered since a `state`: the chip itself has gone back to it.

        Raises
        ------
        DataError
            If another run than this one, by its number, has pulsed since; nothing is changed.
        """
        last, store = int(state["last"]), self._store
        others = store.row("SELECT count(*) FROM batches WHERE id > ? AND run != ?", last, run)
        if others != (0,):
            raise DataError(
                f"the chip passport {store.path} has pulses of another run since: this run cannot "
                "go on from where it was. Bring a copy of the passport back from before them"
            )
        self._torn = True
        with store.transaction() as execute:
            for statement in _FORGET:
                execute(statement, (last,))
            self._write_totals(execute, last, state["totals"].tobytes())
        self._load()
        self._unwritten[...] = False
        self._fresh[...], self._load_of[...] = state["fresh"], state["load_of"]
        self._loads = [one and Load.from_document(one) for one in state["loads"]]

    def batches(self, after: int = 0) -> Iterator[Batch]:
        """Return every batch, in order; `after` one by its number."""
        for number, run, when, _, *content in self._rows(after):
            yield self._batch(number, run, when, *content)

    def _rows(self, after: int) -> Iterator[tuple[Any, ...]]:
        self.write_entered()
        ticket = "ticket" if self._store.format > 1 else "''"
        return self._store.rows(_BATCHES.format(ticket=ticket), after)

    def _batch(
        self, number: int, run: int, time: float, pulses: bytes, gates: bytes, outcome: bytes | None
    ) -> Batch:
        with self._store.decoding():
            entry = decode(pulses, gates, self._shape[1])
            known = np.frombuffer(bytes(len(entry)) if outcome is None else outcome, np.uint8)
        return Batch(number, run, time, entry, known)

    def _add(self, number: int, pulses: RowPulses, asked: IntArray, ticket: str) -> OpenBatch:
        energy = self._totals.energy_of(pulses)
        batch = OpenBatch(number, pulses, asked, energy, ticket)
        self._totals.enter(pulses, asked, energy)
        self._open.append(batch)
        self._last = number
        return batch

    def _count(self, batch: OpenBatch, outcome: npt.NDArray[np.uint8]) -> None:
        self._open.remove(batch)
        self._totals.settle(batch.pulses, batch.asked, batch.energy, outcome)


def _in_doubt(outcome: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    doubt: BoolArray = (outcome == Outcome.ENTERED) | (outcome == Outcome.UNKNOWN)
    return doubt


def _pulsed_rows(pulses: RowPulses) -> npt.NDArray[np.intp]:
    """Return the rows of a batch, rising."""
    return np.flatnonzero(np.bincount(pulses.row))
