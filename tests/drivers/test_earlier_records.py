"""The ledger of an older memlab is taken over once, with what it is certain of, and no more."""

import json
from pathlib import Path

import pytest

from drivers.board import Outcome
from drivers.earlier_records import parse
from drivers.tickets import Tickets

BOARDS = Path(__file__).parents[1] / "fixtures" / "d9f9529" / "boards"
D, N, E = Outcome.DONE, Outcome.NOT_FIRED, Outcome.ENTERED


def old(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "ledger-abc.jsonl"
    path.write_bytes(content)
    return path


def ledger_of(case: str) -> bytes:
    (path,) = (BOARDS / case / "state").glob("ledger-*.jsonl")
    return path.read_bytes()


def fate(tickets: Tickets, op: int) -> list[int] | None:
    """What became of the pulses of an operation of the old ledger."""
    found = tickets.fate(f"ledger-{tickets._fact('old.identity')}/{op}")
    return None if found is None else found.tolist()


def taken(tmp_path: Path, content: bytes) -> Tickets:
    return Tickets(tmp_path / "board-abc.sqlite", old=old(tmp_path, content))


@pytest.mark.parametrize(
    ("case", "first", "highest"),
    [
        ("settled", [D] * 6, 1),
        ("entered", None, 0),
        ("in-ledger", [E] * 6, 1),  # the board's journal is asked first
        ("highest-only", None, 1),
        ("mid-pulse", [D] * 6, 5),
        ("forgotten", [D] * 6, 200),  # its file has it still
    ],
)
def test_what_users_have_is_certain_as_far_as_it_was(
    tmp_path: Path, case: str, first: list[int] | None, highest: int
) -> None:
    tickets = taken(tmp_path, ledger_of(case))
    assert fate(tickets, 1) == first
    assert tickets.highest_op >= highest
    tickets.close()


def test_an_open_operation_is_settled_by_the_journal_and_then_certain(tmp_path: Path) -> None:
    tickets = taken(tmp_path, ledger_of("in-ledger"))
    (operation,) = tickets.unsettled
    assert (operation.op, operation.count) == (1, 6)
    assert (operation.session, operation.boot_id) == (14081, 1678703163)
    assert operation.cells(range(1, 2)) == [(1, column) for column in range(2, 9)]
    assert fate(tickets, 1) == [E] * 6
    tickets.settled(1, 2, 2)
    assert fate(tickets, 1) == [D, D, N, N, N, N]
    tickets.close()


def test_it_is_taken_over_once_and_an_older_memlab_is_kept_out(tmp_path: Path) -> None:
    content = ledger_of("settled")
    tickets = taken(tmp_path, content)
    tickets.close()
    path = tmp_path / "ledger-abc.jsonl"
    # What an older memlab opens is a directory: it says so in one line, and pulses nothing.
    with pytest.raises(IsADirectoryError):
        path.read_bytes()
    (kept,) = path.iterdir()
    assert kept.read_bytes() == content
    again = Tickets(tmp_path / "board-abc.sqlite", old=path)
    assert fate(again, 1) == [D] * 6
    again.close()


def test_a_new_board_keeps_an_older_memlab_out_too(tmp_path: Path) -> None:
    Tickets(tmp_path / "board-abc.sqlite", old=tmp_path / "ledger-abc.jsonl").close()
    assert (tmp_path / "ledger-abc.jsonl").is_dir()


def test_what_an_older_memlab_wrote_in_between_is_taken_over_too(tmp_path: Path) -> None:
    """It was killed between the import and the directory, and the older one went on."""
    lines = ledger_of("settled").split(b"\n")
    tickets = taken(tmp_path, b"\n".join(lines[:3]) + b"\n")
    tickets.close()
    path = tmp_path / "ledger-abc.jsonl"
    next(path.iterdir()).unlink()
    path.rmdir()
    more = b'{"sent":9,"sess":1,"boot":2,"pulses":[[0,3,"7"]]}\n'
    again = taken(tmp_path, b"\n".join(lines[:3]) + b"\n" + more)
    assert [sent.op for sent in again.unsettled] == [9]
    assert fate(again, 1) == [D] * 6
    again.close()


def test_a_line_that_was_cut_is_uncertain_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk cut lines, and their pulses went out all the same."""
    whole = ledger_of("settled") + b'{"sent":9,"sess":1,"boot":2,"pulses":[[0,3,"7"]]}\n'
    start = len(ledger_of("settled"))
    for end in range(start, len(whole)):
        parsed = parse(whole[:end])
        directory = tmp_path / str(end)
        directory.mkdir()
        tickets = taken(directory, whole[:end])
        # Until its line can be read, nobody may say of operation 9 that it was not fired.
        assert fate(tickets, 9) == ([E] if 9 in parsed.open else None), end
        assert fate(tickets, 1) == [D] * 6
        tickets.close()
    assert "ledger-abc.jsonl: of some pulses it does not say" in caplog.text


def test_joined_lines_in_the_middle_are_uncertain_and_the_others_are_not(tmp_path: Path) -> None:
    one = {"done": 1, "started": 1, "size": 1, "digest": 7}
    settled = [json.dumps({"settled": op, **one}, separators=(",", ":")) for op in (4, 6, 8)]
    content = (
        '{"ledger":"x","highest":3,"forgotten":3}\n'
        + settled[0]
        + '\n{"sent":5,"sess":1,"boo'
        + settled[1]
        + "\n"
        + settled[2]
        + "\n"
    )
    tickets = taken(tmp_path, content.encode())
    assert [fate(tickets, op) for op in (4, 5, 6, 8)] == [[D], None, None, [D]]
    assert tickets.highest_op == 8
    tickets.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        bytes(range(256)) * 9,
        b'{"highest":-1}\n[1,2]\n{"sent":1e99}\n{"settled":{}}\n7\n',
        b'{"sent":99999999999999999999,"sess":1,"boot":1,"pulses":[]}\n',
        b'{"sent":1,"sess":1,"boot":1,"pulses":[[0,1,"fffffffffffffffff"]]}\n',
        b'{"settled":1,"done":5,"started":2,"size":1,"digest":3}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_trash_is_no_certainty_and_no_traceback(tmp_path: Path, content: bytes) -> None:
    tickets = taken(tmp_path, content)
    assert fate(tickets, 1) is None
    assert tickets.unsettled == []
    tickets.close()
