"""Trained weights on their way to the arrays: by write-and-verify, slice after slice.

What is on one array is written in one go, and each block is read under the load in which it is
used: its own lines take part and no others. A transfer that was stopped goes on where it was, and
pulses nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from memlab.array import Array
from memlab.experiments.config import ExperimentConfig, PairPlacement
from memlab.experiments.law import find_laws
from memlab.experiments.targets import used_cells, views_of
from memlab.mapping import (
    Block,
    DifferentialMatrix,
    SwitchingLaw,
    WriteVerifyResult,
    Writing,
    cells_within,
    merged,
    summarise,
    write_verify,
)
from memlab.nn import Network
from memlab.numeric import FloatArray
from memlab.runs import LogLevel, RunFile, WriteVerifyLog
from memlab.storage import State

__all__ = ["GROUP", "Transfer"]

GROUP = "transfer"


class Transfer:
    """Weights of some matrices of a network after those of others, and what became of the cells.

    Parameters
    ----------
    network
        On the arrays; its matrices get new R_gw.
    arrays
        The whole arrays.
    config
        Of the experiment.
    """

    def __init__(self, network: Network, arrays: Sequence[Array], config: ExperimentConfig):
        self._network, self._arrays, self._config = network, arrays, config
        self._settings = config.transfer.make_settings()
        self._views = views_of(network, arrays)
        self._records: list[WriteVerifyLog] = []
        self._laws: list[SwitchingLaw] = []
        self._results: list[tuple[int, WriteVerifyResult]] = []
        """What was written, and on which array; what comes next may be on the same one."""
        self._clipped = self._cells = 0

    def declare(self, run_file: RunFile) -> None:
        """Declare what is recorded of every array."""
        maps = self._config.log.level is not LogLevel.OFF
        for number, array in enumerate(self._arrays):
            group = GROUP if len(self._arrays) == 1 else f"{GROUP}_{number}"
            self._records.append(WriteVerifyLog(run_file, group))
            self._records[-1].declare(array, maps=maps, views=self._views[number])

    def find_laws(self, keeper: Callable[[State], None], resumed: State | None = None) -> None:
        """Learn what a SET does on every array; measured, where the configuration says so."""
        if self._laws:
            return
        self._laws = find_laws(
            zip(self._arrays, used_cells(self._network, self._arrays), self._views, strict=True),
            self._config.transfer,
            self._config.chip,
            keeper,
            resumed,
        )

    def write(
        self,
        matrices: Sequence[DifferentialMatrix],
        weights: Sequence[FloatArray],
        keeper: Callable[[State], None],
        resumed: State | None = None,
    ) -> None:
        """Write weights to matrices, then read these back.

        Parameters
        ----------
        matrices, weights
            What is written, and what to.
        keeper
            Told before every batch of pulses where this stands.
        resumed
            Where to go on, as the keeper was told; `restore` came before.
        """
        config = self._config.transfer
        writing = Writing(
            matrices,
            weights,
            self.window,
            centred=config.placement is PairPlacement.CENTRED,
            clip=config.clip,
            readings=config.readings,
        )
        if resumed is not None:
            writing.restore(resumed["writing"])
        while writing.step < writing.steps:
            begun = writing.state()

            def keep(state: State, begun: State = begun) -> None:
                keeper({"writing": begun, **state})

            targets, clipped = writing.targets()
            self._write(targets, keep, resumed)
            resumed = None
            self._clipped += clipped
            self._cells += sum(target.size for _, target in targets)
            writing.written()

    def _write(
        self,
        targets: Sequence[tuple[Block, FloatArray]],
        keeper: Callable[[State], None],
        resumed: State | None,
    ) -> None:
        """Write one slice of some matrices, array after array."""
        finished = 0 if resumed is None else resumed["finished"]
        work = None if resumed is None else resumed["work"]
        numbers = sorted({block.array_number for block, _ in targets})
        for k, number in enumerate(numbers):
            if k < finished:
                continue
            array, record = self._arrays[number], self._records[number]
            here = [(block.array, one) for block, one in targets if block.array_number == number]
            target = np.full(array.shape, np.nan)
            for view, wanted in here:
                target[cells_within(view, array)] = wanted

            def keep(state: State, k: int = k) -> None:
                keeper({"finished": k, "work": state})

            record.target(target)
            result = write_verify(
                array,
                target,
                self._laws[number],
                self._settings,
                observer=record.read,
                views=[view for view, _ in here],
                keeper=keep,
                resumed=work,
            )
            record.finish(result)
            self._results.append((number, result))
            work = None

    @property
    def window(self) -> tuple[float, float]:
        """Lowest and highest conductance (S) that every array reaches."""
        reach = [
            self._settings.reach(array, law)
            for array, law in zip(self._arrays, self._laws, strict=True)
        ]
        return max(low for low, _ in reach), min(high for _, high in reach)

    def state(self) -> State:
        """Return all that is known of the arrays so far."""
        return {
            "laws": [asdict(law) for law in self._laws],
            "results": [(number, result.state()) for number, result in self._results],
            "reads": [record.reads for record in self._records],
            "clipped": self._clipped,
            "cells": self._cells,
            "network": self._network.state(),
            "siemens_per_weight": [
                [one.siemens_per_weight for one in matrix.slices]
                for matrix in self._network.matrices
            ],
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`; `declare` came before, and nothing is pulsed or read."""
        self._laws = [SwitchingLaw(**law) for law in state["laws"]]
        self._clipped, self._cells = state["clipped"], state["cells"]
        for number, one in state["results"]:
            result = WriteVerifyResult.of_state(one)
            self._results.append((number, result))
            self._records[number].target(result.target)
            self._records[number].finish(result)
        for record, reads in zip(self._records, state["reads"], strict=True):
            record.reads = reads
        self._network.restore(state["network"])
        scales = state["siemens_per_weight"]
        for matrix, own in zip(self._network.matrices, scales, strict=True):
            matrix.siemens_per_weight = own[0]
            for one, scale in zip(matrix.slices, own, strict=True):
                one.siemens_per_weight = scale

    def details(self) -> dict[str, Any]:
        """Return how weights were placed, and what became of the cells."""
        low, high = self.window
        of_array = [
            merged([result for number, result in self._results if number == one])
            for one in sorted({number for number, _ in self._results})
        ]
        return {
            "window": {"low": low, "high": high},
            "siemens_per_weight": {
                one.name: one.siemens_per_weight
                for matrix in self._network.matrices
                for one in matrix.slices
            },
            "clipped": self._clipped / self._cells,
            **summarise(of_array),
        }
