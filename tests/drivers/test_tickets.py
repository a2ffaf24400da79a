"""Tickets say what became of a batch, through kills and reuse; what is not known is unknown."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from support import started

from drivers.board import Outcome
from drivers.errors import DeviceError, InUseError, TransportError
from drivers.tickets import Batch, Tickets, entries_of

D, N, U, E = Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN, Outcome.ENTERED


def entries(n: int, row: int = 3) -> np.ndarray:
    return entries_of(np.zeros(n), np.full(n, row), np.full(n, 5, np.uint64))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "board.sqlite"


def fate(path: Path, name: str) -> list[int] | None:
    tickets = Tickets(path)
    outcome = tickets.fate(name)
    tickets.close()
    return None if outcome is None else outcome.tolist()


def test_a_ticket_that_is_registered_and_not_sent_was_certainly_not_fired(path: Path) -> None:
    tickets = Tickets(path)
    assert tickets.register(3, "run/0") == "run/0"
    assert tickets.register(3, "run/0") == "run/0", "nothing of it has been sent"
    assert tickets.register(2) != tickets.register(2)
    with pytest.raises(DeviceError, match="is for 3 pulses, not 4"):
        tickets.register(4, "run/0")
    tickets.close()
    assert fate(path, "run/0") == [N, N, N]
    assert fate(path, "run/1") is None


def test_a_batch_of_several_operations_has_the_fate_of_each(path: Path) -> None:
    tickets = Tickets(path)
    batch = Batch("run/0", 7)
    tickets.sent(11, batch, 0, entries(4))
    assert fate_of(tickets) == [E, E, E, E, N, N, N]
    tickets.settled(11, 1, 2)  # a round after a lost line goes on behind what is in doubt
    tickets.sent(12, batch, 2, entries(2))
    tickets.settled(12, 2, 2)
    assert fate_of(tickets) == [D, U, D, D, N, N, N]
    tickets.sent(13, batch, 4, entries(3))
    tickets.close()
    assert fate(path, "run/0") == [D, U, D, D, E, E, E]
    again = Tickets(path)
    (open_one,) = again.unsettled
    assert (open_one.op, open_one.count, again.highest_op) == (13, 3, 13)
    assert open_one.cells(range(1, 2)) == [(3, 0), (3, 2)]
    again.settled(13, 0, 0)
    assert fate_of(again) == [D, U, D, D, N, N, N]
    again.close()


def fate_of(tickets: Tickets) -> list[int]:
    outcome = tickets.fate("run/0")
    assert outcome is not None
    return outcome.tolist()


def test_a_ticket_is_sent_once(path: Path) -> None:
    tickets = Tickets(path)
    tickets.sent(1, Batch("run/0", 2), 0, entries(2))
    for attempt in (lambda: tickets.register(2, "run/0"), lambda: again(tickets)):
        with pytest.raises(DeviceError, match="sent before"):
            attempt()
    tickets.settled(1, 0, 0)
    with pytest.raises(DeviceError, match="sent before"):
        again(tickets)
    assert tickets.highest_op == 1
    tickets.close()


def again(tickets: Tickets) -> None:
    tickets.sent(2, Batch("run/0", 2), 0, entries(2))


def test_one_program_at_a_time(path: Path) -> None:
    tickets = Tickets(path)
    tickets.register(1, "run/0")
    with pytest.raises(InUseError, match="another program has the pulse record"):
        Tickets(path)
    tickets.register(1, "run/1")
    tickets.close()
    assert fate(path, "run/1") == [N]


def filled(path: Path, batches: int = 30) -> Tickets:
    """A record with settled batches, one in doubt, one open and one that did not leave."""
    tickets = Tickets(path)
    for k in range(batches):
        tickets.sent(k + 1, Batch(f"run/{k}", 2), 0, entries(2))
        tickets.settled(k + 1, 2, 2)
    tickets.sent(batches + 1, Batch("run/doubt", 2), 0, entries(2))
    tickets.settled(batches + 1, 0, 1)
    tickets.sent(batches + 2, Batch("run/open", 2), 0, entries(2))
    tickets.register(2, "run/waits")
    return tickets


FATES = {"run/0": [D, D], "run/29": [D, D], "run/doubt": [U, N], "run/open": [E, E]} | {
    "run/waits": [N, N],
    "run/other": None,
}


def test_old_tickets_are_dropped_and_never_sent_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.tickets.KEPT", 20)
    monkeypatch.setattr("drivers.tickets.DROPPED", 10)
    tickets = Tickets(path)
    tickets.sent(1, Batch("a/0", 1), 0, entries(1))  # its fate stays open, and so it stays
    for k in range(200):
        tickets.sent(k + 2, Batch(f"b/{k}", 1), 0, entries(1))
        tickets.settled(k + 2, 1, 1)
    tickets.close()
    size = path.stat().st_size
    again = Tickets(path)
    assert again.highest_op == 201
    assert [sent.op for sent in again.unsettled] == [1]
    assert again.fate("b/150") is None
    assert again.fate("b/199").tolist() == [D]
    for k in (0, 150):
        for name in (f"b/{k}", f"b/{k}.1"):
            with pytest.raises(DeviceError, match="forgotten"):
                again.sent(900, Batch(name, 1), 0, entries(1))
    again.register(1, "b/200")
    again.register(1, "c/0")
    again.close()
    assert size < 60_000


def test_a_name_may_be_anything(path: Path) -> None:
    tickets = Tickets(path)
    names = ["x" * 500, "a/b/3", "/", "run/99999999999999999999", "ω\n'; DROP TABLE tickets"]
    for name in names:
        assert tickets.register(1, name) == name
    assert [tickets.fate(name).tolist() for name in names] == [[N]] * 5
    tickets.close()


@pytest.mark.parametrize("content", [b"", b"{}\n" * 3000, b"SQLite format 3\0" + bytes(4000)])
def test_an_empty_or_foreign_file_is_refused_and_stays(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(TransportError, match="is damaged") as refused:
        Tickets(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == content


def test_a_record_of_a_newer_memlab_is_refused(path: Path) -> None:
    Tickets(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(TransportError, match="format 2; this memlab writes 1"):
        Tickets(path)


def test_no_flipped_or_missing_byte_makes_another_fate(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    # Nearly every page is nearly empty: half of the flips where something is.
    used = np.flatnonzero(np.frombuffer(whole, np.uint8))
    places = [*rng.choice(used, 150), *rng.integers(0, len(whole), 50)]
    damaged = [
        *(whole[:k] + bytes([whole[k] ^ 1 << rng.integers(8)]) + whole[k + 1 :] for k in places),
        *(whole[:k] for k in rng.integers(0, len(whole), 30)),
    ]
    said = []
    for k, content in enumerate(damaged):
        copy = tmp_path / f"{k}.sqlite"
        copy.write_bytes(content)
        try:
            tickets = Tickets(copy)
            try:
                for name, expected in FATES.items():
                    found = tickets.fate(name)
                    assert (None if found is None else found.tolist()) == expected
                assert [sent.op for sent in tickets.unsettled] == [32]
            finally:
                tickets.close()
        except TransportError as error:
            said.append(str(error))
    assert len(said) > 50
    assert not any("\n" in line for line in said)


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_full_disk_raises_before_anything_leaves_and_tears_nothing(tmp_path: Path) -> None:
    # At each size of the file at which the disk may be full: what was entered is there, whole.
    code = """if True:
        import resource, sys
        from pathlib import Path
        import numpy as np
        from drivers.errors import TransportError
        from drivers.tickets import Batch, Tickets, entries_of
        entries = entries_of(np.zeros(40), np.arange(40), np.full(40, 5, np.uint64))
        pad = ".x" * 250
        for limit in sys.argv[2:]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
            path, sent, refused = Path(sys.argv[1], limit), [], 0
            try:
                tickets = Tickets(path)
                for op in range(1, 120):
                    try:
                        tickets.sent(op, Batch(f"run/{op}{pad}", 40), 0, entries)
                    except TransportError as error:
                        assert "\\n" not in str(error) and str(path) in str(error), error
                        refused += 1
                        continue
                    sent.append(op)
                    tickets.settled(op, 40, 40)  # fired: never raises
                    assert (tickets.fate(f"run/{op}{pad}") == 1).all()
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                tickets.sent(1000, Batch("run/1000", 40), 0, entries)  # there is room again
                tickets.settled(1000, 40, 40)
                tickets.close()
            except TransportError as error:  # not even an empty one has room
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                assert not sent and "\\n" not in str(error), error
            print(refused, *sent)
    """
    limits = (0, 5000, 44_000, *range(45_056, 140_000, 7003))
    ended, out, said = started.run(code, str(tmp_path), *map(str, limits))
    assert ended == 0, said
    refusals = 0
    for limit, line in zip(limits, out.splitlines(), strict=True):
        refused, *sent = (int(word) for word in line.split())
        refusals += refused
        if not sent:
            continue
        tickets = Tickets(tmp_path / str(limit))
        for op in range(1, 120):
            fate = tickets.fate(f"run/{op}" + ".x" * 250)
            assert (fate is not None) == (op in sent)
            assert fate is None or (fate == D).all()
        assert tickets.unsettled == []
        tickets.close()
    assert refusals > 50


def test_without_a_place_for_it_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TransportError, match="MEMLAB_STATE"):
        Tickets(tmp_path / "file" / "board.sqlite")
