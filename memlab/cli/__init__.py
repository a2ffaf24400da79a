"""The command line: the commands, and the one place where every exception and signal ends up."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from drivers import stopping
from memlab.cli.streams import standard_streams

__all__ = ["cli", "main", "run_as_program"]


def main() -> None:
    """Run the command line; every error is one line on stderr and a documented exit code.

    For a caller in the same process: signal handlers are restored.
    """
    with stopping.heard(), standard_streams():
        code = _run()
    sys.exit(code)


def run_as_program(*replaced: stopping.Handler) -> int:
    """Run the command line in a process that ends with it, and return the exit code.

    From the end of the command on, signals are ignored for good: nobody is left who could say
    anything about one. `replaced` are handlers that the program had installed for the time before.
    """
    with stopping.heard(*replaced), standard_streams():
        code = _run()
        stopping.ignore()
    return code


def _run() -> int:
    debug = os.environ.get("MEMLAB_DEBUG", "") not in ("", "0")

    def command() -> int:
        nonlocal debug
        from memlab.cli.command import Debug
        from memlab.cli.commands import cli
        from memlab.cli.failures import explain  # noqa: F401 - when all fails, no file need open
        from memlab.cli.notes import noted

        switch = Debug(debug)
        try:
            with noted(lambda: switch.on) as notes:
                code = cli.main(standalone_mode=False, obj=switch) or 0
            if not code:
                notes.show()
        finally:
            debug = switch.on
            # What waits to be written may fail too; later than here nobody would hear of it.
            sys.stdout.flush()
        return int(code)

    try:
        return stopping.stopped_at_once(command)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        # The command has ended: no signal can break off what is said about it.
        from memlab.cli.failures import explain

        if debug:
            traceback.print_exc()
        text, code = explain(error)
        print(f"memlab: {text}", file=sys.stderr)
        return code


def __getattr__(name: str) -> Any:
    if name == "cli":
        from memlab.cli.commands import cli

        return cli
    raise AttributeError(f"module 'memlab.cli' has no attribute {name!r}")
