"""Which other program has a serial port open, where the operating system tells."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["port_holder"]


def port_holder(device: str) -> str:
    """Return "process 4711 (memlab train ...)" of another process that has a device open.

    Empty where nobody is found: on systems without /proc, and for programs of other users.
    """
    here = os.getpid()
    try:
        target = os.path.realpath(device)
        processes = sorted(int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal())
    except OSError:
        return ""
    for process in processes:
        if process != here and _has_open(process, target):
            return f"process {process} ({_command(process)})"
    return ""


def _has_open(process: int, target: str) -> bool:
    with contextlib.suppress(OSError), os.scandir(f"/proc/{process}/fd") as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                if os.readlink(descriptor.path) == target:
                    return True
    return False


def _command(process: int) -> str:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        text = " ".join(word.decode(errors="replace") for word in words if word)
        return "".join(c if c.isprintable() else "?" for c in text)[:80]
    return "unknown"
