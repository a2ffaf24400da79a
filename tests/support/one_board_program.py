"""Programs that share one board, for tests: `python -m support.one_board_program WHAT URL`.

`hold` opens the board, programs a row, says "open" and waits for a line on stdin. `threads` lets
three threads use one array. `fork` lets forked children try.
"""

import collections
import contextlib
import os
import sys
import threading

import memlab
from memlab.errors import MemlabError


def hold(url: str) -> None:
    with memlab.open_array(url) as array:
        array[0:1, 0:4].program(1.0)
        print("open", flush=True)
        sys.stdin.readline()
        array[1:2, 0:4].program(1.0)
        print("programmed", flush=True)


def threads(url: str) -> None:
    errors: list[str] = []

    def program(rows: list[int]) -> None:
        for _ in range(10):
            for row in rows:
                try:
                    array[row : row + 1, 0:4].program(1.0)
                except BaseException as error:
                    errors.append(repr(error))

    def read() -> None:
        for _ in range(40):
            try:
                assert array[0:4, 0:4].read_conductance().shape == (4, 4)
            except BaseException as error:
                errors.append(repr(error))

    with memlab.open_array(url) as array:
        work = [
            threading.Thread(target=program, args=([0, 1],)),
            threading.Thread(target=program, args=([2, 3],)),
            threading.Thread(target=read),
        ]
        for one in work:
            one.start()
        for one in work:
            one.join()
        totals = array.passport.ledger.totals if array.passport else None
        print(array.counts.set, 0 if totals is None else int(totals.fired.sum()), errors)


def fork(url: str) -> None:
    with memlab.open_array(url) as array:
        array[0:1, 0:4].program(1.0)
        for ending in ("exit", "_exit"):
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                with contextlib.suppress(SystemExit), array:  # whose end closes it, in the child
                    for use in (
                        lambda: array[10:11, 0:4].program(1.0),
                        lambda: array.read_conductance(),
                        array.ground,
                    ):
                        try:
                            use()
                            print("child: done")
                        except MemlabError as error:
                            print("child:", type(error).__name__, str(error).count("\n"))
                if ending == "_exit":
                    sys.stdout.flush()
                    os._exit(0)
                sys.exit(0)
            os.waitpid(child, 0)
            array[1:2, 0:4].program(1.0)
        print("parent", collections.Counter(array.counts.__dict__)["set"])


if __name__ == "__main__":
    {"hold": hold, "threads": threads, "fork": fork}[sys.argv[1]](sys.argv[2])
