"""The law of a SET that write-and-verify starts from: stated by a preset, or measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from memlab.array import Array
from memlab.emulator import ChipPreset
from memlab.errors import SettingError
from memlab.experiments.config import LawSource, WriteVerifyConfig
from memlab.mapping import SwitchingLaw, measure_switching_law
from memlab.numeric import BoolArray
from memlab.storage import State

__all__ = ["find_law", "find_laws"]


def find_law(
    array: Array,
    config: WriteVerifyConfig,
    chip: ChipPreset,
    cells: BoolArray,
    views: Sequence[Array] = (),
    *,
    keeper: Callable[[State], None] | None = None,
    resumed: State | None = None,
) -> SwitchingLaw:
    """Return the law that cells are programmed with.

    Parameters
    ----------
    array
        The array; with `law=measured` some of its cells are pulsed.
    config
        Says where the law comes from, and the range of gate voltages.
    chip
        What is on a board that does not say it.
    cells
        Boolean mask, shape (rows, columns), of the cells that may be pulsed.
    views
        Views that are read in its place, under whose loads the cells are used.
    keeper, resumed
        Of the checkpoints of a law that is measured (`measure_switching_law`).
    """
    if config.law is LawSource.MEASURED and cells.any():
        return measure_switching_law(
            array,
            config.gate_minimum,
            config.gate_maximum,
            (config.set_minimum, config.set_maximum),
            cells=cells,
            views=views,
            keeper=keeper,
            resumed=resumed,
        )
    if array.stated_law is not None:
        return array.stated_law
    if array.control.gates:
        return SwitchingLaw.of(chip)
    raise SettingError(
        "the cells of this board have no gates, and nothing says how far a SET amplitude moves "
        "them: measure it first with law=measured (of transfer: transfer.law=measured). Nothing "
        "was pulsed"
    )


def find_laws(
    places: Iterable[tuple[Array, BoolArray, Sequence[Array]]],
    config: WriteVerifyConfig,
    chip: ChipPreset,
    keeper: Callable[[State], None] = lambda state: None,
    resumed: State | None = None,
) -> list[SwitchingLaw]:
    """Return the law of each array.

    Parameters
    ----------
    places
        Arrays, which of their cells may be pulsed, and the views that they are read through.
    config, chip
        As for `find_law`.
    keeper
        Told after each reading of a law that is measured where it stands.
    resumed
        Where it goes on, as the keeper was told.
    """
    been = resumed or {}
    laws = [SwitchingLaw(**law) for law in been.get("laws", [])]
    probes: State | None = been.get("probes")

    def keep(state: State) -> None:
        keeper({"laws": [asdict(law) for law in laws], "probes": state})

    for array, cells, views in list(places)[len(laws) :]:
        laws.append(find_law(array, config, chip, cells, views, keeper=keep, resumed=probes))
        probes = None
    return laws
