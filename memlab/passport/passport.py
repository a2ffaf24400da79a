"""The passport of one chip: its pulse ledger, and what procedures have found out about it."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from drivers.history import History, Prints
from memlab.chip.load import Load
from memlab.errors import DataError, SettingError
from memlab.markup import card, small_map
from memlab.numeric import BoolArray, FloatArray
from memlab.passport.budgets import Budgets
from memlab.passport.histories import Found, find_history
from memlab.passport.ledger import OpenBatch, PulseLedger
from memlab.passport.loads import read_loads, write_loads
from memlab.passport.pulses import Outcome, RowPulses
from memlab.passport.store import Store, as_text
from memlab.passport.totals import count
from memlab.storage import State

__all__ = ["Passport"]

Lines = npt.NDArray[np.intp]

_MOST_OTHERS = 100
_MOST_LINES = 4096
"""Rows or columns of a chip: more are not believed, for each cell takes memory."""


class Passport:
    """The passport of a chip. One program at a time writes it; `read` is for all others.

    Opening writes the file, but touches no chip. Masks and maps are of the whole chip unless
    `rows` and `columns` say which lines they are about.

    Parameters
    ----------
    path
        The file; made when there is none.
    shape
        (rows, columns) of the chip.
    chip
        Name of the chip in a new passport.
    board
        Serial number of the board it is on now.
    budgets
        Budgets by name that hold while it is open, instead of those in the file.
    first
        Budgets by name in a new passport, instead of the defaults.
    clock
        Seconds since 1970.

    Raises
    ------
    DataError
        If the file is no passport, is damaged, or belongs to a chip of another size.
    InUseError
        If another program writes it.

    Attributes
    ----------
    chip, shape, created
        Name and (rows, columns) of the chip, and when the passport was made (s since 1970).
    budgets
        What each cell may be asked for.
    ledger
        Every pulse of the chip, and the sums of each cell.
    reached
        Number of the batch that the chip has got last: of an emulated chip that was put back, and
        gets again what it got before, an earlier one than the ledger's last.
    is_compared
        Whether it is of a chip in a file, which has a history of its own.
    """

    chip: str
    shape: tuple[int, int]
    created: float
    budgets: Budgets
    ledger: PulseLedger
    reached: int
    is_compared: bool

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int],
        *,
        chip: str = "",
        board: str = "",
        budgets: Mapping[str, Any] | None = None,
        first: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock, self._board = clock, board
        try:
            self._store = Store(path, write=True)
            if self._store.fact("rows") is None:
                self._write_facts(chip or path.stem, shape, clock(), first or {})
            self._load()
            if self.shape != shape:
                raise DataError(
                    f"{path} is the passport of a {self.shape[0]} x {self.shape[1]} chip; this "
                    f"board has {shape[0]} x {shape[1]}. Name another file (passport=FILE)"
                )
            self.budgets = replace(self.budgets, **(budgets or {}))
        except BaseException:
            if hasattr(self, "_store"):
                self._store.close()
            raise

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open a passport to look at it, also while another program writes it."""
        passport = cls.__new__(cls)
        passport._store = Store(path, write=False)
        passport._clock, passport._board = time.time, ""
        try:
            passport._load()
        except BaseException:
            passport._store.close()
            raise
        return passport

    def _write_facts(
        self, chip: str, shape: tuple[int, int], now: float, budgets: Mapping[str, Any]
    ) -> None:
        facts = {"chip": chip, "rows": shape[0], "columns": shape[1], "created": now}
        self._store.set_facts(facts | _budget_facts(Budgets(**budgets)))

    def _load(self) -> None:
        store = self._store
        with store.decoding():
            self.shape = int(store.fact("rows")), int(store.fact("columns"))
            if not all(1 <= lines <= _MOST_LINES for lines in self.shape):
                raise ValueError(f"a chip of {self.shape[0]} x {self.shape[1]}")
            self.chip = str(store.fact("chip"))
            self.created = _time(store.fact("created"))
            budgets = {field.name: store.fact(f"budget.{field.name}") for field in fields(Budgets)}
            for name, budget in budgets.items():
                if budget is not None and not (isinstance(budget, int | float) and budget >= 0):
                    raise ValueError(f"a budget of {budget!r} {name}")
            self.budgets = Budgets(**budgets)
            self._formed = np.zeros(self.shape, np.int32)
            for (bits,) in store.rows("SELECT cells FROM formings"):
                self._formed += _unpack(bits, self.shape)
        self.ledger = PulseLedger(store, self.shape, self._clock)
        self.reached = self.ledger.last
        self.is_compared = bool(self.chip_in_file)
        self._run, self._run_id = 0, ""
        self._label = as_text(Path(sys.argv[0]).name or "python")
        self._read_now: FloatArray | None = None
        self._read_under: dict[Load | None, None] = {}
        self._read_at = 0.0

    # -- identity -----------------------------------------------------------------------------

    def __repr__(self) -> str:
        """Return whose it is, of what size, and where it lies."""
        rows, columns = self.shape
        return f"<Passport of chip {self.chip}, {rows} x {columns}: {self.path}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how often cells were pulsed, and what was read last."""
        totals = self.ledger.totals
        used = totals.fired + totals.doubtful
        runs, pulsed = self.runs(), used.sum(0) > 0
        rows = [
            ("passport", str(self.path)),
            ("runs", f"{len(runs)}, the last {runs[max(runs)]['label']}" if runs else "none"),
            ("pulsed", f"{int(pulsed.sum())} of {pulsed.size} cells"),
            ("most SETs of a cell", _of_budget(used[0], self.budgets.set)),
            ("most RESETs of a cell", _of_budget(used[1], self.budgets.reset)),
            ("pulses in doubt", f"{int(totals.doubtful.sum())}, counted as fired"),
            ("formed", f"{int(self.formed.sum())} of {pulsed.size} cells"),
            ("calibration", self.calibration or "none"),
        ]
        maps = [small_map(used.sum(0), "1", "pulses per cell")]
        if np.isfinite(totals.known).any():
            maps.append(small_map(totals.known, "S", "conductance read last"))
        return card("Chip {}, {} x {}".format(self.chip, *self.shape), rows, maps)

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    @property
    def calibration(self) -> str | None:
        """Version of the calibration in use, None where there is none."""
        value = self._store.fact("calibration")
        return None if value is None else str(value)

    @calibration.setter
    def calibration(self, version: str | None) -> None:
        self._store.set_facts({"calibration": version})

    @property
    def board_life(self) -> str:
        """Board and its life (`drivers.board.Board.life`) that the chip was seen in last, or ''."""
        return str(self._store.fact("life") or "")

    @board_life.setter
    def board_life(self, life: str) -> None:
        self._store.set_facts({"life": life})

    @property
    def chip_in_file(self) -> str:
        """Serial number of the chip in a file whose passport this is; '' of any other."""
        return str(self._store.fact("chip_in_file") or "")

    @chip_in_file.setter
    def chip_in_file(self, serial: str) -> None:
        if serial != self.chip_in_file:
            self._store.set_facts({"chip_in_file": serial})
        self.is_compared = bool(serial)

    @property
    def others(self) -> list[tuple[str, float]]:
        """Which pulses of others the chip is known to have got, by name, and when that was found.

        They are not in the ledger, and nobody knows of which cells they were.
        """
        with self._store.decoding():
            found = json.loads(self._store.fact("others") or "[]")
            return [(str(name), _time(when)) for name, when in found]

    def note_others(self, name: str) -> None:
        """Enter that others have pulsed the chip (`drivers.board.Board.others_pulsed`), once."""
        if name not in dict(found := self.others):
            found = [*found, (name, self._clock())][-_MOST_OTHERS:]
            self._store.set_facts({"others": json.dumps(found)})

    @property
    def has_history(self) -> bool:
        """Whether any cell was pulsed or formed."""
        totals = self.ledger.totals
        return bool(totals.fired.any() or totals.doubtful.any() or self._formed.any())

    def store_budgets(self, budgets: Budgets) -> None:
        """Write budgets into the file; they hold from now on, for every program."""
        self._store.set_facts(_budget_facts(budgets))
        self.budgets = budgets

    def describe(self) -> dict[str, Any]:
        """Return identity as plain values, for a run file."""
        return {"file": str(self.path), "chip": self.chip, "calibration": self.calibration}

    # -- runs and the ledger ------------------------------------------------------------------

    def begin_run(self, label: str, run_id: str = "") -> None:
        """Say what the pulses from now on are for: the path of a run file, or a title.

        `run_id` is the identity of the run: one that is resumed goes on where it was.
        """
        self._save_map()
        self._label, self._run_id, self._run = as_text(label), run_id, self._find_run(run_id)

    def _find_run(self, run_id: str) -> int:
        """Return the number of a run that was entered already, or 0."""
        found = self._store.row("SELECT id FROM runs WHERE run_id = ? AND run_id != ''", run_id)
        return 0 if found is None else int(found[0])

    def _current_run(self) -> int:
        """Return the number of the run; it is entered with its first pulse, map or mask."""
        if not self._run:
            # It is there where an interrupt came between writing it and knowing its number.
            self._run = self._find_run(self._run_id) or self._store.execute(
                "INSERT INTO runs(label, board, started, run_id) VALUES (?, ?, ?, ?)",
                self._label,
                self._board,
                self._clock(),
                self._run_id,
            )
        return self._run

    def state(self) -> State:
        """Return where the ledger ends, and what the present run has read; no batch may be open.

        Formings and masks are no part of it.
        """
        return {
            "ledger": self.ledger.state(),
            "read": None if self._read_now is None else self._read_now.copy(),
            "under": [None if load is None else load.document() for load in self._read_under],
            "at": self._read_at,
        }

    def restore(self, state: State) -> None:
        """Take back all pulses and readings of the present run (`begin_run`) since a `state`.

        For a chip that has gone back to that moment itself, as only an emulated one can.

        Raises
        ------
        DataError
            If another run has pulsed since; nothing is changed.
        """
        self.ledger.restore(state["ledger"], self._run)
        self.reached = self.ledger.last
        self._read_now, self._read_at = state["read"], state["at"]
        loads = [one and Load.from_document(one) for one in state["under"]]
        self._read_under = dict.fromkeys(loads)

    def prints_since(self, batch: int, runs: Sequence[str]) -> Prints:
        """Return the prints of what these runs, by identity, have fired since a batch, in order."""
        query = (
            "SELECT run_id, prints, outcome FROM batches JOIN runs ON run = runs.id "
            "JOIN prints ON prints.batch = batches.id JOIN outcomes ON outcomes.batch = batches.id "
            "WHERE batches.id > ? ORDER BY batches.id"
        )
        found = [np.empty(0, np.uint32)]
        for run_id, prints, outcome in self._store.rows(query, batch):
            with self._store.decoding():
                fired = (np.frombuffer(outcome, np.uint8) == Outcome.DONE) & (run_id in runs)
                found.append(np.frombuffer(prints, "<u4")[fired])
        return np.concatenate(found)

    def enter(self, pulses: RowPulses, ticket: str = "", prints: Prints | None = None) -> OpenBatch:
        """Enter pulses that are about to be sent; they are in the file when this returns.

        Parameters
        ----------
        pulses
            In order.
        ticket
            What the board knows them by; '' where it knows nothing later.
        prints
            Their checksums (`drivers.history.prints_of`), where a chip may be compared by them.

        Raises
        ------
        LimitError
            If a cell would go over a budget; nothing was entered.
        """
        asked = count(pulses, self.shape)
        self.budgets.check(self.ledger.totals, asked, pulses, str(self.path))
        run, now = self._current_run(), self._clock()
        batch = self.ledger.enter(run, now, pulses, asked, ticket, prints)
        self.reached = batch.number
        return batch

    def runs(self) -> dict[int, dict[str, Any]]:
        """Return `label`, `board` and `started` of every run, by its number."""
        rows = self._store.rows("SELECT id, label, board, started FROM runs ORDER BY id")
        with self._store.decoding():
            return {
                int(number): {
                    "label": str(label),
                    "board": str(board or ""),
                    "started": _time(started),
                }
                for number, label, board, started in rows
            }

    # -- what was found out -------------------------------------------------------------------

    def note_reading(
        self, rows: Lines, columns: Lines, conductance: FloatArray, load: Load | None = None
    ) -> None:
        """Remember conductances (S) that were read; they reach the file when it is closed.

        `load` is that of the reading: what is compared with it later should have the same.
        """
        if self._read_now is None:
            self._read_now = np.full(self.shape, np.nan)
        self._read_now[rows[:, np.newaxis], columns] = conductance
        self.ledger.note_reading(rows, columns, conductance, load)
        self._read_under[load] = None
        self._read_at = self._clock()

    def map_loads(self) -> dict[int, tuple[Load, ...] | None]:
        """Return under which loads each run has read its map, by the run's number.

        Several where it read parts of the chip by themselves; None where that is not recorded.
        """
        found: dict[int, tuple[Load, ...] | None] = {}
        for run, _, _ in self.maps():
            found[run] = read_loads(self._store, "map", run)
        return found

    @property
    def last_map_loads(self) -> tuple[Load, ...] | None:
        """Loads of the map that was read last; empty if not recorded, None if there is no map."""
        last = max(self.maps(), key=lambda found: found[1], default=None)
        return None if last is None else read_loads(self._store, "map", last[0]) or ()

    def maps(self) -> Iterator[tuple[int, float, FloatArray]]:
        """Return (run, time, conductance in S) of every run that read; NaN where it did not."""
        query = "SELECT run, time, conductance FROM maps ORDER BY time"
        for run, when, content in self._store.rows(query):
            with self._store.decoding():
                values = np.frombuffer(content, "<f4").reshape(self.shape)
                time = _time(when)
            yield run, time, values.astype(np.float64)

    @property
    def formed(self) -> BoolArray:
        """True for the cells that a forming procedure has formed, shape (rows, columns)."""
        return self._formed > 0

    @property
    def formed_in_this_run(self) -> BoolArray:
        """True for the cells formed since `begin_run`, and by the run in its earlier life.

        A run of an older memlab is known by its label.
        """
        query = "SELECT id FROM runs WHERE label = ? AND run_id = ''"
        same = {self._run} | {number for (number,) in self._store.rows(query, self._label)}
        formed = np.zeros(self.shape, bool)
        for run, _, cells in self.formings():
            if run in same:
                formed |= cells
        return formed

    @property
    def formable(self) -> BoolArray:
        """True for the cells that the budget still allows to be formed, shape (rows, columns)."""
        return self.budgets.may_form(self._formed)

    def check_forming(
        self, cells: BoolArray, rows: Lines | None = None, columns: Lines | None = None
    ) -> None:
        """Raise `LimitError` if one of these cells is formed already; procedures ask first."""
        whole = self._on_chip(cells, rows, columns)
        self.budgets.check_forming(self._formed, whole, str(self.path))

    def mark_formed(
        self, cells: BoolArray, rows: Lines | None = None, columns: Lines | None = None
    ) -> None:
        """Enter cells as formed, each time that they are."""
        whole = self._on_chip(cells, rows, columns)
        self._formed += whole  # first: they are formed, whatever ends the next line
        entry = self._current_run(), self._clock(), np.packbits(whole).tobytes()
        with self._store.transaction() as execute:
            execute("INSERT INTO formings(run, time, cells) VALUES (?, ?, ?)", entry)
            execute(
                "INSERT OR REPLACE INTO formed_after SELECT max(id), ? FROM formings",
                (self.reached,),
            )

    def formings(self) -> Iterator[tuple[int, float, BoolArray]]:
        """Return (run, time, cells) of every forming, in order."""
        for run, when, bits in self._store.rows("SELECT run, time, cells FROM formings"):
            with self._store.decoding():
                cells, time = _unpack(bits, self.shape), _time(when)
            yield run, time, cells

    def take_back_formings(self, after: int) -> int:
        """Forget formings by batches after this one, which the chip lacks; return how many."""
        later = "SELECT forming FROM formed_after WHERE batch > ?"
        found = self._store.row(f"SELECT count(*) FROM formings WHERE id IN ({later})", after)
        if count := int((found and found[0]) or 0):
            self._store.execute(f"DELETE FROM formings WHERE id IN ({later})", after)
            self._formed[...] = sum(cells for _, _, cells in self.formings())
        return count

    def set_mask(self, name: str, mask: BoolArray, load: Load | None = None) -> None:
        """Keep a mask under a name, in place of an earlier one.

        Cells of a fault class, shape (rows, columns), under its name (`pass`, `stuck high`, ...);
        lines under `good rows`, shape (rows,), and `good columns`, shape (columns,). `load` is that
        of the readings that told.
        """
        shape = {"good rows": self.shape[:1], "good columns": self.shape[1:]}.get(name, self.shape)
        if mask.dtype != np.bool_ or mask.shape != shape:
            raise SettingError(
                f"mask {name!r} must be boolean of shape {shape}, got {mask.dtype} {mask.shape}"
            )
        bits = np.packbits(mask).tobytes()
        row = (as_text(name), self._current_run(), self._clock(), " ".join(map(str, shape)), bits)
        with self._store.transaction() as execute:
            execute("INSERT OR REPLACE INTO masks VALUES (?, ?, ?, ?, ?)", row)
            write_loads(execute, f"mask {name}", 0, [load])

    def mask_load(self, name: str) -> Load | None:
        """Return the load of the readings behind a mask, None where it is not recorded."""
        return next(iter(read_loads(self._store, f"mask {name}", 0) or ()), None)

    def masks(self) -> dict[str, BoolArray]:
        """Return every mask by its name."""
        found = {}
        for name, shape, bits in self._store.rows("SELECT name, shape, bits FROM masks"):
            with self._store.decoding():
                found[name] = _unpack(bits, tuple(map(int, shape.split())))
        return found

    @property
    def good_lines(self) -> tuple[Lines, Lines]:
        """Good rows and good columns, all of them by default: `array[passport.good_lines]`."""
        masks = self.masks()
        rows = masks.get("good rows", np.ones(self.shape[0], bool))
        columns = masks.get("good columns", np.ones(self.shape[1], bool))
        return np.flatnonzero(rows), np.flatnonzero(columns)

    def _on_chip(self, cells: BoolArray, rows: Lines | None, columns: Lines | None) -> BoolArray:
        whole = np.zeros(self.shape, bool)
        whole[
            np.ix_(
                np.arange(self.shape[0]) if rows is None else rows,
                np.arange(self.shape[1]) if columns is None else columns,
            )
        ] = cells
        return whole

    def decoding(self) -> AbstractContextManager[None]:
        """Return a block in which what goes wrong with values of the file is a `DataError`."""
        return self._store.decoding()

    # -- a chip that keeps its own history -----------------------------------------------------

    def find_history(self, history: History) -> Found:
        """Return up to where this passport tells of a chip that says this of itself."""
        return find_history(self._store, history)

    def note_history(self, batch: int, history: History) -> None:
        """Enter what a chip says that has all that is here up to a batch, and others' pulses."""
        self._store.execute(
            "INSERT OR IGNORE INTO histories VALUES (?, ?, ?)", batch, history.count, history.check
        )

    # -- life ---------------------------------------------------------------------------------

    def save(self) -> None:
        """Write totals and what the present run has read, as it ends."""
        self._save_map()
        self.ledger.save_totals()

    def close(self) -> None:
        """Write totals and the last map, and let go of the file; again does nothing."""
        if self._store.is_open:
            try:
                if self._store.writable:
                    self.save()
            finally:
                self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _save_map(self) -> None:
        if self._read_now is not None:
            run = self._current_run()
            content = self._read_now.astype("<f4").tobytes()
            with self._store.transaction() as execute:
                row = (run, self._read_at, content)
                execute("INSERT OR REPLACE INTO maps VALUES (?, ?, ?)", row)
                write_loads(execute, "map", run, self._read_under)
            self._read_now, self._read_under = None, {}


def _time(seconds: Any) -> float:
    """Return a time of the file; raises `ValueError` where it is none of years 1970 to 9999."""
    if not 0.0 <= float(seconds) < 2.5e11:
        raise ValueError(f"a time of {seconds} s")
    return float(seconds)


def _budget_facts(budgets: Budgets) -> dict[str, float | None]:
    return {f"budget.{field.name}": getattr(budgets, field.name) for field in fields(Budgets)}


def _unpack(bits: bytes, shape: tuple[int, ...]) -> BoolArray:
    size = math.prod(shape)
    if len(bits) != -(-size // 8):
        raise ValueError(f"{len(bits)} bytes for {size} cells")
    unpacked = np.unpackbits(np.frombuffer(bits, np.uint8), count=size)
    return unpacked.astype(bool).reshape(shape)


def _of_budget(used: npt.NDArray[np.integer[Any]], budget: float | None) -> str:
    most = int(used.max(initial=0))
    return f"{most:,}" if budget is None else f"{most:,} of {budget:,} ({most / budget:.2%})"
