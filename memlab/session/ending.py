"""How a run ends: its file closed with how that came about, and named in what is raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from drivers import stopping
from memlab.runs.run_file import RunFile

__all__ = ["closed_in_order", "named_in_errors"]


@contextmanager
def closed_in_order(
    run: RunFile,
    results: Mapping[str, Any],
    complete: Callable[[h5py.Group], None] | None = None,
) -> Iterator[None]:
    """Close a run file when the block ends: `finished`, `interrupted` or `failed`.

    Where the block ends in a forked child, the file is the parent's and stays as it is.

    Parameters
    ----------
    run
        The file.
    results
        Plain values for the entry, filled by the block.
    complete
        As for `RunFile.close`.
    """
    status = "failed"
    with named_in_errors(run.path):
        try:
            yield
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            with stopping.shielded():
                run.close(status, results, complete)


@contextmanager
def named_in_errors(*paths: Path) -> Iterator[None]:
    """Give whatever is raised in the block the attribute `saved`: the files that are there."""
    try:
        yield
    except BaseException as error:
        saved = (*getattr(error, "saved", ()), *(path for path in paths if path.exists()))
        error.saved = tuple(dict.fromkeys(saved))  # type: ignore[attr-defined]
        raise
