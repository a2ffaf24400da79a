"""Names of kinds as arguments of commands, and their list in the help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.own_kinds import own_kinds
from memlab.errors import SettingError

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
        Of the kinds that it takes, by the names of `memlab.kinds.Family`.
    """

    name = "kind"

    def __init__(self, *families: str):
        self._families = families

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, if there is such a kind."""
        from memlab.kinds import Family, load_kind

        one = Family(self._families[0]) if len(self._families) == 1 else None
        try:
            family = load_kind(value, one).family
        except SettingError as error:
            self.fail(str(error), param, ctx)
        if family not in self._families:
            self.fail(f"{value} is of the family {family}", param, ctx)
        return str(value)

    def get_missing_message(self, param: Any, ctx: Any = None) -> str:
        """Return what there is, where no name is given."""
        from memlab.kinds import Family, Kinds

        names = (name for one in self._families for name in Kinds(Family(one)))
        return f"Choose from: {', '.join(names)}"


class KindCommand(Command):
    """A command that is about kinds; its help ends with a line for each of them."""

    families: tuple[str, ...] = ()

    def __init__(self, *args: Any, families: tuple[str, ...] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.families = families

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; kinds of other packages are loaded only now, memlab's own not at all."""
        own = own_kinds(self.families)
        self.epilog = "\n\n".join(_loaded_kinds(self.families) if own is None else own)
        super().format_help(ctx, formatter)


def _loaded_kinds(families: Sequence[str]) -> list[str]:
    """Return a line for each kind, and one for each that cannot be loaded."""
    from memlab.kinds import Family, Kinds

    found = [Kinds(Family(family)) for family in families]
    lines = [f"{n}: {kind.about or kind.title}" for one in found for n, kind in one.items()]
    broken = {name: why for one in found for name, why in one.broken().items()}
    return [*lines, *broken.values()]
