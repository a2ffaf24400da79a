"""One BLAS thread, so that a result does not depend on how many cores a machine has.

A threaded BLAS splits sums differently for another number of threads, and the last bits change with
them. At the sizes of a crossbar (blocks of 64 x 64) one thread is also the faster choice.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]

# The limit belongs to the whole process. Without the lock, the first of two Python threads to leave
# would give the other one its threads back in the middle of a sum.
_LOCK = threading.RLock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold every BLAS of the process at one thread; one Python thread at a time gets through.

    Entering costs about 35 us. Re-entrant. Use the BLAS that is loaded when it is first entered: a
    module that calls this imports `numpy` or `scipy.linalg` at its top.
    """
    with _LOCK, _blas_libraries().limit(limits=1):
        yield


@cache
def _blas_libraries() -> ThreadpoolController:
    """Find the BLAS libraries of the process, once: the search takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")
