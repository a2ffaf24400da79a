"""Characterisation: what a device person measures before anyone trains a network."""

from memlab.analysis.faults import Fault
from memlab.characterize.bench import Bench
from memlab.characterize.estimate import estimate_procedures
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.characterize.registry import PROCEDURES, load_procedure
from memlab.characterize.runner import (
    ProcedurePlan,
    Watcher,
    check_procedures,
    plan_procedures,
    resume,
    run_procedures,
)
from memlab.regions import Region
from memlab.runs import GoodLines, load_good_lines

__all__ = [
    "PROCEDURES",
    "Bench",
    "Demand",
    "Fault",
    "GoodLines",
    "Procedure",
    "ProcedureConfig",
    "ProcedurePlan",
    "Region",
    "Watcher",
    "check_procedures",
    "estimate_procedures",
    "load_good_lines",
    "load_procedure",
    "plan_procedures",
    "resume",
    "run_procedures",
]
