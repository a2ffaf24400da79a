"""How somebody gets an extra of memlab (`pyproject.toml`) that is missing."""

from __future__ import annotations

import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

__all__ = ["pip_command"]


def pip_command(extra: str) -> str:
    """Return the command that installs an extra, for an error message.

    Where memlab is not installed, and runs from its sources, pip is given their place: by the name
    alone it would look for memlab elsewhere.
    """
    try:
        distribution("memlab")
    except PackageNotFoundError:
        place = Path(__file__).resolve().parents[1]
        return f"python -m pip install -e {shlex.quote(f'{place}[{extra}]')}"
    return f"python -m pip install 'memlab[{extra}]'"
