"""Figures of run files and floor plans."""

from memlab.figures.comparison import ComparisonPanel, plot_comparison
from memlab.figures.declared import plot_declared
from memlab.figures.floor_plan import plot_floor_plan
from memlab.figures.maps import plot_last_reading, plot_maps

__all__ = [
    "ComparisonPanel",
    "plot_comparison",
    "plot_declared",
    "plot_floor_plan",
    "plot_last_reading",
    "plot_maps",
]
