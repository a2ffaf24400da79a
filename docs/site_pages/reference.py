"""Pages that the code writes: commands, settings, presets, effects of the emulator, public API."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path
from textwrap import dedent
from typing import Any, get_origin

import rich_click as click

import memlab
from memlab.cli.commands import cli
from memlab.emulator.preset import BUILT_IN, FRESH, PASSIVE, preset_rows
from memlab.kinds import Family, Kinds
from memlab.setting_list import list_settings

__all__ = ["has_torch", "write"]

EFFECTS = {
    "Switching": "cells/switching",
    "Spread": "cells/variability",
    "Forming": "cells/forming",
    "Defects": "cells/defects",
    "Wear": "cells/wear",
    "Conduction": "cells/conduction",
    "Read noise": "cells/fluctuation",
    "Drift": "cells/drift",
    "Measured relaxation": "cells/relaxation",
    "Wires": "wires",
    "Wires while pulsing": "pulse_drop",
    "Compliance of the transistor": "compliance",
    "Analogue front end": "front_end",
    "Signal chain": "signal_chain",
    "Passive arrays: which voltages select a cell": "passive",
    "Passive arrays: pulses": "passive_pulse",
    "Passive arrays: the network": "line_solution",
}
"""Effects of the emulator, and the module whose first text derives each."""

PICTURES = {
    "Switching": "set_law",
    "Read noise": "read_noise",
    "Drift": "relaxation",
    "Wires": "wires",
    "Conduction": "bending",
    "Wear": "wear",
}
"""Which of them have a picture (`pictures`)."""

PUBLIC = (
    "memlab",
    "memlab.nn.layers",
    "memlab.nn",
    "memlab.mapping",
    "memlab.torch",
    "memlab.emulator",
    "memlab.testing",
    "drivers.board",
    "drivers.capabilities",
    "drivers.converter",
    "drivers.errors",
)
"""Modules whose `__all__` is the public API (`docs/api.md`)."""


def has_torch() -> bool:
    """Whether PyTorch is here."""
    return importlib.util.find_spec("torch") is not None


def write(directory: Path) -> None:
    """Write all pages anew."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    pages = {
        "commands": _commands(),
        "settings": _settings(),
        "presets": _presets(),
        "effects": _effects(),
        "api": _api(),
    }
    for name, lines in pages.items():
        (directory / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a table of Markdown, with an empty line before and after it."""
    yield ""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        cells = (" ".join(str(cell).split()).replace("|", "\\|") for cell in row)
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield from _paragraphs(cli.help or "")
    for path, command in _tree(("memlab",), cli):
        if command is cli:
            continue
        yield ""
        yield f"## {' '.join(path)}"
        yield ""
        yield from _paragraphs(command.help or "")
        rows = []
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                rows.append((_code(parameter.make_metavar(click.Context(command))), ""))
            elif isinstance(parameter, click.Option) and not parameter.hidden:
                names = ", ".join((*parameter.opts, *parameter.secondary_opts))
                what = "" if parameter.is_flag else f" {parameter.metavar or parameter.type.name}"
                rows.append((_code(names + what.upper()), parameter.help or ""))
        if rows:
            yield from _table(("argument or option", "meaning"), rows)


def _tree(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            _, inner, _ = command.resolve_command(context, [name])
            yield from _tree((*path, name), inner)


def _paragraphs(text: str) -> Iterator[str]:
    """Yield help as Markdown: what click does not wrap stays as it is."""
    for part in text.replace("\b\n", "").split("\n\n"):
        yield " ".join(part.split())
        yield ""


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "What `--set` takes, for each kind of run; `memlab train NAME --settings` prints it."
    yield "The parameters of a chip, behind `chip.`, are those of [its preset](presets.md)."
    for family in (Family.EXPERIMENT, Family.PROCEDURE):
        for name, kind in Kinds(family).items():
            presets = getattr(kind, "presets", {})
            for preset, one in presets.items() if presets else [("", None)]:
                config = one.make() if one is not None else kind.Config()
                yield ""
                yield f"## {name}{f', preset {preset}' if preset else ''}"
                rows = [
                    (_code(row.name), _code(row.default), row.unit, row.meaning, row.allowed)
                    for row in list_settings(config)
                    if not row.name.startswith("chip.")
                ]
                head = ("setting", "default", "unit", "meaning", "allowed")
                yield from _table(head, rows)


def _presets() -> Iterator[str]:
    yield "# Chips"
    yield ""
    yield "Every parameter of every preset, as `memlab chip show NAME` prints it, with its source."
    for name in (*BUILT_IN, *FRESH, *PASSIVE):
        yield ""
        yield f"## {name}"
        rows = [
            (_code(row.name), _code(row.value), row.unit, row.description, row.source)
            for row in preset_rows(name)
        ]
        yield from _table(("parameter", "value", "unit", "meaning", "source"), rows)


def _effects() -> Iterator[str]:
    yield "# Effects of the emulator"
    yield ""
    yield "Each is what the first text of its module derives. Off unless a preset or a parameter of"
    yield "the URL says otherwise; what is off costs nothing and changes no bit."
    root = Path(memlab.__file__).parent / "emulator"
    for title, module in EFFECTS.items():
        text = ast.get_docstring(ast.parse((root / f"{module}.py").read_text(encoding="utf-8")))
        assert text, module
        first, _, rest = text.partition("\n")
        yield ""
        yield f"## {title}"
        yield ""
        yield first
        if title in PICTURES:
            yield ""
            yield f"![{title}](../pictures/{PICTURES[title]}.png)"
        yield from _prose(rest)
        yield ""
        yield f"Module: `memlab/emulator/{module}.py`"


def _prose(text: str) -> Iterator[str]:
    """Yield a plain text as Markdown: paragraphs as such, and what is indented as formulas."""
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        for indented, lines in groupby(part.split("\n"), lambda line: line.startswith("    ")):
            yield ""
            if indented:
                yield from ("```text", dedent("\n".join(lines)), "```")
            else:
                words = " ".join(line.strip() for line in lines).split("`")
                words[::2] = (_MARKS.sub(_escaped, part) for part in words[::2])
                yield "`".join(words)  # what stands between two of them is code already


_MARKS = re.compile(r"\*\w+\*|[*_<\[\]$|~]|^[-+#>](?= )")
"""What Markdown would take for more than itself; a *word* stays so."""


def _escaped(mark: re.Match[str]) -> str:
    return mark[0] if len(mark[0]) > 1 else f"\\{mark[0]}"


def _api() -> Iterator[str]:
    yield "# Public API"
    yield ""
    yield "What stays as it is, and how long: [the public API](../api.md)."
    told: set[int] = set()
    for name in PUBLIC:
        if name == "memlab.torch" and not has_torch():
            continue
        module = import_module(name)
        yield ""
        yield f"## {name}"
        yield ""
        yield (module.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
        for one in module.__all__:
            thing = getattr(module, one)
            if not callable(thing) or get_origin(thing) is not None or id(thing) in told:
                continue  # a constant, a type of an argument, or one that another module has too
            told.add(id(thing))
            directive = "autoclass" if isinstance(thing, type) else "autofunction"
            yield ""
            yield "```{eval-rst}"
            yield f".. {directive}:: {name}.{one}"
            if directive == "autoclass":
                yield "   :members:"
            yield "```"
