"""The version of memlab, its drivers and its wire protocol: they are released together."""

__version__ = "0.2.0"
