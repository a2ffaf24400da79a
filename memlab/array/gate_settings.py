"""What somebody chose for gates is refused where cells have none: it would count for nothing."""

from __future__ import annotations

from memlab.array.seam import Array
from memlab.errors import SettingError
from memlab.settings import Section

__all__ = ["refuse_gates"]


def refuse_gates(config: Section, array: Array, full: float) -> None:
    """Raise `SettingError` if settings of gate voltages were changed, and cells have no gates.

    Parameters
    ----------
    config
        Settings; those of gates have the word in their names.
    array
        Where they are to be used.
    full
        Amplitude of a SET in V, for the message.
    """
    if array.control.gates:
        return
    usual = type(config)()
    for name in type(config).model_fields:
        value = getattr(config, name)
        if "gate" in name and value != getattr(usual, name):
            lower = ", lower levels down to set_minimum" if hasattr(config, "set_minimum") else ""
            raise SettingError(
                f"{name}={value}: the cells of this board have no gates; SETs have the amplitude "
                f"point.set_voltage={full:g} V{lower}. Leave it as it is. Nothing was pulsed"
            )
