"""Figures of run files and floor plans."""

from memlab.figures.comparison import ComparisonPanel, plot_comparison
from memlab.figures.floor_plan import plot_floor_plan
from memlab.figures.maps import plot_last_reading, plot_maps
from memlab.figures.procedure import plot_procedure
from memlab.figures.run import plot_run
from memlab.figures.training import plot_training_run

__all__ = [
    "ComparisonPanel",
    "plot_comparison",
    "plot_floor_plan",
    "plot_last_reading",
    "plot_maps",
    "plot_procedure",
    "plot_run",
    "plot_training_run",
]
