"""Kinds of runs: what each is called, takes, does, finds and looks like; found by entry points.

A package adds one without a line in memlab:

    [project.entry-points."memlab.kinds.procedure"]
    two-pulses = "my_package.two_pulses:TwoPulses"

Most derive from `memlab.characterize.Procedure` or `memlab.experiments.ExperimentKind`, which
leave them only what is their own.
"""

from memlab.kinds.kind import Kind, Preset
from memlab.kinds.picture import plot_run
from memlab.kinds.registry import Kinds, kind_names, kind_of_run, load_derived, load_kind
from memlab.runs import Family, Quantity, Steps

__all__ = [
    "Family",
    "Kind",
    "Kinds",
    "Preset",
    "Quantity",
    "Steps",
    "kind_names",
    "kind_of_run",
    "load_derived",
    "load_kind",
    "plot_run",
]
