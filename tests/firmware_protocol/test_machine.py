"""The state machine, its two clocks and its latched fault, each number different from the others.

The ways between states are written down here a second time, from protocol.md section 9.
"""

from itertools import product

import pytest

from firmware_protocol.errors import RefusedError
from firmware_protocol.machine import Machine, Trigger
from firmware_protocol.messages import Arm, ErrorCode, GetState, Ping, State

WAYS = """
SAFE HELLO LINKED
LINKED HELLO LINKED, LINKED BYE SAFE, LINKED CFG_COMMIT READY, LINKED UNLOCK DEBUG
READY HELLO LINKED, READY BYE SAFE, READY CFG_BEGIN LINKED, READY ARM ARMED
ARMED HELLO LINKED, ARMED BYE SAFE, ARMED DISARM READY
ARMED READ BUSY_READ, ARMED VMM BUSY_VMM, ARMED JOB BUSY_JOB
BUSY_READ HELLO LINKED, BUSY_READ BYE SAFE, BUSY_READ FINISHED ARMED, BUSY_READ DISARM READY
BUSY_VMM HELLO LINKED, BUSY_VMM BYE SAFE, BUSY_VMM FINISHED ARMED, BUSY_VMM DISARM READY
BUSY_JOB HELLO LINKED, BUSY_JOB BYE SAFE, BUSY_JOB FINISHED ARMED, BUSY_JOB DISARM READY
DEBUG HELLO LINKED, DEBUG BYE SAFE, DEBUG LOCK LINKED
FAULT CLEAR LINKED
"""
LIVE = {"ARMED", "BUSY_READ", "BUSY_VMM", "BUSY_JOB"}


def expected() -> dict[tuple[str, str], str]:
    found = {}
    for way in WAYS.replace("\n", ",").split(","):
        if way.strip():
            before, trigger, after = way.split()
            found[before, trigger] = after
    for state in State:
        if state.name not in ("BOOT", "FAULT"):
            found[state.name, "FAULT"] = "FAULT"
    return found


@pytest.mark.parametrize(("state", "trigger"), list(product(State, Trigger)), ids=str)
def test_every_way_is_that_of_the_specification_and_grounds_when_it_leaves_live_states(
    state: State, trigger: Trigger
) -> None:
    machine = Machine()
    machine.state = state
    grounded = machine.fire(trigger)
    after = expected().get((state.name, trigger.name), state.name)
    assert machine.state.name == after
    assert grounded == (state.name in LIVE and after not in LIVE)


def armed(lease: float = 7.0, watchdog: float = 2.0, now: float = 100.0) -> Machine:
    machine = Machine()
    machine.state = State.READY
    machine.arm(lease, watchdog, now)
    assert machine.state == State.ARMED
    return machine


class TestClocks:
    def test_the_watchdog_is_fed_by_frames_and_the_lease_is_not(self) -> None:
        machine = armed()
        assert machine.next_timeout() == 102.0
        assert machine.expired(101.999) is None
        assert machine.expired(102.0) == ErrorCode.HOST_LOST
        for now in (101.0, 102.5, 104.0, 105.5):
            machine.feed(now)
        assert machine.next_timeout() == 107.0, "the lease ends before the watchdog now"
        assert machine.expired(106.999) is None
        assert machine.expired(107.0) == ErrorCode.LEASE

    def test_the_lease_is_renewed_by_its_own_call_and_the_watchdog_is_not(self) -> None:
        machine = armed(lease=3.0, watchdog=5.0)
        machine.renew(102.0)
        assert machine.lease_left(102.5) == 2.5
        assert machine.next_timeout() == 105.0
        machine.renew(104.0)
        assert machine.expired(104.999) is None
        assert machine.expired(105.0) == ErrorCode.HOST_LOST

    def test_a_dead_line_is_named_before_a_lease_that_ran_out_as_well(self) -> None:
        assert armed(lease=1.0, watchdog=2.0).expired(103.0) == ErrorCode.HOST_LOST
        assert armed(lease=1.0, watchdog=2.0).expired(101.5) == ErrorCode.LEASE

    def test_the_rest_of_a_lease_is_never_below_nothing_and_nothing_where_no_line_is_live(
        self,
    ) -> None:
        machine = armed()
        assert machine.lease_left(104.0) == 3.0
        assert machine.lease_left(110.0) == 0.0
        machine.fire(Trigger.VMM)
        assert machine.lease_left(104.0) == 3.0, "busy is live"
        machine.fire(Trigger.DISARM)
        assert machine.lease_left(104.0) == 0.0
        assert machine.next_timeout() is None
        assert machine.expired(1e9) is None

    def test_arming_again_starts_both_anew(self) -> None:
        machine = armed()
        machine.fire(Trigger.DISARM)
        machine.arm(20.0, 30.0, 200.0)
        assert machine.next_timeout() == 220.0
        assert machine.lease_left(205.0) == 15.0


class TestFault:
    def test_the_first_stays_named_until_it_is_cleared(self) -> None:
        machine = armed()
        machine.latch(ErrorCode.LEASE, 11)
        machine.latch(ErrorCode.HOST_LOST, 22)
        assert (machine.state, machine.fault, machine.fault_detail) == (
            State.FAULT,
            ErrorCode.LEASE,
            11,
        )
        with pytest.raises(RefusedError) as refused:
            machine.clear(ErrorCode.HOST_LOST)
        assert (refused.value.code, refused.value.detail) == (ErrorCode.RANGE, ErrorCode.LEASE)
        assert machine.state == State.FAULT
        machine.clear(ErrorCode.LEASE)
        assert (machine.state, machine.fault) == (State.LINKED, ErrorCode.OK)
        machine.latch(ErrorCode.HOST_LOST, 33)
        assert (machine.fault, machine.fault_detail) == (ErrorCode.HOST_LOST, 33)

    def test_what_a_state_does_not_allow_is_refused_with_the_state_or_the_fault(self) -> None:
        request = Arm(config_crc=1, lease_ms=1000, watchdog_ms=500)
        machine = Machine()
        machine.state = State.LINKED
        with pytest.raises(RefusedError, match="Arm is not allowed in LINKED") as refused:
            machine.check_allowed(request)
        assert (refused.value.code, refused.value.detail) == (ErrorCode.WRONG_STATE, State.LINKED)
        machine.latch(ErrorCode.LEASE)
        with pytest.raises(RefusedError) as refused:
            machine.check_allowed(request)
        assert (refused.value.code, refused.value.detail) == (
            ErrorCode.FAULT_LATCHED,
            ErrorCode.LEASE,
        )
        machine.check_allowed(GetState())
        machine.check_allowed(Ping(token=1))
        for allowed in (State.READY, State.ARMED):
            machine.state = allowed
            machine.check_allowed(request)
