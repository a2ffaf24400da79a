"""Messages, records and enums of MLP/1.

Generated from spec/mlp.toml by `python -m firmware_protocol.generate`; do not edit.
"""

# fmt: off

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from firmware_protocol.codec import Message, OpenEnum, Response, message, wire

SPEC_HASH = 0x046004D2842715DB
MAJOR = 1
MINOR = 2
MAGIC = "MLB1"
MAX_PAYLOAD = 2048
ROWS = 128
COLUMNS = 64
REQUEST_WINDOW = 8
REPLAY_CACHE = 16
JOURNAL_RECORDS = 64
CREDIT_FRAMES = 4
LAST_OPERATION = 4294901759
OPERATION_STEP = 2147483648


class Kind(IntEnum):
    """Low nibble of the first header byte."""

    REQ = 0
    RSP = 1
    DOWN = 2
    UP = 3
    EVT = 4
    LINK = 5


class State(OpenEnum):
    """Firmware states; BOOT is never seen on the wire."""

    BOOT = 0
    SAFE = 1
    LINKED = 2
    READY = 3
    ARMED = 4
    BUSY_READ = 5
    BUSY_VMM = 6
    BUSY_JOB = 7
    FAULT = 8
    DEBUG = 9


class ErrorCode(OpenEnum):
    """Status of a response, reason of a NAK, err of a journal record, and latched fault."""

    OK = 0
    LEN = 1
    UNKNOWN_MSG = 2
    SESSION = 3
    GAP = 4
    STALE = 5
    BUSY = 6
    CREDIT = 7
    VERSION = 8
    BAD_FRAME = 9
    RANGE = 16
    LIMIT = 17
    FORMAT = 18
    CRC = 19
    TOO_BIG = 20
    WRONG_STATE = 32
    NOT_CONFIGURED = 33
    CONFIG_CRC = 34
    FAULT_LATCHED = 35
    LOCKED = 36
    OP_REUSED = 37
    OP_UNKNOWN = 38
    LEASE = 39
    ESTOP = 48
    HOST_LOST = 49
    SPI_ECHO = 50
    ADC_TIMEOUT = 51
    SATURATED = 52
    SUPPLY = 53
    OVERRUN = 54
    ABORTED = 55
    INTERNAL = 255


class Phase(OpenEnum):
    """Phases of an operation; UNKNOWN answers a question about one never seen."""

    UNKNOWN = 0
    ACCEPTED = 1
    FIRING = 2
    DONE = 3
    ABORTED = 4
    STAGED = 5


class Stream(IntEnum):
    """Stream numbers in CREDIT."""

    READ_DATA = 1
    JOB_DATA = 2
    VMM_DATA = 3
    VMM_RESULT = 4


class CreditFlag(IntEnum):
    """Flags of CREDIT."""

    NONE = 0
    GO_BACK = 1


class PulseKind(IntEnum):
    """Kind of a programming pulse.

    SET drives the columns, RESET the row; SLOW is added to either.
    """

    SET = 0
    RESET = 1
    SLOW = 128


class Line(IntEnum):
    """Classes of driven lines."""

    ROW = 0
    COLUMN = 1
    GATE = 2


class LimitMode(IntEnum):
    """What a voltage is for."""

    READ = 0
    SET = 1
    RESET = 2


class LimitDetail(OpenEnum):
    """Detail of a refusal with LIMIT: what was beyond its limit."""

    ROW = 0
    COLUMN = 1
    GATE = 2
    WIDTH = 3
    COUNT = 4
    PAUSE = 5


class GainMode(IntEnum):
    """0..3 hold gain 1..4 for all columns; AUTO lets the board choose, 2 bits per sample more."""

    GAIN1 = 0
    GAIN2 = 1
    GAIN3 = 2
    GAIN4 = 3
    AUTO = 4


class InputFormat(IntEnum):
    """Bits of one element of a VMM vector: a table index (1, 4, 8 bits) or a DAC code."""

    BIT1 = 0
    BIT4 = 1
    BIT8 = 2
    U16 = 3


class JobFormat(IntEnum):
    """What one entry of a job is: one cell (10 B) or one row-parallel pulse (142 B)."""

    CELL = 0
    ROW = 1


class HelloFlag(IntEnum):
    """Flags of HELLO."""

    NONE = 0
    TAKEOVER = 1


DICT_ENTRY = np.dtype(
    [
        ("id", "<u1"),
        ("klass", "<u1"),
        ("hash", "<u4"),
    ]
)
"""One message as the board knows it; `klass` is the ASCII letter of its class."""

JOURNAL_RECORD = np.dtype(
    [
        ("op", "<u4"),
        ("phase", "<u1"),
        ("err", "<u1"),
        ("sess", "<u2"),
        ("started", "<u4"),
        ("done", "<u4"),
        ("t_us", "<u4"),
    ]
)
"""One operation in the journal: `started` is written before the switch closes, `done` after it
opens; both count pulses. `sess` is the session that sent it: two hosts may choose the same
number.
"""

CELL_PULSE = np.dtype(
    [
        ("row", "<u1"),
        ("col", "<u1"),
        ("kind", "<u1"),
        ("count", "<u1"),
        ("amp", "<u2"),
        ("gate", "<u2"),
        ("width", "<u2"),
    ]
)
"""A job entry of format CELL: one cell, `count` pulses."""

ROW_PULSE = np.dtype(
    [
        ("row", "<u1"),
        ("kind", "<u1"),
        ("amp", "<u2"),
        ("width", "<u2"),
        ("cols", "<u8"),
        ("gate", "<u2", (64,)),
    ]
)
"""A job entry of format ROW: one pulse on all selected cells of a row.

Fixed size, so that a job is addressed by entry and resumes anywhere; bit j of cols selects column
j, gate[j] is ignored where it is not set.
"""


@message
class HelloResponse(Message):
    """Answer to HELLO."""

    ID = 0x01

    magic: str = wire("char[4]")
    major: int = wire("u8")
    minor: int = wire("u8")
    sess: int = wire("u16", minimum=1)
    nonce: int = wire("u64")  # echo
    spec_hash: int = wire("u64")
    # identity of the journal's memory: changes with every start that lost the journal, stays over
    # a warm reset that kept it
    boot_id: int = wire("u32")
    op_hw: int = wire("u32")  # highest operation number accepted since the journal began
    max_payload: int = wire("u16", minimum=64, maximum=2048)  # B; the smaller of both ends
    rx_credit: int = wire("u16")  # B; unanswered request bytes the board can hold
    tx_ring: int = wire("u32")  # B
    caps: int = wire("u32")
    fw: bytes = wire("u8[4]")
    uid: bytes = wire("u8[12]")
    state: int = wire("u8")  # State
    fault: int = wire("u8")  # ErrorCode, 0 none
    journal_n: int = wire("u8")
    reserved: int = wire("u8", default=0)


@message
class Hello(Message):
    """Open a session.

    Sent with sess 0; the answer carries the new session. The same nonce gets the same answer; a new
    one grounds the outputs, aborts the job and starts at seq 0.
    """

    ID = 0x01
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x6F97930A
    RESPONSE = HelloResponse

    magic: str = wire("char[4]")
    major: int = wire("u8")
    minor: int = wire("u8")
    flags: int = wire("u16")  # HelloFlag
    nonce: int = wire("u64")
    spec_hash: int = wire("u64")  # its wire bytes are the first 8 of the SHA-256
    max_payload: int = wire("u16")  # B
    host_credit: int = wire("u16")  # B; what the host can hold unread


@message
class ByeResponse(Response):
    """Answer to BYE."""

    ID = 0x02

    state: int = wire("u8")  # State


@message
class Bye(Message):
    """Ground everything and close the session.

    Repeatable: also answered when no session is open.
    """

    ID = 0x02
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x96EF80E0
    RESPONSE = ByeResponse


@message
class PingResponse(Response):
    """Answer to PING."""

    ID = 0x03

    token: int = wire("u32")
    mcu_us: int = wire("u64")  # us
    state: int = wire("u8")  # State
    fault: int = wire("u8")  # ErrorCode
    busy_op: int = wire("u32")


@message
class Ping(Message):
    """Ask for a sign of life; feeds the watchdog, not the lease."""

    ID = 0x03
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xEC7EC5F0
    RESPONSE = PingResponse

    token: int = wire("u32")


@message
class Credit(Message):
    """Both ways.

    All items before `next` have been taken, `window` more may be sent. Cumulative. GO_BACK asks the
    sender to start again at `next`; for a finished result stream also to repeat its END.
    """

    ID = 0x04
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xA1212933

    stream: int = wire("u8")  # Stream
    flags: int = wire("u8")  # CreditFlag
    op_lo: int = wire("u16")  # low half of the operation number
    next: int = wire("u32")  # items
    window: int = wire("u32")  # items


@message
class Nak(Message):
    """Board to host, once per burst of errors.

    Detail: the refused sess for SESSION, the board's major for VERSION, the current sess for BUSY
    (HELLO without takeover).
    """

    ID = 0x05
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x3E1A80BA

    reason: int = wire("u16")  # ErrorCode
    expected: int = wire("u16")  # next seq the board will take
    detail: int = wire("u32", default=0)


@message
class GetDictResponse(Response):
    """Answer to GET_DICT."""

    ID = 0x06

    n: int = wire("u8")
    entries: npt.NDArray[np.void] = wire("DictEntry[]", dtype=DICT_ENTRY)


@message
class GetDict(Message):
    """List the messages of the board from id `first` on, as many as fit."""

    ID = 0x06
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x7F6AF774
    RESPONSE = GetDictResponse

    first: int = wire("u8")


@message
class SetBaudResponse(Response):
    """Answer to SET_BAUD."""

    ID = 0x07

    actual: int = wire("u32")  # Bd


@message
class SetBaud(Message):
    """Change the line rate; falls back after 500 ms without a good frame."""

    ID = 0x07
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.LINKED, State.READY})
    HASH = 0x8EFB7FC1
    RESPONSE = SetBaudResponse

    baud: int = wire("u32", minimum=9600, maximum=12000000)  # Bd


@message
class EchoResponse(Response):
    """Answer to ECHO."""

    ID = 0x08

    data: bytes = wire("u8[]")


@message
class Echo(Message):
    """Return the bytes (link test)."""

    ID = 0x08
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x682D1BE4
    RESPONSE = EchoResponse

    data: bytes = wire("u8[]")


@message
class SourceResponse(Response):
    """Answer to SOURCE."""

    ID = 0x09

    data: bytes = wire("u8[]")


@message
class Source(Message):
    """Send n bytes 0, 1, 2 ...

    modulo 251 (link test); n is at most max_payload - 4. A long test pipelines requests.
    """

    ID = 0x09
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x76A16842
    RESPONSE = SourceResponse

    n: int = wire("u32")  # B


@message
class SinkResponse(Response):
    """Answer to SINK."""

    ID = 0x0A

    n: int = wire("u32")  # B
    crc: int = wire("u32")


@message
class Sink(Message):
    """Take the bytes, answer their number and CRC-32 (link test)."""

    ID = 0x0A
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x1AA5F139
    RESPONSE = SinkResponse

    data: bytes = wire("u8[]")


@message
class Estop(Message):
    """Ground everything now and latch the fault ESTOP.

    sess is not checked. Answered by EVT STATE.
    """

    ID = 0x0F
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xB80E5F40


@message
class GetInfoResponse(Response):
    """Answer to GET_INFO."""

    ID = 0x10

    rows: int = wire("u16", minimum=1, maximum=128)
    cols: int = wire("u16", minimum=1, maximum=64)
    dac_count: int = wire("u16")
    adc_count: int = wire("u16")
    channel_map: int = wire("u16")  # version of the channel map
    gain_count: int = wire("u8", minimum=1, maximum=4)
    reserved: int = wire("u8", default=0)
    # V/A; rising order, 0 beyond gain_count
    transimpedance: npt.NDArray[np.uint32] = wire("u32[4]")
    # mV; full range; codes cover -span/2..+span/2
    adc_span_mv: int = wire("u32", minimum=1, maximum=100000)
    clip_mv: int = wire("u32", minimum=1, maximum=100000)  # mV; TIA output at which it clips
    # mV; automatic gain uses a range up to here
    gain_threshold_mv: int = wire("u32", minimum=1, maximum=100000)
    pulse_offset_ps: int = wire("u32", maximum=1000000000)  # ps
    pulse_tick_ps: int = wire("u32", minimum=1, maximum=1000000000)  # ps
    timer_tick_ps: int = wire("u32", minimum=1, maximum=1000000000)  # ps; tick of the read timing
    max_job_cells: int = wire("u32", minimum=1, maximum=1048576)  # entries
    max_job_rows: int = wire("u32", minimum=1, maximum=65536)  # entries
    config_crc: int = wire("u32")  # 0 when nothing is committed
    # min, max of the nine limits, in the order of CFG_COMMIT; codes of span 2 (ROW, COLUMN) and 1
    # (GATE)
    hard_limits: npt.NDArray[np.uint16] = wire("u16[18]")
    name: str = wire("char[32]")
    serial: str = wire("char[32]")
    firmware: str = wire("char[32]")


@message
class GetInfo(Message):
    """Everything a host must know and may not assume."""

    ID = 0x10
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xAC31E9E2
    RESPONSE = GetInfoResponse


@message
class GetStateResponse(Response):
    """Answer to GET_STATE."""

    ID = 0x11

    state: int = wire("u8")  # State
    fault: int = wire("u8")  # ErrorCode
    busy_op: int = wire("u32")
    op_hw: int = wire("u32")
    config_crc: int = wire("u32")
    lease_left_ms: int = wire("u32")  # ms


@message
class GetState(Message):
    """Ask for the state machine's view."""

    ID = 0x11
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x83772624
    RESPONSE = GetStateResponse


@message
class ClearFaultResponse(Response):
    """Answer to CLEAR_FAULT."""

    ID = 0x12

    state: int = wire("u8")  # State


@message
class ClearFault(Message):
    """Acknowledge the latched fault, which must be named.

    Another one is RANGE, detail the latched one. The configuration is gone: CFG_BEGIN to CFG_COMMIT
    and ARM follow.
    """

    ID = 0x12
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.FAULT})
    HASH = 0xBBA33A97
    RESPONSE = ClearFaultResponse

    fault: int = wire("u8")  # ErrorCode


@message
class GetCountersResponse(Response):
    """Answer to GET_COUNTERS."""

    ID = 0x13

    good: int = wire("u32")
    crc: int = wire("u32")
    cobs: int = wire("u32")
    overlong: int = wire("u32")
    length: int = wire("u32")
    version: int = wire("u32")
    dup: int = wire("u32")
    gap: int = wire("u32")
    replay: int = wire("u32")
    session: int = wire("u32")
    overrun: int = wire("u32")


@message
class GetCounters(Message):
    """Link counters of the board since boot."""

    ID = 0x13
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xF57F0B8B
    RESPONSE = GetCountersResponse


@message
class ReadJournalResponse(Response):
    """Answer to READ_JOURNAL."""

    ID = 0x14

    # highest operation whose record was overwritten, 0 none: an absent op above it was never
    # accepted
    lost_op: int = wire("u32")
    records: npt.NDArray[np.void] = wire("JournalRecord[]", dtype=JOURNAL_RECORD)


@message
class ReadJournal(Message):
    """Records with op >= from_op in rising order, as many as fit; ask again from the last + 1."""

    ID = 0x14
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xF9022CDD
    RESPONSE = ReadJournalResponse

    from_op: int = wire("u32")


@message
class GetLimitsResponse(Response):
    """Answer to GET_LIMITS."""

    ID = 0x15

    max_width_ticks: int = wire("u16", minimum=1)  # ticks; widest pulse that is not SLOW
    max_count: int = wire("u8", minimum=1)  # pulses; most pulses of one CellPulse or PULSE
    slow: int = wire("u8", maximum=1)  # 1: the board has pulses of kind SLOW
    min_pause_us: int = wire("u16")  # us; shortest pause_us of a job
    reserved: int = wire("u16", default=0)


@message
class GetLimits(Message):
    """What is compiled into the board about pulses; no configuration widens it. Since 1.1."""

    ID = 0x15
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x6140D992
    RESPONSE = GetLimitsResponse


@message
class GetDriversResponse(Response):
    """Answer to GET_DRIVERS."""

    ID = 0x16

    read_na: int = wire("u32", minimum=1)  # nA; in read and VMM
    set_na: int = wire("u32", minimum=1)  # nA; in a SET
    reset_na: int = wire("u32", minimum=1)  # nA; in a RESET


@message
class GetDrivers(Message):
    """Ask what the driver of a row can give, or take.

    A host that wants more of a row pulses it in groups of cells. 0xFFFFFFFF: that much or more.
    Since 1.2; of an older board a host assumes 10, 10 and 50 mA.
    """

    ID = 0x16
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xA07B90D9
    RESPONSE = GetDriversResponse


@message
class GetHistoryResponse(Response):
    """Answer to GET_HISTORY."""

    ID = 0x17

    # 0: the board does not keep this, or it is too long ago, or still to come
    known: int = wire("u8", maximum=1)
    count: int = wire("u64")  # row pulses
    check: int = wire("u32")


@message
class GetHistory(Message):
    """Ask which row pulses the chip has got in its life: how many, and one checksum.

    A host sees by them whether its own account of the chip is complete. Of a row pulse counts the
    CRC-32 of row (u16), kind (u8), amplitude code (u32), width in ticks (u32), selected columns (a
    bit each, as many bytes as the columns need) and of each column the gate code (u32, 0 where it
    is not selected). `check` is the CRC-32 of these checksums (u32 each) in order. Since 1.2.
    """

    ID = 0x17
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xC9464C7F
    RESPONSE = GetHistoryResponse

    count: int = wire("u64")  # when it had got so many; 2^64-1: so far


@message
class CfgBeginResponse(Response):
    """Answer to CFG_BEGIN."""

    ID = 0x20


@message
class CfgBegin(Message):
    """Ground everything and start an empty configuration; READY falls back to LINKED."""

    ID = 0x20
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED, State.READY})
    HASH = 0x3A46C3F1
    RESPONSE = CfgBeginResponse


@message
class CfgSpanResponse(Response):
    """Answer to CFG_SPAN."""

    ID = 0x21


@message
class CfgSpan(Message):
    """SoftSpan code of a line class; clears its limits, because codes change their meaning.

    0: 0..5 V, 1: 0..10 V, 2: -5..5 V, 3: -10..10 V, 4: -2.5..2.5 V.
    """

    ID = 0x21
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED})
    HASH = 0x10DFE450
    RESPONSE = CfgSpanResponse

    line: int = wire("u8", maximum=2)  # Line
    span: int = wire("u8", maximum=4)  # span code of the DACs


@message
class CfgLimitResponse(Response):
    """Answer to CFG_LIMIT."""

    ID = 0x22


@message
class CfgLimit(Message):
    """Allowed DAC codes, both ends included; within the board's hard limits."""

    ID = 0x22
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED})
    HASH = 0x814ADCF5
    RESPONSE = CfgLimitResponse

    line: int = wire("u8", maximum=2)  # Line
    mode: int = wire("u8", maximum=2)  # LimitMode
    minimum: int = wire("u16")
    maximum: int = wire("u16")


@message
class CfgTimingResponse(Response):
    """Answer to CFG_TIMING."""

    ID = 0x23


@message
class CfgTiming(Message):
    """Read timing (sample_hold < row < convst < column) and allowed pulse widths."""

    ID = 0x23
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED})
    HASH = 0x1A1BA29C
    RESPONSE = CfgTimingResponse

    sample_hold_ticks: int = wire("u16")  # ticks
    row_ticks: int = wire("u16")  # ticks
    convst_ticks: int = wire("u16")  # ticks
    column_ticks: int = wire("u16")  # ticks
    settle_us: int = wire("u16")  # us
    minimum_width_ticks: int = wire("u16")  # ticks
    maximum_width_ticks: int = wire("u16")  # ticks


@message
class CfgCommitResponse(Response):
    """Answer to CFG_COMMIT."""

    ID = 0x24

    crc: int = wire("u32")  # as the board computed it


@message
class CfgCommit(Message):
    """Check the whole configuration against its CRC-32 and make it valid.

    The CRC covers: span u8 of ROW, COLUMN, GATE; minimum, maximum u16 of the nine limits in the
    order ROW READ, ROW SET, ROW RESET, COLUMN READ, COLUMN SET, COLUMN RESET, GATE READ, GATE SET,
    GATE RESET (CFG_LIMIT of all nine must have come); the payload of CFG_TIMING; the payload of
    CFG_LEVELS.
    """

    ID = 0x24
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED, State.READY})
    HASH = 0xB377FFA1
    RESPONSE = CfgCommitResponse

    crc: int = wire("u32")


@message
class CfgLevelsResponse(Response):
    """Answer to CFG_LEVELS."""

    ID = 0x25


@message
class CfgLevels(Message):
    """Codes that every read and VMM must name again.

    One is the gate of selected columns, the other 0 V of a row.
    """

    ID = 0x25
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED})
    HASH = 0xBD663700
    RESPONSE = CfgLevelsResponse

    read_gate_code: int = wire("u16")
    idle_row_code: int = wire("u16")


@message
class ArmResponse(Response):
    """Answer to ARM."""

    ID = 0x28

    state: int = wire("u8")  # State


@message
class Arm(Message):
    """Allow outputs, while the watchdog is fed by any good frame and the lease by RENEW or ARM."""

    ID = 0x28
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.READY, State.ARMED})
    HASH = 0xC35DBAB6
    RESPONSE = ArmResponse

    config_crc: int = wire("u32")
    lease_ms: int = wire("u32", minimum=100, maximum=86400000)  # ms
    watchdog_ms: int = wire("u16", minimum=200, maximum=5000)  # ms


@message
class DisarmResponse(Response):
    """Answer to DISARM."""

    ID = 0x29

    state: int = wire("u8")  # State


@message
class Disarm(Message):
    """Abort what runs, ground everything, keep the configuration."""

    ID = 0x29
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x4DD271D0
    RESPONSE = DisarmResponse


@message
class RenewResponse(Response):
    """Answer to RENEW."""

    ID = 0x2A

    state: int = wire("u8")  # State


@message
class Renew(Message):
    """Renew the lease: a sign of life of the user's thread, not of the I/O thread."""

    ID = 0x2A
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xEB0A17AD
    RESPONSE = RenewResponse


@message
class DacWriteResponse(Response):
    """Answer to DAC_WRITE."""

    ID = 0x30


@message
class DacWrite(Message):
    """Write codes to channels first..

    (rows 0..127, columns 128..191, gates 192..255); READ limits apply.
    """

    ID = 0x30
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.ARMED})
    HASH = 0x1B15C0D1
    RESPONSE = DacWriteResponse

    first: int = wire("u8")
    n: int = wire("u8")
    update: int = wire("u8", maximum=1)
    reserved: int = wire("u8", default=0)
    code: npt.NDArray[np.uint16] = wire("u16[]")


@message
class GainsResponse(Response):
    """Answer to GAINS."""

    ID = 0x31


@message
class Gains(Message):
    """Set the gain of each column, 2 bits each, column 0 in the low bits of byte 0."""

    ID = 0x31
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.ARMED})
    HASH = 0x747574A6
    RESPONSE = GainsResponse

    gain: bytes = wire("u8[16]")


@message
class AdcReadResponse(Response):
    """Answer to ADC_READ."""

    ID = 0x32

    code: npt.NDArray[np.uint16] = wire("u16[]")


@message
class AdcRead(Message):
    """Convert once and return the codes of the selected columns."""

    ID = 0x32
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.ARMED})
    HASH = 0xFCBE57C0
    RESPONSE = AdcReadResponse

    cols: int = wire("u64")
    navg: int = wire("u16", minimum=1, maximum=1, default=1)  # 1.0 measures once
    settle_us: int = wire("u16")  # us


@message
class GroundAllResponse(Response):
    """Answer to GROUND_ALL."""

    ID = 0x33


@message
class GroundAll(Message):
    """Abort what runs and put every line to 0 V; the state stays armed."""

    ID = 0x33
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xC823CBD2
    RESPONSE = GroundAllResponse


@message
class ReadArrayResponse(Response):
    """Answer to READ_ARRAY."""

    ID = 0x40

    total: int = wire("u32")  # rows


@message
class ReadArray(Message):
    """Drive the selected rows one after the other and sense the selected columns.

    One item per selected row.
    """

    ID = 0x40
    KIND = Kind.REQ
    CLASS = "S"
    STATES = frozenset({State.ARMED})
    HASH = 0x251814CB
    RESPONSE = ReadArrayResponse

    op: int = wire("u32")
    rows: bytes = wire("u8[16]")  # bit mask, row 0 in bit 0 of byte 0
    cols: int = wire("u64")  # bit mask
    v_row: int = wire("u16")  # DAC code
    v_idle: int = wire("u16")  # must equal idle_row_code
    v_gate: int = wire("u16")  # must equal read_gate_code
    navg: int = wire("u16", minimum=1, maximum=1, default=1)  # 1.0 measures once
    gain_mode: int = wire("u8", maximum=4)  # GainMode
    fmt: int = wire("u8", maximum=0, default=0)


@message
class ReadData(Message):
    """n items from item `first`.

    Each: u16 codes of the selected columns, then with AUTO gain 2 bits for each of them.
    """

    ID = 0x41
    KIND = Kind.UP
    CLASS = "S"
    STATES = frozenset({State.BUSY_READ, State.ARMED})
    HASH = 0x387688B8

    op_lo: int = wire("u16")
    n: int = wire("u16")
    first: int = wire("u32")
    body: bytes = wire("u8[]")


@message
class ReadEndEvent(Message):
    """All items were sent, or none will follow. Repeated on CREDIT with GO_BACK."""

    ID = 0x42
    KIND = Kind.EVT
    CLASS = "S"
    STATES = frozenset({State.BUSY_READ, State.ARMED})
    HASH = 0x966292C9

    op: int = wire("u32")
    status: int = wire("u16", default=0)  # ErrorCode
    reserved: int = wire("u16", default=0)
    total: int = wire("u32")  # rows
    crc: int = wire("u32")  # CRC-32 of all items


@message
class PulseResponse(Response):
    """Answer to PULSE."""

    ID = 0x50

    fired: int = wire("u8")  # pulses
    width_ticks: int = wire("u16")  # ticks


@message
class Pulse(Message):
    """Pulse one cell `count` times."""

    ID = 0x50
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.ARMED})
    HASH = 0x677CD406
    RESPONSE = PulseResponse

    op: int = wire("u32")
    row: int = wire("u8", maximum=127)
    col: int = wire("u8", maximum=63)
    kind: int = wire("u8")  # PulseKind
    count: int = wire("u8", minimum=1)
    amp: int = wire("u16")  # DAC code
    gate: int = wire("u16")  # DAC code
    width: int = wire("u16")  # ticks


@message
class JobBeginResponse(Response):
    """Answer to JOB_BEGIN."""

    ID = 0x51

    room: int = wire("u32")  # entries; first credit


@message
class JobBegin(Message):
    """Start staging a job of n entries.

    Nothing fires before JOB_RUN. Repeating it empties the staging.
    """

    ID = 0x51
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.ARMED})
    HASH = 0x6F31120A
    RESPONSE = JobBeginResponse

    op: int = wire("u32")
    n: int = wire("u32", minimum=1)  # entries
    crc: int = wire("u32")  # CRC-32 of all entries
    verify: int = wire("u8", maximum=0, default=0)  # reserved: 1.0 does not verify
    format: int = wire("u8", maximum=1)  # JobFormat
    pause_us: int = wire("u16")  # us; at least this between pulses


@message
class JobData(Message):
    """n entries from entry `first`."""

    ID = 0x52
    KIND = Kind.DOWN
    CLASS = "S"
    STATES = frozenset({State.ARMED})
    HASH = 0xAFE08434

    op_lo: int = wire("u16")
    n: int = wire("u16")
    first: int = wire("u32")
    body: bytes = wire("u8[]")


@message
class JobRunResponse(Response):
    """Answer to JOB_RUN."""

    ID = 0x53

    total: int = wire("u32")  # pulses


@message
class JobRun(Message):
    """Check number, CRC and limits of all entries, answer, then fire them in order."""

    ID = 0x53
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.ARMED})
    HASH = 0x8B59D9CA
    RESPONSE = JobRunResponse

    op: int = wire("u32")


@message
class ProgressEvent(Message):
    """Counters of the job, at most 20 per second, and once at its end.

    JOB_STATUS replaces a lost one.
    """

    ID = 0x54
    KIND = Kind.EVT
    CLASS = "S"
    STATES = frozenset({State.BUSY_JOB, State.ARMED})
    HASH = 0x3BC10C7C

    op: int = wire("u32")
    started: int = wire("u32")  # pulses
    done: int = wire("u32")  # pulses
    phase: int = wire("u8")  # Phase
    reserved: int = wire("u8", default=0)
    err: int = wire("u16")  # ErrorCode


@message
class VerifyData(Message):
    """Reserved for boards that verify in place; not sent by 1.0."""

    ID = 0x55
    KIND = Kind.UP
    CLASS = "S"
    STATES = frozenset({State.BUSY_JOB, State.ARMED})
    HASH = 0x12D7CCC6

    op_lo: int = wire("u16")
    n: int = wire("u16")
    first: int = wire("u32")
    body: bytes = wire("u8[]")


@message
class JobStatusResponse(Response):
    """Answer to JOB_STATUS."""

    ID = 0x56

    started: int = wire("u32")  # pulses
    done: int = wire("u32")  # pulses
    phase: int = wire("u8")  # Phase
    reserved: int = wire("u8", default=0)
    err: int = wire("u16")  # ErrorCode


@message
class JobStatus(Message):
    """How far a job is. Phase UNKNOWN when the board never heard of it."""

    ID = 0x56
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x2FFA3A32
    RESPONSE = JobStatusResponse

    op: int = wire("u32")


@message
class JobAbortResponse(Response):
    """Answer to JOB_ABORT."""

    ID = 0x57

    started: int = wire("u32")  # pulses
    done: int = wire("u32")  # pulses
    phase: int = wire("u8")  # Phase
    reserved: int = wire("u8", default=0)
    err: int = wire("u16")  # ErrorCode


@message
class JobAbort(Message):
    """Stop a job between two pulses, or forget a staged one."""

    ID = 0x57
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xD1972083
    RESPONSE = JobAbortResponse

    op: int = wire("u32")


@message
class PulseRowResponse(Response):
    """Answer to PULSE_ROW."""

    ID = 0x58

    mask: int = wire("u64")  # columns that fired


@message
class PulseRow(Message):
    """Pulse all selected cells of one row once."""

    ID = 0x58
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.ARMED})
    HASH = 0x26B4207A
    RESPONSE = PulseRowResponse

    op: int = wire("u32")
    row: int = wire("u8", maximum=127)
    kind: int = wire("u8")  # PulseKind
    amp: int = wire("u16")  # DAC code
    width: int = wire("u16")  # ticks
    cols: int = wire("u64")  # bit mask
    gate: npt.NDArray[np.uint16] = wire("u16[64]")  # DAC code of each column


@message
class VmmBeginResponse(Response):
    """Answer to VMM_BEGIN."""

    ID = 0x60

    room: int = wire("u32")  # vectors; first credit


@message
class VmmBegin(Message):
    """Begin a batch of nvec vectors, which arrive as VMM_DATA and come back as VMM_RESULT.

    Vectors hold the selected rows only, results the selected columns only.
    """

    ID = 0x60
    KIND = Kind.REQ
    CLASS = "S"
    STATES = frozenset({State.ARMED})
    HASH = 0x3C1CF175
    RESPONSE = VmmBeginResponse

    op: int = wire("u32")
    nvec: int = wire("u32", minimum=1)
    rows: bytes = wire("u8[16]")  # bit mask
    cols: int = wire("u64")  # bit mask
    v_idle: int = wire("u16")  # must equal idle_row_code
    v_gate: int = wire("u16")  # must equal read_gate_code
    in_fmt: int = wire("u8", maximum=3)  # InputFormat
    out_fmt: int = wire("u8", maximum=0, default=0)  # 0: u16 codes
    gain_mode: int = wire("u8", maximum=4)  # GainMode
    flags: int = wire("u8", maximum=0, default=0)
    navg: int = wire("u16", minimum=1, maximum=1, default=1)  # 1.0 measures once
    repeat: int = wire("u16", minimum=1, maximum=1, default=1)  # 1.0 applies each vector once


@message
class VmmLutResponse(Response):
    """Answer to VMM_LUT."""

    ID = 0x61


@message
class VmmLut(Message):
    """Part of a table.

    Table 0: DAC codes of the 2, 16 or 256 input levels; 1: trim of each of the 128 rows (i16, added
    to the code). With `last` the extremes are checked against the limits once.
    """

    ID = 0x61
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.BUSY_VMM})
    HASH = 0x5D08DF1E
    RESPONSE = VmmLutResponse

    op: int = wire("u32")
    table: int = wire("u8", maximum=1)
    last: int = wire("u8", maximum=1)
    first: int = wire("u16")
    values: npt.NDArray[np.uint16] = wire("u16[]")


@message
class VmmData(Message):
    """n vectors from vector `first`; each starts on a byte, low bits first."""

    ID = 0x62
    KIND = Kind.DOWN
    CLASS = "S"
    STATES = frozenset({State.BUSY_VMM})
    HASH = 0x8D9E639C

    op_lo: int = wire("u16")
    n: int = wire("u16")
    first: int = wire("u32")
    body: bytes = wire("u8[]")


@message
class VmmResult(Message):
    """n results from vector `first`, laid out as in READ_DATA."""

    ID = 0x63
    KIND = Kind.UP
    CLASS = "S"
    STATES = frozenset({State.BUSY_VMM, State.ARMED})
    HASH = 0xBC9D0809

    op_lo: int = wire("u16")
    n: int = wire("u16")
    first: int = wire("u32")
    body: bytes = wire("u8[]")


@message
class VmmEndEvent(Message):
    """All results were sent, or none will follow. Repeated on CREDIT with GO_BACK."""

    ID = 0x64
    KIND = Kind.EVT
    CLASS = "S"
    STATES = frozenset({State.BUSY_VMM, State.ARMED})
    HASH = 0xCB4DF95C

    op: int = wire("u32")
    status: int = wire("u16", default=0)  # ErrorCode
    reserved: int = wire("u16", default=0)
    total: int = wire("u32")  # vectors
    crc: int = wire("u32")  # CRC-32 of all results


@message
class VmmAbortResponse(Response):
    """Answer to VMM_ABORT."""

    ID = 0x65


@message
class VmmAbort(Message):
    """End a batch or an array read early; its rows and gates go to ground."""

    ID = 0x65
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x4D5AD430
    RESPONSE = VmmAbortResponse

    op: int = wire("u32")


@message
class DbgUnlockResponse(Response):
    """Answer to DBG_UNLOCK."""

    ID = 0x70


@message
class DbgUnlock(Message):
    """Enter DEBUG with the outputs grounded; the configuration is dropped. ttl 0 leaves it."""

    ID = 0x70
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.LINKED, State.DEBUG})
    HASH = 0x4CE1437A
    RESPONSE = DbgUnlockResponse

    uid_crc: int = wire("u32")  # CRC-32 of the uid in HELLO_ACK
    ttl_ms: int = wire("u32", maximum=60000)  # ms
    flags: int = wire("u8")  # bit 0 unsafe: needs a jumper as well


@message
class SpiXferResponse(Response):
    """Answer to SPI_XFER."""

    ID = 0x71

    word: npt.NDArray[np.uint32] = wire("u32[]")


@message
class SpiXfer(Message):
    """Shift 32-bit words through one DAC chip; SDO is the previous word.

    Codes beyond the limits are refused.
    """

    ID = 0x71
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.DEBUG})
    HASH = 0x72B97302
    RESPONSE = SpiXferResponse

    chip: int = wire("u8", maximum=15)
    n: int = wire("u8")
    word: npt.NDArray[np.uint32] = wire("u32[]")


@message
class AdcCrResponse(Response):
    """Answer to ADC_CR."""

    ID = 0x72


@message
class AdcCr(Message):
    """Write the configuration register of an ADC chip."""

    ID = 0x72
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.DEBUG})
    HASH = 0x3D819C14
    RESPONSE = AdcCrResponse

    chip: int = wire("u8", maximum=7)
    cr: int = wire("u8", maximum=15)


@message
class AdcRawResponse(Response):
    """Answer to ADC_RAW."""

    ID = 0x73

    code: npt.NDArray[np.uint16] = wire("u16[]")


@message
class AdcRaw(Message):
    """Convert n times and return the eight channels of each."""

    ID = 0x73
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.DEBUG})
    HASH = 0x943625EB
    RESPONSE = AdcRawResponse

    chip: int = wire("u8", maximum=7)
    n: int = wire("u8")


@message
class GpioGetResponse(Response):
    """Answer to GPIO_GET."""

    ID = 0x74

    bank: npt.NDArray[np.uint32] = wire("u32[4]")


@message
class GpioGet(Message):
    """Read the four GPIO banks."""

    ID = 0x74
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.DEBUG})
    HASH = 0xF0B3137C
    RESPONSE = GpioGetResponse


@message
class GpioSetResponse(Response):
    """Answer to GPIO_SET."""

    ID = 0x75


@message
class GpioSet(Message):
    """Write the masked bits of one bank."""

    ID = 0x75
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.DEBUG})
    HASH = 0xE493A436
    RESPONSE = GpioSetResponse

    bank: int = wire("u8", maximum=3)
    mask: int = wire("u32")
    value: int = wire("u32")


@message
class ShadowResponse(Response):
    """Answer to SHADOW."""

    ID = 0x76

    code: npt.NDArray[np.uint16] = wire("u16[64]")  # n valid
    span: bytes = wire("u8[64]")  # n valid


@message
class Shadow(Message):
    """What the firmware believes the DAC channels first.. hold: codes, spans."""

    ID = 0x76
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.DEBUG})
    HASH = 0x3120B699
    RESPONSE = ShadowResponse

    first: int = wire("u8")
    n: int = wire("u8", maximum=64)


@message
class LogEvent(Message):
    """A line for people."""

    ID = 0x78
    KIND = Kind.EVT
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xF6A60AE8

    t_us: int = wire("u32")  # us
    level: int = wire("u8")
    text: str = wire("char[]")


@message
class FaultEvent(Message):
    """A fault was latched; everything is grounded."""

    ID = 0x79
    KIND = Kind.EVT
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xB99C8DBF

    fault: int = wire("u8")  # ErrorCode
    detail: int = wire("u32", default=0)
    op: int = wire("u32")


@message
class StateEvent(Message):
    """The state changed without being asked to."""

    ID = 0x7A
    KIND = Kind.EVT
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x5E46931D

    state: int = wire("u8")  # State


CATALOGUE: tuple[type[Message], ...] = (
    Hello,
    Bye,
    Ping,
    Credit,
    Nak,
    GetDict,
    SetBaud,
    Echo,
    Source,
    Sink,
    Estop,
    GetInfo,
    GetState,
    ClearFault,
    GetCounters,
    ReadJournal,
    GetLimits,
    GetDrivers,
    GetHistory,
    CfgBegin,
    CfgSpan,
    CfgLimit,
    CfgTiming,
    CfgCommit,
    CfgLevels,
    Arm,
    Disarm,
    Renew,
    DacWrite,
    Gains,
    AdcRead,
    GroundAll,
    ReadArray,
    ReadData,
    ReadEndEvent,
    Pulse,
    JobBegin,
    JobData,
    JobRun,
    ProgressEvent,
    VerifyData,
    JobStatus,
    JobAbort,
    PulseRow,
    VmmBegin,
    VmmLut,
    VmmData,
    VmmResult,
    VmmEndEvent,
    VmmAbort,
    DbgUnlock,
    SpiXfer,
    AdcCr,
    AdcRaw,
    GpioGet,
    GpioSet,
    Shadow,
    LogEvent,
    FaultEvent,
    StateEvent,
)
"""Every message that is not an answer, by id."""

ANSWERS = tuple(m.RESPONSE for m in CATALOGUE if m.RESPONSE is not None)
"""Every answer, by id."""

MESSAGES: dict[tuple[int, int], type[Message]] = {(m.KIND, m.ID): m for m in CATALOGUE}
RESPONSES: dict[int, type[Message]] = {answer.ID: answer for answer in ANSWERS}
