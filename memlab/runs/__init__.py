"""Run files: one HDF5 file per run, readable without memlab."""

from memlab.runs.new_run import check_out, describe_versions
from memlab.runs.run_file import RunFile
from memlab.runs.trained import Trained, read_trained
from memlab.runs.training_log import LogLevel, TrainingLog
from memlab.runs.write_verify_log import WriteVerifyLog

__all__ = [
    "LogLevel",
    "RunFile",
    "Trained",
    "TrainingLog",
    "WriteVerifyLog",
    "check_out",
    "describe_versions",
    "read_trained",
]
