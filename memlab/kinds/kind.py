"""What a kind of run is."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from drivers.known_names import unknown
from memlab.array import Array
from memlab.errors import DataError, SettingError
from memlab.numeric import BoolArray
from memlab.runs import Family, Finding, Findings, Quantity, Run, Steps
from memlab.settings import Section

if TYPE_CHECKING:
    from memlab.session import Session

__all__ = ["Kind", "Preset"]


@dataclass(frozen=True)
class Preset:
    """Settings that belong together, under a name.

    Parameters
    ----------
    make
        Returns them.
    about
        What to tell of them, half a sentence.
    """

    make: Callable[[], Any]
    about: str

    def __call__(self) -> Any:
        """Return the settings."""
        return self.make()


class Kind(ABC):
    """A kind of run, and as an instance one that is to be made.

    Attributes
    ----------
    name
        As users type it: the name of its entry point.
    title
        What is done, as it stands over pictures.
    about
        One line for the help.
    family
        Which sort of work it is.
    Config
        Class of its settings: every number with unit, range and meaning.
    presets
        Settings with a name; empty where `Config()` is all there is.
    quantities
        What it may find, the most important first: it is what lists and sweeps show.
    steps
        What counts how far it is; None where it is done at once.
    resumable
        Whether `memlab runs resume` finishes a run that was killed.

    Parameters
    ----------
    config
        Settings, of the class `Config`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str] = ""
    family: ClassVar[Family]
    Config: ClassVar[type[Section]] = Section
    presets: ClassVar[Mapping[str, Preset]] = {}
    quantities: ClassVar[Sequence[Quantity]] = ()
    steps: ClassVar[Steps | None] = None
    resumable: ClassVar[bool] = False

    def __init__(self, config: Any):
        self.config = config

    @classmethod
    def runs(cls) -> bool:
        """Return whether commands can run it; of others there are only files."""
        return cls.run is not Kind.run

    @classmethod
    def default_preset(cls) -> str:
        """Return the preset of those who name none: our recipe where there is one; '' of none."""
        return "memlab" if "memlab" in cls.presets else next(iter(cls.presets), "")

    @classmethod
    def make_config(cls, preset: str = "") -> Any:
        """Return the settings of a preset, by default the usual ones.

        Raises
        ------
        SettingError
            If there is no preset of this name.
        """
        name = preset or cls.default_preset()
        if not name:
            return cls.Config()
        if name not in cls.presets:
            raise SettingError(f"{cls.name}: {unknown('preset', name, cls.presets)}")
        return cls.presets[name]()

    def check(self, arrays: Sequence[Array]) -> Any:
        """Refuse what cannot be done on these arrays, before there is a file; touch nothing.

        Returns
        -------
        What `run` finds as `session.given`; by default nothing.

        Raises
        ------
        SettingError, LimitError
            If it cannot be done.
        """
        return None

    def run(self, session: Session) -> None:
        """Do it: work on `session.arrays`, write into `session.file`, add to `session.findings`.

        Whatever is raised, the arrays are grounded and the file is closed.
        """
        raise SettingError(f"{self.name} cannot be run")

    def estimate(self, arrays: Sequence[Array], mask: BoolArray | None = None) -> dict[str, Any]:
        """Return the bill of a run: plain values of time, energy, pulses and file size.

        Parameters
        ----------
        arrays
            Emulated ones, on which it may be rehearsed.
        mask
            Cells of the region, where it is about a region; None for all.
        """
        raise SettingError(f"nothing tells what {self.name} will take")

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw a run, finished or not; by default the quantities that are declared.

        Parameters
        ----------
        run
            Of this kind.
        picture
            File to write (.png, .pdf, .svg); one that is there is replaced.

        Returns
        -------
        False where nothing was measured yet; nothing is written then.
        """
        from memlab.figures.declared import plot_declared

        return plot_declared(run, picture)

    @classmethod
    def summarise(cls, findings: Findings) -> list[str]:
        """Return what was found, in lines for people; by default every number."""
        return [
            f"  {name:<28} {_in_words(one)}"
            for name, one in findings.values.items()
            if one.is_number
        ]

    @classmethod
    def all_quantities(cls) -> Sequence[Quantity]:
        """Return what is declared, and what memlab makes of it by itself."""
        return cls.quantities

    @classmethod
    def check_declared(cls, findings: Findings) -> None:
        """Refuse findings that the kind does not declare, or declares with other units or axes.

        Of a kind that declares none, as of networks of one's own, everything goes.

        Raises
        ------
        DataError
            If there is one: lists, sweeps and pictures would show it wrongly or not at all.
        """
        if not cls.quantities:
            return
        known: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for quantity in cls.all_quantities():
            # One that lies over other axes on other chips is declared once for each.
            known.setdefault(quantity.name, []).append((quantity.units, tuple(quantity.dims)))
        for name, one in {**findings.axes, **findings.values}.items():
            if name not in known:
                raise DataError(
                    f"{cls.name} found {name!r}, which {cls.__name__}.quantities does not have: "
                    "declare it there"
                )
            if (one.units, tuple(one.dims)) not in known[name]:
                units, dims = known[name][0]
                raise DataError(
                    f"{cls.name} found {name!r} in {one.units} over {_axes(one.dims)} and declares "
                    f"it in {units} over {_axes(dims)}: let both say the same"
                )

    @classmethod
    def chief(cls, values: Mapping[str, Finding]) -> str | None:
        """Return the name of the number to recognise a run by: the first declared that was found.

        Of what is not declared, as in the files of other versions, the first is taken. Of values
        that are read when they are asked for, no more are read than it takes.
        """
        declared = (one.name for one in cls.quantities if one.name in values)
        for name in chain(declared, values):
            if values[name].is_number and values[name].is_found:
                return name
        return None


def _in_words(one: Finding) -> str:
    """Return a number, and of what and how many it is; or why there is none."""
    of = f" ({one.n} {one.of})" if one.of and one.n is not None else ""
    if not one.is_found:
        return f"{one.state}{of}: {one.why or 'the readings do not tell it'}"
    parts = filter(None, (one.in_words(), one.interval_in_words()))
    return ", ".join(parts) + of + (f"; {one.caveat}" if one.caveat else "")


def _axes(dims: Sequence[str]) -> str:
    return ", ".join(dims) or "no axis"
