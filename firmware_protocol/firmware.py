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

from firmware_protocol import device
from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.errors import HardwareFaultError, RefusedError
from firmware_protocol.executor import Executor
from firmware_protocol.journal import Memory
from firmware_protocol.machine import BUSY, LIVE, Machine, Trigger
from firmware_protocol.messages import ErrorCode, State
from firmware_protocol.service import Service
from firmware_protocol.tasks import RX_RING, TX_RING


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
        self,
        executor: Executor,
        memory: Memory | None = None,
        link: device.DeviceLink | None = None,
    ) -> None:
        self.memory = memory or Memory()
        self.link = link or device.DeviceLink(self.memory)
        self.service = Service(executor, self.memory, self.link)

    @property
    def machine(self) -> Machine:
        """State machine, with the latched fault."""
        return self.service.machine

    @property
    def state(self) -> State:
        """State of the state machine."""
        return self.machine.state

    def set_byte_rate(self, byte_rate: float) -> None:
        """Tell how many bytes per second the line carries, before the first session."""
        self.link.byte_rate = byte_rate

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
        service = self.service
        expired = self.machine.expired(now)
        if expired is not None:
            self.stop(expired)
        if service.debug_until is not None and now >= service.debug_until:
            service.leave_debug()
        worked = self._step(now)
        if service.staging is not None:
            service.staging.pump(self.link)
        return worked

    def _step(self, now: float) -> bool:
        task = self.service.task
        if task is None:
            return False
        worked = False
        try:
            worked = self.state in BUSY and task.step(now)
        except RefusedError as refusal:
            task.abort(ErrorCode(refusal.code))
        except Exception as error:  # the model or the hardware failed: that is a fault
            self._fail(error)
        if self.link.session:
            task.pump(self.link, now)
        if task.finished and self.state in BUSY:
            self.service.trigger(Trigger.FINISHED)
        return worked

    def next_timeout(self) -> float | None:
        """Return when `tick` must be called at the latest, without input; None for never."""
        task = self.service.task.next_timeout() if self.service.task is not None else None
        times = [self.machine.next_timeout(), task, self.service.debug_until]
        return min((t for t in times if t is not None), default=None)

    def stop(self, fault: ErrorCode, detail: int = 0, text: str = "") -> None:
        """Ground everything and latch a fault: ESTOP, a lost host, a failed supply."""
        op = self.service.busy_op
        self.service.stop(fault, detail)
        if self.link.session:
            if text:
                self.link.send(m.LogEvent(t_us=0, level=40, text=text[:200]))
            self.link.send(m.FaultEvent(fault=fault, detail=detail, op=op))
            self.link.send(m.StateEvent(state=self.state))

    def _fail(self, error: Exception) -> None:
        self.stop(_code(error), text=f"{type(error).__name__}: {error}")

    def host_gone(self) -> None:
        """Act on a dropped DTR line or a closed socket, without waiting for the watchdog."""
        if self.state in LIVE:
            self.stop(ErrorCode.HOST_LOST)
        self.service.end_session()
        self.link.close_session()

    # --- events

    def _on_event(self, event: device.DeviceEvent, now: float) -> None:
        match event:
            case device.RequestArrived():
                self._on_request(event, now)
            case device.FrameArrived(message):
                self._on_frame(message, now)
            case device.StopAsked():
                self.link.discard_output()
                self.stop(ErrorCode.ESTOP)
            case device.SessionAsked(hello):
                self._new_session(hello, now)
            case device.SessionClosed(sess):
                self.service.end_session()
                self.link.answer_link(m.ByeResponse(state=self.state), sess)
                self.link.close_session()
            case device.RequestUnreadable():
                return

    def _new_session(self, hello: m.Hello, now: float) -> None:
        self.service.end_session()
        self.service.trigger(Trigger.HELLO)
        self.service.host_credit = hello.host_credit
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
            uid=self.service.executor.uid,
            state=self.state,
            fault=self.machine.fault,
        )

    def _on_frame(self, message: Message, now: float) -> None:
        task, staging = self.service.task, self.service.staging
        match message:
            case m.Ping():
                self.link.answer_link(
                    m.PingResponse(
                        token=message.token,
                        mcu_us=int(now * 1e6) & 0xFFFFFFFFFFFFFFFF,
                        state=self.state,
                        fault=self.machine.fault,
                        busy_op=self.service.busy_op,
                    )
                )
            case m.Credit() if task is not None:
                task.on_credit(message, now)
            case m.VmmData() if task is not None and self.state == State.BUSY_VMM:
                task.on_data(message, now)
            case m.JobData() if staging is not None:
                staging.on_data(message, now)

    def _on_request(self, event: device.RequestArrived, now: float) -> None:
        request = event.request
        try:
            response = self.service.execute(request, now)
        except RefusedError as refusal:
            self.link.refuse(event.seq, request.ID, refusal)
        except Exception as error:  # the model or the hardware failed: that is a fault
            self.link.refuse(event.seq, request.ID, RefusedError(_code(error)))
            self._fail(error)
        else:
            self.link.answer(event.seq, response)


def _code(error: Exception) -> ErrorCode:
    """Return what is latched after this error."""
    return ErrorCode(error.code) if isinstance(error, HardwareFaultError) else ErrorCode.INTERNAL
