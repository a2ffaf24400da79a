"""The published experiments: configuration in, run file and picture out."""

from memlab.experiments.estimate import estimate, plan_floor
from memlab.experiments.runner import EXPERIMENTS, Plan, make_plan, resume, run

__all__ = ["EXPERIMENTS", "Plan", "estimate", "make_plan", "plan_floor", "resume", "run"]
