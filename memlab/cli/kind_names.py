"""Names of kinds as arguments of commands, and their list in the help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from memlab.cli.command import Command
from memlab.errors import SettingError
from memlab.kinds import Family, Kinds, load_kind

__all__ = ["KindCommand", "KindName"]

if TYPE_CHECKING:
    _ParamType = click.ParamType[str]
else:  # the oldest click has no such brackets
    _ParamType = click.ParamType


class KindName(_ParamType):
    """Type of an argument that names a kind of one of some families; the kind is loaded.

    Parameters
    ----------
    families
        Of the kinds that it takes.
    """

    name = "kind"

    def __init__(self, *families: Family):
        self._families = families

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, if there is such a kind."""
        first, *_ = self._families
        one = first if len(self._families) == 1 else None
        try:
            family = load_kind(value, one).family
        except SettingError as error:
            self.fail(str(error), param, ctx)
        if family not in self._families:
            self.fail(f"{value} is of the family {family}", param, ctx)
        return str(value)

    def get_missing_message(self, param: Any, ctx: Any = None) -> str:
        """Return what there is, where no name is given."""
        return f"Choose from: {', '.join(n for one in self._families for n in Kinds(one))}"


class KindCommand(Command):
    """A command that is about kinds; its help ends with a line for each of them."""

    families: tuple[Family, ...] = ()

    def __init__(self, *args: Any, families: tuple[Family, ...] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.families = families

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; only now the kinds are loaded."""
        found = [Kinds(family) for family in self.families]
        lines = [f"{n}: {kind.about or kind.title}" for one in found for n, kind in one.items()]
        broken = {name: why for one in found for name, why in one.broken().items()}
        self.epilog = "\n\n".join([*lines, *broken.values()])
        super().format_help(ctx, formatter)
