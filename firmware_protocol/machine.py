"""The state machine of the firmware as a table, with watchdog and lease.

Read TRANSITIONS beside protocol.md section 9: a trigger that a state does not list leaves it as it
is. Which requests a state allows is part of the specification (`Message.STATES`). FAULT is
latched: a new session sees it, and only CLEAR_FAULT leaves it. Outputs may differ from 0 V only in
ARMED and BUSY; every way out of those goes through `grounded`, which the owner must obey.

Two clocks guard the outputs. The watchdog is fed by any good frame and notices a dead line or
host. The lease is renewed only by the user's thread and notices a program that hangs while its
I/O thread still pings.
"""

from __future__ import annotations

from enum import Enum, auto

from firmware_protocol.codec import Message
from firmware_protocol.errors import RefusedError
from firmware_protocol.messages import ErrorCode, State


class Trigger(Enum):
    """What can move the state machine."""

    HELLO = auto()
    BYE = auto()
    CFG_BEGIN = auto()
    CFG_COMMIT = auto()
    ARM = auto()
    DISARM = auto()
    READ = auto()
    VMM = auto()
    JOB = auto()
    FINISHED = auto()
    UNLOCK = auto()
    LOCK = auto()
    FAULT = auto()
    CLEAR = auto()


_ANY = {Trigger.FAULT: State.FAULT}
_SESSION = _ANY | {Trigger.HELLO: State.LINKED, Trigger.BYE: State.SAFE}
_BUSY = _SESSION | {Trigger.FINISHED: State.ARMED, Trigger.DISARM: State.READY}

TRANSITIONS: dict[State, dict[Trigger, State]] = {
    State.BOOT: {},
    State.SAFE: _ANY | {Trigger.HELLO: State.LINKED},
    State.LINKED: _SESSION | {Trigger.CFG_COMMIT: State.READY, Trigger.UNLOCK: State.DEBUG},
    State.READY: _SESSION | {Trigger.CFG_BEGIN: State.LINKED, Trigger.ARM: State.ARMED},
    State.ARMED: _SESSION
    | {
        Trigger.DISARM: State.READY,
        Trigger.READ: State.BUSY_READ,
        Trigger.VMM: State.BUSY_VMM,
        Trigger.JOB: State.BUSY_JOB,
    },
    State.BUSY_READ: _BUSY,
    State.BUSY_VMM: _BUSY,
    State.BUSY_JOB: _BUSY,
    State.FAULT: {Trigger.CLEAR: State.LINKED},
    State.DEBUG: _SESSION | {Trigger.LOCK: State.LINKED},
}

BUSY = frozenset({State.BUSY_READ, State.BUSY_VMM, State.BUSY_JOB})
LIVE = BUSY | {State.ARMED}
"""States in which lines may carry a voltage."""


class Machine:
    """State, latched fault, watchdog and lease of a board."""

    def __init__(self) -> None:
        self.state = State.SAFE
        self.fault = ErrorCode.OK
        self.fault_detail = 0
        self._watchdog = 1.0
        self._lease = 60.0
        self._fed = 0.0
        self._renewed = 0.0

    def check_allowed(self, request: Message) -> None:
        """Refuse a request that the state does not allow."""
        if self.state not in request.STATES:
            latched = self.state == State.FAULT
            raise RefusedError(
                ErrorCode.FAULT_LATCHED if latched else ErrorCode.WRONG_STATE,
                self.fault if latched else self.state,
                f"{type(request).__name__} is not allowed in {self.state.name}",
            )

    def fire(self, trigger: Trigger) -> bool:
        """Follow the table; return True when the lines must be grounded now."""
        before = self.state
        self.state = TRANSITIONS[before].get(trigger, before)
        return before in LIVE and self.state not in LIVE

    def latch(self, fault: ErrorCode, detail: int = 0) -> None:
        """Enter FAULT; the first fault stays named until it is cleared."""
        if self.state != State.FAULT:
            self.fault, self.fault_detail = fault, detail
            self.fire(Trigger.FAULT)

    def clear(self, fault: int) -> None:
        """Leave FAULT; refuse when another fault than the latched one is named."""
        if fault != self.fault:
            raise RefusedError(ErrorCode.RANGE, self.fault, f"the latched fault is {self.fault}")
        self.fault = ErrorCode.OK
        self.fire(Trigger.CLEAR)

    def arm(self, lease: float, watchdog: float, now: float) -> None:
        """Enter ARMED with both clocks started (s)."""
        self._lease, self._watchdog = lease, watchdog
        self._fed = self._renewed = now
        self.fire(Trigger.ARM)

    def feed(self, now: float) -> None:
        """Feed the watchdog: a good frame of this session arrived."""
        self._fed = now

    def renew(self, now: float) -> None:
        """Renew the lease."""
        self._renewed = now

    def lease_left(self, now: float) -> float:
        """Return the seconds left of the lease, 0 when not armed."""
        return max(0.0, self._renewed + self._lease - now) if self.state in LIVE else 0.0

    def next_timeout(self) -> float | None:
        """Return when the nearer of watchdog and lease runs out."""
        if self.state not in LIVE:
            return None
        return min(self._fed + self._watchdog, self._renewed + self._lease)

    def expired(self, now: float) -> ErrorCode | None:
        """Return the fault to latch when a clock has run out."""
        if self.state not in LIVE:
            return None
        if now >= self._fed + self._watchdog:
            return ErrorCode.HOST_LOST
        return ErrorCode.LEASE if now >= self._renewed + self._lease else None
