"""The commands. Each lies in its own file and loads only when it is called."""

from __future__ import annotations

from typing import Any

import rich_click as click

from firmware_protocol.errors import MemlabError
from memlab._version import __version__
from memlab.cli.lazy import LazyGroup

__all__ = ["cli"]

# `memlab --help` needs no more than this, and answers at once.
COMMANDS = {
    "board": ("memlab.cli.board", "Find, check, park, emulate and time a board."),
    "chip": ("memlab.cli.chip", "What a chip is made of, what its cells went through, its twin."),
    "limits": ("memlab.cli.limits", "What a chip may see, and the rules that refuse the rest."),
    "calibrate": ("memlab.cli.calibrate", "Measure a board's static errors, to undo them."),
    "characterize": ("memlab.cli.characterize", "Measure what a chip is: 13 procedures."),
    "commission": ("memlab.cli.commission", "Take a board into use: test, form, measure, report."),
    "read": ("memlab.cli.read", "Read the conductance map of an array."),
    "program": ("memlab.cli.program", "Bring cells to target conductances: write-and-verify."),
    "vmm": ("memlab.cli.vmm", "Multiply voltage vectors by the conductances."),
    "estimate": ("memlab.cli.estimate", "The bill before a run: time, energy, pulses, file size."),
    "train": ("memlab.cli.train", "Train a network in situ on an array."),
    "transfer": ("memlab.cli.transfer", "Train in software, then write the weights to an array."),
    "sweep": ("memlab.cli.sweep", "Run an experiment over settings and seeds."),
    "runs": ("memlab.cli.runs", "Finish and look at runs."),
    "live": ("memlab.cli.live", "A web page of a run, a directory of runs, or a chip's passport."),
    "report": ("memlab.cli.report", "One HTML page and figures for a paper, from run files."),
    "data": ("memlab.cli.data", "List, fetch and find data sets."),
}


class _Root(LazyGroup):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        # Three that click would take for its own, and end with its own words or with none.
        except BrokenPipeError as error:
            raise MemlabError(f"another process closed its end of a pipe: {error}") from error
        except EOFError as error:
            raise MemlabError(f"something ended too early: {error or 'no more input'}") from error
        except KeyboardInterrupt as error:
            raise click.Abort from error


@click.group(
    cls=_Root,
    commands_table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="memlab")
def cli() -> None:
    """Control, emulate and train one-transistor-one-memristor arrays.

    Exit codes: 0 done, 1 the run failed, 2 usage, 3 board unreachable or protocol error,
    4 a safety limit refused, 130 interrupted
    (Ctrl-C, SIGTERM or SIGHUP). Results go to stdout, everything else to stderr.
    """
