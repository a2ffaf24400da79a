"""Messages, records and enums of MLP/1.

Generated from spec/mlp.toml by `python -m firmware_protocol.generate`; do not edit.
"""

# fmt: off

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from firmware_protocol.codec import Field, Message, OpenEnum, Response

SPEC_HASH = 0x9D7F14F1FB6A6515
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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class HelloResponse(Message):
    """Answer to HELLO."""

    ID = 0x01
    FIELDS = (
        Field("magic", "char[4]"), Field("major", "u8"), Field("minor", "u8"),
        Field("sess", "u16", minimum=1), Field("nonce", "u64"), Field("spec_hash", "u64"),
        Field("boot_id", "u32"), Field("op_hw", "u32"),
        Field("max_payload", "u16", minimum=64, maximum=2048), Field("rx_credit", "u16"),
        Field("tx_ring", "u32"), Field("caps", "u32"), Field("fw", "u8[4]"),
        Field("uid", "u8[12]"), Field("state", "u8"), Field("fault", "u8"),
        Field("journal_n", "u8"), Field("reserved", "u8"),
    )

    magic: str
    major: int
    minor: int
    sess: int
    nonce: int  # echo
    spec_hash: int
    # identity of the journal's memory: changes with every start that lost the journal, stays over
    # a warm reset that kept it
    boot_id: int
    op_hw: int  # highest operation number accepted since the journal began
    max_payload: int  # B; the smaller of both ends
    rx_credit: int  # B; unanswered request bytes the board can hold
    tx_ring: int  # B
    caps: int
    fw: bytes
    uid: bytes
    state: int  # State
    fault: int  # ErrorCode, 0 none
    journal_n: int
    reserved: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("magic", "char[4]"), Field("major", "u8"), Field("minor", "u8"),
        Field("flags", "u16"), Field("nonce", "u64"), Field("spec_hash", "u64"),
        Field("max_payload", "u16"), Field("host_credit", "u16"),
    )

    magic: str
    major: int
    minor: int
    flags: int  # HelloFlag
    nonce: int
    spec_hash: int  # its wire bytes are the first 8 of the SHA-256
    max_payload: int  # B
    host_credit: int  # B; what the host can hold unread


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ByeResponse(Response):
    """Answer to BYE."""

    ID = 0x02
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("state", "u8"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    state: int  # State


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PingResponse(Response):
    """Answer to PING."""

    ID = 0x03
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("token", "u32"),
        Field("mcu_us", "u64"), Field("state", "u8"), Field("fault", "u8"),
        Field("busy_op", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    token: int
    mcu_us: int  # us
    state: int  # State
    fault: int  # ErrorCode
    busy_op: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ping(Message):
    """Ask for a sign of life; feeds the watchdog, not the lease."""

    ID = 0x03
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xEC7EC5F0
    RESPONSE = PingResponse
    FIELDS = (
        Field("token", "u32"),
    )

    token: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    RESPONSE = None
    FIELDS = (
        Field("stream", "u8"), Field("flags", "u8"), Field("op_lo", "u16"), Field("next", "u32"),
        Field("window", "u32"),
    )

    stream: int  # Stream
    flags: int  # CreditFlag
    op_lo: int  # low half of the operation number
    next: int  # items
    window: int  # items


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    RESPONSE = None
    FIELDS = (
        Field("reason", "u16"), Field("expected", "u16"), Field("detail", "u32"),
    )

    reason: int  # ErrorCode
    expected: int  # next seq the board will take
    detail: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetDictResponse(Response):
    """Answer to GET_DICT."""

    ID = 0x06
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("n", "u8"),
        Field("entries", "DictEntry[]", dtype=DICT_ENTRY),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    n: int
    entries: npt.NDArray[np.void]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetDict(Message):
    """List the messages of the board from id `first` on, as many as fit."""

    ID = 0x06
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x7F6AF774
    RESPONSE = GetDictResponse
    FIELDS = (
        Field("first", "u8"),
    )

    first: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SetBaudResponse(Response):
    """Answer to SET_BAUD."""

    ID = 0x07
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("actual", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    actual: int  # Bd


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SetBaud(Message):
    """Change the line rate; falls back after 500 ms without a good frame."""

    ID = 0x07
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.LINKED, State.READY})
    HASH = 0x8EFB7FC1
    RESPONSE = SetBaudResponse
    FIELDS = (
        Field("baud", "u32", minimum=9600, maximum=12000000),
    )

    baud: int  # Bd


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EchoResponse(Response):
    """Answer to ECHO."""

    ID = 0x08
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("data", "u8[]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    data: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Echo(Message):
    """Return the bytes (link test)."""

    ID = 0x08
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x682D1BE4
    RESPONSE = EchoResponse
    FIELDS = (
        Field("data", "u8[]"),
    )

    data: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SourceResponse(Response):
    """Answer to SOURCE."""

    ID = 0x09
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("data", "u8[]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    data: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("n", "u32"),
    )

    n: int  # B


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SinkResponse(Response):
    """Answer to SINK."""

    ID = 0x0A
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("n", "u32"), Field("crc", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    n: int  # B
    crc: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sink(Message):
    """Take the bytes, answer their number and CRC-32 (link test)."""

    ID = 0x0A
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x1AA5F139
    RESPONSE = SinkResponse
    FIELDS = (
        Field("data", "u8[]"),
    )

    data: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Estop(Message):
    """Ground everything now and latch the fault ESTOP.

    sess is not checked. Answered by EVT STATE.
    """

    ID = 0x0F
    KIND = Kind.LINK
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xB80E5F40
    RESPONSE = None
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetInfoResponse(Response):
    """Answer to GET_INFO."""

    ID = 0x10
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
        Field("rows", "u16", minimum=1, maximum=128), Field("cols", "u16", minimum=1, maximum=64),
        Field("dac_count", "u16"), Field("adc_count", "u16"), Field("channel_map", "u16"),
        Field("gain_count", "u8", minimum=1, maximum=4), Field("reserved", "u8"),
        Field("transimpedance", "u32[4]"), Field("adc_span_mv", "u32", minimum=1, maximum=100000),
        Field("clip_mv", "u32", minimum=1, maximum=100000),
        Field("gain_threshold_mv", "u32", minimum=1, maximum=100000),
        Field("pulse_offset_ps", "u32", maximum=1000000000),
        Field("pulse_tick_ps", "u32", minimum=1, maximum=1000000000),
        Field("timer_tick_ps", "u32", minimum=1, maximum=1000000000),
        Field("max_job_cells", "u32", minimum=1, maximum=1048576),
        Field("max_job_rows", "u32", minimum=1, maximum=65536), Field("config_crc", "u32"),
        Field("hard_limits", "u16[18]"), Field("name", "char[32]"), Field("serial", "char[32]"),
        Field("firmware", "char[32]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    rows: int
    cols: int
    dac_count: int
    adc_count: int
    channel_map: int  # version of the channel map
    gain_count: int
    reserved: int = 0
    transimpedance: npt.NDArray[np.uint32]  # V/A; rising order, 0 beyond gain_count
    adc_span_mv: int  # mV; full range; codes cover -span/2..+span/2
    clip_mv: int  # mV; TIA output at which it clips
    gain_threshold_mv: int  # mV; automatic gain uses a range up to here
    pulse_offset_ps: int  # ps
    pulse_tick_ps: int  # ps
    timer_tick_ps: int  # ps; tick of the read timing
    max_job_cells: int  # entries
    max_job_rows: int  # entries
    config_crc: int  # 0 when nothing is committed
    # min, max of the nine limits, in the order of CFG_COMMIT; codes of span 2 (ROW, COLUMN) and 1
    # (GATE)
    hard_limits: npt.NDArray[np.uint16]
    name: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetInfo(Message):
    """Everything a host must know and may not assume."""

    ID = 0x10
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xAC31E9E2
    RESPONSE = GetInfoResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetStateResponse(Response):
    """Answer to GET_STATE."""

    ID = 0x11
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("state", "u8"), Field("fault", "u8"),
        Field("busy_op", "u32"), Field("op_hw", "u32"), Field("config_crc", "u32"),
        Field("lease_left_ms", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    state: int  # State
    fault: int  # ErrorCode
    busy_op: int
    op_hw: int
    config_crc: int
    lease_left_ms: int  # ms


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetState(Message):
    """Ask for the state machine's view."""

    ID = 0x11
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x83772624
    RESPONSE = GetStateResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClearFaultResponse(Response):
    """Answer to CLEAR_FAULT."""

    ID = 0x12
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("state", "u8"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    state: int  # State


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("fault", "u8"),
    )

    fault: int  # ErrorCode


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetCountersResponse(Response):
    """Answer to GET_COUNTERS."""

    ID = 0x13
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("good", "u32"), Field("crc", "u32"),
        Field("cobs", "u32"), Field("overlong", "u32"), Field("length", "u32"),
        Field("version", "u32"), Field("dup", "u32"), Field("gap", "u32"), Field("replay", "u32"),
        Field("session", "u32"), Field("overrun", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    good: int
    crc: int
    cobs: int
    overlong: int
    length: int
    version: int
    dup: int
    gap: int
    replay: int
    session: int
    overrun: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetCounters(Message):
    """Link counters of the board since boot."""

    ID = 0x13
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xF57F0B8B
    RESPONSE = GetCountersResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadJournalResponse(Response):
    """Answer to READ_JOURNAL."""

    ID = 0x14
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("lost_op", "u32"),
        Field("records", "JournalRecord[]", dtype=JOURNAL_RECORD),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    # highest operation whose record was overwritten, 0 none: an absent op above it was never
    # accepted
    lost_op: int
    records: npt.NDArray[np.void]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadJournal(Message):
    """Records with op >= from_op in rising order, as many as fit; ask again from the last + 1."""

    ID = 0x14
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xF9022CDD
    RESPONSE = ReadJournalResponse
    FIELDS = (
        Field("from_op", "u32"),
    )

    from_op: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetLimitsResponse(Response):
    """Answer to GET_LIMITS."""

    ID = 0x15
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("max_width_ticks", "u16", minimum=1),
        Field("max_count", "u8", minimum=1), Field("slow", "u8", maximum=1),
        Field("min_pause_us", "u16"), Field("reserved", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    max_width_ticks: int  # ticks; widest pulse that is not SLOW
    max_count: int  # pulses; most pulses of one CellPulse or PULSE
    slow: int  # 1: the board has pulses of kind SLOW
    min_pause_us: int  # us; shortest pause_us of a job
    reserved: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetLimits(Message):
    """What is compiled into the board about pulses; no configuration widens it. Since 1.1."""

    ID = 0x15
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x6140D992
    RESPONSE = GetLimitsResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GetDriversResponse(Response):
    """Answer to GET_DRIVERS."""

    ID = 0x16
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("read_na", "u32", minimum=1),
        Field("set_na", "u32", minimum=1), Field("reset_na", "u32", minimum=1),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    read_na: int  # nA; in read and VMM
    set_na: int  # nA; in a SET
    reset_na: int  # nA; in a RESET


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgBeginResponse(Response):
    """Answer to CFG_BEGIN."""

    ID = 0x20
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgBegin(Message):
    """Ground everything and start an empty configuration; READY falls back to LINKED."""

    ID = 0x20
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED, State.READY})
    HASH = 0x3A46C3F1
    RESPONSE = CfgBeginResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgSpanResponse(Response):
    """Answer to CFG_SPAN."""

    ID = 0x21
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("line", "u8", maximum=2), Field("span", "u8", maximum=4),
    )

    line: int  # Line
    span: int  # span code of the DACs


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgLimitResponse(Response):
    """Answer to CFG_LIMIT."""

    ID = 0x22
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgLimit(Message):
    """Allowed DAC codes, both ends included; within the board's hard limits."""

    ID = 0x22
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED})
    HASH = 0x814ADCF5
    RESPONSE = CfgLimitResponse
    FIELDS = (
        Field("line", "u8", maximum=2), Field("mode", "u8", maximum=2), Field("minimum", "u16"),
        Field("maximum", "u16"),
    )

    line: int  # Line
    mode: int  # LimitMode
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgTimingResponse(Response):
    """Answer to CFG_TIMING."""

    ID = 0x23
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgTiming(Message):
    """Read timing (sample_hold < row < convst < column) and allowed pulse widths."""

    ID = 0x23
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.LINKED})
    HASH = 0x1A1BA29C
    RESPONSE = CfgTimingResponse
    FIELDS = (
        Field("sample_hold_ticks", "u16"), Field("row_ticks", "u16"), Field("convst_ticks", "u16"),
        Field("column_ticks", "u16"), Field("settle_us", "u16"),
        Field("minimum_width_ticks", "u16"), Field("maximum_width_ticks", "u16"),
    )

    sample_hold_ticks: int  # ticks
    row_ticks: int  # ticks
    convst_ticks: int  # ticks
    column_ticks: int  # ticks
    settle_us: int  # us
    minimum_width_ticks: int  # ticks
    maximum_width_ticks: int  # ticks


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgCommitResponse(Response):
    """Answer to CFG_COMMIT."""

    ID = 0x24
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("crc", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    crc: int  # as the board computed it


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("crc", "u32"),
    )

    crc: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CfgLevelsResponse(Response):
    """Answer to CFG_LEVELS."""

    ID = 0x25
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("read_gate_code", "u16"), Field("idle_row_code", "u16"),
    )

    read_gate_code: int
    idle_row_code: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ArmResponse(Response):
    """Answer to ARM."""

    ID = 0x28
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("state", "u8"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    state: int  # State


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Arm(Message):
    """Allow outputs, while the watchdog is fed by any good frame and the lease by RENEW or ARM."""

    ID = 0x28
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.READY, State.ARMED})
    HASH = 0xC35DBAB6
    RESPONSE = ArmResponse
    FIELDS = (
        Field("config_crc", "u32"), Field("lease_ms", "u32", minimum=100, maximum=86400000),
        Field("watchdog_ms", "u16", minimum=200, maximum=5000),
    )

    config_crc: int
    lease_ms: int  # ms
    watchdog_ms: int  # ms


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DisarmResponse(Response):
    """Answer to DISARM."""

    ID = 0x29
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("state", "u8"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    state: int  # State


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Disarm(Message):
    """Abort what runs, ground everything, keep the configuration."""

    ID = 0x29
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x4DD271D0
    RESPONSE = DisarmResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RenewResponse(Response):
    """Answer to RENEW."""

    ID = 0x2A
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("state", "u8"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    state: int  # State


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Renew(Message):
    """Renew the lease: a sign of life of the user's thread, not of the I/O thread."""

    ID = 0x2A
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xEB0A17AD
    RESPONSE = RenewResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DacWriteResponse(Response):
    """Answer to DAC_WRITE."""

    ID = 0x30
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("first", "u8"), Field("n", "u8"), Field("update", "u8", maximum=1),
        Field("reserved", "u8"), Field("code", "u16[]"),
    )

    first: int
    n: int
    update: int
    reserved: int = 0
    code: npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GainsResponse(Response):
    """Answer to GAINS."""

    ID = 0x31
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Gains(Message):
    """Set the gain of each column, 2 bits each, column 0 in the low bits of byte 0."""

    ID = 0x31
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.ARMED})
    HASH = 0x747574A6
    RESPONSE = GainsResponse
    FIELDS = (
        Field("gain", "u8[16]"),
    )

    gain: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdcReadResponse(Response):
    """Answer to ADC_READ."""

    ID = 0x32
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("code", "u16[]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    code: npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdcRead(Message):
    """Convert once and return the codes of the selected columns."""

    ID = 0x32
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.ARMED})
    HASH = 0xFCBE57C0
    RESPONSE = AdcReadResponse
    FIELDS = (
        Field("cols", "u64"), Field("navg", "u16", minimum=1, maximum=1),
        Field("settle_us", "u16"),
    )

    cols: int
    navg: int = 1  # 1.0 measures once
    settle_us: int  # us


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GroundAllResponse(Response):
    """Answer to GROUND_ALL."""

    ID = 0x33
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GroundAll(Message):
    """Abort what runs and put every line to 0 V; the state stays armed."""

    ID = 0x33
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xC823CBD2
    RESPONSE = GroundAllResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadArrayResponse(Response):
    """Answer to READ_ARRAY."""

    ID = 0x40
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("total", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    total: int  # rows


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("op", "u32"), Field("rows", "u8[16]"), Field("cols", "u64"), Field("v_row", "u16"),
        Field("v_idle", "u16"), Field("v_gate", "u16"), Field("navg", "u16", minimum=1, maximum=1),
        Field("gain_mode", "u8", maximum=4), Field("fmt", "u8", maximum=0),
    )

    op: int
    rows: bytes  # bit mask, row 0 in bit 0 of byte 0
    cols: int  # bit mask
    v_row: int  # DAC code
    v_idle: int  # must equal idle_row_code
    v_gate: int  # must equal read_gate_code
    navg: int = 1  # 1.0 measures once
    gain_mode: int  # GainMode
    fmt: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadData(Message):
    """n items from item `first`.

    Each: u16 codes of the selected columns, then with AUTO gain 2 bits for each of them.
    """

    ID = 0x41
    KIND = Kind.UP
    CLASS = "S"
    STATES = frozenset({State.BUSY_READ, State.ARMED})
    HASH = 0x387688B8
    RESPONSE = None
    FIELDS = (
        Field("op_lo", "u16"), Field("n", "u16"), Field("first", "u32"), Field("body", "u8[]"),
    )

    op_lo: int
    n: int
    first: int
    body: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadEndEvent(Message):
    """All items were sent, or none will follow. Repeated on CREDIT with GO_BACK."""

    ID = 0x42
    KIND = Kind.EVT
    CLASS = "S"
    STATES = frozenset({State.BUSY_READ, State.ARMED})
    HASH = 0x966292C9
    RESPONSE = None
    FIELDS = (
        Field("op", "u32"), Field("status", "u16"), Field("reserved", "u16"),
        Field("total", "u32"), Field("crc", "u32"),
    )

    op: int
    status: int = 0  # ErrorCode
    reserved: int = 0
    total: int  # rows
    crc: int  # CRC-32 of all items


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PulseResponse(Response):
    """Answer to PULSE."""

    ID = 0x50
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("fired", "u8"),
        Field("width_ticks", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    fired: int  # pulses
    width_ticks: int  # ticks


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pulse(Message):
    """Pulse one cell `count` times."""

    ID = 0x50
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.ARMED})
    HASH = 0x677CD406
    RESPONSE = PulseResponse
    FIELDS = (
        Field("op", "u32"), Field("row", "u8", maximum=127), Field("col", "u8", maximum=63),
        Field("kind", "u8"), Field("count", "u8", minimum=1), Field("amp", "u16"),
        Field("gate", "u16"), Field("width", "u16"),
    )

    op: int
    row: int
    col: int
    kind: int  # PulseKind
    count: int
    amp: int  # DAC code
    gate: int  # DAC code
    width: int  # ticks


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobBeginResponse(Response):
    """Answer to JOB_BEGIN."""

    ID = 0x51
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("room", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    room: int  # entries; first credit


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("op", "u32"), Field("n", "u32", minimum=1), Field("crc", "u32"),
        Field("verify", "u8", maximum=0), Field("format", "u8", maximum=1),
        Field("pause_us", "u16"),
    )

    op: int
    n: int  # entries
    crc: int  # CRC-32 of all entries
    verify: int = 0  # reserved: 1.0 does not verify
    format: int  # JobFormat
    pause_us: int  # us; at least this between pulses


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobData(Message):
    """n entries from entry `first`."""

    ID = 0x52
    KIND = Kind.DOWN
    CLASS = "S"
    STATES = frozenset({State.ARMED})
    HASH = 0xAFE08434
    RESPONSE = None
    FIELDS = (
        Field("op_lo", "u16"), Field("n", "u16"), Field("first", "u32"), Field("body", "u8[]"),
    )

    op_lo: int
    n: int
    first: int
    body: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobRunResponse(Response):
    """Answer to JOB_RUN."""

    ID = 0x53
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("total", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    total: int  # pulses


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobRun(Message):
    """Check number, CRC and limits of all entries, answer, then fire them in order."""

    ID = 0x53
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.ARMED})
    HASH = 0x8B59D9CA
    RESPONSE = JobRunResponse
    FIELDS = (
        Field("op", "u32"),
    )

    op: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ProgressEvent(Message):
    """Counters of the job, at most 20 per second, and once at its end.

    JOB_STATUS replaces a lost one.
    """

    ID = 0x54
    KIND = Kind.EVT
    CLASS = "S"
    STATES = frozenset({State.BUSY_JOB, State.ARMED})
    HASH = 0x3BC10C7C
    RESPONSE = None
    FIELDS = (
        Field("op", "u32"), Field("started", "u32"), Field("done", "u32"), Field("phase", "u8"),
        Field("reserved", "u8"), Field("err", "u16"),
    )

    op: int
    started: int  # pulses
    done: int  # pulses
    phase: int  # Phase
    reserved: int = 0
    err: int  # ErrorCode


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VerifyData(Message):
    """Reserved for boards that verify in place; not sent by 1.0."""

    ID = 0x55
    KIND = Kind.UP
    CLASS = "S"
    STATES = frozenset({State.BUSY_JOB, State.ARMED})
    HASH = 0x12D7CCC6
    RESPONSE = None
    FIELDS = (
        Field("op_lo", "u16"), Field("n", "u16"), Field("first", "u32"), Field("body", "u8[]"),
    )

    op_lo: int
    n: int
    first: int
    body: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobStatusResponse(Response):
    """Answer to JOB_STATUS."""

    ID = 0x56
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("started", "u32"),
        Field("done", "u32"), Field("phase", "u8"), Field("reserved", "u8"), Field("err", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    started: int  # pulses
    done: int  # pulses
    phase: int  # Phase
    reserved: int = 0
    err: int  # ErrorCode


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobStatus(Message):
    """How far a job is. Phase UNKNOWN when the board never heard of it."""

    ID = 0x56
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x2FFA3A32
    RESPONSE = JobStatusResponse
    FIELDS = (
        Field("op", "u32"),
    )

    op: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobAbortResponse(Response):
    """Answer to JOB_ABORT."""

    ID = 0x57
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("started", "u32"),
        Field("done", "u32"), Field("phase", "u8"), Field("reserved", "u8"), Field("err", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    started: int  # pulses
    done: int  # pulses
    phase: int  # Phase
    reserved: int = 0
    err: int  # ErrorCode


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JobAbort(Message):
    """Stop a job between two pulses, or forget a staged one."""

    ID = 0x57
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xD1972083
    RESPONSE = JobAbortResponse
    FIELDS = (
        Field("op", "u32"),
    )

    op: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PulseRowResponse(Response):
    """Answer to PULSE_ROW."""

    ID = 0x58
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("mask", "u64"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    mask: int  # columns that fired


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PulseRow(Message):
    """Pulse all selected cells of one row once."""

    ID = 0x58
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.ARMED})
    HASH = 0x26B4207A
    RESPONSE = PulseRowResponse
    FIELDS = (
        Field("op", "u32"), Field("row", "u8", maximum=127), Field("kind", "u8"),
        Field("amp", "u16"), Field("width", "u16"), Field("cols", "u64"), Field("gate", "u16[64]"),
    )

    op: int
    row: int
    kind: int  # PulseKind
    amp: int  # DAC code
    width: int  # ticks
    cols: int  # bit mask
    gate: npt.NDArray[np.uint16]  # DAC code of each column


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VmmBeginResponse(Response):
    """Answer to VMM_BEGIN."""

    ID = 0x60
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("room", "u32"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    room: int  # vectors; first credit


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("op", "u32"), Field("nvec", "u32", minimum=1), Field("rows", "u8[16]"),
        Field("cols", "u64"), Field("v_idle", "u16"), Field("v_gate", "u16"),
        Field("in_fmt", "u8", maximum=3), Field("out_fmt", "u8", maximum=0),
        Field("gain_mode", "u8", maximum=4), Field("flags", "u8", maximum=0),
        Field("navg", "u16", minimum=1, maximum=1), Field("repeat", "u16", minimum=1, maximum=1),
    )

    op: int
    nvec: int
    rows: bytes  # bit mask
    cols: int  # bit mask
    v_idle: int  # must equal idle_row_code
    v_gate: int  # must equal read_gate_code
    in_fmt: int  # InputFormat
    out_fmt: int = 0  # 0: u16 codes
    gain_mode: int  # GainMode
    flags: int = 0
    navg: int = 1  # 1.0 measures once
    repeat: int = 1  # 1.0 applies each vector once


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VmmLutResponse(Response):
    """Answer to VMM_LUT."""

    ID = 0x61
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("op", "u32"), Field("table", "u8", maximum=1), Field("last", "u8", maximum=1),
        Field("first", "u16"), Field("values", "u16[]"),
    )

    op: int
    table: int
    last: int
    first: int
    values: npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VmmData(Message):
    """n vectors from vector `first`; each starts on a byte, low bits first."""

    ID = 0x62
    KIND = Kind.DOWN
    CLASS = "S"
    STATES = frozenset({State.BUSY_VMM})
    HASH = 0x8D9E639C
    RESPONSE = None
    FIELDS = (
        Field("op_lo", "u16"), Field("n", "u16"), Field("first", "u32"), Field("body", "u8[]"),
    )

    op_lo: int
    n: int
    first: int
    body: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VmmResult(Message):
    """n results from vector `first`, laid out as in READ_DATA."""

    ID = 0x63
    KIND = Kind.UP
    CLASS = "S"
    STATES = frozenset({State.BUSY_VMM, State.ARMED})
    HASH = 0xBC9D0809
    RESPONSE = None
    FIELDS = (
        Field("op_lo", "u16"), Field("n", "u16"), Field("first", "u32"), Field("body", "u8[]"),
    )

    op_lo: int
    n: int
    first: int
    body: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VmmEndEvent(Message):
    """All results were sent, or none will follow. Repeated on CREDIT with GO_BACK."""

    ID = 0x64
    KIND = Kind.EVT
    CLASS = "S"
    STATES = frozenset({State.BUSY_VMM, State.ARMED})
    HASH = 0xCB4DF95C
    RESPONSE = None
    FIELDS = (
        Field("op", "u32"), Field("status", "u16"), Field("reserved", "u16"),
        Field("total", "u32"), Field("crc", "u32"),
    )

    op: int
    status: int = 0  # ErrorCode
    reserved: int = 0
    total: int  # vectors
    crc: int  # CRC-32 of all results


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VmmAbortResponse(Response):
    """Answer to VMM_ABORT."""

    ID = 0x65
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VmmAbort(Message):
    """End a batch or an array read early; its rows and gates go to ground."""

    ID = 0x65
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x4D5AD430
    RESPONSE = VmmAbortResponse
    FIELDS = (
        Field("op", "u32"),
    )

    op: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DbgUnlockResponse(Response):
    """Answer to DBG_UNLOCK."""

    ID = 0x70
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DbgUnlock(Message):
    """Enter DEBUG with the outputs grounded; the configuration is dropped. ttl 0 leaves it."""

    ID = 0x70
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.LINKED, State.DEBUG})
    HASH = 0x4CE1437A
    RESPONSE = DbgUnlockResponse
    FIELDS = (
        Field("uid_crc", "u32"), Field("ttl_ms", "u32", maximum=60000), Field("flags", "u8"),
    )

    uid_crc: int  # CRC-32 of the uid in HELLO_ACK
    ttl_ms: int  # ms
    flags: int  # bit 0 unsafe: needs a jumper as well


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SpiXferResponse(Response):
    """Answer to SPI_XFER."""

    ID = 0x71
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("word", "u32[]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    word: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
    FIELDS = (
        Field("chip", "u8", maximum=15), Field("n", "u8"), Field("word", "u32[]"),
    )

    chip: int
    n: int
    word: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdcCrResponse(Response):
    """Answer to ADC_CR."""

    ID = 0x72
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdcCr(Message):
    """Write the configuration register of an ADC chip."""

    ID = 0x72
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.DEBUG})
    HASH = 0x3D819C14
    RESPONSE = AdcCrResponse
    FIELDS = (
        Field("chip", "u8", maximum=7), Field("cr", "u8", maximum=15),
    )

    chip: int
    cr: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdcRawResponse(Response):
    """Answer to ADC_RAW."""

    ID = 0x73
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("code", "u16[]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    code: npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdcRaw(Message):
    """Convert n times and return the eight channels of each."""

    ID = 0x73
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.DEBUG})
    HASH = 0x943625EB
    RESPONSE = AdcRawResponse
    FIELDS = (
        Field("chip", "u8", maximum=7), Field("n", "u8"),
    )

    chip: int
    n: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GpioGetResponse(Response):
    """Answer to GPIO_GET."""

    ID = 0x74
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("bank", "u32[4]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    bank: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GpioGet(Message):
    """Read the four GPIO banks."""

    ID = 0x74
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.DEBUG})
    HASH = 0xF0B3137C
    RESPONSE = GpioGetResponse
    FIELDS = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GpioSetResponse(Response):
    """Answer to GPIO_SET."""

    ID = 0x75
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GpioSet(Message):
    """Write the masked bits of one bank."""

    ID = 0x75
    KIND = Kind.REQ
    CLASS = "O"
    STATES = frozenset({State.DEBUG})
    HASH = 0xE493A436
    RESPONSE = GpioSetResponse
    FIELDS = (
        Field("bank", "u8", maximum=3), Field("mask", "u32"), Field("value", "u32"),
    )

    bank: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ShadowResponse(Response):
    """Answer to SHADOW."""

    ID = 0x76
    FIELDS = (
        Field("status", "u16"), Field("detail", "u16"), Field("code", "u16[64]"),
        Field("span", "u8[64]"),
    )

    status: int = 0  # ErrorCode; bit 15: repeated from the cache
    detail: int = 0  # the field, channel or state concerned
    code: npt.NDArray[np.uint16]  # n valid
    span: bytes  # n valid


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shadow(Message):
    """What the firmware believes the DAC channels first.. hold: codes, spans."""

    ID = 0x76
    KIND = Kind.REQ
    CLASS = "I"
    STATES = frozenset({State.DEBUG})
    HASH = 0x3120B699
    RESPONSE = ShadowResponse
    FIELDS = (
        Field("first", "u8"), Field("n", "u8", maximum=64),
    )

    first: int
    n: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LogEvent(Message):
    """A line for people."""

    ID = 0x78
    KIND = Kind.EVT
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xF6A60AE8
    RESPONSE = None
    FIELDS = (
        Field("t_us", "u32"), Field("level", "u8"), Field("text", "char[]"),
    )

    t_us: int  # us
    level: int
    text: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FaultEvent(Message):
    """A fault was latched; everything is grounded."""

    ID = 0x79
    KIND = Kind.EVT
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0xB99C8DBF
    RESPONSE = None
    FIELDS = (
        Field("fault", "u8"), Field("detail", "u32"), Field("op", "u32"),
    )

    fault: int  # ErrorCode
    detail: int = 0
    op: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StateEvent(Message):
    """The state changed without being asked to."""

    ID = 0x7A
    KIND = Kind.EVT
    CLASS = "I"
    STATES = frozenset(State)
    HASH = 0x5E46931D
    RESPONSE = None
    FIELDS = (
        Field("state", "u8"),
    )

    state: int  # State


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

ANSWERS: tuple[type[Message], ...] = (
    HelloResponse,
    ByeResponse,
    PingResponse,
    GetDictResponse,
    SetBaudResponse,
    EchoResponse,
    SourceResponse,
    SinkResponse,
    GetInfoResponse,
    GetStateResponse,
    ClearFaultResponse,
    GetCountersResponse,
    ReadJournalResponse,
    GetLimitsResponse,
    GetDriversResponse,
    CfgBeginResponse,
    CfgSpanResponse,
    CfgLimitResponse,
    CfgTimingResponse,
    CfgCommitResponse,
    CfgLevelsResponse,
    ArmResponse,
    DisarmResponse,
    RenewResponse,
    DacWriteResponse,
    GainsResponse,
    AdcReadResponse,
    GroundAllResponse,
    ReadArrayResponse,
    PulseResponse,
    JobBeginResponse,
    JobRunResponse,
    JobStatusResponse,
    JobAbortResponse,
    PulseRowResponse,
    VmmBeginResponse,
    VmmLutResponse,
    VmmAbortResponse,
    DbgUnlockResponse,
    SpiXferResponse,
    AdcCrResponse,
    AdcRawResponse,
    GpioGetResponse,
    GpioSetResponse,
    ShadowResponse,
)
"""Every answer, by id."""

MESSAGES: dict[tuple[int, int], type[Message]] = {(m.KIND, m.ID): m for m in CATALOGUE}
RESPONSES: dict[int, type[Message]] = {answer.ID: answer for answer in ANSWERS}
