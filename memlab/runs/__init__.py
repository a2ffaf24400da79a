"""Run files: one HDF5 file per run, readable without memlab."""

from memlab.runs.best_weights import BestWeights
from memlab.runs.findings import CONFIDENCE, Finding, Findings, State
from memlab.runs.good_lines import GoodLines, load_good_lines
from memlab.runs.living import RunLock, run_identity
from memlab.runs.new_run import check_out, describe_versions
from memlab.runs.opening import read_attributes
from memlab.runs.procedure_log import (
    FinishedLog,
    MemoryLog,
    ProcedureLog,
    read_record,
    write_findings,
)
from memlab.runs.quantity import Quantity
from memlab.runs.reader import ConductanceMap, Run, open_run
from memlab.runs.record import Coordinate, Record, Series
from memlab.runs.rescue import edit, rescue
from memlab.runs.run_file import RunFile
from memlab.runs.schema import Family, identify, schema_attributes
from memlab.runs.steps import Steps
from memlab.runs.trained import Trained, read_trained
from memlab.runs.training_log import LogLevel, TrainingLog
from memlab.runs.write_verify_log import WriteVerifyLog

__all__ = [
    "CONFIDENCE",
    "BestWeights",
    "ConductanceMap",
    "Coordinate",
    "Family",
    "Finding",
    "Findings",
    "FinishedLog",
    "GoodLines",
    "LogLevel",
    "MemoryLog",
    "ProcedureLog",
    "Quantity",
    "Record",
    "Run",
    "RunFile",
    "RunLock",
    "Series",
    "State",
    "Steps",
    "Trained",
    "TrainingLog",
    "WriteVerifyLog",
    "check_out",
    "describe_versions",
    "edit",
    "identify",
    "load_good_lines",
    "open_run",
    "read_attributes",
    "read_record",
    "read_trained",
    "rescue",
    "run_identity",
    "schema_attributes",
    "write_findings",
]
