"""The board, emulated in process: the same codes that a board on a wire would give."""

from __future__ import annotations

import json
import logging
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import (
    AUTO_GAIN,
    BoardConfig,
    LineClass,
    Mode,
    PulseBatch,
    PulseKind,
    Samples,
    Selection,
)
from drivers.capabilities import Rest, Scheme
from drivers.checked_board import CheckedBoard
from drivers.converter import Codes
from drivers.errors import DeviceError, LimitError
from drivers.history import UNTOLD, History, KeptHistory, prints_of
from drivers.published_board import OTHER_SPANS, published_capabilities
from drivers.recorded_board import PATIENCE
from drivers.requests import joined
from drivers.simulation import IN_A_FILE, Energy
from memlab._version import __version__
from memlab.calibration.static_errors import CalibrationRecord
from memlab.chip.shape import PUBLISHED, shape_text
from memlab.emulator.chip import GRID, MAX_CONDUCTANCE, Chip
from memlab.emulator.chip_file import ChipFile
from memlab.emulator.clock import OperationTimes
from memlab.emulator.drive import ExactDrive, RealDrive
from memlab.emulator.front_end import ColumnSettling, FrontEnd
from memlab.emulator.grid import COARSEST_BITS, EXACT_CURRENT, VOLT_GRID
from memlab.emulator.normal import NormalSource
from memlab.emulator.passive_pulse import pulse_passive
from memlab.emulator.preset import BUILT_IN, ChipPreset, load_preset
from memlab.emulator.products import Drive
from memlab.emulator.readout import KEPT, Readout
from memlab.emulator.seeds import bit_generator_for
from memlab.emulator.signal_chain import SignalChain, Unchanging
from memlab.emulator.slow_noise import SlowNoise
from memlab.emulator.truth import GroundTruth, ground_truth
from memlab.storage import State

__all__ = ["EmulatedBoard"]

LOGGER = logging.getLogger("memlab.emulator")

_MOST_WAITING = 256
"""Pulses that wait for each other."""

_COMPLIANCE = (1e-6, 10e-3)
"""A that sources of a passive array can hold a SET to: a choice, as of a source-meter's ranges."""


@dataclass(eq=False)
class _Prepared:
    """What the measurements of one selection share, while board and configuration are as they are.

    Parameters
    ----------
    drive, settling
        Of its rows and columns.
    vmm_period, read_period
        Time of one vector, or of one row of a read, in ns.
    further_period
        What automatic gain adds to each.
    still
        What measures them while the chip does not change, but for slow noise.
    moment
        Of the chip when it was last asked for: pulses so far, and the times of its conductances.
    """

    selection: Selection
    drive: Drive
    settling: ColumnSettling | None
    vmm_period: int
    read_period: int
    further_period: int
    still: Unchanging | None = None
    moment: tuple[int, int, int] | None = None


class EmulatedBoard(CheckedBoard):
    """A board with its chip, bit-accurate and in process (a `drivers.board.Board`).

    Parameters
    ----------
    preset
        The kind of chip, and the board around it.
    seed
        Seed of everything random in board and chip.
    shape
        (rows, columns) of the array; by default what the preset says.
    file
        Where the chip is kept, and what it was made of; the board goes on from there, saves it when
        it is closed, and lets go of the file then.
    """

    def __init__(
        self,
        preset: ChipPreset,
        seed: int,
        shape: tuple[int, int] | None = None,
        file: ChipFile | None = None,
    ):
        super().__init__()
        self._file = file
        self._history = None if file is None else KeptHistory()
        self._is_whole = True
        """Whether the chip has all of each pulse that it has got."""
        shape = preset.lines if shape is None else shape
        rng = np.random.default_rng(seed)
        self._chip = Chip(preset, shape, rng)
        self._energy = Energy()
        self._waiting: list[PulseBatch] = []
        amplifier, driver = preset.board.amplifier, preset.board.driver
        able = published_capabilities(
            f"memlab emulated board{'' if file is None else IN_A_FILE}",
            _serial(preset.name, seed, shape) if file is None else file.identity.serial,
            f"memlab {__version__}",
            shape,
        )
        self._capabilities = replace(
            able,
            clip=amplifier.clip,
            gain_threshold=amplifier.gain_threshold,
            variant=_variant(preset),
            other_spans=OTHER_SPANS,
            row_current=(driver.read_current, driver.set_current, driver.reset_current),
        )
        if preset.passive.active:
            self._capabilities = replace(
                self._capabilities,
                gate=None,
                unselected=Rest(preset.passive.unselected),
                scheme=Scheme(preset.passive.scheme),
                compliance=_COMPLIANCE,
            )
        capabilities = self._capabilities
        self._times = OperationTimes(
            preset.board.timing, capabilities.pulse_offset, capabilities.pulse_tick
        )
        self._front_end = FrontEnd(preset, shape, capabilities, rng)
        self._chain = SignalChain(capabilities, NormalSource(bit_generator_for(rng, "samples")))
        self._readout = Readout(self.chip)
        self._row_volts = np.zeros(shape[0])
        self._column_currents = np.zeros(shape[1])
        self._prepared: dict[Selection, _Prepared] = {}
        self._held: tuple[Selection, npt.NDArray[np.uint16]] | None = None
        if file is not None and file.board is not None:
            self.restore(file.board)
        else:
            self.save()

    @property
    def simulation(self) -> EmulatedBoard:
        """The board itself."""
        return self

    @property
    def chip(self) -> Chip:
        """The chip, after all pulses that were fired so far."""
        with self._owner.turn():  # another thread may be in the middle of them
            self._carry_out()
        return self._chip

    @property
    def energy(self) -> Energy:
        """What has been drawn from the drivers so far."""
        with self._owner.turn():
            self._carry_out()
        return self._energy

    @property
    def law(self) -> ChipPreset:
        """What its preset states of SETs and RESETs."""
        return self.chip.preset

    @property
    def clock(self) -> float:
        """Simulated seconds since power-on: the analogue time of all operations so far."""
        return self.chip.now * 1e-9

    @property
    def calibration(self) -> CalibrationRecord:
        """The true static errors of this board; a real one must measure them."""
        return self._front_end.calibration()

    def truth(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> GroundTruth:
        """Return what cells of these lines truly are; nothing is measured, no time passes."""
        with self._owner.turn():  # all of it as of one moment
            transfer = self._transfer_of(rows, columns)
            return ground_truth(self.chip, self.clock, self.calibration, transfer, rows, columns)

    @property
    def row_voltage(self) -> npt.NDArray[np.float64]:
        """What a voltmeter finds at the outputs of the row DACs (V), shape (rows,).

        A DAC keeps its code: between operations that is the last vector's, elsewhere 0 V.
        """
        with self._owner.turn():
            config, rows = self._require_config(), np.arange(self.chip.shape[0])
            code = np.full(rows.size, config.idle_row_code, np.uint16)
            if self._held is not None:
                selection, vector = self._held
                code[selection.rows] = vector
            return self._front_end.rows.volts(code, config.spans[LineClass.ROW], rows)

    def inject(self, column: int, current: float) -> None:
        """Let an instrument drive a current (A) into the amplifier of a column, 0 to end it."""
        with self._owner.turn():
            self._front_end.injected[column] = current
            self._prepared.clear()

    def advance(self, seconds: float) -> None:
        """Let simulated time pass, at least 0 s, with nothing driven."""
        if not seconds >= 0.0:
            raise ValueError(f"time does not run backwards: {seconds} s")
        with self._owner.turn():
            self.chip.advance_to(self.chip.now + round(seconds * 1e9))

    def state(self) -> State:
        """Return all that operations have changed in board and chip; copies."""
        with self._owner.turn():
            held = None
            if self._held is not None:
                selection, vector = self._held
                held = {"rows": selection.rows, "columns": selection.columns, "codes": vector}
            return {
                "serial": self._capabilities.serial,
                "variant": self._capabilities.variant,
                "chip": self.chip.state(),
                "samples": self._chain.state(),
                "energy": asdict(self.energy),
                "row_volts": self._row_volts.copy(),
                "column_currents": self._column_currents.copy(),
                "injected": self._front_end.injected.copy(),
                "held": held,
                "pulsed": self.pulsed,
                "history": None if self._history is None else self._history.state(),
            }

    def restore(self, state: State) -> None:
        """Go back to a `state` of a board that was made alike: it goes on as that one did.

        Raises
        ------
        DeviceError
            If it is the state of a board of another preset, seed or shape.
        """
        able = self._capabilities
        shape = state["chip"]["programmed"].shape
        if (state["serial"], state["variant"], shape) != (
            able.serial,
            able.variant,
            self.chip.shape,
        ):
            raise DeviceError(
                f"this is the state of an emulated board {state['serial']} of {shape[0]} x "
                f"{shape[1]} cells, and not of {able.serial}, {able.rows} x {able.columns}"
            )
        with self._owner.turn(), self._changing():
            self._waiting = []
            self.chip.restore(state["chip"])
            self._chain.restore(state["samples"])
            self._energy = Energy(**state["energy"])
            # In place: what drives and amplifiers remember, they share.
            self._row_volts[...] = state["row_volts"]
            self._column_currents[...] = state["column_currents"]
            self._front_end.injected[...] = state["injected"]
            held = state["held"]
            self._held = held and (Selection(held["rows"], held["columns"]), held["codes"])
            self._readout = Readout(self.chip)
            self._prepared.clear()
            if self._history is not None:
                kept = state.get("history")  # older memlabs kept none
                begin = History(0, UNTOLD if state["pulsed"] else 0)
                self._history = KeptHistory(begin) if kept is None else KeptHistory.of(kept)
        self._is_whole = True  # whatever an error had left of it

    def _transfer_of(
        self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.float64] | None:
        """Return `transfer` (S) of lines in this order; None before the board is configured."""
        try:
            whole = self.transfer(Selection(np.sort(rows), np.sort(columns)))
        except DeviceError:  # not configured
            return None
        places = np.argsort(np.argsort(rows)), np.argsort(np.argsort(columns))
        return whole[np.ix_(*places)] / GRID

    @property
    def kept(self) -> bool:
        """Whether the chip is in a file, and outlives this program."""
        return self._file is not None

    @property
    def pulsed(self) -> int:
        """Grows with the pulses of the chip, and with nothing else."""
        return self.chip.version

    def history(self, count: int | None = None) -> History | None:
        """Return what a chip in a file has got so far, or when it had got `count` row pulses."""
        with self._owner.turn():
            self._carry_out()
            return None if self._history is None else self._history.at(count)

    @property
    def unformed(self) -> int:
        """Cells that are not formed yet."""
        return int((~self.chip.formed).sum())

    def save(self) -> None:
        """Write the chip into its file, where it has one: what is lost by a kill is what follows.

        Raises
        ------
        StorageError
            If it cannot be written; the last one is still there.
        """
        if self._file is not None:
            with self._owner.turn():
                self._save(self._file)

    def _save(self, file: ChipFile) -> None:
        if self._is_whole:
            file.save(self.state())
        else:
            LOGGER.warning(
                "an error has come in the middle of a pulse of the chip %s, which is not saved: "
                "the file has it as it was saved last. Open it again",
                file.path,
            )

    def transfer(self, selection: Selection) -> npt.NDArray[np.float64]:
        """Return what these lines are multiplied by now: whole numbers of 2^-33 S, a copy.

        Shape (selected rows, selected columns). No simulated time passes, and nothing is changed.
        """
        with self._owner.turn():
            self._require_config()
            self._check_lines(selection, self._capabilities)
            chip, rows, columns = self.chip, selection.rows, selection.columns
            operands = self._readout.operands(selection, self._read_gate)
            if not chip.fluctuation.active:
                return operands.linear.copy()
            before = chip.fluctuation.state()  # slow noise is drawn when it is looked at
            try:
                deviation = chip.fluctuation.steps(chip.now, 1, 1, rows, columns).deviation
            finally:
                chip.fluctuation.restore(before)
            change = SlowNoise(operands, deviation, 1.0).change(deviation)
            return np.rint(operands.linear + change)

    def ground(self) -> None:
        """Put every line to 0 V."""
        with self._owner.turn():  # a simulation: no line waits for this one
            self._require_open()
            self._let_go()
            self._held = None

    def close(self) -> None:
        """Ground, save a chip that has a file, and let go; calling it again does nothing."""
        file, self._file, self._closed = self._file, None, True
        if file is None:
            return
        try:
            if self._owner.wait_turn(PATIENCE):  # a pulse of another thread comes to its end
                try:
                    self._save(file)
                finally:
                    self._owner.end_turn()
        finally:
            file.close()

    # --- what Board asks for

    def _configure(self, config: BoardConfig) -> None:
        self._require_exact(config)
        gate = config.spans.get(LineClass.GATE)
        self._read_gate = 0.0 if gate is None else float(gate.decode(config.read_gate_code))
        self._read_pulse = float(self._times.width(config.timing.column_ticks))
        self._auto_pulse = self._read_pulse * self.chip.preset.board.timing.gain_conversions
        self._prepared.clear()
        self._held = None
        self._let_go()

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        # A VMM of one-hot vectors.
        n = selection.rows.size
        one_hot = np.full((n, n), config.idle_row_code, np.uint16)
        np.fill_diagonal(one_hot, row_code)
        prepared = self._prepare(selection, config)
        return self._measure(prepared, one_hot, gain, prepared.read_period)

    def _vmm(
        self,
        selection: Selection,
        row_code: Codes,
        gain: int,
        config: BoardConfig,
    ) -> Samples:
        prepared = self._prepare(selection, config)
        return self._measure(prepared, row_code, gain, prepared.vmm_period)

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        self._let_go()
        self._held = None
        if self._chip.preset.passive.active:
            for k in range(len(pulses)):
                stopping.check()  # each takes long: a signal comes between two
                self._waiting.append(pulses.only(np.arange(len(pulses)) == k))
                self._carry_out()
            return
        self._waiting.append(pulses)
        # Pulses that come one by one, as from a line, wait for each other: who asks the board
        # cannot tell, and numpy takes as long for one as for a dozen.
        if len(pulses) > 1 or len(self._waiting) == _MOST_WAITING:
            self._carry_out()

    # --- helpers

    def _carry_out(self) -> None:
        """Let pulses act on the chip that were fired and have not yet; it is this thread's turn."""
        if not self._waiting:  # another thread has done it
            return
        config, pulses = self._config, joined(self._waiting)
        assert config is not None
        prints = None if self._history is None else prints_of(pulses)
        passive = self._chip.preset.passive.active
        each = [(k, k + 1) for k in range(len(pulses))] if passive else _independent_runs(pulses)
        with self._changing():
            self._waiting = []
            for start, stop in each:
                if self._history is not None and prints is not None:
                    self._history.add(prints[start:stop])
                if passive:
                    self._fire_passive(pulses, start, config)
                else:
                    self._fire(pulses, slice(start, stop), config)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the chip: what an error leaves is not saved; no signal breaks a kept one off."""
        with nullcontext() if self._file is None else stopping.unbroken():
            was, self._is_whole = self._is_whole, False
            yield
            self._is_whole = was

    def _require_exact(self, config: BoardConfig) -> None:
        """Refuse an array whose columns could carry more current than can be added up exactly."""
        span, allowed = config.spans[LineClass.ROW], config.limits[LineClass.ROW, Mode.READ]
        volts = float(np.abs(span.decode([allowed.minimum, allowed.maximum])).max())
        rows = self.chip.shape[0]
        current = rows * MAX_CONDUCTANCE * volts
        grid = 2.0**COARSEST_BITS
        if self._front_end.rows.exact:
            grid = span.step * VOLT_GRID
        exact = grid * EXACT_CURRENT
        if not current < exact:
            most = math.ceil(exact / (MAX_CONDUCTANCE * volts)) - 1
            raise LimitError(
                f"a column of {rows} cells of up to {MAX_CONDUCTANCE:g} S could carry "
                f"{current:.4g} A at the read limit of {volts:.3g} V, and the emulator adds up "
                f"less than {exact:g} A exactly: choose at most {most} rows (shape), or a lower "
                "limits.read_voltage"
            )

    def _measure(self, prepared: _Prepared, row_code: Codes, gain: int, period: int) -> Samples:
        """Multiply vectors that follow each other every `period` ns; it is this thread's turn."""
        self._carry_out()
        chip, lines = self._chip, prepared.selection
        pulse = self._read_pulse
        if gain == AUTO_GAIN:
            period += prepared.further_period
            pulse = self._auto_pulse
        n = len(row_code)
        shape = (n, lines.columns.size)
        out = Samples(np.empty(shape, np.uint16), np.empty(shape, np.uint8))
        start, power, steps, first, last = 0, 0.0, None, 0, 0
        while start < n:
            # The chip stays as it is until its cells have drifted, but for slow noise.
            stop = min(n, start - (chip.now - chip.next_change()) // period)
            if chip.fluctuation.active:
                if start == last:
                    left, rows, columns = n - start, lines.rows, lines.columns
                    steps = chip.fluctuation.steps(chip.now, period, left, rows, columns)
                    first, last = start, start + steps.stops[-1]
                stop = min(stop, last)
            some, to = row_code, out
            if stop - start < n:
                some, to = row_code[start:stop], Samples(out.code[start:stop], out.gain[start:stop])
            power += self._chain.measure(
                some, self._still(prepared), gain, to, steps, start - first
            )
            chip.advance_to(chip.now + (stop - start) * period)
            start = stop
        self._energy.vmm += pulse * power
        self._held = lines, row_code[-1].copy()
        return out

    def _still(self, prepared: _Prepared) -> Unchanging:
        """Return what measures while the chip stays as it is now, but for slow noise."""
        chip, still = self._chip, prepared.still
        moment = chip.version, chip.solved_at, chip.found_at
        if still is not None and prepared.moment == moment:
            return still
        prepared.moment = moment
        lines = prepared.selection
        operands = self._readout.operands(lines, self._read_gate)
        if still is None or still.products.operands is not operands:
            errors = self._front_end.column_errors(lines.columns, operands)
            still = self._chain.unchanging(
                operands, errors, prepared.drive, prepared.settling, still
            )
            prepared.still = still
        return still

    def _prepare(self, selection: Selection, config: BoardConfig) -> _Prepared:
        """Return what is needed to drive and sense these lines; kept while the board is as it is.

        Of the last few selections: they are the layers of a network on one chip.
        """
        prepared = self._prepared.get(selection)
        if prepared is not None:
            return prepared
        size = selection.rows.size, selection.columns.size
        span, allowed = config.spans[LineClass.ROW], config.row_read
        lines, tau = self._front_end.rows, self.chip.preset.board.dac.settling
        drive: Drive = ExactDrive(span, allowed)
        if not lines.exact or tau:
            unsettled = float(np.exp(-config.timing.settle_us * 1e-6 / tau)) if tau else 0.0
            drive = RealDrive(lines, span, allowed, selection.rows, unsettled, self._row_volts)
        timing = config.timing
        hold = timing.settle_us * 1e-6 + float(self._times.width(timing.sample_hold_ticks))
        missing = self._front_end.unsettled(hold)
        settling = None
        if missing is not None:
            settling = ColumnSettling(missing, selection.columns, self._column_currents)
        prepared = _Prepared(
            selection,
            drive,
            settling,
            vmm_period=self._times.vmm(*size, timing),
            read_period=self._times.read(*size, timing),
            further_period=self._times.further(selection.columns.size, timing),
        )
        if len(self._prepared) == KEPT:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[selection] = prepared
        return prepared

    def _let_go(self) -> None:
        """Let lines settle at 0 V."""
        self._row_volts[...] = 0.0
        self._column_currents[...] = 0.0

    def _fire(self, pulses: PulseBatch, run: slice, config: BoardConfig) -> None:
        """Fire pulses of one kind on different rows."""
        chip = self._chip
        rows = pulses.row[run].astype(np.intp)
        selected, ticks = pulses.columns[run], pulses.width_ticks[run]
        duration = self._times.pulses(selected.sum(axis=1), ticks)
        columns = np.flatnonzero(selected.any(axis=0))
        used: Any = columns
        if not 0 < 2 * columns.size < chip.shape[1]:  # nothing is copied where all take part
            used, columns = slice(None), np.arange(chip.shape[1])
        selected = selected[:, used]
        time = chip.now + duration.cumsum()
        width = self._times.width(ticks)[:, np.newaxis]
        gate_code = np.where(selected, pulses.gate_code[run, used], 0)
        gate = self._front_end.gates.volts(gate_code, config.spans[LineClass.GATE], columns)
        amplitude = pulses.amplitude_code[run]
        is_set = pulses.kind.item(run.start) == PulseKind.SET
        if is_set:
            lines = self._front_end.columns
            code = amplitude[:, np.newaxis]
            if not lines.exact:
                code = np.repeat(code, columns.size, axis=1)
            voltage = lines.volts(code, config.spans[LineClass.COLUMN], columns)
            pulsed = chip.set_cells
        else:
            voltage = self._front_end.rows.volts(amplitude, config.spans[LineClass.ROW], rows)
            voltage = voltage[:, np.newaxis]
            pulsed = chip.reset_cells
        path = pulsed(rows, selected, gate, columns, voltage=voltage, width=width, time=time)
        spent = np.zeros((rows.size, chip.shape[1]))
        spent[:, used] = path * voltage**2 * width
        self._spend(float(spent.sum()), int(time[-1]), is_set=is_set)

    def _fire_passive(self, pulses: PulseBatch, k: int, config: BoardConfig) -> None:
        """Fire one pulse on an array without transistors, all of whose cells see some of it."""
        chip, row, columns = self.chip, int(pulses.row[k]), pulses.columns[k]
        ticks, code = pulses.width_ticks[k : k + 1], pulses.amplitude_code[k : k + 1]
        time = chip.now + int(self._times.pulses(np.array([np.count_nonzero(columns)]), ticks)[0])
        width = float(self._times.width(ticks)[0])
        is_set, everywhere = pulses.kind[k] == PulseKind.SET, np.arange(chip.shape[1])
        if is_set:
            span = config.spans[LineClass.COLUMN]
            amplitude = self._front_end.columns.volts(
                code.repeat(everywhere.size), span, everywhere
            )
        else:
            span = config.spans[LineClass.ROW]
            amplitude = -self._front_end.rows.volts(code, span, np.array([row]))
            amplitude = amplitude.repeat(everywhere.size)
        compliance = config.compliance if is_set else None
        energy = pulse_passive(chip, row, columns, amplitude, width, time, compliance)
        self._spend(energy, time, is_set=is_set)

    def _spend(self, energy: float, time: int, *, is_set: bool) -> None:
        """Count what pulses of one kind have drawn (J), and let time pass until now (ns)."""
        if is_set:
            self._energy.set += energy
        else:
            self._energy.reset += energy
        self._chip.advance_to(time)


def _serial(name: str, seed: int, shape: tuple[int, int]) -> str:
    """Return the serial number; chips of another size than the published one are others."""
    size = "" if shape == PUBLISHED else f"-{shape_text(shape)}"
    return f"{name}-{seed}{size}"


def _variant(preset: ChipPreset) -> str:
    """Return what tells the static errors of this board from those of the preset of its name."""
    own = _static_errors(preset)
    if preset.name in BUILT_IN and own == _built_in_errors(preset.name):
        return ""
    return f"{zlib.crc32(json.dumps(own).encode()):08x}"


@cache
def _built_in_errors(name: str) -> list[float]:
    return _static_errors(load_preset(name))


def _static_errors(preset: ChipPreset) -> list[float]:
    dac, amplifier, adc = preset.board.dac, preset.board.amplifier, preset.board.adc
    errors = [dac.offset, dac.gain, dac.inl, amplifier.offset, amplifier.mismatch, adc.offset]
    return [*errors, dac.settling]


def _independent_runs(pulses: PulseBatch) -> list[tuple[int, int]]:
    """Cut the batch into runs of one kind with rising rows: those act on different cells.

    Such a run may be computed at once; noise is still drawn pulse by pulse, cell by cell.
    """
    kind, row = pulses.kind, pulses.row
    again = (kind[1:] != kind[:-1]) | (row[1:] <= row[:-1])
    edges = [0, *(again.nonzero()[0] + 1).tolist(), len(pulses)]
    return list(pairwise(edges))
