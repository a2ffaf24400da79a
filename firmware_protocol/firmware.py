"""The board's firmware over any hardware: link, state machine, journal and tasks put together.

Whoever runs a virtual board gives it an `Executor` and moves bytes:

    firmware = Firmware(executor, memory)
    while True:
        firmware.receive_bytes(port.read(timeout), now())
        firmware.tick(now())             # again at once while it returns True
        port.write(firmware.data_to_send())

Nothing here waits or reads a clock. `next_timeout` says when `tick` must be called at the latest;
calling it earlier or more often does no harm. A pulse that raises anything but `RefusedError`
leaves `started` above `done` in the journal and latches INTERNAL, so that a host learns that it is
unknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.configuration import Bounds, Configuration, ConfigurationStaging
from firmware_protocol.device import (
    DeviceEvent,
    DeviceLink,
    FrameArrived,
    RequestArrived,
    RequestUnreadable,
    SessionAsked,
    SessionClosed,
    StopAsked,
)
from firmware_protocol.errors import RefusedError
from firmware_protocol.executor import Executor
from firmware_protocol.journal import Memory
from firmware_protocol.machine import BUSY, LIVE, Machine, Trigger
from firmware_protocol.measuring import ReadTask, VmmTask
from firmware_protocol.messages import ErrorCode, LimitMode, Line, Phase, State
from firmware_protocol.programming import (
    JobStaging,
    JobTask,
    check_pulses,
    fire,
    pulse_count,
    single_pulses,
)
from firmware_protocol.tasks import RX_RING, TX_RING, Task

_LOW_LEVEL = (
    m.SetBaud,
    m.DacWrite,
    m.Gains,
    m.AdcRead,
    m.SpiXfer,
    m.AdcCr,
    m.AdcRaw,
    m.GpioGet,
    m.GpioSet,
    m.Shadow,
)

_SOURCE = bytes(i % 251 for i in range(m.MAX_PAYLOAD))


class Firmware:
    """A board's firmware.

    Parameters
    ----------
    executor
        The hardware, or a model of it.
    memory
        What an earlier life of this board left behind.
    link
        The board's end of the wire; made here when not given.
    """

    def __init__(
        self, executor: Executor, memory: Memory | None = None, link: DeviceLink | None = None
    ) -> None:
        self.memory = memory or Memory()
        self.link = link or DeviceLink(self.memory)
        self.machine = Machine()
        self.configuration: Configuration | None = None
        self._executor = executor
        self._info = executor.info()
        self._staged_configuration = ConfigurationStaging(self._hard_limits())
        self._staging: JobStaging | None = None
        self._task: Task | None = None
        self._host_credit = TX_RING
        self._debug_until: float | None = None
        self._handlers: dict[type[Message], Callable[[Any, float], Message]] = {
            m.GetDict: self._get_dict,
            m.Echo: lambda r, _: m.EchoResponse(data=r.data[: self.link.payload_limit - 4]),
            m.Source: self._source,
            m.Sink: lambda r, _: m.SinkResponse(n=len(r.data), crc=zlib.crc32(r.data)),
            m.GetInfo: lambda _, __: replace(self._info, config_crc=self._config_crc),
            m.GetState: self._get_state,
            m.GetCounters: self._get_counters,
            m.ClearFault: self._clear_fault,
            m.ReadJournal: self._read_journal,
            m.CfgBegin: self._cfg_begin,
            m.CfgSpan: self._cfg_part,
            m.CfgLimit: self._cfg_part,
            m.CfgTiming: self._cfg_part,
            m.CfgLevels: self._cfg_part,
            m.CfgCommit: self._cfg_commit,
            m.Arm: self._arm,
            m.Disarm: self._disarm,
            m.Renew: self._renew,
            m.GroundAll: self._ground_all,
            m.ReadArray: self._read_array,
            m.Pulse: self._pulse,
            m.PulseRow: self._pulse_row,
            m.JobBegin: self._job_begin,
            m.JobRun: self._job_run,
            m.JobStatus: self._job_status,
            m.JobAbort: self._job_abort,
            m.VmmBegin: self._vmm_begin,
            m.VmmLut: self._vmm_lut,
            m.VmmAbort: self._vmm_abort,
            m.DbgUnlock: self._unlock,
            **dict.fromkeys(_LOW_LEVEL, self._low_level),
        }

    # --- the outside

    @property
    def state(self) -> State:
        """State of the state machine."""
        return self.machine.state

    def receive_bytes(self, data: bytes, now: float) -> None:
        """Take bytes from the line and act on them."""
        for event in self.link.receive_bytes(data, now):
            self._on_event(event, now)
        self.machine.feed(self.link.last_heard)

    def data_to_send(self) -> bytes:
        """Return and forget the bytes for the line."""
        return self.link.data_to_send()

    def tick(self, now: float) -> bool:
        """Check the clocks and do one step of what is running; return True while there is more."""
        expired = self.machine.expired(now)
        if expired is not None:
            self.stop(expired)
        if self._debug_until is not None and now >= self._debug_until:
            self._leave_debug()
        task, worked = self._task, False
        if task is not None:
            try:
                worked = self.state in BUSY and task.step(now)
            except RefusedError as refusal:
                task.abort(ErrorCode(refusal.code))
            except Exception as error:  # the model or the hardware failed: that is a fault
                self.stop(ErrorCode.INTERNAL, text=f"{type(error).__name__}: {error}")
            task.pump(self.link, now)
            if task.finished and self.state in BUSY:
                self._fire(Trigger.FINISHED)
        if self._staging is not None:
            self._staging.pump(self.link)
        return worked

    def next_timeout(self) -> float | None:
        """Return when `tick` must be called at the latest, without input; None for never."""
        task = self._task.next_timeout() if self._task is not None else None
        times = [self.machine.next_timeout(), task, self._debug_until]
        return min((t for t in times if t is not None), default=None)

    def stop(self, fault: ErrorCode, detail: int = 0, text: str = "") -> None:
        """Ground everything and latch a fault: ESTOP, a lost host, a failed supply."""
        op = self._task.op if self._task is not None else 0
        self._abort(fault)
        self._executor.ground()
        self.configuration = None
        self.machine.latch(fault, detail)
        if self.link.session:
            if text:
                self.link.send(m.LogEvent(t_us=0, level=40, text=text[:200]))
            self.link.send(m.FaultEvent(fault=fault, detail=detail, op=op))
            self.link.send(m.StateEvent(state=self.state))

    def host_gone(self) -> None:
        """Act on a dropped DTR line or a closed socket, without waiting for the watchdog."""
        if self.state in LIVE:
            self.stop(ErrorCode.HOST_LOST)
        self._end_session()  # in DEBUG too, lines may carry a voltage
        self._fire(Trigger.BYE)
        self.link.close_session()

    # --- events

    def _on_event(self, event: DeviceEvent, now: float) -> None:
        match event:
            case RequestArrived():
                self._on_request(event, now)
            case FrameArrived(message):
                self._on_frame(message, now)
            case StopAsked():
                self.link.discard_output()
                self.stop(ErrorCode.ESTOP)
            case SessionAsked(hello):
                self._new_session(hello, now)
            case SessionClosed():
                self._end_session()
                self._fire(Trigger.BYE)
                self.link.answer_link(m.ByeResponse(state=self.state))
                self.link.close_session()
            case RequestUnreadable():
                return

    def _new_session(self, hello: m.Hello, now: float) -> None:
        self._end_session()
        self._fire(Trigger.BYE)
        self._fire(Trigger.HELLO)
        self._host_credit = hello.host_credit
        journal = self.memory.journal
        self.link.open_session(
            hello,
            now,
            op_hw=journal.op_hw,
            journal_n=len(journal.entries),
            rx_credit=RX_RING,
            tx_ring=TX_RING,
            caps=0,
            fw=bytes(4),
            uid=self._executor.uid,
            state=self.state,
            fault=self.machine.fault,
        )

    def _end_session(self) -> None:
        self._abort(ErrorCode.ABORTED)
        self._task = self._staging = self._debug_until = self.configuration = None
        self.memory.journal.close_open_entries(ErrorCode.ABORTED)
        self._executor.ground()

    def _on_frame(self, message: Message, now: float) -> None:
        match message:
            case m.Ping():
                busy = self._task.op if self._task is not None and self.state in BUSY else 0
                self.link.answer_link(
                    m.PingResponse(
                        token=message.token,
                        mcu_us=int(now * 1e6) & 0xFFFFFFFFFFFFFFFF,
                        state=self.state,
                        fault=self.machine.fault,
                        busy_op=busy,
                    )
                )
            case m.Credit() if self._task is not None:
                self._task.on_credit(message, now)
            case m.VmmData() if self._task is not None and self.state == State.BUSY_VMM:
                self._task.on_data(message, now)
            case m.JobData() if self._staging is not None:
                self._staging.on_data(message, now)

    def _on_request(self, event: RequestArrived, now: float) -> None:
        request = event.request
        try:
            self.machine.check_allowed(request)
            response = self._handlers[type(request)](request, now)
        except RefusedError as refusal:
            self.link.refuse(event.seq, request.ID, refusal)
        except Exception as error:  # the model or the hardware failed: that is a fault
            self.link.refuse(event.seq, request.ID, RefusedError(ErrorCode.INTERNAL))
            self.stop(ErrorCode.INTERNAL, text=f"{type(error).__name__}: {error}")
        else:
            self.link.answer(event.seq, response)

    # --- identity, state, journal

    def _get_dict(self, request: m.GetDict, _: float) -> Message:
        known = [(t.ID, ord(t.CLASS), t.HASH) for t in m.CATALOGUE if request.first <= t.ID]
        room = (self.link.payload_limit - 5) // m.DICT_ENTRY.itemsize
        entries = np.array(known[:room], m.DICT_ENTRY)
        return m.GetDictResponse(n=len(entries), entries=entries)

    def _source(self, request: m.Source, _: float) -> Message:
        if request.n > self.link.payload_limit - 4:
            raise RefusedError(ErrorCode.TOO_BIG)
        return m.SourceResponse(data=_SOURCE[: request.n])

    @property
    def _config_crc(self) -> int:
        return self.configuration.crc if self.configuration is not None else 0

    def _get_state(self, _: m.GetState, now: float) -> Message:
        busy = self._task.op if self._task is not None and self.state in BUSY else 0
        return m.GetStateResponse(
            state=self.state,
            fault=self.machine.fault,
            busy_op=busy,
            op_hw=self.memory.journal.op_hw,
            config_crc=self._config_crc,
            lease_left_ms=int(self.machine.lease_left(now) * 1000),
        )

    def _get_counters(self, _: m.GetCounters, __: float) -> Message:
        seen, link = self.link.decoder.counters, self.link.counters
        return m.GetCountersResponse(
            good=seen.good,
            crc=seen.crc,
            cobs=seen.cobs,
            overlong=seen.overlong,
            length=seen.length,
            version=seen.version,
            dup=link.dup,
            gap=link.gap,
            replay=link.replay,
            session=link.session,
            overrun=link.overrun,
        )

    def _clear_fault(self, request: m.ClearFault, _: float) -> Message:
        self.machine.clear(request.fault)
        return m.ClearFaultResponse(state=self.state)

    def _read_journal(self, request: m.ReadJournal, _: float) -> Message:
        journal = self.memory.journal
        room = (self.link.payload_limit - 8) // m.JOURNAL_RECORD.itemsize
        records = journal.records(request.from_op, room)
        return m.ReadJournalResponse(lost_op=journal.lost_op, records=records)

    # --- configuration and arming

    def _hard_limits(self) -> dict[tuple[Line, LimitMode], Bounds]:
        pairs = self._info.hard_limits.reshape(-1, 2).tolist()
        keys = [(line, mode) for line in Line for mode in LimitMode]
        return {key: (low, high) for key, (low, high) in zip(keys, pairs, strict=True)}

    def _cfg_begin(self, _: m.CfgBegin, __: float) -> Message:
        self._executor.ground()
        self._fire(Trigger.CFG_BEGIN)
        self.configuration = None
        self._staged_configuration = ConfigurationStaging(self._hard_limits())
        return m.CfgBeginResponse()

    def _cfg_part(self, request: Message, _: float) -> Message:
        self._staged_configuration.apply(request)
        answer = request.RESPONSE
        assert answer is not None
        return answer()

    def _cfg_commit(self, request: m.CfgCommit, _: float) -> Message:
        configuration = self._staged_configuration.commit(request.crc)
        self._executor.configure(configuration)
        self.configuration = configuration
        self._fire(Trigger.CFG_COMMIT)
        return m.CfgCommitResponse(crc=configuration.crc)

    def _arm(self, request: m.Arm, now: float) -> Message:
        if request.config_crc != self._config_crc:
            raise RefusedError(ErrorCode.CONFIG_CRC, 0, "another configuration is committed")
        self.machine.arm(request.lease_ms / 1000, request.watchdog_ms / 1000, now)
        return m.ArmResponse(state=self.state)

    def _disarm(self, _: m.Disarm, __: float) -> Message:
        self._abort(ErrorCode.ABORTED)
        self._executor.ground()
        self._fire(Trigger.DISARM)
        return m.DisarmResponse(state=self.state)

    def _renew(self, _: m.Renew, now: float) -> Message:
        self.machine.renew(now)
        return m.RenewResponse(state=self.state)

    def _ground_all(self, _: m.GroundAll, __: float) -> Message:
        self._abort(ErrorCode.ABORTED)
        self._executor.ground()
        return m.GroundAllResponse()

    # --- reading and multiplying

    def _committed(self) -> Configuration:
        if self.configuration is None:
            raise RefusedError(ErrorCode.NOT_CONFIGURED)
        return self.configuration

    def _read_array(self, request: m.ReadArray, _: float) -> Message:
        limit = self.link.payload_limit
        task = ReadTask(request, self._executor, self._committed(), limit, self._host_credit)
        self._begin(task, Trigger.READ)
        return m.ReadArrayResponse(total=task.out.total)

    def _vmm_begin(self, request: m.VmmBegin, _: float) -> Message:
        limit = self.link.payload_limit
        task = VmmTask(request, self._executor, self._committed(), limit, self._host_credit)
        self._begin(task, Trigger.VMM)
        return m.VmmBeginResponse(room=min(task.incoming.window, request.nvec))

    def _vmm_lut(self, request: m.VmmLut, _: float) -> Message:
        if not isinstance(self._task, VmmTask) or self._task.op != request.op:
            raise RefusedError(ErrorCode.OP_UNKNOWN)
        self._task.load_table(request)
        return m.VmmLutResponse()

    def _vmm_abort(self, request: m.VmmAbort, _: float) -> Message:
        if self._task is not None and self._task.op == request.op and self.state in BUSY:
            self._abort(ErrorCode.ABORTED)
            self._executor.ground()
        return m.VmmAbortResponse()

    # --- programming

    def _pulse(self, request: m.Pulse, now: float) -> Message:
        entry = np.zeros(1, m.CELL_PULSE)
        for name in m.CELL_PULSE.names or ():
            entry[name] = getattr(request, name)
        fired = self._fire_now(request.op, entry, now)
        return m.PulseResponse(fired=fired, width_ticks=request.width)

    def _pulse_row(self, request: m.PulseRow, now: float) -> Message:
        entry = np.zeros(1, m.ROW_PULSE)
        for name in m.ROW_PULSE.names or ():
            entry[name] = getattr(request, name)
        self._fire_now(request.op, entry, now)
        return m.PulseRowResponse(mask=request.cols)

    def _fire_now(self, op: int, entries: np.ndarray[Any, np.dtype[np.void]], now: float) -> int:
        check_pulses(entries, self._committed())
        record = self.memory.journal.accept(op, self.link.session, now)
        try:
            for pulse in single_pulses(entries):
                fire(self._executor, record, pulse)
        except Exception as error:
            record.phase = Phase.ABORTED
            record.err = error.code if isinstance(error, RefusedError) else ErrorCode.INTERNAL
            raise
        record.phase = Phase.DONE
        return record.done

    def _job_begin(self, request: m.JobBegin, _: float) -> Message:
        self.memory.journal.check_new(request.op)
        rows = request.format == m.JobFormat.ROW
        maximum = self._info.max_job_rows if rows else self._info.max_job_cells
        self._staging = JobStaging(request, maximum)
        return m.JobBeginResponse(room=min(self._staging.incoming.window, request.n))

    def _job_run(self, request: m.JobRun, now: float) -> Message:
        staging = self._staging
        if staging is None or staging.op != request.op:
            raise RefusedError(ErrorCode.OP_UNKNOWN)
        entries = staging.entries()
        check_pulses(entries, self._committed())
        entry = self.memory.journal.accept(request.op, self.link.session, now)
        self._staging = None
        self._begin(JobTask(self._executor, entry, entries, staging.pause), Trigger.JOB)
        return m.JobRunResponse(total=pulse_count(entries))

    def _job_fields(self, op: int) -> dict[str, int]:
        entry = self.memory.journal.find(op)
        if entry is not None:
            return {
                "started": entry.started,
                "done": entry.done,
                "phase": entry.phase,
                "err": entry.err,
            }
        staged = self._staging is not None and self._staging.op == op
        phase = Phase.STAGED if staged else Phase.UNKNOWN
        return {"started": 0, "done": 0, "phase": phase, "err": 0}

    def _job_status(self, request: m.JobStatus, _: float) -> Message:
        return m.JobStatusResponse(**self._job_fields(request.op))

    def _job_abort(self, request: m.JobAbort, _: float) -> Message:
        if self._staging is not None and self._staging.op == request.op:
            self._staging = None
        if isinstance(self._task, JobTask) and self._task.op == request.op:
            self._abort(ErrorCode.ABORTED)
        return m.JobAbortResponse(**self._job_fields(request.op))

    # --- chip level

    def _unlock(self, request: m.DbgUnlock, now: float) -> Message:
        if request.uid_crc != zlib.crc32(self._executor.uid):
            raise RefusedError(ErrorCode.LOCKED, 0, "the CRC of the uid differs")
        if request.ttl_ms == 0:
            self._leave_debug()
        else:
            self._executor.ground()
            self._executor.unlock(unsafe=bool(request.flags & 1))
            self.configuration = None
            self._fire(Trigger.UNLOCK)
            self._debug_until = now + request.ttl_ms / 1000
        return m.DbgUnlockResponse()

    def _leave_debug(self) -> None:
        self._debug_until = None
        self._executor.ground()
        self._fire(Trigger.LOCK)

    def _low_level(self, request: Message, _: float) -> Message:
        if isinstance(request, m.DacWrite):
            self._check_channels(request)
        return self._executor.low_level(request)

    def _check_channels(self, request: m.DacWrite) -> None:
        if len(request.code) != request.n or request.first + request.n > 256:
            raise RefusedError(ErrorCode.RANGE)
        edges = {Line.ROW: (0, 128), Line.COLUMN: (128, 192), Line.GATE: (192, 256)}
        for line, (start, stop) in edges.items():
            part = request.code[max(start - request.first, 0) : max(stop - request.first, 0)]
            self._committed().check(line, LimitMode.READ, part, line)

    # --- helpers

    def _begin(self, task: Task, trigger: Trigger) -> None:
        self._task = task
        self._fire(trigger)

    def _abort(self, error: ErrorCode) -> None:
        if self._task is not None and self.state in BUSY:
            self._task.abort(error)
            self._fire(Trigger.FINISHED)

    def _fire(self, trigger: Trigger) -> None:
        if self.machine.fire(trigger):
            self._executor.ground()
