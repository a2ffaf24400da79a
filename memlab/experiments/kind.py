"""What an experiment is as a kind of run; its file says the rest.

One of your own:

    class Moons(ExperimentKind):
        name, title, about = "moons", "Two moons", "Dense layers: which moon a point is of."
        Config = MoonsConfig
        presets: ClassVar = {"memlab": Preset(MoonsConfig, "two layers of eight units")}
        quantities: ClassVar = (MARGIN, *ExperimentKind.quantities)

        @classmethod
        def make(cls, config, arrays):
            return MoonsExperiment(config, arrays)  # batches, network, loss, evaluate
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from memlab.array import Array
from memlab.emulator.blas import one_blas_thread
from memlab.experiments.config import ExperimentConfig, Method
from memlab.experiments.ex_situ import ExSitu
from memlab.experiments.experiment import Experiment
from memlab.experiments.in_situ import InSitu
from memlab.experiments.metrics import (
    EPOCHS,
    FINAL_LOSS,
    RESTARTS,
    VALIDATION_LOSS,
    in_software,
    metrics_of,
)
from memlab.experiments.rehearsal import rehearse
from memlab.kinds import Family, Kind, Quantity, Steps, load_derived
from memlab.numeric import BoolArray
from memlab.runs import Run
from memlab.session import Session

if TYPE_CHECKING:
    from memlab.figures.declared import Part

__all__ = ["ExperimentKind", "load_experiment"]


class ExperimentKind(Kind):
    """A network that is trained on arrays, or in software and transferred to them, and judged.

    Attributes
    ----------
    loss_name
        What is minimised, for pictures.
    """

    family = Family.EXPERIMENT
    Config: ClassVar[type[ExperimentConfig]]
    quantities: ClassVar[Sequence[Quantity]] = (FINAL_LOSS, RESTARTS, VALIDATION_LOSS, EPOCHS)
    steps = Steps("training/epoch", "epochs", "train.epochs", numbered=True)
    resumable = True
    loss_name: ClassVar[str] = "Loss"
    config: ExperimentConfig

    @classmethod
    @abstractmethod
    def make(cls, config: Any, arrays: Sequence[Array]) -> Experiment:
        """Return the experiment on arrays; nothing is pulsed before it is run.

        Raises
        ------
        SettingError
            If it does not fit, or its data are not there.
        """

    def check(self, arrays: Sequence[Array]) -> InSitu | ExSitu:
        """Build the network on the arrays; what does not fit is refused."""
        method = InSitu if self.config.method is Method.IN_SITU else ExSitu
        return method(self.make, self.config, arrays)

    def run(self, session: Session) -> None:
        """Train and judge, as `method` says."""
        # The products are thin: more threads make them slower, and change their last bits.
        with one_blas_thread():
            outcome = session.given.run(session, session.watchers)
        session.findings = outcome.findings
        numbers = [(name, one) for name, one in outcome.findings.values.items() if one.is_number]
        session.results |= {
            "metrics": {name: one.number if one.is_found else None for name, one in numbers},
            "metrics_of": metrics_of(outcome.findings),
            **outcome.details,
        }
        session.units |= outcome.units

    def estimate(self, arrays: Sequence[Array], mask: BoolArray | None = None) -> dict[str, Any]:
        """Return the bill of a run on emulated arrays, from a rehearsal on them."""
        return rehearse(self, self.make, arrays)

    @classmethod
    def all_quantities(cls) -> Sequence[Quantity]:
        """Return what is declared, and the same of the network in software before a transfer."""
        return (*map(in_software, cls.quantities), *cls.quantities)

    @classmethod
    def draw_results(cls, run: Run) -> list[Part]:
        """Return parts of the picture of a finished run; by default what the kind declares."""
        from memlab.figures.declared import found_parts
        from memlab.figures.training import loss_part

        return [loss_part(run, cls.loss_name), *found_parts(run)]

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw results, loss, arrays and raw vectors; of one that is not finished, the rest."""
        from memlab.figures.training import plot_training

        results = cls.draw_results(run) if run.finished else None
        return plot_training(run, picture, results, cls.loss_name)


def load_experiment(name: str) -> type[ExperimentKind]:
    """Return an experiment by the name that users type.

    Raises
    ------
    SettingError
        If there is none of this name.
    """
    return load_derived(name, ExperimentKind)  # type: ignore[type-abstract]
