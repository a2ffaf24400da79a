"""A command in process, which is quicker than a process of its own."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rich_click as click

from memlab.cli import main
from memlab.cli.commands import cli


@pytest.fixture
def memlab(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run `memlab` in an empty directory; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["memlab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def every_command() -> Callable[[], list[str]]:
    """Names of all commands, for example `board info`."""

    def find(name: str = "", command: click.Command = cli) -> list[str]:
        if not isinstance(command, click.Group):
            return [name]
        found = []
        with click.Context(command) as ctx:
            for word in command.list_commands(ctx):
                below = command.resolve_command(ctx, [word])[1]
                assert below is not None
                found += find(f"{name} {word}".strip(), below)
        return found

    return find
