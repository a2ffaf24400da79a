"""The ledger keeps what was sent, through cuts anywhere in the file."""

from pathlib import Path

import pytest

from drivers.errors import TransportError
from drivers.ledger import KEPT, Ledger, Sent, state_directory

ONE = Sent(7, 300, 5, [(0, 3, 0b101), (1, 4, 1 << 63)])
TWO = Sent(9, 300, 5, [(0, 127, 1)])


def reopened(path: Path) -> Ledger:
    """What a program finds after another was killed; tests only look at it."""
    ledger = Ledger(path)
    ledger.close()
    return ledger


def same(found: list[Sent], expected: list[Sent]) -> bool:
    plain = [(s.op, s.session, s.boot_id, list(s.pulses)) for s in expected]
    return [(s.op, s.session, s.boot_id, list(s.pulses)) for s in found] == plain


def test_an_operation_is_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.jsonl"
    ledger = Ledger(path, fsync=True)
    ledger.sent(ONE)
    after_kill = reopened(path)
    ledger.close()
    assert same(after_kill.unsettled, [ONE])
    assert after_kill.highest_op == 7


def test_what_was_settled_long_ago_is_forgotten_but_its_number_is_not(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    pair = [(0, 3, 1), (1, 3, 1)]
    for op in range(1, KEPT + 101):
        ledger.sent(Sent(op, 300, 5, pair))
        ledger.settled(op, 2, 2)
    ledger.close()
    last = reopened(path)
    assert last.highest_op == KEPT + 100
    assert last.fate(pair * KEPT, 100) == [(2, 2)] * KEPT
    assert last.fate(pair * 2, KEPT + 98) == [(2, 2)] * 2
    assert last.fate(pair, 99) is None, "what may have been forgotten is not certain"
    assert len(path.read_text().splitlines()) == 1 + KEPT


def test_the_fate_of_settled_operations_survives_the_program(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.sent(ONE)
    ledger.sent(TWO)
    ledger.settled(9, 1, 1)
    ledger.close()
    again = Ledger(path)
    assert same(again.unsettled, [ONE])
    assert again.highest_op == 9
    again.settled(7, 0, 0)
    again.close()
    last = reopened(path)
    assert last.unsettled == []
    assert last.highest_op == 9
    assert last.fate(ONE.pulses, 0) == [(0, 0)]
    assert last.fate(TWO.pulses, 7) == [(1, 1)]
    assert last.identity == ledger.identity


BATCH = [(1, 0, 1), (1, 3, 6), (0, 0, 1), (0, 3, 2), (0, 4, 7)]


def sent(op: int, first: int, last: int, done: int, started: int) -> tuple[Sent, int, int]:
    """An operation that had pulses first..last-1 of `BATCH`, and what became of it."""
    return Sent(op, 300, 5, BATCH[first:last]), done, started


@pytest.mark.parametrize(
    ("operations", "until", "expected"),
    [
        ([], None, []),
        ([sent(11, 0, 5, 0, 0)], None, [(0, 0)]),
        ([sent(11, 0, 5, 2, 3)], None, [(2, 3)]),
        # Cut into two operations, as a board takes only so many pulses at once.
        ([sent(11, 0, 3, 3, 3), sent(12, 3, 5, 1, 2)], None, [(3, 3), (1, 2)]),
        # The rest of an interrupted one went out as another, past what was in doubt.
        ([sent(11, 0, 5, 1, 2), sent(15, 2, 5, 3, 3)], None, [(1, 2), (3, 3)]),
        # The same pulses, of a batch before and of one after.
        ([sent(10, 0, 5, 5, 5)], None, []),
        ([sent(11, 0, 5, 1, 1), sent(12, 0, 5, 5, 5)], 11, [(1, 1)]),
        # Another program's pulses in between.
        ([(Sent(11, 1, 1, [(0, 1, 7)]), 1, 1), sent(12, 0, 5, 4, 4)], None, [(4, 4)]),
    ],
)
def test_the_fate_of_a_batch_is_that_of_its_own_operations(
    operations: list[tuple[Sent, int, int]],
    until: int | None,
    expected: list[tuple[int, int]],
    tmp_path: Path,
) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    earlier = Sent(10, 300, 5, TWO.pulses)
    for operation, done, started in [(earlier, 1, 1), *operations]:
        ledger.sent(operation)
        ledger.settled(operation.op, done, started)
    ledger.close()
    assert ledger.fate(BATCH, 10, until) == expected
    assert reopened(ledger.path).fate(BATCH, 10, until) == expected
    ahead = ledger.highest_op + 1
    assert ledger.fate(BATCH, ahead) is None, "a number that this ledger never gave"


def test_nothing_is_certain_before_the_board_was_asked(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.sent(ONE)
    assert ledger.fate(ONE.pulses, 0) is None
    ledger.settled(7, 1, 1)
    assert ledger.fate(ONE.pulses, 0) == [(1, 1)]
    ledger.close()


def test_of_an_older_ledger_only_the_numbers_are_certain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"highest":6}\n' + '{"settled":7,"done":2,"started":2}\n')
    ledger = reopened(path)
    assert ledger.fate(ONE.pulses, 6) is None
    assert ledger.fate(ONE.pulses, 7) is None, "7 was not entered here"
    path.write_text('{"highest":7}\n' + '{"settled":7,"done":2,"started":2}\n')
    assert reopened(path).fate(ONE.pulses, 6) is None
    assert reopened(path).fate(ONE.pulses, 7) == []


def test_a_line_that_was_cut_never_left(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.sent(ONE)
    whole = path.read_bytes()
    ledger.sent(TWO)
    longer = path.read_bytes()
    ledger.close()
    for end in range(len(whole), len(longer)):
        path.write_bytes(longer[:end])
        cut = Ledger(path)
        assert same(cut.unsettled, [ONE])
        cut.sent(TWO)
        cut.close()
        assert same(reopened(path).unsettled, [ONE, TWO]), "the next line starts a new one"


def test_cells_are_named_by_row_and_column(tmp_path: Path) -> None:
    assert ONE.cells(range(2)) == [(3, 0), (3, 2), (4, 63)]
    assert ONE.cells(range(1, 2)) == [(4, 63)]


def test_without_a_ledger_nothing_is_pulsed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TransportError, match="MEMLAB_STATE"):
        Ledger(tmp_path / "file" / "ledger.jsonl")


def test_the_directory_is_the_users_unless_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path))
    assert state_directory() == tmp_path
    monkeypatch.delenv("MEMLAB_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "x"))
    monkeypatch.setattr("sys.platform", "linux")
    assert state_directory() == tmp_path / "x" / "memlab"
