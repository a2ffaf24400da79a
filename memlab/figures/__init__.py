"""Figures of run files and floor plans."""

from memlab.figures.floor_plan import plot_floor_plan
from memlab.figures.procedure import plot_procedure
from memlab.figures.run import plot_run
from memlab.figures.training import plot_training_run

__all__ = ["plot_floor_plan", "plot_procedure", "plot_run", "plot_training_run"]
