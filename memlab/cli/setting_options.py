"""Settings of a run on the command line: --set, --config, --limits, and --settings to find them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from memlab.cli.options import limits_option

if TYPE_CHECKING:
    from memlab.chip.limit_changes import LimitChanges

__all__ = ["config_option", "set_option", "setting_options"]

Command = Callable[..., Any]


def set_option(example: str) -> Callable[[Command], Command]:
    """Return --set, which the command takes as `settings`; `example` goes into its help."""
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help=f"Change a setting, for example {example}; repeatable. --settings lists them.",
    )


config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Settings from a run file, to repeat it, or from a TOML file (with a table for each of "
    "several procedures); --limits and --set change them.",
)


def setting_options(
    *options: Callable[[Command], Command], kind: str = "", always: Sequence[str] = ()
) -> Callable[[Command], Command]:
    """Add some of the options above, --limits and --settings.

    The limits become the first of the command's `settings`; with --settings the command does not
    run, and what it would run with is listed instead.

    Parameters
    ----------
    options
        As `set_option` and `config_option` are.
    kind
        Whose settings they are; by default those of the command's NAME.
    always
        Settings that the command itself has.
    """

    def add(command: Command) -> Command:
        @click.option("--settings", "listed", is_flag=True, help="List every setting instead.")
        @wraps(command)
        def with_settings(
            *args: Any,
            settings: tuple[str, ...],
            limits: LimitChanges | None,
            listed: bool,
            **given: Any,
        ) -> Any:
            settings = (*(() if limits is None else limits.settings()), *settings)
            if not listed:
                return command(*args, settings=settings, **given)
            from memlab.cli.setting_table import show_settings

            names = (kind,) if kind else given.get("names") or (given["name"],)
            show_settings(
                names,
                preset=given.get("preset"),
                config_file=given.get("config_file"),
                settings=(*always, *settings),
                as_json=given["as_json"],
            )
            return None

        with_options: Command = limits_option(with_settings)
        for option in reversed(options):
            with_options = option(with_options)
        return with_options

    return add
