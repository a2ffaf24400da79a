"""Programs and reads an array through two bad cables, in simulated time, and counts mistakes.

The script of a sweep is a list of pulses and measurements made from a seed. The host of this file
carries it out over `HostLink` and `Firmware` with every fault at once: when the link goes down, or
the program is killed, it opens a new session, reads the journal, judges what is open and goes on
with what was not done. Bytes of the old session are still under way meanwhile and arrive late.

Three things are compared with the truth: the pulses that reached the chip must be those of the
script, each once and in order; every verdict must agree with what was fired; every measurement
must have the codes of a twin that was programmed in process.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from support.simulated import (
    CONFIG,
    Simulated,
    random_pulses,
    read_request,
    row_entries,
    vmm_request,
    wire_configuration,
)
from support.watched_board import WatchedBoard

from drivers.board import PulseBatch, Selection
from drivers.faults.line import KINDS, FaultyLine
from firmware_protocol import messages as m
from firmware_protocol.device import DeviceLink
from firmware_protocol.errors import ProtocolError, RefusedError
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import Answered, Connected, LinkDown
from firmware_protocol.journal import judge
from firmware_protocol.messages import ErrorCode
from firmware_protocol.operations import Job, LinkDownError, Operation, Read, Request, Vmm
from memlab.emulator import EmulatedBoard, load_preset
from memlab.virtual_board import Fired

DEADLINE = 60.0
"""Simulated seconds within which something must have come through, or the link be given up.

At one fault in 100 bytes most frames are lost, and a job of 16 may take minutes item by item; what
must never be is a link that neither moves on nor ends.
"""
WINDOW = 8
_RECOVERABLE = {
    ErrorCode.FAULT_LATCHED,
    ErrorCode.WRONG_STATE,
    ErrorCode.HOST_LOST,
    ErrorCode.NOT_CONFIGURED,
    ErrorCode.ABORTED,
    ErrorCode.LEASE,
}


@dataclass
class Sent:
    """One operation in the host's ledger: written before it is sent."""

    op: int
    sess: int
    boot_id: int
    first: int
    pulses: int
    done: int | None = None


@dataclass
class Sweep:
    """One run of a script.

    Parameters
    ----------
    seed, rate
        Of the faults, and of the script.
    operations
        Programming operations of the script; measurements come on top.
    link_class
        The board's end of the link.
    kinds
        Faults that occur.
    kill_every
        Mean number of groups of pulses after which the host process is killed.
    tries, watchdog
        Patience of host and board.
    """

    seed: int
    rate: float
    operations: int
    link_class: type[DeviceLink] = DeviceLink
    kinds: tuple[str, ...] = KINDS
    kill_every: int = 25
    tries: int = 5
    watchdog: float = 1.0
    mistakes: list[str] = field(default_factory=list)
    sessions: int = 0
    measurements: int = 0
    programmed: int = 0

    def __post_init__(self) -> None:
        chip = load_preset("ta-hfo2")
        self.board = WatchedBoard(EmulatedBoard(chip, self.seed))
        self.twin = EmulatedBoard(chip, self.seed)
        self.twin.configure(CONFIG)
        self.rng = np.random.default_rng(self.seed)
        self.loop = Simulated(
            self.board, link_class=self.link_class, max_payload=192, tries=self.tries
        )
        self.loop.to_board = self._carry_up
        self.loop.to_host = self._carry_down
        self.up = FaultyLine(2 * self.seed, self.rate, self.kinds)
        self.down = FaultyLine(2 * self.seed + 1, self.rate, self.kinds)
        self.late: list[tuple[float, bytes]] = []
        self.ledger: list[Sent] = []
        self.group: list[Sent] = []
        self.script: list[PulseBatch] = []
        self.ready = False
        self.op = 0
        self.seen = 0
        self.truth: Counter[int] = Counter()

    # --- the lines, and time

    def _carry_up(self, data: bytes) -> bytes:
        now = self.loop.now
        self.up.feed(data, now)
        due = [piece for when, piece in self.late if when <= now]
        self.late = [(when, piece) for when, piece in self.late if when > now]
        return b"".join([*due, self.up.take(now)])

    def _carry_down(self, data: bytes) -> bytes:
        self.down.feed(data, self.loop.now)
        return self.down.take(self.loop.now)

    def exchange(self) -> list:
        """Let one step pass; skip the time in which nothing can happen."""
        loop = self.loop
        moved = loop.bytes_up, loop.bytes_down
        events = loop.exchange()
        if not events and moved == (loop.bytes_up, loop.bytes_down):
            times = [
                loop.link.next_timeout(),
                loop.firmware.next_timeout(),
                self.up.next_time(),
                self.down.next_time(),
                *(when for when, _ in self.late),
            ]
            soonest = min((t for t in times if t is not None), default=loop.now)
            loop.now = max(loop.now, soonest - 0.001)
        return events

    def run_operation(self, operation: Operation) -> object:
        """Carry out one operation of the link; raise what ended it."""
        loop = self.loop
        self._check_link()
        operation.start(loop.link, loop.now)
        deadline, before = loop.now + DEADLINE, (0, 0)
        while not operation.finished:
            for event in self.exchange():
                operation.handle(event, loop.now)
                if isinstance(event, Answered):
                    deadline = loop.now + DEADLINE
            operation.tick(loop.now)
            outgoing, incoming = loop.link.outgoing, loop.link.incoming
            progress = (
                outgoing.acknowledged if outgoing else 0,
                incoming.expected if incoming else 0,
            )
            if progress != before:
                deadline, before = loop.now + DEADLINE, progress
            if loop.now > deadline:
                self.mistakes.append(f"{type(operation).__name__} missed its deadline")
                raise LinkDownError(LinkDown(ErrorCode.HOST_LOST))
        return operation.result()  # type: ignore[attr-defined]

    def _check_link(self) -> None:
        if not self.loop.link.connected:  # it went down just after the last operation
            raise LinkDownError(LinkDown(ErrorCode.HOST_LOST))

    # --- sessions

    def new_session(self) -> None:
        """Open a session, settle what is open, configure and arm; again until it works."""
        while not self.ready:
            try:
                self._connect()
                self._settle_ledger()
                self._arm()
                self._think()
                self.ready = True
            except LinkDownError:
                continue
            except RefusedError as refusal:
                if refusal.code not in _RECOVERABLE:
                    self.mistakes.append(f"while arming: {refusal}")

    def _connect(self) -> None:
        loop = self.loop
        # What the old session had still to send lies in buffers, and arrives late.
        self.late += [
            (loop.now + float(self.rng.random() * 1.5), loop.link.data_to_send()),
            *((when + float(self.rng.random()), piece) for when, piece in self.up._queue),
        ]
        self.up._queue.clear()
        self.up.reopen()
        self.down.reopen()
        self.sessions += 1
        loop.link.connect(loop.now, takeover=True)
        deadline = loop.now + DEADLINE
        while loop.now < deadline:
            for event in self.exchange():
                if isinstance(event, Connected):
                    self.hello = event.hello
                    return
                if isinstance(event, LinkDown):
                    raise LinkDownError(event)
        self.mistakes.append("HELLO missed its deadline")

    def _arm(self) -> None:
        if self.loop.firmware.machine.fault:
            state: m.GetStateResponse = self.run_operation(Request(m.GetState()))
            if state.fault:
                self.run_operation(Request(m.ClearFault(fault=state.fault)))
        configuration = wire_configuration()
        for message in configuration.messages():
            self.run_operation(Request(message))
        arm = m.Arm(
            config_crc=configuration.crc, lease_ms=10**7, watchdog_ms=round(self.watchdog * 1000)
        )
        self.run_operation(Request(arm))

    def _think(self) -> None:
        """Let up to a second pass, as a person does after an interruption."""
        end = self.loop.now + max(0.0, float(self.rng.random() * 2 - 1))
        while self.loop.now < end:
            self.exchange()

    def kill_host(self) -> None:
        """Kill the program in the middle of whatever it does; only the ledger is left."""
        loop = self.loop
        left = loop.link.data_to_send()
        cut = int(self.rng.integers(0, len(left) + 1))
        self.late.append((loop.now + float(self.rng.random() * 2), left[:cut]))
        loop.link = HostLink(
            lambda: int(self.rng.integers(1, 2**63)), max_payload=192, tries=self.tries
        )
        self.ready = False

    # --- pulses

    def _settle_ledger(self) -> None:
        unsettled = [sent for sent in self.ledger if sent.done is None]
        if not unsettled:
            return
        request = m.ReadJournal(from_op=unsettled[0].op)
        answer: m.ReadJournalResponse = self.run_operation(Request(request))
        for sent in unsettled:
            verdict = judge(
                sent.op,
                sent.pulses,
                sent.sess,
                sent.boot_id,
                self.hello.boot_id,
                answer.lost_op,
                answer.records,
            )
            if verdict.unknown:
                self.mistakes.append(f"op {sent.op} called unknown although the board lived")
            self._settle(sent, verdict.done)

    def _settle(self, sent: Sent, done: int) -> None:
        sent.done = done
        for event in self.loop.events[self.seen :]:
            if isinstance(event, Fired):
                self.truth[event.op] += 1
        self.seen = len(self.loop.events)
        truth = self.truth[sent.op]
        if truth != done:
            self.mistakes.append(f"op {sent.op}: called {done} done, {truth} were fired")

    def _next_op(self) -> int:
        self.op = max(self.hello.op_hw, self.op) + 1
        return self.op

    def _allocate(self, first: int, pulses: int) -> Sent:
        sent = Sent(self._next_op(), self.loop.link.session, self.hello.boot_id, first, pulses)
        self.ledger.append(sent)
        self.group.append(sent)
        del self.ledger[:-64]
        return sent

    def program(self, pulses: PulseBatch, as_job: bool) -> None:
        """Fire each pulse once, whatever happens to the link."""
        entries = row_entries(pulses)
        done = 0
        while done < len(entries):
            self.new_session()
            self.group = []
            try:
                if as_job:
                    sent = self._allocate(done, len(entries) - done)
                    self._settle(sent, self.run_operation(Job(sent.op, entries[done:])))
                else:
                    self._window(entries, done)
            except ProtocolError as error:
                self._recover(error)
            for sent in self.group:  # the board executes in order, so what was done is a prefix
                if sent.done:
                    done = max(done, sent.first + sent.done)

    def _recover(self, error: ProtocolError) -> None:
        expected = isinstance(error, LinkDownError) or (
            isinstance(error, RefusedError) and error.code in _RECOVERABLE
        )
        if not expected:
            self.mistakes.append(str(error))
        self.ready = False
        self.new_session()

    def _window(self, entries: np.ndarray, first: int) -> None:
        """Send up to eight pulses at once; settle each as its answer comes."""
        loop = self.loop
        self._check_link()
        open_requests: dict[int, Sent] = {}
        for k in range(first, min(first + WINDOW, len(entries))):
            sent = self._allocate(k, 1)
            entry = entries[k]
            names = m.ROW_PULSE.names or ()
            pulse = m.PulseRow(op=sent.op, **{n: _plain(entry[n]) for n in names})
            open_requests[loop.link.request(pulse, loop.now)] = sent
        kill_in = int(self.rng.integers(0, 3)) if self.rng.random() < 1 / self.kill_every else -1
        deadline = loop.now + DEADLINE
        refused: RefusedError | None = None
        while open_requests:
            if kill_in == 0:  # before sending, after it, in the middle, before the answers
                self.kill_host()
                raise LinkDownError(LinkDown(ErrorCode.HOST_LOST))
            kill_in -= 1
            for event in self.exchange():
                if isinstance(event, LinkDown):
                    raise LinkDownError(event)
                if isinstance(event, Answered) and event.ticket in open_requests:
                    status = event.response.status
                    sent = open_requests.pop(event.ticket)
                    self._settle(sent, int(status == ErrorCode.OK))
                    if status != ErrorCode.OK:
                        refused = RefusedError(status, 0, f"op {sent.op}: {ErrorCode(status).name}")
            if loop.now > deadline:
                self.mistakes.append("a pulse missed its deadline")
                raise LinkDownError(LinkDown(ErrorCode.HOST_LOST))
        if refused is not None:
            raise refused

    # --- measurements

    def measure(self) -> None:
        """Read or multiply; the codes must be those of the twin."""
        rows = np.sort(self.rng.choice(128, 4, replace=False))
        columns = np.sort(self.rng.choice(64, 8, replace=False))
        selection = Selection(rows, columns)
        if self.rng.random() < 0.5:
            expected = self.twin.read(selection, 34078).code
            vectors = None
        else:
            vectors = self.rng.integers(31458, 34079, (12, 4)).astype(np.uint16)
            expected = self.twin.vmm(selection, vectors).code
        while True:
            self.new_session()
            op = self._next_op()  # measurements need no ledger: they change nothing
            operation: Operation = (
                Read(read_request(selection, 34078, 0, op))
                if vectors is None
                else Vmm(vmm_request(selection, 12, 0, op), vectors)
            )
            try:
                code, _ = self.run_operation(operation)
            except ProtocolError as error:
                self._recover(error)
                continue
            self.measurements += 1
            if not np.array_equal(code, expected):
                self.mistakes.append(f"measurement {self.measurements} differs from the twin")
            return

    # --- the whole script

    def run(self) -> "Sweep":
        """Carry out the script and compare everything with the truth."""
        for pulses, as_job in self._groups():
            self.twin.pulse(pulses)
            self.script.append(pulses)
            self.program(pulses, as_job)
            if self.rng.random() < 0.2:
                self.measure()
            if len(self.mistakes) > 20:
                break
        self._compare_pulses()
        return self

    def _groups(self) -> Iterator[tuple[PulseBatch, bool]]:
        left = self.operations
        while left > 0:
            as_job = bool(self.rng.random() < 0.3)
            count = min(left, int(self.rng.integers(1, 17)))
            left -= count
            self.programmed += count
            yield random_pulses(self.rng, count), as_job

    def _compare_pulses(self) -> None:
        wanted = [key for batch in self.script for key in _keys(batch)]
        fired = [key for batch in self.board.pulses for key in _keys(batch)]
        if wanted != fired:
            pairs = enumerate(zip(wanted, fired, strict=False))
            at = next((k for k, (a, b) in pairs if a != b), min(len(wanted), len(fired)))
            self.mistakes.append(
                f"{len(wanted)} pulses were asked for, {len(fired)} fired; they differ from {at} on"
            )
        self.mistakes += self.board.violations


def _keys(batch: PulseBatch) -> Iterator[tuple]:
    for k in range(len(batch)):
        yield (
            int(batch.row[k]),
            int(batch.kind[k]),
            batch.columns[k].tobytes(),
            batch.gate_code[k].tobytes(),
        )


def _plain(value: object) -> object:
    return value if isinstance(value, np.ndarray) else int(value)  # type: ignore[call-overload]
