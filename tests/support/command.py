"""A command of `memlab` in this process, which is quicker than one of its own."""

import sys

import pytest

from memlab.cli import main


def in_process(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit code, stdout and stderr."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["memlab", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err  # type: ignore[return-value]
