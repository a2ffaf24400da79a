"""A board on a wire that speaks MLP/1, as a `drivers.board.Board`.

The contract of a pulse is: at most once always, exactly once while the board lives, and afterwards
a definite answer. Each operation is in the record (`tickets`) before it leaves. When the line dies
in between, the driver connects again and asks the board's journal: what was fired stays fired, what
certainly was not is sent as a new operation, and what cannot be known is raised as
`PulseOutcomeUnknown`. Reads and products are simply measured again.

Each connection also looks whether the board's last pulses are ours. If not, another computer fired
them, or our record was put back from a copy (`others_pulsed`): then it knows too little to tell
what a run that was begun before has fired.
"""

from __future__ import annotations

import atexit
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from drivers import stopping, wire_format
from drivers.board import BoardConfig, PulseBatch, Samples, Selection
from drivers.converter import Codes
from drivers.errors import (
    DeviceError,
    LimitError,
    PulseOutcomeUnknown,
    PulsesInterruptedError,
    SupplyError,
    TransportError,
)
from drivers.history import History
from drivers.link import Link
from drivers.recorded_board import RecordedBoard
from drivers.simulation import IN_A_FILE
from drivers.tickets import Batch, Operation, cells_of, entries_of, state_directory
from drivers.wire_log import LOGGER
from firmware_protocol import messages as m
from firmware_protocol.answers import check_info, read_journal
from firmware_protocol.errors import MemlabError, RefusedError, RemoteProtocolError
from firmware_protocol.journal import Verdict, judge
from firmware_protocol.messages import ErrorCode, State
from firmware_protocol.operations import Job, LinkDownError, Read, Request, Vmm

__all__ = ["Recovered", "SerialBoard"]

_OUR_FAULTS = frozenset({ErrorCode.HOST_LOST, ErrorCode.LEASE})
"""Faults that say that a host fell silent; whoever comes back may clear them."""
_ROUNDS = 3
_SO_FAR = 2**64 - 1
"""Count of a question for all row pulses so far."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Recovered:
    """An operation of an earlier life of this computer, and what the journal says became of it."""

    sent: Operation
    verdict: Verdict


class SerialBoard(RecordedBoard):
    """A board with our firmware.

    Opening connects and identifies it, and settles what an earlier program left open (see
    `recovered`); nothing is driven before `configure`. The process's end grounds it.

    Parameters
    ----------
    link
        Link to the board; this object closes it.
    takeover
        End the session of another host.
    lease
        Seconds after which the board grounds itself when no call is made; 0.1 to 4e6.
    watchdog
        Seconds of a silent line after which it does; 0.2 to 5.
    reconnect
        Seconds to try to connect again after the line was lost.
    fsync
        Wait for the disk at each entry of the record (`tickets`), so that it survives a power cut.

    Raises
    ------
    TransportError, ProtocolError
        If there is no such board.
    """

    def __init__(
        self,
        link: Link,
        *,
        takeover: bool = False,
        lease: float = 60.0,
        watchdog: float = 1.0,
        reconnect: float = 3.0,
        fsync: bool = False,
    ) -> None:
        super().__init__()
        self.recovered: list[Recovered] = []
        """What was found open in the record, with its verdict, since this object was made."""
        self.link = link
        self._lease, self._watchdog, self._reconnect = lease, watchdog, reconnect
        self._fsync = fsync
        self._verdicts: dict[int, Verdict] = {}
        self._op = 0
        self._uid = ""
        self._boot_id: int | None = None
        self._others: str | None = None
        self._armed = self._dirty = False
        self._session: m.HelloResponse
        self._info: m.GetInfoResponse
        self._drivers: m.GetDriversResponse | None = None
        try:
            self._connect(takeover)
        except BaseException:
            self._let_go()
            raise
        self._capabilities = wire_format.capabilities(self._info, self._drivers)
        _open_boards.add(self)

    @property
    def session(self) -> m.HelloResponse:
        """What the board said when this session began."""
        return self._session

    @property
    def life(self) -> str:
        """Names what the board keeps in memory: another after it lost that."""
        return f"{self._session.boot_id:08x}"

    @property
    def wire(self) -> Link:
        """The link; it counts bytes."""
        return self.link

    def status(self) -> dict[str, Any]:
        """Return session, state, fault and counters, and what was settled since this was made."""
        hello, state, counters = self.session, self.state(), self.counters()
        return {
            "uid": hello.uid.hex(),
            "boot_id": hello.boot_id,
            "state": State(state.state).name,
            "fault": ErrorCode(state.fault).name,
            "highest_operation": state.op_hw,
            "max_payload": hello.max_payload,
            "damaged_frames": counters.crc + counters.cobs + counters.length + counters.overlong,
            "settled_now": [
                {
                    "operation": r.sent.op,
                    "pulses": r.verdict.total,
                    "done": r.verdict.done,
                    "unknown": list(r.verdict.unknown),
                }
                for r in self.recovered
            ],
        }

    def history(self, count: int | None = None) -> History | None:
        """Ask the board which row pulses its chip has got so far, or when it had got `count`."""
        with self.owner.turn():
            self._require_open()
            if not self.link.offers(m.GetHistory):
                return None
            asked = m.GetHistory(count=_SO_FAR if count is None else count)
            answer: m.GetHistoryResponse = self._guarded(lambda: self.link.request(asked))
        if not answer.known:
            return None
        if count not in (None, answer.count):
            raise RemoteProtocolError(
                f"{self.link.name}: asked for the history of {count} row pulses, the board answers "
                f"of {answer.count}"
            )
        return History(answer.count, answer.check)

    def ground(self) -> None:
        """Put every line to 0 V now; may be called while another thread's call runs."""
        self.owner.check()
        self._require_open()
        if not self.link.connected:
            self._connect_again(None)  # which grounds
        try:
            self.link.request_now(m.GroundAll())
        except (LinkDownError, TransportError) as error:
            self._connect_again(error)

    def estop(self) -> None:
        """Stop the board at once and latch it; leave that with `clear_fault` and `configure`."""
        self.owner.check()
        self._require_open()
        self.link.estop()
        state = self.state()
        if state.state != State.FAULT:
            raise DeviceError(f"ESTOP was sent and the board is in {State(state.state).name}")

    def clear_fault(self) -> None:
        """Clear the latched fault, whatever it is; the board must be configured again."""
        with self.owner.turn():
            self._require_open()
            state = self.state()
            if state.state == State.FAULT:
                self.link.request(m.ClearFault(fault=state.fault))
            self._armed = False

    def state(self) -> m.GetStateResponse:
        """Ask the board for its state, fault and running operation."""
        self.owner.check()
        self._require_open()
        response: m.GetStateResponse = self.link.request_now(m.GetState())
        return response

    def counters(self) -> m.GetCountersResponse:
        """Ask the board for the counters of its end of the link."""
        with self.owner.turn():
            response: m.GetCountersResponse = self.link.request(m.GetCounters())
        return response

    def close(self) -> None:
        """Ground every line and release the port; calling it again does nothing.

        A call of another thread ends with an error. In a forked child nothing happens: the line is
        the parent's.
        """
        if self._closed or not self.owner.is_here:
            return
        self._closed = True
        _open_boards.discard(self)
        try:
            self.link.close()
        finally:
            self._let_go_in_turn()

    # --- what Board asks for

    def _configure(self, config: BoardConfig) -> None:
        self._armed = False
        self._guarded(lambda: self._arm(config))

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        def measure() -> Samples:
            self._ready(config)
            request = wire_format.read_request(self._next_op(), selection, row_code, gain, config)
            return Samples(*self.link.run(Read(request)))

        return self._guarded(measure)

    def _vmm(
        self,
        selection: Selection,
        row_code: Codes,
        gain: int,
        config: BoardConfig,
    ) -> Samples:
        fmt, levels, table = wire_format.compact(row_code)

        def measure() -> Samples:
            self._ready(config)
            request = wire_format.vmm_request(
                self._next_op(), selection, len(row_code), fmt, gain, config
            )
            return Samples(*self.link.run(Vmm(request, levels, table)))

        return self._guarded(measure)

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        batch = self._batch(pulses, ticket)
        entries = wire_format.row_pulses(pulses)
        most = max(1, int(self._info.max_job_rows))
        fired = 0
        while fired < len(entries):
            part = entries[fired : fired + most]
            fired += self._fire(part, fired, config, batch)

    # --- pulses

    def _fire(
        self, entries: npt.NDArray[np.void], before: int, config: BoardConfig, batch: Batch
    ) -> int:
        """Fire these pulses, each once; return their number or raise what is known."""
        total = batch.pulses
        done = 0
        for round_ in range(_ROUNDS):
            part = entries[done:]
            try:
                self._guarded(lambda: self._ready(config))
                self._require_no_others()
                op = self._next_op()
                self._enter(op, part, before + done, batch)
            except (DeviceError, TransportError) as refusal:
                if not before + done:
                    raise
                text = f"{before + done} of {total} pulses were fired, each once; {refusal}"
                raise PulsesInterruptedError(text, self._op, total, before + done) from refusal
            try:
                self._send(op, part)
                return len(entries)
            except (LinkDownError, TransportError) as lost:
                LOGGER.warning("%s: operation %d was interrupted: %s", self.link.name, op, lost)
                self._settle_after(op, lost)
                error: MemlabError = lost
                again = True
            except RefusedError as refused:
                self._settle()
                error = refused
                again = self._is_stale(refused)
                self._armed = False
            verdict = self._verdicts.pop(op)
            done += verdict.done
            if verdict.unknown:
                doubt = slice(verdict.done, verdict.started)
                unknown = range(before + done, before + done + len(verdict.unknown))
                cells = cells_of(part["row"][doubt], part["cols"][doubt])
                raise PulseOutcomeUnknown(
                    op, total, before + done, unknown, cells, str(error)
                ) from error
            if done == len(entries):
                return done
            if not again or round_ == _ROUNDS - 1:
                if before + done == 0 and isinstance(error, RefusedError):
                    raise self._translated(error) from error
                text = (
                    f"operation {op}: {before + done} of {total} pulses were fired, each once; the "
                    f"others were not and will not be ({error})"
                )
                raise PulsesInterruptedError(text, op, total, before + done) from error
        raise AssertionError("unreachable")

    def _enter(self, op: int, entries: npt.NDArray[np.void], first: int, batch: Batch) -> None:
        """Keep that these pulses are about to be sent, or raise before they are."""
        session = self._session
        kept = entries_of(entries["kind"], entries["row"], entries["cols"])
        self._dirty = True
        self._tickets.sent(op, batch, first, kept, session.sess, session.boot_id)

    def _send(self, op: int, entries: npt.NDArray[np.void]) -> None:
        if len(entries) == 1:
            request = wire_format.pulse_row(op, entries[0])
            fired = self.link.run(Request(request)).mask
            if fired != request.cols:
                raise RemoteProtocolError(
                    f"{self.link.name}: columns {request.cols:#x} were to be pulsed, the board "
                    f"answers {fired:#x}; read these cells"
                )
        else:
            self.link.run(Job(op, entries))
        self._tickets.settled(op, len(entries), len(entries))
        self._dirty = False  # last: what an interrupt leaves open before, the journal settles

    def _settle_after(self, op: int, lost: MemlabError) -> None:
        """Connect again, which settles everything; when that fails, say what is open."""
        try:
            self._connect_again(lost)
        except MemlabError as error:
            raise TransportError(
                f"{self.link.name}: lost while operation {op} was pulsing, and not back: {error} "
                "The fate of its pulses is open; the record keeps them, and the next connection "
                "settles it"
            ) from error

    def _settle(self) -> None:
        """Ask the journal about every operation that the record has open."""
        unsettled = [] if self._record is None else self._record.unsettled
        if not unsettled:
            return
        lost_op, journal = read_journal(self.link.request, unsettled[0].op)
        for sent in unsettled:
            verdict = judge(
                sent.op,
                sent.count,
                sent.session,
                sent.boot_id,
                self._session.boot_id,
                lost_op,
                journal,
            )
            self._tickets.settled(sent.op, verdict.done, verdict.started)
            self._verdicts[sent.op] = verdict
            self.recovered.append(Recovered(sent, verdict))
            LOGGER.warning(
                "%s: operation %d of %d pulses: %d fired, %d unknown, the others not",
                self.link.name,
                sent.op,
                verdict.total,
                verdict.done,
                len(verdict.unknown),
            )

    def _take_back(self) -> None:
        """Note which operations a chip in a file lost with the program around it.

        The board was started again with the chip as it was saved, which says how far that was.
        """
        record, now = self._record, self._session
        if record is None or IN_A_FILE not in self._info.name:
            return
        if lost := record.take_back(now.op_hw, now.boot_id):
            LOGGER.warning(
                "%s: the chip in the board's file was saved before the last %d operations that "
                "this computer sent, and has nothing of them: they count as not fired",
                self.link.name,
                lost,
            )

    def _look_for_others(self) -> None:
        """Note pulses in the board's journal that the record does not know.

        The last ones are enough: numbers rise, and what was before ours was looked at then.
        """
        last, life, record = self._session.op_hw, self._session.boot_id, self._record
        if record is None:
            return
        kept = IN_A_FILE in self._info.name and not self._session.journal_n
        if kept and record.knows(last, None):
            last = 0  # what the chip got in an earlier life came from here
        if last and record.others != f"{life:08x}/{last}" and not record.knows(last, life):
            _, journal = read_journal(self.link.request, last)
            accepted_in = {int(entry["op"]): int(entry["sess"]) for entry in journal}.get(last, 0)
            if not record.knows(last, life, accepted_in):
                record.note_others(life, last)
                LOGGER.warning(
                    "%s: operation %d of this board is not in the pulse record of this computer "
                    "(%s): another computer has pulsed it, or the record was put back from a copy",
                    self.link.name,
                    last,
                    record.path,
                )
        if self._others is None:
            self._others = record.others

    def _require_no_others(self) -> None:
        """Refuse to pulse a chip that others have pulsed since this was opened."""
        if self.others_pulsed != self._others:
            raise DeviceError(
                f"{self.link.name}: others have pulsed this board while it was in use (operation "
                f"{self.others_pulsed}): what the chip holds now is not known to go on from. "
                "Nothing more was pulsed. Open the board again, and read it"
            )

    # --- session

    def _connect(self, takeover: bool) -> None:
        self._armed = self._dirty = False
        try:
            self._session = self.link.connect(takeover)
            info = self.link.request(m.GetInfo())
            check_info(info)
            self._info = info
            if self.link.offers(m.GetDrivers):
                self._drivers = self.link.request(m.GetDrivers())
            self._require_same(self._session.uid.hex())
            uid = self._uid
            old = state_directory() / f"ledger-{uid}.jsonl"
            self._claim(uid, old=old, fsync=self._fsync)
            highest = 0 if self._record is None else self._record.highest_op
            self._op = max(self._op, highest, self._session.op_hw)
            self._take_back()
            self._settle()
            self._look_for_others()
        except LinkDownError as error:
            self.link.close()
            raise TransportError(f"{self.link.name}: {error}") from error
        except BaseException:
            self.link.close()
            raise

    def _connect_again(self, lost: MemlabError | None) -> None:
        give_up = time.monotonic() + self._reconnect
        while True:
            self._require_open()  # another thread may have closed it, and ended this call with that
            try:
                self._connect(takeover=False)
                break
            except TransportError as error:
                if time.monotonic() > give_up:
                    raise error from lost
                stopping.sleep(0.1)
        LOGGER.warning("%s: connected again", self.link.name)

    def _require_same(self, uid: str) -> None:
        """Close this unless it is the board of before; its journal would tell of other pulses."""
        self._uid = self._uid or uid
        if self._boot_id is None:
            self._boot_id = self._session.boot_id
        if uid != self._uid:
            self.close()
            raise DeviceError(
                f"{self.link.name}: another board answers now ({uid}, it was {self._uid}); open it "
                "anew"
            )

    def _require_same_life(self) -> None:
        """Refuse to drive a board that has lost its memory since this was opened.

        Not when the connection is made: it grounds, and settles what was in flight, first.
        """
        now = self._session.boot_id
        if now != self._boot_id:
            raise DeviceError(
                f"{self.link.name}: the board was restarted while it was in use (life "
                f"{self._boot_id:08x}, now {now:08x}): what the chip holds now is not known to go "
                "on from. Nothing more was driven. Open the board again, or resume the run "
                "(memlab runs resume)"
            )

    def _ready(self, config: BoardConfig) -> None:
        """Have a session with the board armed and idle."""
        if not self.link.connected:
            self._connect_again(None)
        if self._dirty:  # a call was interrupted in this thread: end what it left running
            self.link.request(m.GroundAll())
            self._settle()
            self._dirty = False
        if not self._armed:
            self._arm(config)

    def _arm(self, config: BoardConfig) -> None:
        self._require_same_life()
        state = self.link.request(m.GetState())
        if state.state == State.FAULT:
            fault = ErrorCode(state.fault)
            if fault not in _OUR_FAULTS:
                raise _stopped(fault)
            LOGGER.warning("%s: the board had grounded itself (%s)", self.link.name, fault.name)
            self.link.request(m.ClearFault(fault=fault))
        elif state.state not in (State.LINKED, State.READY):
            self.link.request(m.Disarm())
        wire = wire_format.configuration(config)
        for message in wire.messages():
            self.link.request(message)
        lease, watchdog = round(self._lease * 1000), round(self._watchdog * 1000)
        self.link.request(m.Arm(config_crc=wire.crc, lease_ms=lease, watchdog_ms=watchdog))
        self.link.set_lease(self._lease)
        self._armed = True

    def _guarded(self, action: Callable[[], _T]) -> _T:
        """Do something that may be done twice; after a lost line or a stale fault, do it again."""
        for last in (False, True):
            try:
                return action()
            except (LinkDownError, TransportError) as lost:
                if last:
                    raise TransportError(f"{self.link.name}: lost twice: {lost}") from lost
                LOGGER.warning("%s: %s", self.link.name, lost)
                self._connect_again(lost)
            except RefusedError as refused:
                self._armed = False
                if last or not self._is_stale(refused):
                    raise self._translated(refused) from refused
            except BaseException:
                self._dirty = True
                raise
        raise AssertionError("unreachable")

    def _is_stale(self, refused: RefusedError) -> bool:
        """Return True when the board had grounded itself before the request, for our silence."""
        return refused.code == ErrorCode.FAULT_LATCHED and refused.detail in _OUR_FAULTS

    def _translated(self, refused: RefusedError) -> MemlabError:
        text = f"{self.link.name}: {refused}"
        if refused.code == ErrorCode.LIMIT:
            return LimitError(f"{text}; the board's own limits are tighter, nothing was driven")
        if refused.code == ErrorCode.FAULT_LATCHED:
            return _stopped(ErrorCode(refused.detail))
        return DeviceError(text)

    def _next_op(self) -> int:
        if self._op >= m.LAST_OPERATION:
            todo = (
                "Turn the board's power off and on: its journal and its numbers begin anew"
                if self._session.op_hw >= m.LAST_OPERATION
                else f"Put what {state_directory()} has of {self._session.uid.hex()} aside"
            )
            raise DeviceError(
                f"{self.link.name}: operation numbers are used up (at most {m.LAST_OPERATION}). "
                f"{todo}; then open it again"
            )
        self._op += 1
        return self._op


def _stopped(fault: ErrorCode) -> DeviceError:
    kind = SupplyError if fault == ErrorCode.SUPPLY else DeviceError
    return kind(
        f"the board has grounded itself and latched {fault.name}. Find out why; then "
        "clear_fault() and configure(), or `memlab board ground --clear-fault`"
    )


_open_boards: weakref.WeakSet[SerialBoard] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Ground every board that is still open when the process ends; not in a forked child."""
    for board in list(_open_boards):
        board.close()
