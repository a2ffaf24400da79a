"""Under which loads the maps of a passport were read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache

from memlab.chip.load import Load
from memlab.passport.store import Execute, Store

__all__ = ["loads_text", "read_loads", "write_loads"]


def write_loads(execute: Execute, what: str, number: int, loads: Iterable[Load | None]) -> None:
    """Write under which loads something was read; nothing where one of them is not known.

    Parameters
    ----------
    execute
        Of the transaction that writes what was read.
    what, number
        `map` and its run, `before` and its batch, or `mask NAME` and 0.
    loads
        Each once.
    """
    execute("INSERT OR REPLACE INTO loads VALUES (?, ?, ?)", (what, number, loads_text(loads)))


def loads_text(loads: Iterable[Load | None]) -> str | None:
    """Return loads as the file has them; None where one of them is not known, or there is none."""
    texts = [None if load is None else _text(load) for load in loads]
    return None if None in texts or not texts else f"[{', '.join(filter(None, texts))}]"


@lru_cache(maxsize=64)
def _text(load: Load) -> str:
    """Return a load as JSON; a training reads thousands of times under one or two."""
    return json.dumps(load.document())


def read_loads(store: Store, what: str, number: int) -> tuple[Load, ...] | None:
    """Return the loads that `write_loads` wrote; None where they are not recorded."""
    if "loads" not in store.tables:
        return None
    query = "SELECT loads FROM loads WHERE what = ? AND number = ?"
    found = store.row(query, what, number)
    if found is None or found[0] is None:
        return None
    with store.decoding():
        return tuple(Load.from_document(one) for one in json.loads(found[0]))
