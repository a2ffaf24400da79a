"""From the names that users type to the modules that stand behind them."""

from __future__ import annotations

from keyword import iskeyword

__all__ = ["module_name"]


def module_name(name: str) -> str:
    """Return the module of a name: `-` becomes `_`, and a word of Python gets a `_` behind it."""
    module = name.replace("-", "_")
    return f"{module}_" if iskeyword(module) else module
