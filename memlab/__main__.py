"""The program `memlab`: it answers a signal from its first line on, also while the packages load.

Therefore this module, and `memlab` itself, load next to nothing before the handlers are installed.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False  # as in `memlab`: `typing` takes longer to load than all the rest of this
if TYPE_CHECKING:
    from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Be the program: run the command line of `sys.argv`, and end with its exit code.

    Once the command has ended, signals are ignored until the process is gone.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        # One that is ignored stays ignored (nohup).
        if number and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _nothing_begun)
    # No sum is split among threads (`memlab.emulator.blas`), and to start them takes longer than to
    # load numpy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:  # noqa: SIM105 - contextlib is loaded by what follows
        import memlab.cli.commands  # noqa: F401 - the longest part of the loading
    except Exception:
        pass  # it is tried again where an error becomes one line
    from memlab.cli import run_as_program

    code = run_as_program(_nothing_begun)
    gc.freeze()  # or Python looks through all that was loaded, for what nobody misses any more
    sys.exit(code)


def _nothing_begun(number: int, frame: FrameType | None) -> None:
    # No exception: an import drops one now and then, or makes another error of it.
    try:  # noqa: SIM105
        os.write(2, b"memlab: interrupted; nothing was begun\n")
    except OSError:
        pass
    os._exit(130)


if __name__ == "__main__":
    main()
