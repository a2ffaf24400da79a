"""The twin: an emulated chip whose parameters come from measured runs, and how far it holds."""

from memlab.twin.compare import Comparison, StepResult, compare
from memlab.twin.compare_table import Curve, TableComparison, compare_table
from memlab.twin.fit import Fit, FittedParameter, fit
from memlab.twin.fit_table import fit_table
from memlab.twin.measured import MeasuredRun, default_base, load_runs
from memlab.twin.preset_file import check_preset_path, write_preset
from memlab.twin.tables import QUANTITIES, Table, parse_mapping, read_table

__all__ = [
    "QUANTITIES",
    "Comparison",
    "Curve",
    "Fit",
    "FittedParameter",
    "MeasuredRun",
    "StepResult",
    "Table",
    "TableComparison",
    "check_preset_path",
    "compare",
    "compare_table",
    "default_base",
    "fit",
    "fit_table",
    "load_runs",
    "parse_mapping",
    "read_table",
    "write_preset",
]
