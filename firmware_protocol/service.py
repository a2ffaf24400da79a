"""What each request does: the part of the firmware between the link and the hardware.

`execute` is called once per request, in order, and answers at once; whatever takes longer becomes
a task that `Firmware.tick` moves on. Checks come in a fixed order: state, arguments, limits,
operation number. Only then is anything done.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from firmware_protocol import messages as m
from firmware_protocol import programming
from firmware_protocol.codec import Message
from firmware_protocol.configuration import Bounds, Configuration, ConfigurationStaging
from firmware_protocol.device import DeviceLink
from firmware_protocol.errors import RefusedError
from firmware_protocol.executor import Executor
from firmware_protocol.journal import Memory
from firmware_protocol.machine import BUSY, Machine, Trigger
from firmware_protocol.measuring import ReadTask, VmmTask
from firmware_protocol.messages import ErrorCode, LimitMode, Line, Phase
from firmware_protocol.tasks import TX_RING, Task

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
_SO_FAR = 2**64 - 1
_SOURCE = bytes(i % 251 for i in range(m.MAX_PAYLOAD))


class Service:
    """State machine, journal, configuration and what is running; one handler per request.

    Parameters
    ----------
    executor, memory, link
        As for `Firmware`; of the link only its session, limits and counters are read.
    """

    def __init__(self, executor: Executor, memory: Memory, link: DeviceLink) -> None:
        self.machine = Machine()
        self.memory = memory
        self.executor = executor
        self.configuration: Configuration | None = None
        self.task: Task | None = None
        self.staging: programming.JobStaging | None = None
        self.host_credit = TX_RING
        self.debug_until: float | None = None
        self._link = link
        self._info = executor.info()
        self._limits = executor.limits()
        self._drivers = executor.drivers()
        self._staged_configuration = self._new_staging()
        self._handlers: dict[type[Message], Callable[[Any, float], Message]] = {
            m.GetDict: self._get_dict,
            m.Echo: lambda r, _: m.EchoResponse(data=r.data[: self._link.payload_limit - 4]),
            m.Source: self._source,
            m.Sink: lambda r, _: m.SinkResponse(n=len(r.data), crc=zlib.crc32(r.data)),
            m.GetInfo: lambda _, __: replace(self._info, config_crc=self._config_crc),
            m.GetLimits: lambda _, __: self._limits,
            m.GetDrivers: lambda _, __: self._drivers,
            m.GetHistory: self._get_history,
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

    def execute(self, request: Message, now: float) -> Message:
        """Carry out a request and return its answer; raise `RefusedError` when it may not be."""
        self.machine.check_allowed(request)
        return self._handlers[type(request)](request, now)

    @property
    def busy_op(self) -> int:
        """Operation that runs, 0 for none."""
        return self.task.op if self.task is not None and self.machine.state in BUSY else 0

    def abort(self, error: ErrorCode) -> None:
        """Stop what runs between two steps."""
        if self.task is not None and self.machine.state in BUSY:
            self.task.abort(error)
            self.trigger(Trigger.FINISHED)

    def trigger(self, trigger: Trigger) -> None:
        """Move the state machine, and ground the lines where it says so."""
        if self.machine.fire(trigger):
            self.executor.ground()

    def end_session(self) -> None:
        """Forget everything that belongs to a session, with the lines grounded."""
        self.abort(ErrorCode.ABORTED)
        self.task = self.staging = self.debug_until = self.configuration = None
        self.memory.journal.close_open_entries(ErrorCode.ABORTED)
        self.executor.ground()
        self.trigger(Trigger.BYE)

    def stop(self, fault: ErrorCode, detail: int = 0) -> None:
        """Ground everything and latch a fault; the configuration is gone."""
        self.abort(fault)
        self.executor.ground()
        self.configuration = None
        self.machine.latch(fault, detail)

    def leave_debug(self) -> None:
        """Leave DEBUG with the lines grounded."""
        self.debug_until = None
        self.executor.ground()
        self.trigger(Trigger.LOCK)

    def _begin(self, task: Task, trigger: Trigger) -> None:
        self.task = task
        self.trigger(trigger)

    # --- identity, state, journal

    def _get_dict(self, request: m.GetDict, _: float) -> Message:
        known = [(t.ID, ord(t.CLASS), t.HASH) for t in m.CATALOGUE if request.first <= t.ID]
        room = (self._link.payload_limit - 5) // m.DICT_ENTRY.itemsize
        entries = np.array(known[:room], m.DICT_ENTRY)
        return m.GetDictResponse(n=len(entries), entries=entries)

    def _source(self, request: m.Source, _: float) -> Message:
        if request.n > self._link.payload_limit - 4:
            raise RefusedError(ErrorCode.TOO_BIG)
        return m.SourceResponse(data=_SOURCE[: request.n])

    @property
    def _config_crc(self) -> int:
        return self.configuration.crc if self.configuration is not None else 0

    def _get_history(self, request: m.GetHistory, _: float) -> Message:
        return self.executor.history(None if request.count == _SO_FAR else request.count)

    def _get_state(self, _: m.GetState, now: float) -> Message:
        return m.GetStateResponse(
            state=self.machine.state,
            fault=self.machine.fault,
            busy_op=self.busy_op,
            op_hw=self.memory.journal.op_hw,
            config_crc=self._config_crc,
            lease_left_ms=int(self.machine.lease_left(now) * 1000),
        )

    def _get_counters(self, _: m.GetCounters, __: float) -> Message:
        seen, link = self._link.decoder.counters, self._link.counters
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
        return m.ClearFaultResponse(state=self.machine.state)

    def _read_journal(self, request: m.ReadJournal, _: float) -> Message:
        journal = self.memory.journal
        room = (self._link.payload_limit - 8) // m.JOURNAL_RECORD.itemsize
        records = journal.records(request.from_op, room)
        return m.ReadJournalResponse(lost_op=journal.lost_op, records=records)

    # --- configuration and arming

    def _hard_limits(self) -> dict[tuple[Line, LimitMode], Bounds]:
        pairs = self._info.hard_limits.reshape(-1, 2).tolist()
        keys = [(line, mode) for line in Line for mode in LimitMode]
        return {key: (low, high) for key, (low, high) in zip(keys, pairs, strict=True)}

    def _new_staging(self) -> ConfigurationStaging:
        return ConfigurationStaging(self._hard_limits(), self._limits.max_width_ticks)

    def _cfg_begin(self, _: m.CfgBegin, __: float) -> Message:
        self.executor.ground()
        self.trigger(Trigger.CFG_BEGIN)
        self.configuration = None
        self._staged_configuration = self._new_staging()
        return m.CfgBeginResponse()

    def _cfg_part(self, request: Message, _: float) -> Message:
        self._staged_configuration.apply(request)
        answer = request.RESPONSE
        assert answer is not None
        return answer()

    def _cfg_commit(self, request: m.CfgCommit, _: float) -> Message:
        configuration = self._staged_configuration.commit(request.crc)
        self.executor.configure(configuration)
        self.configuration = configuration
        self.trigger(Trigger.CFG_COMMIT)
        return m.CfgCommitResponse(crc=configuration.crc)

    def _arm(self, request: m.Arm, now: float) -> Message:
        if request.config_crc != self._config_crc:
            raise RefusedError(ErrorCode.CONFIG_CRC, 0, "another configuration is committed")
        self.machine.arm(request.lease_ms / 1000, request.watchdog_ms / 1000, now)
        return m.ArmResponse(state=self.machine.state)

    def _disarm(self, _: m.Disarm, __: float) -> Message:
        self.abort(ErrorCode.ABORTED)
        self.executor.ground()
        self.trigger(Trigger.DISARM)
        return m.DisarmResponse(state=self.machine.state)

    def _renew(self, _: m.Renew, now: float) -> Message:
        self.machine.renew(now)
        return m.RenewResponse(state=self.machine.state)

    def _ground_all(self, _: m.GroundAll, __: float) -> Message:
        self.abort(ErrorCode.ABORTED)
        self.executor.ground()
        return m.GroundAllResponse()

    # --- reading and multiplying

    def _committed(self) -> Configuration:
        if self.configuration is None:
            raise RefusedError(ErrorCode.NOT_CONFIGURED)
        return self.configuration

    def _check_lines(self, request: m.ReadArray | m.VmmBegin) -> None:
        """Refuse lines that this board does not have: it may have fewer than a mask."""
        info = self._info
        if int.from_bytes(request.rows, "little") >> info.rows or request.cols >> info.cols:
            text = f"this board has {info.rows} x {info.cols} lines, more are selected"
            raise RefusedError(ErrorCode.RANGE, 2, text)

    def _read_array(self, request: m.ReadArray, _: float) -> Message:
        self._check_lines(request)
        task = ReadTask(request, self.executor, self._committed(), self._link, self.host_credit)
        self._begin(task, Trigger.READ)
        return m.ReadArrayResponse(total=task.out.total)

    def _vmm_begin(self, request: m.VmmBegin, _: float) -> Message:
        self._check_lines(request)
        task = VmmTask(request, self.executor, self._committed(), self._link, self.host_credit)
        self._begin(task, Trigger.VMM)
        return m.VmmBeginResponse(room=min(task.incoming.window, request.nvec))

    def _vmm_lut(self, request: m.VmmLut, _: float) -> Message:
        if not isinstance(self.task, VmmTask) or self.task.op != request.op:
            raise RefusedError(ErrorCode.OP_UNKNOWN)
        self.task.load_table(request)
        return m.VmmLutResponse()

    def _vmm_abort(self, request: m.VmmAbort, _: float) -> Message:
        if self.task is not None and self.task.op == request.op and self.machine.state in BUSY:
            self.abort(ErrorCode.ABORTED)
            self.executor.ground()
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
        programming.check_pulses(entries, self._committed(), self._limits, self._info)
        record = self.memory.journal.accept(op, self._link.session, now)
        try:
            for pulse in programming.single_pulses(entries):
                programming.fire(self.executor, record, pulse)
        except Exception as error:
            record.phase = Phase.ABORTED
            record.err = error.code if isinstance(error, RefusedError) else ErrorCode.INTERNAL
            raise
        record.phase = Phase.DONE
        return record.done

    def _job_begin(self, request: m.JobBegin, _: float) -> Message:
        rows = request.format == m.JobFormat.ROW
        maximum = self._info.max_job_rows if rows else self._info.max_job_cells
        staging = programming.JobStaging(request, maximum, self._limits.min_pause_us)
        self.memory.journal.check_new(request.op)
        self.staging = staging
        return m.JobBeginResponse(room=min(self.staging.incoming.window, request.n))

    def _job_run(self, request: m.JobRun, now: float) -> Message:
        staging = self.staging
        if staging is None or staging.op != request.op:
            raise RefusedError(ErrorCode.OP_UNKNOWN)
        entries = staging.entries()
        programming.check_pulses(entries, self._committed(), self._limits, self._info)
        entry = self.memory.journal.accept(request.op, self._link.session, now)
        self.staging = None
        self._begin(programming.JobTask(self.executor, entry, entries, staging.pause), Trigger.JOB)
        return m.JobRunResponse(total=programming.pulse_count(entries))

    def _job_fields(self, op: int) -> dict[str, int]:
        entry = self.memory.journal.find(op)
        if entry is not None:
            return {
                "started": entry.started,
                "done": entry.done,
                "phase": entry.phase,
                "err": entry.err,
            }
        staged = self.staging is not None and self.staging.op == op
        phase = Phase.STAGED if staged else Phase.UNKNOWN
        return {"started": 0, "done": 0, "phase": phase, "err": 0}

    def _job_status(self, request: m.JobStatus, _: float) -> Message:
        return m.JobStatusResponse(**self._job_fields(request.op))

    def _job_abort(self, request: m.JobAbort, _: float) -> Message:
        if self.staging is not None and self.staging.op == request.op:
            self.staging = None
        if isinstance(self.task, programming.JobTask) and self.task.op == request.op:
            self.abort(ErrorCode.ABORTED)
        return m.JobAbortResponse(**self._job_fields(request.op))

    # --- chip level

    def _unlock(self, request: m.DbgUnlock, now: float) -> Message:
        if request.uid_crc != zlib.crc32(self.executor.uid):
            raise RefusedError(ErrorCode.LOCKED, 0, "the CRC of the uid differs")
        if request.ttl_ms == 0:
            self.leave_debug()
        else:
            self.executor.ground()
            self.executor.unlock(unsafe=bool(request.flags & 1))
            self.configuration = None
            self.trigger(Trigger.UNLOCK)
            self.debug_until = now + request.ttl_ms / 1000
        return m.DbgUnlockResponse()

    def _low_level(self, request: Message, _: float) -> Message:
        if isinstance(request, m.DacWrite):
            self._check_channels(request)
        return self.executor.low_level(request)

    def _check_channels(self, request: m.DacWrite) -> None:
        if len(request.code) != request.n or request.first + request.n > 256:
            raise RefusedError(ErrorCode.RANGE)
        edges = {Line.ROW: (0, 128), Line.COLUMN: (128, 192), Line.GATE: (192, 256)}
        for line, (start, stop) in edges.items():
            part = request.code[max(start - request.first, 0) : max(stop - request.first, 0)]
            self._committed().check(line, LimitMode.READ, part, line)
