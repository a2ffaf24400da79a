"""How a board's static errors are measured: from its own readings, and with a reference SMU."""
