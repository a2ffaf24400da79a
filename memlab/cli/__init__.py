"""The command line: the commands, and the one place where every exception and signal ends up."""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from typing import Any

from drivers import stopping
from memlab.cli.streams import standard_streams

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command line; every error is one line on stderr and a documented exit code."""
    with stopping.stopped_at_once(), standard_streams():
        code = _run()
        # Nobody is left who could say anything about a signal.
        atexit.register(stopping.ignore)
    sys.exit(code)


def _run() -> int:
    debug = os.environ.get("MEMLAB_DEBUG", "") not in ("", "0")
    try:
        # From here on a signal is one line too, also while the packages load.
        from memlab.cli.command import Debug
        from memlab.cli.commands import cli
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
    except (Exception, KeyboardInterrupt) as error:
        with stopping.shielded():
            from memlab.cli.failures import explain

            if debug:
                traceback.print_exc()
            text, code = explain(error)
            print(f"memlab: {text}", file=sys.stderr)
    return int(code)


def __getattr__(name: str) -> Any:
    if name == "cli":
        from memlab.cli.commands import cli

        return cli
    raise AttributeError(f"module 'memlab.cli' has no attribute {name!r}")
