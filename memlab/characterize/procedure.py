"""What a characterisation procedure is: settings, what it records, how it measures and analyses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.array.board_array import BoardArray, device_of
from memlab.array.cost import COST_UNITS, board_cost
from memlab.array.gate_settings import refuse_gates
from memlab.array.load_choice import LoadChoice, select
from memlab.array.set_control import SetControl
from memlab.characterize.bench import Bench
from memlab.characterize.clock import board_clock
from memlab.chip.limit_changes import LimitChanges
from memlab.emulator import load_preset
from memlab.errors import SettingError
from memlab.kinds import Family, Kind, Steps
from memlab.numeric import BoolArray
from memlab.passport import Passport
from memlab.runs import Coordinate, Findings, MemoryLog, Record, Run
from memlab.session import Session, added
from memlab.settings import ChipSetting, LinkConfig, PointConfig, Section

if TYPE_CHECKING:
    from memlab.figures.declared import Part

__all__ = ["Demand", "Procedure", "ProcedureConfig"]


class ProcedureConfig(Section):
    """What every procedure has; a procedure adds its own settings beside these."""

    seed: int = Field(1, description="Seed of the emulated chip and of random choices.", ge=0)
    chip: ChipSetting = Field(
        default_factory=lambda: load_preset("ta-hfo2-full"),
        description="Chip of the emulator: the name of a preset, or chip.noise and so on.",
    )
    point: PointConfig = PointConfig()
    limits: LimitChanges = LimitChanges()
    load: LoadChoice = Field(
        LoadChoice.SELECTION,
        description="Lines that take part in readings: selection (those of the region), or array.",
    )
    link: LinkConfig = LinkConfig()


Settings = TypeVar("Settings", bound=ProcedureConfig)


@dataclass(frozen=True)
class Demand:
    """Pulses or reads that a procedure may ask for, at their hardest.

    Parameters
    ----------
    gate_voltage
        Highest gate voltage (V) of a SET; None where there is no SET. Where cells have no gates it
        says no more than that there is one, with the largest amplitude of `point`.
    point
        Voltages and widths that differ from the array's, by their names in `OperatingPoint`.
    forming
        Whether the SET forms cells, for which the gate may not open as far.
    """

    gate_voltage: float | None = None
    point: Mapping[str, float] = field(default_factory=dict)
    forming: bool = False

    def check(self, array: BoardArray) -> None:
        """Raise `LimitError` unless the array may do this; nothing is touched."""
        view = array.with_operating_point(**self.point)
        if self.gate_voltage is not None:
            gate = self.gate_voltage if view.control.gates else 0.0
            view.check_set(gate)
            if self.forming:
                view.check_forming(gate)


class Procedure(Kind, Generic[Settings]):
    """A procedure; `measure` touches the chip, `analyse` only looks at what was recorded.

    Those two are all that one must have. The next step of `measure` may depend on the settings and
    on what the bench returned, and on nothing else: a resumed procedure is run again over its
    record (see `bench`).

    Attributes
    ----------
    coordinates
        Numbers that go with every reading.
    vector_coordinates
        Numbers that go with every vector; None where the procedure multiplies none.
    picture
        Module that draws what was found: a function `draw(figure, run, entry)` (the file is
        open as `entry`), and its HEIGHT in inches. Without one, what is declared is drawn.
    """

    family = Family.PROCEDURE
    Config: ClassVar[type[ProcedureConfig]]
    steps = Steps("map/reading", "readings")
    resumable = True
    coordinates: ClassVar[Mapping[str, Coordinate]] = {}
    vector_coordinates: ClassVar[Mapping[str, Coordinate] | None] = None
    picture: ClassVar[str] = ""
    needs_gates: ClassVar[str] = (
        "it was not written for such chips (needs_gates of its class); memlab characterize set, "
        "reset and yield are"
    )
    """Why it cannot be done where cells have no gates, and what can; "" where it can: then gate
    voltages that the bench is given count for nothing there (`memlab.characterize.levels`)."""

    config: Settings
    control = SetControl.GATE
    """What chooses levels on the array of the run, once that is known."""

    def __init__(self, config: Settings):
        super().__init__(config)

    @property
    def models_wires(self) -> bool:
        """Whether it computes what wires take, which needs all cells that load them."""
        return False

    def demands(self) -> Sequence[Demand]:
        """Return the hardest of what `measure` may ask for; what a limit forbids never begins."""
        return ()

    def check_cells(self, cells: int) -> None:
        """Refuse a region of this many cells; called before anything is touched.

        Raises
        ------
        SettingError
            If the procedure is not made for so many; by default it takes any number.
        """

    @abstractmethod
    def measure(self, bench: Bench) -> None:
        """Pulse and read; everything is recorded by the bench."""

    @abstractmethod
    def analyse(self, record: Record) -> Findings:
        """Return what a complete record says; touches nothing."""

    def enter(self, passport: Passport, record: Record, findings: Findings) -> None:
        """Write into the chip's passport what was found out about it; by default nothing."""

    def check(self, arrays: Sequence[Array]) -> None:
        """Refuse what limits forbid on the lines of the region; nothing is touched."""
        for view in arrays:
            self._meet(view)
            refuse_gates(self.config, view, self.config.point.set_voltage)
            for demand in self.demands():
                demand.check(device_of(view))

    def run(self, session: Session) -> None:
        """Measure on the bench of the session, analyse, and enter it into the passport."""
        bench: Bench = session.given
        self._meet(bench.array)
        self.measure(bench)
        findings = self.analyse(bench.record)
        findings.with_population(int(bench.mask.sum()), "cells of the run")
        for array in session.arrays:
            if array.passport is not None:
                self.enter(array.passport, bench.record, findings)
        session.findings = findings

    def _meet(self, array: Array) -> None:
        """Learn what chooses levels on the array; raise `SettingError` where it must be gates."""
        self.control = array.control
        if self.needs_gates and not self.control.gates:
            raise SettingError(
                f"{self.name}: the cells of this board have no gates, and {self.needs_gates}. "
                "Nothing was pulsed"
            )

    def estimate(self, arrays: Sequence[Array], mask: BoolArray | None = None) -> dict[str, Any]:
        """Return the bill on an emulated array in memory, on which it is rehearsed.

        Parameters
        ----------
        arrays
            The emulated array.
        mask
            Cells of the region, of the array's shape; all of them by default.
        """
        (one,) = arrays
        array = device_of(one)
        mask = np.ones(array.shape, bool) if mask is None else mask
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        record = Record.empty(
            rows,
            columns,
            mask[np.ix_(rows, columns)],
            self.coordinates,
            self.vector_coordinates or {},
            array.shape,
        )
        view, link = select(array, rows, columns, self.config.load), self.config.link
        bench = Bench(view, MemoryLog(record), origin=board_clock(array))
        counts, cost = replace(array.counts), board_cost(array, link)
        self._meet(array)
        self.measure(bench)
        now = board_cost(array, link)
        if cost is None or now is None:
            raise TypeError("a rehearsal needs an emulated board")
        cells = len(record.readings) * record.mask.size
        cells += len(record.vectors) * record.columns.size
        return {
            "procedure": self.name,
            "readings": len(record.readings),
            "vectors": len(record.vectors),
            "pulses": sum(batch.pulses for batch in record.programs),
            "counts": added(vars(array.counts), vars(counts)),
            "worst_voltages": bench.worst,
            "on_board": added(now.document(), cost.document()),
            "file_size": _CELL_BYTES * cells,
            "units": {**COST_UNITS, "worst_voltages": "V", "file_size": "byte"},
        }

    @classmethod
    def draw_results(cls, run: Run) -> list[Part]:
        """Return parts of the picture of a finished run: those of `picture`, or the default."""
        from memlab.figures.declared import found_parts, module_parts

        return module_parts(run, cls.picture) if cls.picture else found_parts(run)

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw what was found; of a run that is not finished, its last reading."""
        from memlab.figures.declared import plot_parts
        from memlab.figures.maps import plot_last_reading

        if run.finished:
            return plot_parts(run, picture, cls.draw_results(run))
        return plot_last_reading(run.path, picture)


_CELL_BYTES = 8 + 2 + 1 + 1  # conductance, code, gain, saturation
