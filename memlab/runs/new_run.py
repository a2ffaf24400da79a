"""What every new run file needs: a free name, and the versions of what made it."""

from __future__ import annotations

import platform
from functools import cache
from importlib import import_module
from pathlib import Path

from memlab._version import __version__
from memlab.errors import SettingError
from memlab.storage import check_new

__all__ = ["best_path", "check_out", "describe_versions"]

_PACKAGES = ("numpy", "scipy", "h5py", "pydantic")


def best_path(run: Path) -> Path:
    """Return where the best weights of a run are kept (`BestWeights`)."""
    return run.with_name(f"{run.stem}.best.npz")


def check_out(out: Path) -> None:
    """Raise `SettingError` unless a run file, and what lies beside it, can be written here."""
    for path in (out, out.with_suffix(".png"), best_path(out)):
        check_new(path)
    if out.suffix == ".png":
        raise SettingError(f"{out} is the run file and must not end in .png; use .h5")


def describe_versions() -> dict[str, str]:
    """Return the versions of memlab, Python, the platform and the packages that matter."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    """Return them; a sweep asks for each trial, and they stay as they are."""
    return {
        "memlab": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: str(import_module(name).__version__) for name in _PACKAGES},
    }
