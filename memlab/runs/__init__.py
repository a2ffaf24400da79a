"""Run files: one HDF5 file per run, readable without memlab."""

from memlab.runs.new_run import check_out, describe_versions
from memlab.runs.run_file import RunFile
from memlab.runs.training_log import LogLevel, TrainingLog
from memlab.runs.write_verify_log import WriteVerifyLog

__all__ = [
    "LogLevel",
    "RunFile",
    "TrainingLog",
    "WriteVerifyLog",
    "check_out",
    "describe_versions",
]
