"""Programs that share an open board with what they must not: threads, and forked processes.

    python -m support.kill_users threads|fork URL

They say on stdout what they ask for and what they were told, one JSON document a line: `asked`,
then `done` or `refused` with the text of the error. They go on until they are killed.
"""

import json
import os
import sys
import threading
import time

from memlab import open_array
from memlab.array import Array
from memlab.errors import MemlabError

COLUMNS = slice(0, 4)


def say(what: str, row: int, **more: object) -> None:
    # One write: whole lines, from every thread and process.
    os.write(1, (json.dumps({"what": what, "row": row, **more}) + "\n").encode())


def ask(array: Array, row: int) -> None:
    """Program a row; a refusal must be a typed error of one line."""
    say("asked", row)
    start = time.monotonic()
    try:
        array[row : row + 1, COLUMNS].program(1.0)
    except MemlabError as error:
        say("refused", row, text=str(error), seconds=time.monotonic() - start)
    else:
        say("done", row)


def threads(array: Array) -> None:
    """Two threads that program rows of their own on one array, and the main one."""

    def work(row: int) -> None:
        while True:
            ask(array, row)
            time.sleep(0.001)

    for row in (1, 2):
        threading.Thread(target=work, args=(row,), daemon=True).start()
    work(0)


def fork(array: Array) -> None:
    """Three forked children that program, and end as programs end; the parent goes on."""
    ask(array, 0)
    for row in (10, 11, 12):
        if os.fork() == 0:
            ask(array, row)
            sys.exit(0)
    for _ in range(3):
        os.wait()
    say("alone", 0)
    while True:
        ask(array, 1)
        time.sleep(0.001)


def main(name: str, url: str) -> None:
    with open_array(url) as opened:
        ask(opened, 0)
        {"threads": threads, "fork": fork}[name](opened)


if __name__ == "__main__":
    main(*sys.argv[1:])
