"""Which modules have mutants, which tests must kill them, and which mutants nothing can kill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["Targets"]


@dataclass(frozen=True)
class Targets:
    """What `targets.toml` says.

    Parameters
    ----------
    tests
        By module, the files of its tests; all paths are below the repository.
    equal
        By module and its line before and after, why the mutant does what the code does.
    """

    tests: Mapping[str, tuple[str, ...]]
    equal: Mapping[tuple[str, str, str], str]

    @classmethod
    def load(cls, document: Mapping[str, Any], root: Path) -> Self:
        """Read the file; a module or test that is not there is an error."""
        tests: dict[str, tuple[str, ...]] = {}
        for group in document["group"]:
            modules = [one for name in group["modules"] for one in _matching(root, name)]
            files = tuple(one for name in group["tests"] for one in _matching(root, name))
            for module in modules:
                if module in tests:
                    raise ValueError(f"{module} stands in two groups")
                tests[module] = files
        equal = {
            (one["module"], one["before"], one["after"]): one["why"]
            for one in document.get("equal", ())
        }
        for module, before, _ in equal:
            if before not in map(str.strip, (root / module).read_text("utf-8").splitlines()):
                raise ValueError(f"{module} has no line {before!r} any more")
        return cls(tests, equal)

    @property
    def modules(self) -> list[str]:
        """All modules, sorted."""
        return sorted(self.tests)

    def tests_of(self, module: str) -> tuple[str, ...]:
        """Return the files of its tests."""
        return self.tests[module]

    def why_equal(self, module: str, before: str, after: str) -> str:
        """Return why a mutant does what the code does, or ''."""
        return self.equal.get((module, before, after), "")


def _matching(root: Path, pattern: str) -> list[str]:
    found = sorted(
        one.relative_to(root).as_posix() for one in root.glob(pattern) if one.name != "__init__.py"
    )
    if not found:
        raise ValueError(f"nothing is called {pattern}")
    return found
