"""Signals are noted and asked for; a second one does not wait; nothing of it stays behind."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType

import pytest

from drivers import stopping

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals to itself")


def send(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def _defaults() -> None:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_is_raised_at_the_next_question_and_once(name: str) -> None:
    done = []

    @stopping.stopped_in_order()
    def run() -> None:
        try:
            stopping.check()
            send(getattr(signal, name))
            done.append("the step that was under way")
            stopping.check()
            done.append("never")
        finally:
            stopping.check()  # the way out takes its steps undisturbed
            done.append("the way out")

    with pytest.raises(KeyboardInterrupt, match=name):
        run()
    assert done == ["the step that was under way", "the way out"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_after_the_last_step_does_not_vanish() -> None:
    @stopping.stopped_in_order()
    def run() -> None:
        send()

    with pytest.raises(KeyboardInterrupt):
        run()
    stopping.check()


def test_a_signal_in_a_place_that_drops_exceptions_does_not_vanish() -> None:
    class Thing:
        pass

    @stopping.stopped_in_order()
    def run() -> None:
        thing = Thing()
        reference = weakref.ref(thing, lambda _: send())
        del thing
        gc.collect()
        assert reference() is None
        stopping.check()
        pytest.fail("the signal vanished")

    with pytest.raises(KeyboardInterrupt):
        run()


def test_a_second_signal_does_not_wait_for_a_step() -> None:
    @stopping.stopped_in_order()
    def run() -> None:
        send()
        send(signal.SIGTERM)
        pytest.fail("the second signal waited")

    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        run()


def test_a_second_signal_breaks_the_way_out_off_but_not_the_closing_of_a_file() -> None:
    closed = []

    @stopping.stopped_in_order()
    def run() -> None:
        send()
        try:
            stopping.check()
        finally:
            with stopping.shielded():
                send()
                send()
                closed.append("file")
            closed.append("array")

    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        run()
    assert closed == ["file", "array"]


def test_waits_end_within_half_a_second() -> None:
    timer = threading.Timer(0.1, send)
    timer.start()
    began = time.monotonic()

    @stopping.stopped_in_order()
    def run() -> None:
        stopping.sleep(30.0)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert time.monotonic() - began < 10.0  # 0.3 s on a machine with nothing else to do
    assert stopping.LOOK_EVERY <= 0.25
    timer.join()


def test_at_once_is_for_waits_that_cannot_ask() -> None:
    @stopping.stopped_in_order()
    def run() -> None:
        with stopping.at_once():
            send()
            pytest.fail("it waited")

    with pytest.raises(KeyboardInterrupt):
        run()

    def call() -> None:
        send()
        pytest.fail("it waited")

    with stopping.heard(), pytest.raises(KeyboardInterrupt):
        stopping.stopped_at_once(call)


def test_a_program_is_not_broken_off_outside_of_its_call() -> None:
    with stopping.heard():
        send()
        send(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            stopping.stopped_at_once(lambda: pytest.fail("it was asked to stop before"))
        assert stopping.stopped_at_once(lambda: "a call") == "a call"
        for _ in range(3):
            send()
            send(signal.SIGTERM)


def test_what_is_ignored_for_good_outlives_the_block() -> None:
    before = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    try:
        with stopping.heard():
            stopping.ignore()
            send()
        for number in stopping.SIGNALS:
            assert signal.getsignal(number) is signal.SIG_IGN
            send(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_run_within_a_command_is_stopped_in_order() -> None:
    done = []

    def call() -> None:
        with stopping.stopped_in_order():
            send()
            done.append("step")
        done.append("never")

    with stopping.heard(), pytest.raises(KeyboardInterrupt):
        stopping.stopped_at_once(call)
    assert done == ["step"]


def test_handlers_of_the_host_program_and_ignored_signals_stay() -> None:
    heard = []

    def own(number: int, frame: FrameType | None) -> None:
        heard.append(number)

    before = signal.signal(signal.SIGTERM, own), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping.stopped_in_order():
            send(signal.SIGTERM)
            send(signal.SIGHUP)
            stopping.check()
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGHUP, before[1])


def _in_thread(call: Callable[[], None]) -> list[BaseException]:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return caught


def test_other_threads_are_left_alone() -> None:
    def run() -> None:
        with stopping.stopped_in_order(), stopping.shielded(), stopping.at_once():
            stopping.check()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    assert _in_thread(run) == []

    @stopping.stopped_in_order()
    def run() -> None:
        send()
        assert _in_thread(stopping.check) == [], "a signal is for the thread of the run"
        stopping.check()

    with pytest.raises(KeyboardInterrupt):
        run()


def test_a_forked_child_ends_by_the_signal() -> None:
    code = (
        "import os, signal, time\n"
        "from drivers import stopping\n"
        "with stopping.stopped_in_order():\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "    os.kill(child, signal.SIGTERM)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{-signal.SIGTERM}\n", done.stderr


def test_a_signal_where_exceptions_are_dropped_waits_for_the_next_step() -> None:
    # In the callback of a weak reference: what is raised there is printed, and forgotten.
    dropped = []

    class Thing:
        pass

    def trace(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_filename == weakref.__file__ and frame.f_code.co_name == "remove":
            sys.setprofile(None)
            dropped.append(event)
            send(signal.SIGTERM)

    def command() -> None:
        thing, known = Thing(), weakref.WeakValueDictionary[str, Thing]()
        known["it"] = thing
        sys.setprofile(trace)
        try:
            del thing
        finally:
            sys.setprofile(None)
        dropped.append("goes on")
        stopping.check()
        dropped.append("never")

    with stopping.heard(), pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        stopping.stopped_at_once(command)
    assert dropped == ["call", "goes on"]
