"""Packages that are none of ours: a module with its metadata, as an installer leaves them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers import registry as board_registry
from memlab.kinds import registry
from memlab.rules import settings as rules


def install(
    target: Path,
    package: str,
    module: Path,
    family: str,
    kinds: Mapping[str, str],
    group: str = "memlab.kinds.",
) -> None:
    """Install a module as a package of its own into a directory, with entry points for kinds.

    Or for what else a `group` is of, whose name the family ends.
    """
    target.mkdir(exist_ok=True)
    (target / module.name).write_bytes(module.read_bytes())
    info = target / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: memlab\n"
    )
    lines = [f"{name} = {module.stem}:{name_of}" for name, name_of in kinds.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}{family}]", *lines, ""]))
    files = [module.name, *(f"{info.name}/{one}" for one in ("METADATA", "entry_points.txt"))]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


@contextmanager
def installed(target: Path) -> Iterator[None]:
    """Let this process, and those that it starts, find what is installed in a directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(target))
        patch.setenv("PYTHONPATH", str(target), prepend=":")
        modules = [path.stem for path in target.glob("*.py")]
        _look_again()
        try:
            yield
        finally:
            for name in modules:
                sys.modules.pop(name, None)
    _look_again()


def _look_again() -> None:
    importlib.invalidate_caches()
    registry._points.cache_clear()
    registry._load.cache_clear()
    board_registry._points.cache_clear()
    rules._points.cache_clear()
    rules._load.cache_clear()
    adapters = sys.modules.get("memlab.torch.adapters")
    if adapters is not None:
        adapters._points.cache_clear()
        adapters._load.cache_clear()
