"""Many runs of one experiment: over settings and seeds, on local processes or a Dask cluster."""

from memlab.sweep.grid import Axis, Grid, parse_settings
from memlab.sweep.runner import Sweep, SweepResult, plan_sweep, run_sweep
from memlab.sweep.trial import Outcome, Trial, run_trial

__all__ = [
    "Axis",
    "Grid",
    "Outcome",
    "Sweep",
    "SweepResult",
    "Trial",
    "parse_settings",
    "plan_sweep",
    "run_sweep",
    "run_trial",
]
