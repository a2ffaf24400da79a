"""Reading the array and multiplying vectors: the board's side of READ_ARRAY and VMM.

Results stay in the ring until the host has acknowledged them: a lost one is sent again, never
measured again. When the ring is full the next vector waits. The board leaves BUSY when everything
is measured; the ring goes on being emptied until the next operation replaces it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from firmware_protocol import messages as m
from firmware_protocol import vectors
from firmware_protocol.configuration import Configuration
from firmware_protocol.device import DeviceLink
from firmware_protocol.errors import RefusedError
from firmware_protocol.executor import AUTO, Executor, Samples
from firmware_protocol.streams import ReceiveStream, SendStream
from firmware_protocol.tasks import RX_RING, TX_RING, Task

_STEP_ITEMS = 64


class _Measurement(Task):
    """What reading and multiplying share: samples that leave through a ring, and an END."""

    def __init__(
        self,
        request: m.ReadArray | m.VmmBegin,
        stream: m.Stream,
        total: int,
        configuration: Configuration,
        link: DeviceLink,
        host_credit: int,
    ) -> None:
        self.op = request.op
        self.rows = vectors.rows_of(request.rows)
        self.columns = vectors.columns_of(request.cols)
        self.gain_mode = request.gain_mode
        self.configuration = configuration
        if not self.rows.size or not self.columns.size:
            raise RefusedError(m.ErrorCode.RANGE, 0, "no row or no column is selected")
        levels = configuration.levels
        if (request.v_idle, request.v_gate) != (levels.idle_row_code, levels.read_gate_code):
            raise RefusedError(m.ErrorCode.RANGE, 1, "v_idle, v_gate differ from the configuration")
        size = vectors.sample_size(self.columns.size, self.gain_mode)
        per_frame = (link.payload_limit - 8) // size
        window = max(1, min(host_credit, TX_RING) // size)
        self.out = SendStream(
            stream, self.op, total, size, per_frame, window, link.flow, max(window, TX_RING // size)
        )
        self._ended = False
        self._resume_at: float | None = None

    @property
    def gain(self) -> int:
        """Gain number for the executor."""
        return AUTO if self.gain_mode == m.GainMode.AUTO else self.gain_mode + 1

    @property
    def finished(self) -> bool:
        """True when everything is measured; results may still be in the ring."""
        return self.error != m.ErrorCode.OK or self.out.produced == self.out.total

    def on_credit(self, credit: m.Credit, now: float) -> None:
        """Take an acknowledgement of results."""
        if credit.stream == self.out.stream and credit.op_lo == self.op & 0xFFFF:
            self.out.on_credit(credit, now)
            if credit.flags & m.CreditFlag.GO_BACK:
                self._ended = False

    def _store(self, samples: tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]) -> None:
        self.out.append(vectors.pack_samples(*samples, self.gain_mode))

    def pump(self, link: DeviceLink, now: float) -> None:
        """Send results, and END after the last."""
        data = m.ReadData if self.out.stream == m.Stream.READ_DATA else m.VmmResult
        end = m.ReadEndEvent if self.out.stream == m.Stream.READ_DATA else m.VmmEndEvent
        if self.error == m.ErrorCode.OK:
            self.out.tick(now)
            while (free_at := link.free_at(now)) <= now and (
                part := self.out.take(now)
            ) is not None:
                link.send(
                    data(op_lo=self.op & 0xFFFF, n=part.count, first=part.first, body=part.body)
                )
            self._resume_at = free_at if free_at > now else None
            if not (self.out.produced == self.out.total and self.out.drained):
                return
        if not self._ended:
            self._ended = True
            link.send(end(op=self.op, status=self.error, total=self.out.produced, crc=self.out.crc))

    def next_timeout(self) -> float | None:
        """Return when results must be sent again."""
        if self.error != m.ErrorCode.OK:
            return None
        times = [self.out.next_timeout(), self._resume_at]
        return min((t for t in times if t is not None), default=None)


class ReadTask(_Measurement):
    """READ_ARRAY: one item per selected row."""

    def __init__(
        self,
        request: m.ReadArray,
        executor: Executor,
        configuration: Configuration,
        link: DeviceLink,
        host_credit: int,
    ) -> None:
        total = vectors.rows_of(request.rows).size
        super().__init__(request, m.Stream.READ_DATA, total, configuration, link, host_credit)
        configuration.check(m.Line.ROW, m.LimitMode.READ, request.v_row, m.Line.ROW)
        self._executor = executor
        self._row_code = request.v_row
        self._samples: Samples | None = None

    def step(self, now: float) -> bool:
        """Measure all rows at once, then fill the ring as it empties.

        Not in parts: while one selected row is driven the other selected rows are held at 0 V and
        the rest float, so that a part would be measured in another circuit.
        """
        count = min(self.out.room, self.out.frame_items)
        if self.finished or count <= 0:
            return False
        if self._samples is None:
            self._samples = self._executor.read(self.rows, self.columns, self._row_code, self.gain)
        code, gain = self._samples
        part = slice(self.out.produced, self.out.produced + count)
        self._store((code[part], gain[part]))
        return True


class VmmTask(_Measurement):
    """VMM_BEGIN: vectors in, results out."""

    def __init__(
        self,
        request: m.VmmBegin,
        executor: Executor,
        configuration: Configuration,
        link: DeviceLink,
        host_credit: int,
    ) -> None:
        super().__init__(
            request, m.Stream.VMM_RESULT, request.nvec, configuration, link, host_credit
        )
        self._executor = executor
        self._format = m.InputFormat(request.in_fmt)
        self._size = vectors.vector_size(self.rows.size, self._format)
        self._capacity = max(1, RX_RING // self._size)
        self._waiting = bytearray()
        self._table = np.zeros(1 << {0: 1, 1: 4, 2: 8, 3: 0}[self._format], np.uint16)
        self._trim = np.zeros(m.ROWS, np.int16)
        self._table_checked = self._format == m.InputFormat.U16
        self.incoming = ReceiveStream(
            m.Stream.VMM_DATA, self.op, request.nvec, self._size, self._capacity
        )
        self._go_back = False

    def load_table(self, part: m.VmmLut) -> None:
        """Take a part of the level table or of the row trim; the last part makes them valid."""
        table: npt.NDArray[np.generic] = self._trim if part.table else self._table
        if part.first + len(part.values) > len(table):
            raise RefusedError(m.ErrorCode.RANGE, part.first, "the table is shorter")
        table[part.first : part.first + len(part.values)] = part.values.astype(table.dtype)
        self._table_checked = False
        if part.last:
            levels, trim = self._table.astype(np.int64), self._trim.astype(np.int64)[self.rows]
            extremes = [levels.min() + trim.min(), levels.max() + trim.max()]
            self.configuration.check(m.Line.ROW, m.LimitMode.READ, extremes, m.Line.ROW)
            self._table_checked = True

    def on_data(self, data: m.VmmData, now: float) -> None:
        """Take vectors, as many as were granted."""
        if data.op_lo != self.op & 0xFFFF:
            return
        if len(self._waiting) // self._size + data.n > self._capacity:
            return  # beyond its credit
        fresh, go_back = self.incoming.on_data(data.first, data.n, data.body, now)
        self._waiting += fresh
        self._go_back |= go_back

    def step(self, now: float) -> bool:
        """Multiply the vectors that have arrived."""
        count = min(len(self._waiting) // self._size, self.out.room, _STEP_ITEMS)
        if self.finished or count <= 0:
            return False
        if not self._table_checked:
            self.error = m.ErrorCode.NOT_CONFIGURED
            return True
        body = bytes(self._waiting[: count * self._size])
        del self._waiting[: count * self._size]
        codes = vectors.unpack_vectors(body, self.rows.size, self._format)
        if self._format == m.InputFormat.U16:
            try:
                self.configuration.check(m.Line.ROW, m.LimitMode.READ, codes, m.Line.ROW)
            except RefusedError as refusal:
                self.error = m.ErrorCode(refusal.code)
                return True
        else:
            codes = (self._table[codes] + self._trim[self.rows]).astype(np.uint16)
        self._store(self._executor.vmm(self.rows, self.columns, codes, self.gain))
        return True

    def pump(self, link: DeviceLink, now: float) -> None:
        """Send CREDIT for vectors, and results."""
        room = self._capacity - len(self._waiting) // self._size
        if self.error == m.ErrorCode.OK and (self._go_back or self.incoming.credit_due(room)):
            link.send(self.incoming.credit(room, self._go_back))
            self._go_back = False
        super().pump(link, now)
