"""A thread looks for as long as somebody listens, waits in between, and tells what it meets."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from memlab.errors import DataError
from memlab.live.watch import Watch, end_all

DEADLINE = 60.0


class Counted:
    """Gives what it is told to give, again and again the last."""

    def __init__(self, *given: object):
        self.given, self.looks, self.closed = list(given), 0, threading.Event()

    def look(self) -> object:
        self.looks += 1
        one = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        if isinstance(one, Exception):
            raise one
        return one

    def close(self) -> None:
        self.closed.set()


def until(found: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_all_who_listen_hear_and_the_thread_ends_with_the_last() -> None:
    source = Counted(1, 2, None)
    watch = Watch(source, every=0.01)
    heard: list[tuple[object, str]] = []
    ends = [watch.subscribe(lambda seen, error: heard.append((seen, error))) for _ in range(2)]
    until(lambda: watch.last == 2)
    ends[0]()
    assert not watch.is_idle
    ends[1]()
    assert source.closed.wait(DEADLINE)
    assert watch.is_idle
    assert {seen for seen, _ in heard} <= {1, 2}
    assert (2, "") in heard


def test_an_error_is_told_once_and_what_was_seen_stays() -> None:
    source = Counted("seen", DataError("gone"), DataError("gone"), None)
    watch = Watch(source, every=0.01)
    heard: list[tuple[object, str]] = []
    end = watch.subscribe(lambda seen, error: heard.append((seen, error)))
    until(lambda: source.looks >= 6)
    end()
    assert heard == [("seen", ""), (None, "gone"), (None, "")]
    assert watch.last == "seen"


def test_who_comes_while_the_last_one_leaves_makes_no_thread_that_never_waits() -> None:
    source = Counted(None)
    watch = Watch(source, every=30.0)
    end = watch.subscribe(lambda seen, error: None)
    until(lambda: source.looks == 1)
    with watch._lock:  # the thread cannot end before the second one is there
        watch._listeners.clear()
        watch._wake.set()
        watch._listeners.append(lambda seen, error: None)
    until(lambda: source.looks >= 2)
    time.sleep(0.3)
    assert source.looks == 2
    end()
    watch._listeners.clear()
    watch._wake.set()
    assert source.closed.wait(DEADLINE)


def test_a_file_that_changes_is_looked_at_long_before_the_next_look_is_due(tmp_path: Path) -> None:
    file, source = tmp_path / "run.h5", Counted("seen", None)
    watch = Watch(source, every=100 * DEADLINE, share=0.0, file=file)
    end = watch.subscribe(lambda seen, error: None)
    for looks, change in (
        (1, lambda: file.write_bytes(b"a")),
        (2, lambda: file.write_bytes(b"of another size")),
        (3, file.unlink),
    ):
        until(lambda looks=looks: source.looks >= looks)
        change()
    until(lambda: source.looks >= 4)
    seen = source.looks
    time.sleep(1.0)
    assert source.looks <= seen + 1, "what has not changed is not looked at again"
    end()
    assert source.closed.wait(DEADLINE)


def test_at_the_end_of_the_program_no_thread_looks_any_more() -> None:
    begun, ended = threading.Event(), threading.Event()

    class Slow(Counted):
        def look(self) -> object:
            begun.set()
            time.sleep(0.2)
            ended.set()
            return super().look()

    source = Slow(1)
    watch = Watch(source, every=0.01)
    watch.subscribe(lambda seen, error: None)
    assert begun.wait(DEADLINE)
    end_all(DEADLINE)
    assert ended.is_set()
    assert source.closed.is_set()
    assert watch.is_idle


def test_a_source_that_has_more_to_see_is_not_kept_waiting() -> None:
    source = Counted(*range(20))
    watch = Watch(source, every=100.0, hurry=lambda: source.looks < 20)
    end = watch.subscribe(lambda seen, error: None)
    until(lambda: source.looks == 20)
    time.sleep(0.2)
    assert source.looks == 20
    end()


def test_a_page_that_is_gone_when_it_is_told_takes_no_other_with_it() -> None:
    source = Counted(*range(9))
    watch = Watch(source, every=0.01)
    heard: list[object] = []

    def gone(seen: object, error: str) -> None:
        heard.append("gone")
        raise RuntimeError("already-destroyed Document")

    watch.subscribe(gone)
    end = watch.subscribe(lambda seen, error: heard.append(seen))
    until(lambda: 8 in heard)
    assert heard.count("gone") == 1
    end()
    assert source.closed.wait(DEADLINE)
    watch.subscribe(gone)
    until(lambda: heard.count("gone") == 2)
    until(lambda: watch.is_idle)
