"""The networks of the survey on small experiments: medians over seeds, with baselines beside them.

    python scripts/survey_networks.py --data DIRECTORY      # everything that is missing
    python scripts/survey_networks.py --only tree --seeds 2
    python scripts/survey_networks.py --table               # write the page from what is stored

Each trial is a `memlab.Model`, trained in situ on an emulated chip (`ta-hfo2`, the seed is that of
chip and network) and again with weights of float64 (`ideal:`). The circuits of the second table
have weights of float64. What the tables show is kept beside this script, in `survey_networks.json`,
trial by trial, so that after a kill only what is missing is run. Nothing here has run on silicon.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from stored_trials import load, store
from survey_tasks import (
    Task,
    drawn_digits,
    list_operations,
    next_month,
    rmse,
    scaled_times,
    three_digits,
    wafer_with_gaps,
)

import memlab
from memlab import nn
from memlab.datasets import load_airline
from memlab.mapping import TA_HFO2
from memlab.nn import Adam, Curve, LayerLike, LSTMVariant, layers

FloatArray = npt.NDArray[np.float64]

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"
STORED = Path(__file__).with_name("survey_networks.json")
TABLES = {"networks": "<!-- table -->", "circuits": "<!-- circuits -->"}
END = "<!-- /table -->"
SEEDS = 5
BOARDS = {"chip": "emulator:?chip=ta-hfo2&seed={}", "float64": "ideal:"}


@dataclass(frozen=True, eq=False)
class Row:
    """A network with its experiment.

    Parameters
    ----------
    key, title, paper
        Of the network.
    layers
        What it consists of.
    make
        Returns the task of a seed, from a directory of data.
    task, figure
        What it is about, and what is measured: in words.
    epochs, batch
        Of training with Adam, whose rate falls from 0.03 to 0.003.
    siemens
        Conductance in S of a weight of 1.
    scale, form
        From the figure to how it is written.
    """

    key: str
    title: str
    paper: str
    layers: Sequence[LayerLike]
    make: Callable[[int, str], Task]
    task: str
    figure: str
    epochs: int
    batch: int = 50
    siemens: float = 6e-5
    scale: float = 1.0
    form: str = ".1f"


class Falling(Adam):
    """Adam with a rate that falls geometrically over some steps."""

    def __init__(self, first: float, last: float, steps: int):
        super().__init__(first)
        self.first, self.ratio, self.steps = first, last / first, steps

    def step(self, name: str, gradient: FloatArray) -> FloatArray:
        """Return the weight change."""
        done = self.memory[name][0] if name in self.memory else 0
        self.lr = self.first * self.ratio ** (done / self.steps)
        return super().step(name, gradient)


THOUSAND, BALANCED, GREY = "RMSE, 1000 passengers", "balanced accuracy, %", "RMSE, % of white"
LAST = layers.LastStep()


def _airline(key: str, title: str, paper: str, *hidden: LayerLike, every_step: bool = False) -> Row:
    return Row(
        key,
        title,
        paper,
        [*hidden, *(() if every_step else (LAST,)), layers.Dense(1)],
        lambda seed, data: next_month(12, every_step),
        "airline: the next month from twelve" + (", learnt at each of them" if every_step else ""),
        THOUSAND,
        300,
        100,
        1e-4,
    )


def _digits(key: str, title: str, of_class: bool, *first: LayerLike) -> Row:
    return Row(
        key,
        title,
        "Karpathy 2015" if of_class else "Cho 2014, arXiv:1406.1078",
        [*first, layers.Repeat(8), layers.LSTM(12), layers.Dense(8)],
        lambda seed, data: drawn_digits(seed, data, of_class),
        "the eight rows of a digit from its " + ("class" if of_class else "eight rows"),
        GREY,
        20,
        siemens=1e-4,
        scale=100.0,
    )


def _classes(
    key: str,
    title: str,
    paper: str,
    first: LayerLike,
    make: Callable[[int, str], Task],
    task: str,
    epochs: int,
    classes: int = 2,
) -> Row:
    image = (layers.MaxPool(2), layers.Flatten()) if classes == 6 else ()
    description = [first, *image, LAST, layers.Dense(classes)]
    return Row(key, title, paper, description, make, task, BALANCED, epochs, scale=100.0)


SHI, GAPS = "Shi 2015, arXiv:1506.04214", "wafer, a quarter of the values with their times"
ORDER, LISTS = "order of three digits", "ListOps in small"
ROWS = (
    _airline("lstm", "LSTM, many-to-one", "Gers 2000", layers.LSTM(6)),
    _airline("peephole", "LSTM with peepholes", "Gers 2000", layers.LSTM(6, peephole=True)),
    _airline(
        "stacked", "Stacked LSTM", "Graves 2013, arXiv:1303.5778", layers.LSTM(6), layers.LSTM(6)
    ),
    _airline("many", "LSTM, many-to-many", "Karpathy 2015", layers.LSTM(6), every_step=True),
    _digits("one", "LSTM, one-to-many", True),
    _digits("sequence", "Sequence to sequence", False, layers.LSTM(12), LAST),
    _classes(
        "conv", "ConvLSTM", SHI, layers.ConvLSTM(5, (3, 3), (2, 2)), three_digits, ORDER, 6, 6
    ),
    _classes(
        "conv-peephole",
        "ConvLSTM with peepholes",
        SHI,
        layers.ConvLSTM(5, (3, 3), (2, 2), peephole="kernel"),
        three_digits,
        ORDER,
        6,
        6,
    ),
    _classes(
        "timed",
        "LSTM, time as a number",
        "beside the phased one",
        layers.LSTM(8),
        lambda seed, data: scaled_times(wafer_with_gaps(seed, data)),
        GAPS,
        15,
    ),
    _classes(
        "phased",
        "Phased LSTM",
        "Neil 2016, arXiv:1610.09513",
        layers.PhasedLSTM(8, (10.0, 150.0), 0.3, timed=True),
        wafer_with_gaps,
        GAPS,
        15,
    ),
    _classes(
        "flat",
        "LSTM over the nodes of a tree",
        "beside the tree LSTM",
        layers.LSTM(8),
        lambda seed, data: list_operations(seed, trees=False),
        LISTS,
        20,
    ),
    _classes(
        "tree",
        "Tree LSTM, child-sum",
        "Tai 2015, arXiv:1503.00075",
        layers.TreeLSTM(8),
        lambda seed, data: list_operations(seed, trees=True),
        LISTS,
        20,
    ),
)


def trial(row: Row, seed: int, board: str, data: str = "") -> dict[str, Any]:
    """Train once, and return what the table needs of it."""
    task = row.make(seed, data)
    updates = -(-len(task.x) // row.batch) * row.epochs
    with TemporaryDirectory() as directory, memlab.open_array(BOARDS[board].format(seed)) as array:
        model = memlab.Model(
            list(row.layers),
            array,
            task.x.shape[2:],
            mapping=TA_HFO2.model_copy(update={"siemens_per_weight": row.siemens}),
            seed=seed,
            name=row.key.replace("-", "_"),
        )
        model.fit(
            task.x,
            task.y,
            epochs=row.epochs,
            batch=row.batch,
            optimizer=Falling(0.03, 0.003, updates),
            out=Path(directory) / "run.h5",
            log="off",
            figure=False,
        )
        weights = sum(one.size for one in model.weights.values())
        figure = task.measure(model.predict(task.x_test))
    return {"seed": seed, "figure": figure, "weights": weights, "baselines": dict(task.baselines)}


# The survey's analogue circuits: N = 1, M = 4, three months, levels scaled to [0, 1].

PUBLISHED = {"software": 10.05, "voltage mode": 10.99, "current mode": 47.33}
CIRCUITS: Mapping[str, Mapping[str, float]] = {
    "ideal": {},
    "limits: 10 % of the range lost at each end": {"lost": 0.1},
    "limits: 25 %": {"lost": 0.25},
    "limits: 40 %": {"lost": 0.4},
    "offset of all inputs: 0.1": {"input_offset": 0.1},
    "offset of all inputs: 0.5": {"input_offset": 0.5},
    "offset of all outputs: 0.05": {"output_offset": 0.05},
    "offset of all outputs: 0.2": {"output_offset": 0.2},
}
"""Assumed: the survey has no curves in numbers."""


def circuit(
    lost: float = 0.0, input_offset: float = 0.0, output_offset: float = 0.0
) -> tuple[Curve, Curve]:
    """Return sigmoid and tanh of a circuit with the same faults in both.

    Parameters
    ----------
    lost
        Part of the ideal range that is missing at each end, below 0.5.
    input_offset, output_offset
        In the unit of the ideal functions.
    """
    curves = [
        Curve.of(
            name,
            low=bottom + lost * (1 - bottom) + output_offset if lost else -np.inf,
            high=1 - lost * (1 - bottom) + output_offset if lost else np.inf,
            input_offset=input_offset,
            output_offset=output_offset,
        )
        for name, bottom in (("sigmoid", 0.0), ("tanh", -1.0))
    ]
    return curves[0], curves[1]


def circuits(seed: int, epochs: int = 600) -> dict[str, dict[str, float]]:
    """Return RMSEs of the test months in % of the scale, for every circuit.

    Each with the weights of a training in software (moved), and trained through it (trained).
    """
    passengers = load_airline().passengers
    level = (passengers - passengers.min()) / np.ptp(passengers)
    x = np.lib.stride_tricks.sliding_window_view(level, 3)[:-1, :, np.newaxis]
    y, train = level[3:, np.newaxis], np.arange(3, len(level)) <= 96

    def trained(sigmoid: str | Curve, tanh: str | Curve) -> tuple[memlab.Model, float]:
        variant = LSTMVariant(gate=sigmoid, squash=tanh)
        description: list[LayerLike] = [
            layers.LSTM(4, variant=variant),
            LAST,
            layers.Dense(1, sigmoid),
        ]
        with TemporaryDirectory() as directory, memlab.open_array("ideal:") as array:
            model = memlab.Model(description, array, 1, seed=seed, name="survey")
            model.fit(
                x[train],
                y[train],
                epochs=epochs,
                batch=100,
                optimizer=Falling(0.03, 0.003, epochs),
                out=Path(directory) / "run.h5",
                log="off",
                figure=False,
            )
            return model, 100 * rmse(model.predict(x[~train]), y[~train])

    found = {}
    software, _ = trained("sigmoid", "tanh")
    lstm, dense = software.network.matrices
    for name, faults in CIRCUITS.items():
        sigmoid, tanh = circuit(**faults)
        moved = nn.Network(
            [
                nn.LSTM(lstm, 1.0, LSTMVariant(gate=sigmoid, squash=tanh)),
                LAST,
                nn.Dense(dense, sigmoid, 1.0),
            ]
        )
        output = moved.forward(np.ascontiguousarray(x[~train].swapaxes(0, 1)))[0]
        found[name] = {
            "moved": 100 * rmse(output, y[~train]),
            "trained": trained(sigmoid, tanh)[1],
        }
    found["persistence"] = {"moved": 100 * rmse(x[~train, -1], y[~train])}
    return found


def _keep(key: str, found: dict[str, Any]) -> None:
    stored = load(STORED, {})
    stored.setdefault(key, []).append(found | {"program": f"memlab {memlab.__version__}"})
    store(STORED, stored)
    print(f"{key}, seed {found['seed']}: {found.get('figure', '')}", flush=True)


def collect(rows: Sequence[Row], seeds: Sequence[int], data: str, with_circuits: bool) -> None:
    """Run what is missing, seed by seed, and store each trial as soon as it is done."""

    def missing(key: str, seed: int) -> bool:
        return seed not in [one["seed"] for one in load(STORED, {}).get(key, [])]

    for seed in seeds:
        for row in rows:
            for board in BOARDS:
                if missing(key := f"{row.key} {board}", seed):
                    _keep(key, trial(row, seed, board, data))
        if with_circuits and missing("circuits", seed):
            _keep("circuits", {"seed": seed, "rmse": circuits(seed)})


def _cell(values: Sequence[float], scale: float = 1.0, form: str = ".1f") -> str:
    """Return median and range."""
    middle, low, high = (
        format(scale * one, form) for one in (statistics.median(values), min(values), max(values))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def tables(stored: dict[str, Any]) -> dict[str, str]:
    """Return the tables by their names."""
    head = "| network | paper | weights | experiment | emulated chip | float64 | n | without |"
    lines = [head, "|---" * 8 + "|"]
    for row in ROWS:
        chip, ideal = (stored.get(f"{row.key} {board}", []) for board in BOARDS)
        if not chip or not ideal:
            continue
        without = ", ".join(
            f"{name} {_cell([one['baselines'][name] for one in chip], row.scale, row.form)}"
            for name in chip[0]["baselines"]
        )
        cells = [
            row.title,
            row.paper,
            str(chip[0]["weights"]),
            f"{row.task}; {row.figure}",
            *(_cell([one["figure"] for one in of], row.scale, row.form) for of in (chip, ideal)),
            str(len(chip)),
            without,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    found = {"networks": "\n".join(lines)}
    trials = [one["rmse"] for one in stored.get("circuits", [])]
    lines = ["| activations | software's weights | trained through them | n |", "|---" * 4 + "|"]
    for name in CIRCUITS if trials else ():
        moved, trained = ([one[name][way] for one in trials] for way in ("moved", "trained"))
        lines.append(f"| {name} | {_cell(moved)} | {_cell(trained)} | {len(trials)} |")
    if trials:
        naive = _cell([one["persistence"]["moved"] for one in trials])
        lines.append(f"| persistence, no network | {naive} | | |")
        for name, value in PUBLISHED.items():
            lines.append(f"| published: {name} | {value} | | 1 |")
    found["circuits"] = "\n".join(lines)
    return found


def write(page: Path, found: Mapping[str, str]) -> None:
    """Put the tables between their marks on the page."""
    text = page.read_text()
    for name, begin in TABLES.items():
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{found[name]}\n\n{END}{rest.split(END, 1)[1]}"
    page.write_text(text)


def main() -> int:
    """Run what is missing and write the tables."""
    parser = argparse.ArgumentParser(description="The networks of the survey.")
    parser.add_argument("--only", action="append", help="Row, or circuits; by default all.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="How many, from 1.")
    parser.add_argument("--data", default="", help="Directory of the data sets.")
    parser.add_argument("--table", action="store_true", help="Run nothing, write the page.")
    given = parser.parse_args()
    if not given.table:
        rows = [row for row in ROWS if given.only is None or row.key in given.only]
        with_circuits = given.only is None or "circuits" in given.only
        collect(rows, range(1, given.seeds + 1), given.data, with_circuits)
    found = tables(load(STORED, {}))
    write(PAGE, found)
    print("\n\n".join(found.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
