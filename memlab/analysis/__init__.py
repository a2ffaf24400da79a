"""Fits, spectra, faults and statistics: numbers in, numbers out. Nothing here knows of a run."""
