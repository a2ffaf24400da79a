"""A group of commands that loads each command's module when it is called, not when it is listed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import rich_click as click

from memlab.cli.command import Group

__all__ = ["Commands", "LazyGroup"]

Commands = Mapping[str, tuple[str, str]]
"""Command name: its module, and one line of help. The module has a command of that name."""


class LazyGroup(Group):
    """A group that imports a command's module when the command is called, not when listed.

    Parameters
    ----------
    commands_table
        The commands.
    """

    def __init__(self, *args: Any, commands_table: Commands, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = commands_table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return what the list of commands shows."""
        if cmd_name not in self._table:
            return None
        return click.RichCommand(name=cmd_name, help=self._table[cmd_name][1])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command that is called."""
        name = args[0]
        if name in self._table:
            # A command may be called like a word of Python or a builtin, a function may not.
            module = import_module(self._table[name][0])
            return name, getattr(module, f"{name}_", None) or getattr(module, name), args[1:]
        return super().resolve_command(ctx, args)
