"""Programming pulses on the board: staging, checking and firing, with the journal around each.

Entries are staged first and checked all together (number, CRC, limits), so that a job that is
refused has fired nothing. Then one pulse fires per step: `started` counts before, `done` after.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt

from firmware_protocol import messages as m
from firmware_protocol.configuration import Configuration
from firmware_protocol.device import DeviceLink
from firmware_protocol.errors import RefusedError
from firmware_protocol.executor import Executor
from firmware_protocol.journal import Entry
from firmware_protocol.streams import ReceiveStream
from firmware_protocol.tasks import RX_RING, Task

_PROGRESS_INTERVAL = 0.05


class JobStaging:
    """JOB_BEGIN and JOB_DATA: entries collect here, nothing fires."""

    def __init__(self, request: m.JobBegin, maximum: int, minimum_pause_us: int) -> None:
        if request.n > maximum:
            raise RefusedError(m.ErrorCode.TOO_BIG, 0, f"{request.n} entries, at most {maximum}")
        if request.pause_us < minimum_pause_us:
            raise RefusedError(
                m.ErrorCode.LIMIT,
                m.LimitDetail.PAUSE,
                f"a pause of {request.pause_us} us: at least {minimum_pause_us}",
            )
        self.op, self._crc = request.op, request.crc
        self.pause = request.pause_us * 1e-6
        self.format = m.JobFormat(request.format)
        self._dtype = m.ROW_PULSE if self.format == m.JobFormat.ROW else m.CELL_PULSE
        size = self._dtype.itemsize
        self.incoming = ReceiveStream(
            m.Stream.JOB_DATA, request.op, request.n, size, max(1, RX_RING // size)
        )
        self._body = bytearray()
        self._go_back = False

    def on_data(self, data: m.JobData, now: float) -> None:
        """Take entries."""
        if data.op_lo == self.op & 0xFFFF:
            fresh, go_back = self.incoming.on_data(data.first, data.n, data.body, now)
            self._body += fresh
            self._go_back |= go_back

    def pump(self, link: DeviceLink) -> None:
        """Send the CREDIT that is due."""
        if self._go_back or self.incoming.credit_due():
            link.send(self.incoming.credit(None, self._go_back))
            self._go_back = False

    def entries(self) -> npt.NDArray[np.void]:
        """Return all entries; refuse while they are not complete and sound."""
        if not self.incoming.complete:
            raise RefusedError(m.ErrorCode.FORMAT, 0, f"{self.incoming.expected} entries arrived")
        if zlib.crc32(self._body) != self._crc:
            raise RefusedError(m.ErrorCode.CRC, 0, "the CRC of the entries differs")
        return np.frombuffer(bytes(self._body), self._dtype)


def check_pulses(
    entries: npt.NDArray[np.void],
    configuration: Configuration,
    compiled: m.GetLimitsResponse,
    info: m.GetInfoResponse,
) -> None:
    """Refuse entries of which any breaks a limit, before the first of them is fired.

    Parameters
    ----------
    entries
        `ROW_PULSE` or `CELL_PULSE` records.
    configuration
        What the host allows; the detail of its refusals is a `LimitDetail`.
    compiled
        What the board allows at all, whatever it was configured for.
    info
        Says which lines the board has.
    """
    names = entries.dtype.names or ()
    kind = entries["kind"] & ~np.uint8(m.PulseKind.SLOW)
    if (entries["row"] >= info.rows).any() or (kind > m.PulseKind.RESET).any():
        raise RefusedError(m.ErrorCode.RANGE, 0, "no such row or kind of pulse")
    slow = (entries["kind"] & np.uint8(m.PulseKind.SLOW)).astype(bool)
    if slow.any() and not compiled.slow:
        raise RefusedError(m.ErrorCode.RANGE, 0, "this board has no slow pulses")
    if "col" in names and ((entries["col"] >= info.cols).any() or (entries["count"] == 0).any()):
        raise RefusedError(m.ErrorCode.RANGE, 1, "no such column, or no pulse at all")
    if "count" in names and (most := int(entries["count"].max(initial=0))) > compiled.max_count:
        text = f"{most} pulses of one cell: at most {compiled.max_count}"
        raise RefusedError(m.ErrorCode.LIMIT, m.LimitDetail.COUNT, text)
    gates = entries["gate"]
    if "cols" in names:
        bits = entries["cols"][:, None] >> np.arange(m.COLUMNS, dtype=np.uint64) & np.uint64(1)
        selected = bits.astype(bool)
        if selected[:, info.cols :].any():
            raise RefusedError(m.ErrorCode.RANGE, 1, f"this board has {info.cols} columns")
    else:
        gates, selected = gates[:, None], np.ones((len(entries), 1), bool)
    for pulse, line, mode in (
        (m.PulseKind.SET, m.Line.COLUMN, m.LimitMode.SET),
        (m.PulseKind.RESET, m.Line.ROW, m.LimitMode.RESET),
    ):
        which = kind == pulse
        configuration.check(line, mode, entries["amp"][which], line)
        configuration.check(m.Line.GATE, mode, gates[which][selected[which]], m.Line.GATE)
    configuration.check_width(entries["width"])
    widest = int(entries["width"][~slow].max(initial=0))
    if widest > compiled.max_width_ticks:  # a configuration that allowed it would be our own error
        text = f"width {widest}: this board has {compiled.max_width_ticks}"
        raise RefusedError(m.ErrorCode.LIMIT, m.LimitDetail.WIDTH, text)


def single_pulses(entries: npt.NDArray[np.void]) -> Iterator[np.void]:
    """Yield each physical pulse of a list of entries as a `ROW_PULSE` record."""
    if entries.dtype == m.ROW_PULSE:
        yield from entries
        return
    for entry in entries:
        pulse = np.zeros((), m.ROW_PULSE)
        for name in ("row", "kind", "amp", "width"):
            pulse[name] = entry[name]
        pulse["cols"] = np.uint64(1) << np.uint64(entry["col"])
        pulse["gate"][entry["col"]] = entry["gate"]
        for _ in range(int(entry["count"])):
            yield cast(np.void, pulse[()])


def pulse_count(entries: npt.NDArray[np.void]) -> int:
    """Return the number of physical pulses of a list of entries."""
    return len(entries) if entries.dtype == m.ROW_PULSE else int(entries["count"].sum())


def fire(executor: Executor, entry: Entry, pulse: np.void) -> None:
    """Fire one pulse with its marks in the journal around it."""
    entry.phase = m.Phase.FIRING
    entry.started += 1
    try:
        executor.pulse(pulse)
    except RefusedError:
        entry.started -= 1  # by contract nothing was fired
        raise
    entry.done += 1


class JobTask(Task):
    """JOB_RUN: fires the pulses of a staged job in order."""

    def __init__(
        self, executor: Executor, entry: Entry, entries: npt.NDArray[np.void], pause: float
    ) -> None:
        self.op, self.entry = entry.op, entry
        self.total = pulse_count(entries)
        self._executor = executor
        self._pulses = single_pulses(entries)
        self._pause = pause
        self._next_pulse = 0.0
        self._next_progress = 0.0
        self._reported = False

    @property
    def finished(self) -> bool:
        """True when every pulse was fired, or none will be any more."""
        return self.entry.phase in (m.Phase.DONE, m.Phase.ABORTED)

    def step(self, now: float) -> bool:
        """Fire one pulse."""
        if self.finished or now < self._next_pulse:
            return False
        try:
            fire(self._executor, self.entry, next(self._pulses))
        except RefusedError as refusal:
            self.abort(m.ErrorCode(refusal.code))
            return True
        if self.entry.done == self.total:
            self.entry.phase = m.Phase.DONE
        self._next_pulse = now + self._pause
        return True

    def abort(self, error: m.ErrorCode) -> None:
        """Stop between two pulses."""
        if not self.finished:
            self.entry.phase, self.entry.err = m.Phase.ABORTED, error
            self.error = error

    def pump(self, link: DeviceLink, now: float) -> None:
        """Report progress, at most 20 times a second."""
        if self._reported:
            return
        if not self.finished and (now < self._next_progress or link.free_at(now) > now):
            return  # on a slow line, news must not queue up in front of answers
        self._next_progress = now + _PROGRESS_INTERVAL
        self._reported = self.finished
        entry = self.entry
        link.send(
            m.ProgressEvent(
                op=entry.op,
                started=entry.started,
                done=entry.done,
                phase=entry.phase,
                err=entry.err,
            )
        )

    def next_timeout(self) -> float | None:
        """Return when the next pulse is due."""
        return None if self.finished else self._next_pulse
