"""Whole operations on a host link: read the array, multiply a batch, run a job.

Each is a small state machine fed with the events of a `HostLink`, so that a driver is one loop:

    operation.start(link, now())
    while not operation.finished:
        for event in move_bytes_and_tick():      # see host
            operation.handle(event, now())
        operation.tick(now())
    result = operation.result()                  # raises what went wrong

A refusal of the board is raised as `RefusedError`. A `LinkDown` is raised as `LinkDownError`; the
fate of pulses is then settled by a new session and `journal.judge`, never by sending them again.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_protocol import messages as m
from firmware_protocol import vectors
from firmware_protocol.codec import Message
from firmware_protocol.errors import ProtocolError, RefusedError, RemoteProtocolError
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import (
    Answered,
    DataReceived,
    HostEvent,
    LinkDown,
    Notified,
)
from firmware_protocol.streams import ReceiveStream, SendStream

_POLL = 0.25
"""Seconds without PROGRESS after which a job is asked for its status."""


class LinkDownError(ProtocolError):
    """The link went down before the operation was over.

    Parameters
    ----------
    down
        The event, with the requests that were not answered.
    """

    def __init__(self, down: LinkDown) -> None:
        names = ", ".join(type(r).__name__ for r in down.unanswered.values()) or "nothing"
        super().__init__(f"the link went down ({down.code.name}); unanswered: {names}")
        self.down = down


class Operation(ABC):
    """Something that takes several messages."""

    def __init__(self) -> None:
        self.finished = False
        self.error: ProtocolError | None = None
        self._link: HostLink
        self._tickets: set[int] = set()
        self._begun = False

    def start(self, link: HostLink, now: float) -> None:
        """Begin; the link must have a session, and the board must be armed."""
        self._link = link
        self._begin(now)
        self._begun = True

    def handle(self, event: HostEvent, now: float) -> None:
        """Take one event of the link."""
        if self.finished:
            return
        if isinstance(event, LinkDown):
            self._fail(LinkDownError(event))
        elif isinstance(event, Answered):
            if event.ticket in self._tickets:
                self._tickets.discard(event.ticket)
                self._on_answer(event, now)
        else:
            self._on_event(event, now)

    def tick(self, now: float) -> None:
        """Let time pass; most operations leave that to the link."""
        return

    def _request(self, message: Message, now: float) -> None:
        if self._begun and not self._link.connected:
            return  # the LinkDown that ends us follows among the same events
        self._tickets.add(self._link.request(message, now))

    def _fail(self, error: ProtocolError) -> None:
        self._link.cancel()
        self.finished, self.error = True, error

    def _refused(self, answer: Answered) -> bool:
        response: Any = answer.response
        if response.status == m.ErrorCode.OK:
            return False
        name, meaning = type(answer.request).__name__, m.ErrorCode(response.status).name
        if response.status == m.ErrorCode.LIMIT:
            meaning += f" ({m.LimitDetail(response.detail).name})"
        text = f"the board refused {name}: {meaning}, detail {response.detail}"
        self._fail(RefusedError(response.status, response.detail, text))
        return True

    @abstractmethod
    def _begin(self, now: float) -> None: ...

    @abstractmethod
    def _on_answer(self, answer: Answered, now: float) -> None: ...

    @abstractmethod
    def _on_event(self, event: HostEvent, now: float) -> None: ...


class Request(Operation):
    """A single request; its result is the response."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self._message = message
        self._response: Message | None = None

    def result(self) -> Message:
        """Return the response, or raise what went wrong."""
        if self.error is not None:
            raise self.error
        assert self._response is not None
        return self._response

    def _begin(self, now: float) -> None:
        self._request(self._message, now)

    def _on_answer(self, answer: Answered, now: float) -> None:
        if not self._refused(answer):
            self._response, self.finished = answer.response, True

    def _on_event(self, event: HostEvent, now: float) -> None:
        return


class _Measuring(Operation):
    """What reading and multiplying share: items come in, then END with their CRC."""

    _stream: m.Stream
    _end: type[m.ReadEndEvent | m.VmmEndEvent]

    def __init__(self, request: m.ReadArray | m.VmmBegin, total: int) -> None:
        super().__init__()
        self.request = request
        self._total = total
        self._columns = int(request.cols).bit_count()
        self._sample_size = vectors.sample_size(self._columns, request.gain_mode)
        self._body = bytearray()
        self._last_end: m.ReadEndEvent | m.VmmEndEvent | None = None

    def result(self) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
        """Return ADC codes and gain numbers, (items, selected columns); or raise."""
        if self.error is not None:
            raise self.error
        return vectors.unpack_samples(bytes(self._body), self._columns, self.request.gain_mode)

    def _begin(self, now: float) -> None:
        window = max(1, self._link.first_window // self._sample_size)
        incoming = ReceiveStream(
            self._stream, self.request.op, self._total, self._sample_size, window
        )
        self._request(self.request, now)
        self._link.start_receiving(incoming, now)

    def _on_event(self, event: HostEvent, now: float) -> None:
        if isinstance(event, DataReceived):
            self._body += event.body
        elif (
            isinstance(event, Notified)
            and isinstance(event.message, self._end)
            and event.message.op == self.request.op
        ):
            self._last_end = event.message
        if self._last_end is not None:
            self._finish(self._last_end)

    def _finish(self, end: m.ReadEndEvent | m.VmmEndEvent) -> None:
        if end.status != m.ErrorCode.OK:
            name = type(self.request).__name__
            text = f"the board ended {name} early: {m.ErrorCode(end.status).name}"
            self._fail(RefusedError(end.status, 0, text))
        elif len(self._body) == self._sample_size * self._total:
            # Not `_incoming.complete`: that is ahead of the events, and END may overtake items that
            # come a second time.
            if end.crc != zlib.crc32(self._body):
                self._fail(RemoteProtocolError("the CRC of all samples differs", m.ErrorCode.CRC))
            self._link.cancel()
            self.finished = True


class Read(_Measuring):
    """READ_ARRAY to its end."""

    _stream, _end = m.Stream.READ_DATA, m.ReadEndEvent

    def __init__(self, request: m.ReadArray) -> None:
        super().__init__(request, vectors.rows_of(request.rows).size)

    def _on_answer(self, answer: Answered, now: float) -> None:
        if not self._refused(answer):
            response = answer.response
            assert isinstance(response, m.ReadArrayResponse)
            if response.total != self._total:
                self._fail(
                    RemoteProtocolError(
                        f"{self._total} rows were asked for, the board sends {response.total}"
                    )
                )


class Vmm(_Measuring):
    """VMM_BEGIN to its end.

    Parameters
    ----------
    request
        nvec, rows, cols, formats.
    levels
        Shape (nvec, selected rows): DAC codes for in_fmt U16, else indices into `table`.
    table, trim
        Level table and row trim (128 values) for formats other than U16.
    """

    _stream, _end = m.Stream.VMM_RESULT, m.VmmEndEvent

    def __init__(
        self,
        request: m.VmmBegin,
        levels: npt.ArrayLike,
        table: npt.NDArray[np.uint16] | None = None,
        trim: npt.NDArray[np.int16] | None = None,
    ) -> None:
        super().__init__(request, request.nvec)
        self._packed = vectors.pack_vectors(levels, request.in_fmt)
        self._size = vectors.vector_size(vectors.rows_of(request.rows).size, request.in_fmt)
        self._tables = [(0, table), (1, trim)] if request.in_fmt != m.InputFormat.U16 else []
        self._room = 0
        self._outgoing: SendStream | None = None

    def _begin(self, now: float) -> None:
        super()._begin(now)
        if not self._tables and self._total <= self._per_frame:
            # One frame needs no grant: it follows at once, and saves a round trip.
            self._send_vectors(now, self._total)

    def _on_answer(self, answer: Answered, now: float) -> None:
        if self._refused(answer) or self._outgoing is not None:
            return
        if isinstance(answer.response, m.VmmBeginResponse):
            self._room = answer.response.room
            self._send_tables(now)
        if not self._tickets:
            self._send_vectors(now, self._room)

    @property
    def _per_frame(self) -> int:
        return (self._link.payload_limit - 8) // self._size

    def _send_tables(self, now: float) -> None:
        parts = []
        per_frame = (self._link.payload_limit - 8) // 2
        for number, table in self._tables:
            if table is None:
                continue
            words = np.ascontiguousarray(table).view(np.uint16)
            parts += [
                (number, first, words[first : first + per_frame])
                for first in range(0, len(words), per_frame)
            ]
        for k, (number, first, values) in enumerate(parts):
            last = int(k == len(parts) - 1)
            lut = m.VmmLut(op=self.request.op, table=number, last=last, first=first, values=values)
            self._request(lut, now)

    def _send_vectors(self, now: float, room: int) -> None:
        outgoing = SendStream(
            m.Stream.VMM_DATA,
            self.request.op,
            self._total,
            self._size,
            self._per_frame,
            room,
            self._link.flow,
        )
        outgoing.append(self._packed)
        self._outgoing = outgoing
        self._link.start_sending(outgoing, now)


class Job(Operation):
    """JOB_BEGIN, JOB_DATA, JOB_RUN and what follows, until every pulse was fired.

    Parameters
    ----------
    op
        Operation number, above every earlier one.
    entries
        Array of `ROW_PULSE` or `CELL_PULSE` records.
    pause
        Seconds between two pulses, at least.
    """

    def __init__(self, op: int, entries: npt.NDArray[np.void], pause: float = 0.0) -> None:
        super().__init__()
        self.op = op
        self.started = self.done = 0
        self.phase = m.Phase.UNKNOWN
        self._entries = entries
        rows = entries.dtype == m.ROW_PULSE
        self._size = (m.ROW_PULSE if rows else m.CELL_PULSE).itemsize
        self._pulses = len(entries) if rows else int(entries["count"].sum())
        self._packed = entries.tobytes()
        self._pause_us = round(pause * 1e6)
        self._poll: float | None = None

    def result(self) -> int:
        """Return the number of pulses fired, all of them; or raise what went wrong."""
        if self.error is not None:
            raise self.error
        return self.done

    def _begin(self, now: float) -> None:
        rows = self._entries.dtype == m.ROW_PULSE
        begin = m.JobBegin(
            op=self.op,
            n=len(self._entries),
            crc=zlib.crc32(self._packed),
            format=m.JobFormat.ROW if rows else m.JobFormat.CELL,
            pause_us=self._pause_us,
        )
        self._request(begin, now)

    def _on_answer(self, answer: Answered, now: float) -> None:
        if self._refused(answer):
            return
        response: Any = answer.response
        match answer.request:
            case m.JobBegin():
                per_frame = (self._link.payload_limit - 8) // self._size
                total = len(self._entries)
                stream = SendStream(
                    m.Stream.JOB_DATA,
                    self.op,
                    total,
                    self._size,
                    per_frame,
                    response.room,
                    self._link.flow,
                )
                stream.append(self._packed)
                self._link.start_sending(stream, now)
            case m.JobRun():
                self._poll = now + _POLL
            case m.JobStatus():
                self._progress(response, now)

    def _on_event(self, event: HostEvent, now: float) -> None:
        news = event.message if isinstance(event, Notified) else None
        if isinstance(news, m.ProgressEvent) and news.op == self.op:
            self._progress(news, now)

    def tick(self, now: float) -> None:
        """Run the job once it is staged; poll it when it is silent."""
        outgoing = self._link.outgoing
        if self.finished:
            return
        if outgoing is not None and outgoing.op == self.op and outgoing.complete:
            self._link.outgoing = None
            self._request(m.JobRun(op=self.op), now)
        elif self._poll is not None and now >= self._poll and not self._tickets:
            self._poll = now + _POLL
            self._request(m.JobStatus(op=self.op), now)

    def next_timeout(self) -> float | None:
        """Return when `tick` wants to be called without an event."""
        return self._poll

    def _progress(self, news: m.ProgressEvent | m.JobStatusResponse, now: float) -> None:
        if not news.done <= news.started <= self._pulses or (
            news.phase == m.Phase.DONE and news.done < self._pulses
        ):
            text = (
                f"the board counts {news.started} pulses started and {news.done} done in phase "
                f"{m.Phase(news.phase).name}, of {self._pulses}"
            )
            self._fail(RemoteProtocolError(text))
            return
        if news.done < self.done and news.phase in (m.Phase.ACCEPTED, m.Phase.FIRING):
            return  # an older report that came late
        self.started, self.done, self.phase = news.started, news.done, m.Phase(news.phase)
        self._poll = now + _POLL
        if self.phase == m.Phase.DONE:
            self.finished = True
        elif self.phase in (m.Phase.ABORTED, m.Phase.UNKNOWN):
            text = f"the job stopped after {self.done} of its pulses ({self.started} started)"
            self._fail(RefusedError(news.err or m.ErrorCode.ABORTED, self.done & 0xFFFF, text))
