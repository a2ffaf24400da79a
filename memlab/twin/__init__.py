"""The twin: an emulated chip whose parameters come from measured runs, and how far it holds."""

from memlab.twin.compare import Comparison, StepResult, compare
from memlab.twin.fit import Fit, FittedParameter, fit
from memlab.twin.measured import MeasuredRun, default_base, load_runs
from memlab.twin.preset_file import check_preset_path, write_preset

__all__ = [
    "Comparison",
    "Fit",
    "FittedParameter",
    "MeasuredRun",
    "StepResult",
    "check_preset_path",
    "compare",
    "default_base",
    "fit",
    "load_runs",
    "write_preset",
]
