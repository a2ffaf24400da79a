"""Whatever a board answers, its host ends within a deadline, with an error of ours or a result."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.board_config import CONFIG, MID
from support.hostile_board import HostileBoard, Tamper, at, changing, setting

from drivers.board import PulseBatch, PulseKind, Selection
from drivers.errors import DeviceError, TransportError
from drivers.history import History
from drivers.link import Link
from drivers.serial_board import SerialBoard
from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.errors import MemlabError, ProtocolError, RemoteProtocolError
from firmware_protocol.journal import Memory
from firmware_protocol.messages import ErrorCode

DEADLINE = 20.0
"""Seconds for everything below together; each wait in it ends after a fraction of one."""
HONEST: Tamper = lambda frame: [frame]  # noqa: E731
SELECTION = Selection(np.arange(0, 128, 3), np.arange(0, 64, 5))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def open_board(hostile: HostileBoard) -> SerialBoard:
    link = Link(hostile.open, "hostile", timeout=0.5, patience=0.2)
    return SerialBoard(link, reconnect=0.2)


def pulses(n: int) -> PulseBatch:
    columns = np.zeros((n, 64), bool)
    columns[:, 7] = True
    return PulseBatch(
        row=np.arange(n).astype(np.uint8),
        kind=np.full(n, PulseKind.SET, np.uint8),
        amplitude_code=np.full(n, 49152, np.uint16),
        width_ticks=np.full(n, 202, np.uint16),
        columns=columns,
        gate_code=np.full((n, 64), 6554, np.uint16),
    )


def use(board: SerialBoard) -> None:
    """Do one of everything."""
    board.configure(CONFIG)
    assert board.read(SELECTION, MID + 5).code.shape == (43, 13)
    vectors = np.full((5, 43), MID, np.uint16)
    assert board.vmm(SELECTION, vectors).code.shape == (5, 13)
    board.pulse(pulses(1))
    board.pulse(pulses(5))
    board.state()
    board.counters()
    board.ground()


def survive(hostile: HostileBoard) -> MemlabError | None:
    """Use a board that lies; return the error of ours, which is a line and in time."""
    start = time.monotonic()
    error: MemlabError | None = None
    try:
        with open_board(hostile) as board:
            use(board)
    except MemlabError as ours:
        error = ours
    assert time.monotonic() - start < DEADLINE
    assert error is None or 0 < len(str(error)) < 2000
    return error


def test_an_honest_board_does_everything() -> None:
    hostile = HostileBoard(HONEST)
    assert survive(hostile) is None
    assert len(hostile.board.pulses) == 6


def other_spec(rest: Tamper) -> Tamper:
    """A board of another minor version, whose host asks for the dictionary."""
    hello = setting(m.HelloResponse, spec_hash=1)
    return lambda frame: [after for first in hello(frame) for after in rest(first)]


def test_a_dictionary_that_repeats_its_entries_is_refused() -> None:
    def repeat(payload: bytes) -> bytes:
        entry = np.array([(1, ord("I"), 7)], m.DICT_ENTRY)
        return m.GetDictResponse(n=1, entries=entry).pack()

    hostile = HostileBoard(other_spec(changing(m.GetDictResponse, repeat)))
    error = survive(hostile)
    assert isinstance(error, RemoteProtocolError)
    assert "must rise" in str(error)
    assert hostile.asked < 40


def test_a_sound_dictionary_in_small_parts_is_read_to_its_end() -> None:
    def one_entry(payload: bytes) -> bytes:
        answer = m.GetDictResponse.unpack(payload)
        return m.GetDictResponse(n=1, entries=answer.entries[:1]).pack()

    assert survive(HostileBoard(other_spec(changing(m.GetDictResponse, one_entry)))) is None


def test_a_board_of_before_that_does_not_tell_its_drivers_has_the_defaults() -> None:
    def older(payload: bytes) -> bytes:
        answer = m.GetDictResponse.unpack(payload)
        known = answer.entries[answer.entries["id"] != m.GetDrivers.ID]
        return m.GetDictResponse(n=len(known), entries=known).pack()

    hostile = HostileBoard(other_spec(changing(m.GetDictResponse, older)))
    with open_board(hostile) as board:
        assert board.capabilities.row_current == (10e-3, 10e-3, 50e-3)
        use(board)
    with open_board(HostileBoard(HONEST)) as board:
        assert board.capabilities.row_current == (10e-3, 20e-3, 50e-3)


def test_a_driver_that_gives_nothing_is_refused() -> None:
    error = survive(HostileBoard(setting(m.GetDriversResponse, set_na=0)))
    assert isinstance(error, RemoteProtocolError)
    assert "set_na" in str(error)


def test_a_history_of_another_number_of_pulses_than_was_asked_for_is_refused() -> None:
    hostile = HostileBoard(setting(m.GetHistoryResponse, known=1, count=7, check=5))
    with open_board(hostile) as board:
        assert board.history() == board.history(7) == History(7, 5)
        with pytest.raises(RemoteProtocolError, match="of 3 row pulses, the board answers of 7"):
            board.history(3)
    with open_board(HostileBoard(HONEST)) as board:
        assert board.history() is None


@pytest.mark.parametrize("ops", [[5], [7, 6], [0], [2**32 - 1] * 2])
def test_a_journal_that_does_not_rise_is_refused_and_the_pulses_stay_open(
    ops: list[int], state: Path
) -> None:
    hostile = HostileBoard(HONEST)

    def lose_the_answer(payload: bytes) -> bytes:
        return b"\1"  # too short: the host cannot read it

    hostile.tamper = changing(m.PulseRowResponse, lose_the_answer)
    with open_board(hostile) as board:
        board.configure(CONFIG)
        with pytest.raises(MemlabError):
            board.pulse(pulses(1))

    def repeat(payload: bytes) -> bytes:
        records = np.zeros(len(ops), m.JOURNAL_RECORD)
        records["op"], records["sess"] = ops, 1
        return m.ReadJournalResponse(lost_op=0, records=records).pack()

    hostile.tamper = changing(m.ReadJournalResponse, repeat)
    before = hostile.asked
    with pytest.raises(RemoteProtocolError, match="must rise"):
        open_board(hostile)
    assert hostile.asked - before < 60
    hostile.tamper = HONEST
    with open_board(hostile) as board:
        (found,) = board.recovered
    assert found.verdict.done == found.verdict.total, "an honest answer later still settles it"


@pytest.mark.parametrize(
    "values",
    [
        {"rows": 65535, "cols": 65535},
        {"rows": 0},
        {"rows": 129},
        {"cols": 65},
        {"gain_count": 0},
        {"gain_count": 5},
        {"adc_span_mv": 0},
        {"clip_mv": 0xFFFFFFFF},
        {"pulse_tick_ps": 0},
        {"pulse_offset_ps": 0xFFFFFFFF},
        {"max_job_rows": 0},
        {"max_job_rows": 0xFFFFFFFF},
        {"transimpedance": 0},
        {"transimpedance": 1000 | 1000 << 32 | 10 << 64 | 9 << 96},
        {"hard_limits": 5},
        {"serial": 0},
        {"serial": int.from_bytes(b"a\x1b[2J", "little")},
        {"name": int.from_bytes(b"\xff\xfe", "little")},
    ],
)
def test_what_get_info_cannot_be_is_refused_before_anything_is_made(
    values: dict[str, int], state: Path
) -> None:
    error = survive(HostileBoard(setting(m.GetInfoResponse, **values)))
    assert isinstance(error, RemoteProtocolError), error
    assert not list(state.glob("*")), "no ledger, no passport"


@pytest.mark.parametrize("size", [0, 63, 64, 200, 65535])
def test_a_session_too_small_or_too_large_to_use_is_refused(size: int) -> None:
    error = survive(HostileBoard(setting(m.HelloResponse, max_payload=size)))
    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize("op_hw", [m.LAST_OPERATION, 0xFFFFFFFF])
def test_a_board_without_operation_numbers_says_what_to_do(op_hw: int) -> None:
    memory = Memory()
    memory.journal.op_hw = op_hw
    hostile = HostileBoard(HONEST, memory)
    error = survive(hostile)
    assert isinstance(error, DeviceError)
    assert "power off and on" in str(error)
    assert hostile.board.pulses == []


@pytest.mark.parametrize(
    ("field", "value"), [("done", 4), ("done", 0xFFFFFFFF), ("started", 0xFFFFFFFF), ("phase", 3)]
)
def test_progress_that_cannot_be_is_not_believed(field: str, value: int) -> None:
    def change(payload: bytes) -> bytes:
        raw = bytearray(payload)
        raw[4:8] = raw[8:12] = (3).to_bytes(4, "little")  # 3 of 5 started and done
        offset, size = at(m.ProgressEvent, field)
        raw[offset : offset + size] = value.to_bytes(size, "little")
        return bytes(raw)

    error = survive(HostileBoard(changing(m.ProgressEvent, change)))
    assert isinstance(error, MemlabError)
    assert "counts" in str(error)


def test_a_job_that_reports_for_ever_and_does_not_go_on_is_given_up() -> None:
    hostile = HostileBoard(HONEST)

    def stuck(frame):  # type: ignore[no-untyped-def]
        if frame.msg != m.ProgressEvent.ID:
            return [frame]
        event = m.ProgressEvent(op=2, started=2, done=1, phase=m.Phase.FIRING, err=0)
        event = m.ProgressEvent.unpack(frame.payload[:4] + event.pack()[4:])
        one = type(frame)(frame.kind, frame.msg, frame.seq, frame.sess, event.pack())
        return [one] * 5

    def status(payload: bytes) -> bytes:
        return m.JobStatusResponse(started=2, done=1, phase=m.Phase.FIRING, err=0).pack()

    silent = changing(m.JobStatusResponse, status)
    hostile.tamper = lambda frame: [b for a in stuck(frame) for b in silent(a)]
    error = survive(hostile)
    assert isinstance(error, TransportError), error


@pytest.mark.parametrize("mask", [0, 1, 2**64 - 1])
def test_a_row_that_answers_with_other_columns_is_not_called_done(mask: int) -> None:
    error = survive(HostileBoard(setting(m.PulseRowResponse, mask=mask)))
    assert isinstance(error, RemoteProtocolError)


@pytest.mark.parametrize(
    ("message_type", "field"),
    [
        (m.GetStateResponse, "state"),
        (m.GetStateResponse, "fault"),
        (m.ProgressEvent, "phase"),
        (m.ReadEndEvent, "status"),
        (m.VmmEndEvent, "status"),
        (m.HelloResponse, "state"),
        (m.HelloResponse, "fault"),
        (m.ArmResponse, "status"),
    ],
)
def test_a_code_without_a_name_is_no_error_of_python(
    message_type: type[Message], field: str
) -> None:
    survive(HostileBoard(setting(message_type, **{field: 200})))


ANSWERED = [
    *(t for t in m.ANSWERS),
    *(t for t in m.CATALOGUE if t.KIND in (m.Kind.UP, m.Kind.EVT)),
    m.Credit,
    m.Nak,
]
CHANGES = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 400), st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("cut"), st.integers(0, 400), st.just(b"")),
    st.tuples(st.just("longer"), st.integers(0, 400), st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("other"), st.just(0), st.binary(max_size=200)),
    st.tuples(st.just("ones"), st.integers(0, 400), st.just(b"\xff" * 400)),
)


def apply(change: tuple[str, int, bytes]) -> object:
    kind, where, data = change

    def changed(payload: bytes) -> bytes:
        where_ = where % (len(payload) + 1)
        match kind:
            case "cut":
                return payload[:where_]
            case "longer":
                return payload[:where_] + data + payload[where_:]
            case "other":
                return data
            case _:
                return (
                    payload[:where_] + data[: len(payload) - where_] + payload[where_ + len(data) :]
                )

    return changed


def fuzz(message_type: type[Message], change: tuple[str, int, bytes], copies: int) -> None:
    lie = changing(message_type, apply(change))  # type: ignore[arg-type]
    hostile = HostileBoard(lambda frame: list(lie(frame)) * copies)
    survive(hostile)
    rows = [int(p["row"]) for p in hostile.board.pulses]
    assert len(rows) <= 6, "nothing is fired twice because an answer was a lie"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(ANSWERED), CHANGES, st.integers(1, 3))
def test_any_answer_changed_in_any_way_ends_in_time_with_an_error_of_ours(
    message_type: type[Message], change: tuple[str, int, bytes], copies: int
) -> None:
    fuzz(message_type, change, copies)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(ANSWERED), CHANGES, st.integers(1, 3))
def test_any_answer_changed_in_any_way_eight_hundred_times(
    message_type: type[Message], change: tuple[str, int, bytes], copies: int
) -> None:
    fuzz(message_type, change, copies)


def test_codes_that_are_not_named_still_say_their_number() -> None:
    assert ErrorCode(200).name == "ErrorCode_200"
    assert ErrorCode(200) == 200
