"""Program cells to target conductances by write-and-verify, into a run file and a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from drivers import stopping
from memlab.array import Array
from memlab.array.gate_settings import refuse_gates
from memlab.array.load_choice import LoadChoice, select
from memlab.array.urls import check_url
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.load import warn_of_loads
from memlab.emulator import load_preset
from memlab.errors import DataError, SettingError
from memlab.experiments.config import LawSource, WriteVerifyConfig
from memlab.experiments.law import find_law
from memlab.kinds import Family, Kind, Quantity, Steps
from memlab.mapping import (
    PULSE_UNITS,
    Round,
    SwitchingLaw,
    check_target,
    summarise,
    write_verify,
)
from memlab.numeric import FloatArray
from memlab.operations.beside import load_beside
from memlab.operations.files import load_numbers, output_path, request_for
from memlab.regions import Region
from memlab.runs import Run, WriteVerifyLog
from memlab.session import (
    UNLABELLED,
    Labels,
    Session,
    Vouched,
    find_checkpoint,
    open_arrays,
    open_unfinished,
    recorded,
)
from memlab.settings import ChipSetting, PointConfig, merge_settings
from memlab.storage import State

__all__ = ["ProgramConfig", "ProgramKind", "program_target", "resume_program"]

GROUP = "program"

WITHIN = Quantity("within_tolerance", "1", "Share of the cells within tolerance")
RMS_ERROR = Quantity("rms_error", "S", "Root mean square error of the cells")


class ProgramConfig(WriteVerifyConfig):
    """Every number of a write-and-verify from the command line."""

    chip: ChipSetting = Field(
        default_factory=lambda: load_preset("ta-hfo2"),
        description="Chip on the board: its preset states the law of a SET.",
    )
    point: PointConfig = PointConfig()
    limits: LimitChanges = LimitChanges()
    load: LoadChoice = Field(
        LoadChoice.SELECTION,
        description="Lines that take part in readings, as in the use of the cells: those of the "
        "cells asked for (selection), or all (array).",
    )


@stopping.stopped_in_order()
def program_target(
    target: Path,
    url: str,
    config: ProgramConfig,
    region: Region = Region(),  # noqa: B008 - frozen
    *,
    out: Path | None = None,
    watch: Callable[[Round], None] = lambda step: None,
    figure: bool = True,
    labels: Labels = UNLABELLED,
) -> dict[str, Any]:
    """Bring the cells of a region to the conductances of a file; programs the array.

    Targets are verified, and the law of a SET is measured, under the load in which the cells will
    be used (`memlab.chip.load`): by default the lines of the cells that are asked for take part and
    no others, as they do in `read_map` and `multiply` with this region.

    However it ends, the array is grounded and the run file closed, with everything measured so far.

    Parameters
    ----------
    target
        A .npy file of conductances in S, of the array's shape; NaN leaves a cell alone. Where it
        is a map that was read under another load than the cells are verified under, this warns.
    url, region
        Of what.
    config
        Tolerances, limits and voltages.
    out
        Run file, .h5 or .hdf5; by default a new one in `memlab-runs`.
    watch
        Told after every read.
    figure
        Whether to draw a picture beside it.
    labels
        Tags and note of the run.

    Returns
    -------
    The document of `memlab program --json`: files, the law, the load, the statistics of
    `memlab.mapping.summarise`, counts, seconds.

    Raises
    ------
    SettingError
        If a file or its shape is wrong; nothing is pulsed.
    LimitError
        If a target cannot be reached. With the law of the chip's preset nothing is pulsed; with
        `law=measured` only the cells that the law was measured on.
    """
    url = check_url(url)
    wanted, told = load_numbers(target, "target"), load_beside(target)
    out = output_path(out, GROUP, (".h5", ".hdf5"))
    request = request_for(ProgramKind, out, url, config.model_dump(mode="json"), labels)
    with open_arrays(
        [url], chip=config.chip, point=config.point.make_point(), limits=config.limits
    ) as (array,):
        refuse_gates(config, array, config.point.set_voltage)
        wanted = _choose(wanted, target, array, region)
        part = _part(array, wanted, config)
        warn_of_loads(f"{target} and the readings that verify it", [told, part.load])
        # What cannot be reached, or is not allowed, leaves nothing behind.
        law = _law(array, wanted, config, part) if config.law is LawSource.CHIP else None
        array.check_set_to(config.make_settings().control_range(array)[1], ~np.isnan(wanted))
        given = _Given(wanted, part, law)
        with recorded(request, [array], given=given, watchers=[watch]) as session:
            ProgramKind(config).run(session)
    return session.document(figure=figure, tolerance=config.tolerance)


@stopping.stopped_in_order()
def resume_program(
    path: Path,
    *,
    watch: Callable[[Round], None] = lambda step: None,
    figure: bool = True,
    board_restarted: bool = False,
    record_lost: bool = False,
) -> dict[str, Any] | None:
    """Finish a programming that was killed or interrupted; return its document.

    It goes on from its last round. An emulated chip in this process goes back to that, with its
    passport and the run file; on a board no pulse that was fired is fired again.

    Parameters
    ----------
    path
        Its run file.
    watch, figure
        As for `program_target`.
    board_restarted, record_lost
        What the user says of the board, as for a training (`memlab.experiments.resume`).

    Returns
    -------
    None if it is finished.

    Raises
    ------
    DataError
        If it is no run of `program`, is alive, or has no checkpoint that fits it; or if the board
        is another one, was restarted, or may have been pulsed by a copy of the run.
    """
    if (found := open_unfinished(path, figure=figure)) is None:
        return None
    if found.kind != GROUP:
        raise DataError(f"{path} is a run of {found.kind}, and not of memlab program")
    checkpoint = find_checkpoint(path)
    config = merge_settings(ProgramConfig(), found.settings, str(path))
    (url,), labels = found.boards, Labels(found.tags, found.note)
    request = request_for(ProgramKind, path, url, config.model_dump(mode="json"), labels)
    with open_arrays(
        [url], chip=config.chip, point=config.point.make_point(), limits=config.limits
    ) as (array,):
        wanted, law = checkpoint.kind["target"], checkpoint.kind["law"]
        law = None if law is None else SwitchingLaw(**law)
        with recorded(
            request,
            [array],
            checkpoint=checkpoint,
            vouched=Vouched(board_restarted, record_lost),
            given=_Given(wanted, _part(array, wanted, config), law),
            watchers=[watch],
        ) as session:
            ProgramKind(config).run(session)
    return session.document(figure=figure, tolerance=config.tolerance)


def _part(array: Array, wanted: FloatArray, config: ProgramConfig) -> Array:
    """Return the view through which cells are verified."""
    mask = ~np.isnan(wanted)
    lines = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return select(array, *lines, config.load)


def _law(
    array: Array,
    wanted: FloatArray,
    config: ProgramConfig,
    part: Array,
    keeper: Callable[[State], None] | None = None,
    resumed: State | None = None,
) -> SwitchingLaw:
    """Return the law of the chip, by which every target can be reached."""
    asked = ~np.isnan(wanted)
    law = find_law(array, config, config.chip, asked, [part], keeper=keeper, resumed=resumed)
    check_target(array, wanted, law, config.make_settings())
    return law


@dataclass(frozen=True, eq=False)
class _Given:
    """What was made ready: targets (S) of the array's shape, lines that take part, law if known."""

    wanted: FloatArray
    part: Array
    law: SwitchingLaw | None


class ProgramKind(Kind):
    """The operation as a kind of run."""

    name = GROUP
    title = "write-and-verify"
    about = "Bring cells to target conductances: write-and-verify."
    family = Family.OPERATION
    Config = ProgramConfig
    resumable = True
    steps = Steps(f"{GROUP}/read", "rounds")
    quantities = (WITHIN, RMS_ERROR)
    config: ProgramConfig

    def run(self, session: Session) -> None:
        """Measure the law where it is not known, then write and verify."""
        given: _Given = session.given
        (array,), config = session.arrays, self.config
        log = WriteVerifyLog(session.file, GROUP)
        log.declare(array, views=[given.part])
        session.file.start()
        log.target(given.wanted)
        been: State = session.resumed or {}
        law, work = given.law, been.get("work")
        log.reads = been.get("reads", 0)

        def keep(*, work: State | None = None, probes: State | None = None) -> None:
            known = None if law is None else asdict(law)
            where = {"work": work, "probes": probes, "reads": log.reads}
            session.keep({"target": given.wanted, "law": known, **where})

        if session.resumed is None:
            keep()
        if law is None:
            law = _law(
                array,
                given.wanted,
                config,
                given.part,
                lambda state: keep(probes=state),
                been.get("probes"),
            )

        def observe(step: Round, conductance: FloatArray) -> None:
            log.read(step, conductance)
            for watch in session.watchers:
                watch(step)

        result = write_verify(
            array,
            given.wanted,
            law,
            config.make_settings(),
            observer=observe,
            views=[given.part],
            keeper=lambda state: keep(work=state),
            resumed=work,
        )
        log.finish(result)
        told = summarise([result])
        n, error, of = told["cells"], told["rms_error"]["value"], "cells asked for"
        session.findings.add_fraction(WITHIN, told["within_tolerance"], n, of)
        session.findings.add(RMS_ERROR, np.nan if error is None else error, n=n, of=of)
        session.results |= {"law": asdict(law), "load": given.part.load.document(), **told}
        session.units |= {
            "tolerance": "S",
            "set_slope": "S/V",
            **dict.fromkeys(
                ("set_offset", "reset_conductance", "set_saturation", "set_onset"), "S"
            ),
            **PULSE_UNITS,
        }

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw the yield after each round, how far off the cells are, and where."""
        from memlab.figures.write_verify import plot_write_verify

        with run.entry() as entry:
            if not run.steps(entry)[0]:
                return False
        plot_write_verify(run.path, GROUP, picture)
        return True


def _choose(target: FloatArray, path: Path, array: Array, region: Region) -> FloatArray:
    """Return the targets of the cells in the region, NaN elsewhere."""
    if target.shape != array.shape:
        raise SettingError(
            f"{path} has shape {target.shape}; the array has {array.shape[0]} rows and "
            f"{array.shape[1]} columns (NaN leaves a cell alone)"
        )
    chosen = np.where(region.pick(array.shape), target, np.nan)
    if np.isnan(chosen).all():
        raise SettingError(f"{path} asks for no cell of the region: all of them are NaN")
    return chosen
