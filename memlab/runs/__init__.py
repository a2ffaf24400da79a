"""Run files: one HDF5 file per run, readable without memlab."""

from memlab.runs.new_run import check_out, describe_versions
from memlab.runs.run_file import RunFile
from memlab.runs.training_log import LogLevel, TrainingLog

__all__ = ["LogLevel", "RunFile", "TrainingLog", "check_out", "describe_versions"]
