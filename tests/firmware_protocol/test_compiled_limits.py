"""What no host can make the firmware do: wide pulses, many pulses, numbers that end all numbers."""

from dataclasses import replace

import numpy as np
import pytest
from support.loopback import Loopback, PaperBoard
from support.wire_host import open_configuration

from firmware_protocol import messages as m
from firmware_protocol.errors import RefusedError
from firmware_protocol.journal import Journal, judge
from firmware_protocol.messages import ErrorCode, LimitDetail
from firmware_protocol.operations import Job


class CautiousBoard(PaperBoard):
    """A board whose every compiled bound differs from the widest."""

    def limits(self) -> m.GetLimitsResponse:
        return m.GetLimitsResponse(max_width_ticks=500, max_count=7, slow=0, min_pause_us=40)

    def drivers(self) -> m.GetDriversResponse:
        return m.GetDriversResponse(read_na=1, set_na=2_000_000, reset_na=0xFFFFFFFF)


def with_width(maximum: int) -> object:
    configuration = open_configuration()
    return replace(configuration, timing=replace(configuration.timing, maximum_width_ticks=maximum))


@pytest.fixture
def loop() -> Loopback:
    loop = Loopback(CautiousBoard())
    loop.connect()
    loop.arm(with_width(500))
    return loop


def refused(loop: Loopback, message: object) -> tuple[ErrorCode, int]:
    with pytest.raises(RefusedError) as error:
        loop.run(message) if isinstance(message, Job) else loop.request(message)
    assert loop.board.pulses == [], "refused, and fired all the same"
    return ErrorCode(error.value.code), error.value.detail


PULSE = {"op": 1, "row": 1, "col": 2, "kind": 0, "count": 1, "amp": 5, "gate": 7, "width": 9}


def test_the_board_says_what_is_compiled_into_it(loop: Loopback) -> None:
    limits = loop.request(m.GetLimits())
    assert (limits.max_width_ticks, limits.max_count, limits.slow) == (500, 7, 0)
    assert limits.min_pause_us == 40


def test_the_board_says_what_its_drivers_give(loop: Loopback) -> None:
    drivers = loop.request(m.GetDrivers())
    assert (drivers.read_na, drivers.set_na, drivers.reset_na) == (1, 2_000_000, 0xFFFFFFFF)


@pytest.mark.parametrize("ticks", [501, 1023, 65535])
def test_no_configuration_allows_wider_pulses_than_are_compiled_in(ticks: int) -> None:
    loop = Loopback(CautiousBoard())
    loop.connect()
    with pytest.raises(RefusedError) as error:
        loop.arm(with_width(ticks))
    assert (error.value.code, error.value.detail) == (ErrorCode.LIMIT, LimitDetail.WIDTH)
    assert loop.firmware.service.configuration is None


@pytest.mark.parametrize(
    ("change", "code", "detail"),
    [
        ({"width": 501}, ErrorCode.LIMIT, LimitDetail.WIDTH),
        ({"width": 65535}, ErrorCode.LIMIT, LimitDetail.WIDTH),
        ({"count": 8}, ErrorCode.LIMIT, LimitDetail.COUNT),
        ({"count": 255}, ErrorCode.LIMIT, LimitDetail.COUNT),
        ({"kind": 128}, ErrorCode.RANGE, 0),
        ({"kind": 129}, ErrorCode.RANGE, 0),
        ({"kind": 2}, ErrorCode.RANGE, 0),
        ({"kind": 127}, ErrorCode.RANGE, 0),
    ],
)
def test_a_pulse_beyond_a_bound_is_refused_alone_and_within_a_job(
    loop: Loopback, change: dict[str, int], code: ErrorCode, detail: int
) -> None:
    assert refused(loop, m.Pulse(**(PULSE | change))) == (code, detail)
    cells = np.zeros(9, m.CELL_PULSE)
    for name in m.CELL_PULSE.names:
        cells[name] = PULSE[name]
        cells[name][-1] = (PULSE | change)[name]  # only the last: nothing before it fires either
    assert refused(loop, Job(2, cells, pause=1e-4)) == (code, detail)
    assert loop.firmware.memory.journal.op_hw == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [({"width": 501}, ErrorCode.LIMIT), ({"kind": 128}, ErrorCode.RANGE)],
)
def test_a_row_beyond_a_bound_is_refused_alone_and_within_a_job(
    loop: Loopback, change: dict[str, int], code: ErrorCode
) -> None:
    fields = {"row": 1, "kind": 0, "amp": 5, "width": 9, "cols": 6} | change
    gate = np.zeros(64, np.uint16)
    assert refused(loop, m.PulseRow(op=1, gate=gate, **fields))[0] == code
    rows = np.zeros(3, m.ROW_PULSE)
    rows["cols"] = 1
    for name, value in fields.items():
        rows[name][-1] = value
    assert refused(loop, Job(2, rows, pause=1e-4))[0] == code


def test_a_job_with_a_shorter_pause_than_the_board_needs_is_refused(loop: Loopback) -> None:
    rows = np.zeros(3, m.ROW_PULSE)
    rows["cols"] = 1
    assert refused(loop, Job(1, rows, pause=39e-6)) == (ErrorCode.LIMIT, LimitDetail.PAUSE)
    assert loop.run(Job(2, rows, pause=40e-6)) == 3


@pytest.mark.parametrize("op", [0xFFFFFFFF, 0xFFFF0000, m.LAST_OPERATION, m.OPERATION_STEP + 1])
def test_one_wrong_operation_number_does_not_refuse_every_later_one(
    loop: Loopback, op: int
) -> None:
    assert refused(loop, m.Pulse(**(PULSE | {"op": op})))[0] == ErrorCode.RANGE
    gate = np.zeros(64, np.uint16)
    row = m.PulseRow(op=op, row=1, kind=0, amp=5, width=9, cols=1, gate=gate)
    assert refused(loop, row)[0] == ErrorCode.RANGE
    begin = m.JobBegin(op=op, n=1, crc=0, verify=0, format=0, pause_us=50)
    assert refused(loop, begin)[0] == ErrorCode.RANGE
    assert loop.request(m.Pulse(**PULSE)).fired == 1


def test_the_numbers_end_before_the_field_does() -> None:
    journal = Journal(op_hw=m.LAST_OPERATION - 1)
    journal.accept(m.LAST_OPERATION, 1, 0.0)
    for op in (m.LAST_OPERATION + 1, 0xFFFFFFFF):
        with pytest.raises(RefusedError) as error:
            journal.check_new(op)
        assert error.value.code == ErrorCode.RANGE


@pytest.mark.parametrize(("done", "started"), [(3, 2), (5, 5), (0, 5), (4, 4294967295)])
def test_a_record_that_no_board_writes_decides_nothing(done: int, started: int) -> None:
    records = np.zeros(1, m.JOURNAL_RECORD)
    records["op"], records["sess"], records["done"], records["started"] = 9, 3, done, started
    verdict = judge(9, 4, 3, 1, 1, 0, records)
    assert (verdict.done, verdict.started) == (0, 4), "all of its pulses are unknown"
