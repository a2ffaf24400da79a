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
    for op in range(1, KEPT + 101):
        ledger.sent(Sent(op, 300, 5, [(0, 3, 1), (1, 3, 1)]))
        ledger.settled(op, 2, 2)
    ledger.close()
    last = reopened(path)
    assert last.highest_op == KEPT + 100
    assert last.settled_after(0) == [(2, 2)] * KEPT
    assert last.settled_after(KEPT + 98) == [(2, 2)] * 2
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
    assert last.settled_after(0) == [(0, 0), (1, 1)]
    assert last.settled_after(7) == [(1, 1)]


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
