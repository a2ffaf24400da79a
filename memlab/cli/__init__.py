"""The command line. Each command lies in its own file and loads only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import rich_click as click

from memlab._version import __version__

__all__ = ["cli", "main"]

# Name, module and one line of help: `memlab --help` needs no more, and answers at once.
COMMANDS = {
    "train": ("memlab.cli.train", "Train a network in situ on an array."),
    "sweep": ("memlab.cli.sweep", "Run an experiment over settings and seeds."),
    "data": ("memlab.cli.data", "List, fetch and find data sets."),
}


class LazyGroup(click.RichGroup):
    """A group that imports a command's module when the command is called, not when listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return what the list of commands shows."""
        if cmd_name not in COMMANDS:
            return None
        return click.RichCommand(name=cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command that is called."""
        name = args[0]
        if name in COMMANDS:
            return name, getattr(import_module(COMMANDS[name][0]), name), args[1:]
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="memlab")
def cli() -> None:
    """Control, emulate and train 128 x 64 one-transistor-one-memristor arrays.

    Exit codes: 0 done, 1 the run failed, 2 usage, 3 board unreachable or protocol error,
    4 a safety limit refused, 130 interrupted.
    """


def main() -> None:
    """Run the command line; every error is one line on stderr and a documented exit code."""
    from firmware_protocol.errors import MemlabError

    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        code = _complain(error.format_message(), error.exit_code)
    except MemlabError as error:
        from memlab.errors import exit_code

        code = _complain(str(error), exit_code(error))
    except (click.Abort, KeyboardInterrupt):
        code = _complain("interrupted; every line is grounded, what was measured is kept", 130)
    except BrokenPipeError:
        sys.stderr.close()
        code = 1
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    click.echo(f"memlab: {' '.join(message.split())}", err=True)
    return code
