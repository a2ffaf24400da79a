"""Figures of run files."""

from memlab.figures.training import plot_training_run

__all__ = ["plot_training_run"]
