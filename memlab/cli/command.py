"""What all commands have in common: `--debug`, and no option twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rich_click as click

__all__ = ["Command", "Debug", "Group"]


@dataclass
class Debug:
    """Whether errors have their traceback and notes come at once; object of every click context."""

    on: bool = False


def _switch(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and (debug := ctx.find_object(Debug)) is not None:
        debug.on = True


_DEBUG = click.Option(
    ["--debug"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_switch,
    help="Show the traceback of an error, and notes of the wire when they come.",
)


class Command(click.RichCommand):
    """Class of every command of `memlab`."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, with `--debug` before `--help`."""
        *params, last = super().get_params(ctx)
        return [*params, _DEBUG, last]

    def make_parser(self, ctx: click.Context) -> Any:
        """Return a parser that refuses an option that is given twice, unless it may be."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_once(args: list[str]) -> Any:
            values, rest, order = parse(args)
            for param in order:
                if (
                    isinstance(param, click.Option)
                    and not (param.multiple or param.count)
                    and order.count(param) > 1
                ):
                    raise click.UsageError(f"{param.opts[0]} is given twice; give it once", ctx)
                value = values.get(param.name)
                if isinstance(param.type, click.Path) and (value == "" or "" in _several(value)):
                    raise click.UsageError(f"{param.opts[0]} '' is no name of a file", ctx)
            return values, rest, order

        parser.parse_args = parse_once  # type: ignore[method-assign]
        return parser


def _several(value: object) -> tuple[object, ...]:
    """Return the values of an option that may be given more than once."""
    return tuple(value) if isinstance(value, list | tuple) else ()


class Group(Command, click.RichGroup):  # type: ignore[misc]
    """Class of every group of commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called; of a name that is none, say which may be meant."""
        names = self.list_commands(ctx)
        if args[0] in names or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        from drivers.known_names import unknown  # only now: `--help` does not wait for it

        raise click.UsageError(unknown("command", args[0], names), ctx)
