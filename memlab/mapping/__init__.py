"""From weights to conductances: differential pairs, and the updates that change them."""

from memlab.mapping.differential import DifferentialMatrix, pair_conductance
from memlab.mapping.layout import Layout, pair_rows
from memlab.mapping.update import DirectUpdate, OneShotUpdate, ProgrammedUpdate, UpdateRule

__all__ = [
    "DifferentialMatrix",
    "DirectUpdate",
    "Layout",
    "OneShotUpdate",
    "ProgrammedUpdate",
    "UpdateRule",
    "pair_conductance",
    "pair_rows",
]
