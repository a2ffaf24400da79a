"""Looks at one run file, whatever becomes of it: killed, resumed, replaced, half written."""

from __future__ import annotations

from pathlib import Path

from memlab.live.run_view import RunMemory, RunView
from memlab.runs.follower import Follower, file_state

__all__ = ["RunSource"]


class RunSource:
    """A run file by its path; what lies there may be another one at the next look.

    Parameters
    ----------
    path
        Of the file.
    """

    def __init__(self, path: Path):
        self.path = path
        self._follower: Follower | None = None
        self._memory: RunMemory | None = None
        self._over: tuple[int, ...] = ()

    def look(self) -> RunView | None:
        """Return what there is to see now; None where nothing has changed since the run was over.

        Raises
        ------
        DataError
            If the file cannot be read now; at the next look it may be.
        """
        state = file_state(self.path)
        if state == self._over:
            return None
        if self._follower is None:
            self._follower = Follower(self.path)
        follower = self._follower
        with follower.looking() as entry:
            run = follower.run
            if self._memory is None or self._memory.run_id != run.run_id:
                self._memory = RunMemory(run)
            view = self._memory.look(run, entry, follower.progress(entry))
        self._over = state if view.progress.over else ()
        return view

    def close(self) -> None:
        """Let go of the file; the next look opens it again."""
        if self._follower is not None:
            self._follower.__exit__()
        self._follower, self._over = None, ()
