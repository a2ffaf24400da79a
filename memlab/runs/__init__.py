"""Run files: one HDF5 file per run, readable without memlab."""

from memlab.runs.new_run import check_out, describe_versions
from memlab.runs.procedure_log import (
    FinishedLog,
    MemoryLog,
    ProcedureLog,
    read_record,
    write_findings,
)
from memlab.runs.record import Coordinate, Finding, Findings, Record, Series
from memlab.runs.rescue import read_attributes, rescue
from memlab.runs.run_file import RunFile
from memlab.runs.training_log import LogLevel, TrainingLog

__all__ = [
    "Coordinate",
    "Finding",
    "Findings",
    "FinishedLog",
    "LogLevel",
    "MemoryLog",
    "ProcedureLog",
    "Record",
    "RunFile",
    "Series",
    "TrainingLog",
    "check_out",
    "describe_versions",
    "read_attributes",
    "read_record",
    "rescue",
    "write_findings",
]
