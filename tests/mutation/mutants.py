"""Mutants: small changes of the code, drawn by a seed.

The operators are cosmic-ray's, without those whose mutants are all alike (a float shifted to the
right raises wherever it is run), and one of our own. A place is drawn first and one of its mutants
then: a sum has eleven mutants by other operators, a `not` only one.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.mutation.one_side import LeaveOutOneSide

__all__ = ["Mutant", "draw", "mutants_of"]

_ALIKE = re.compile(
    "(Delete|Unary)?Replace.*_(Add|Sub|Mul|Div)_(FloorDiv|Mod|Pow|RShift|LShift|Bit.*)"
    "|.*_(FloorDiv|Mod|Pow)_(RShift|LShift|Bit.*)"
    "|.*_Bit(Or|And|Xor)_(Add|Sub|Mul|Div|FloorDiv|Mod|Pow|RShift|LShift)"
    "|.*_[RL]Shift_(Add|Sub|Mul|Div|FloorDiv|Mod|Pow|Bit.*)"
    "|.*Comparison.*_(Eq|NotEq|Lt|LtE|Gt|GtE)_Is(Not)?"
    "|.*Comparison.*_Is(Not)?_(Eq|NotEq|Lt|LtE|Gt|GtE)"
    "|.*Invert_Not|.*USub_Invert|.*UAdd.*"
)


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Parameters
    ----------
    module
        Path below the repository.
    line, column
        Where, from 1 and from 0.
    operator
        Name of the operator.
    occurrence
        Which of the places that the operator finds in the module.
    """

    module: str
    line: int
    column: int
    operator: str
    occurrence: int

    @property
    def kind(self) -> str:
        """The operator without what it puts in place of what."""
        return self.operator.partition("_")[0]

    def apply(self, source: str) -> str:
        """Return the changed source."""
        return _changed(self, source)

    def shown(self, source: str) -> tuple[str, str]:
        """Return the lines of its place before and after, stripped."""
        before, after = source.splitlines(), self.apply(source).splitlines()
        if len(before) != len(after):
            return before[self.line - 1].strip(), "(lines are gone)"
        differ = [k for k, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
        return tuple(" / ".join(text[k].strip() for k in differ) for text in (before, after))  # type: ignore[return-value]


@cache  # parsing a module takes longer than most tests that kill a mutant
def _changed(mutant: Mutant, source: str) -> str:
    changed = mutate_code(source, _operators()[mutant.operator], mutant.occurrence)
    if changed is None:
        raise ValueError(f"{mutant} does not apply: the module has changed")
    return str(changed)


def _operators() -> dict[str, Any]:
    if not _FOUND:
        for full in cosmic_ray.plugins.operator_names():
            name = full.partition("/")[2]
            operator = cosmic_ray.plugins.get_operator(full)
            if not operator.arguments() and not _ALIKE.fullmatch(name):
                _FOUND[name] = operator()
        _FOUND[LeaveOutOneSide.__name__] = LeaveOutOneSide()
    return _FOUND


_FOUND: dict[str, Any] = {}


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Yield all mutants of a module, but those of types: nothing reads them when it runs."""
    tree = get_ast(source)
    types, lines = _types(source), source.splitlines()
    for name, operator in _operators().items():
        found = (
            start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)
        )
        for occurrence, (line, column) in enumerate(found):
            # A `*` alone between arguments is no operator, whatever cosmic-ray thinks of it.
            bare = lines[line - 1].startswith("*,", column)
            if not bare and not any(first <= (line, column) < last for first, last in types):
                yield Mutant(module, line, column, name, occurrence)


def _types(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations and bodies of protocols begin and end."""
    found: list[ast.AST] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns) if node.returns else None
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation) if node.annotation else None
        elif isinstance(node, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases
        ):
            found += [*node.body, *node.decorator_list]
    # ast counts columns in bytes; where it matters, lines of code are ASCII.
    return [
        ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))  # type: ignore[attr-defined]
        for node in found
    ]


def draw(text: Mapping[str, str], n: int, seed: int) -> tuple[list[Mutant], int]:
    """Return n mutants of modules (source by path), and from how many places they were drawn.

    Places are drawn evenly and without repetition; at each a kind of operator, and of that one.
    """
    places: dict[tuple[str, int, int], dict[str, list[Mutant]]] = {}
    for module, source in text.items():
        for mutant in mutants_of(module, source):
            here = places.setdefault((module, mutant.line, mutant.column), defaultdict(list))
            here[mutant.kind].append(mutant)
    random = Random(seed)
    chosen = random.sample(sorted(places), min(n, len(places)))
    drawn = []
    for place in chosen:
        kinds = [random.sample(one, len(one)) for _, one in sorted(places[place].items())]
        random.shuffle(kinds)
        valid = (one for kind in kinds for one in kind if _is_code(one.apply(text[place[0]])))
        if (mutant := next(valid, None)) is not None:
            drawn.append(mutant)
    return drawn, len(places)


def _is_code(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `1 is 2` warns
            ast.parse(source)
    except SyntaxError:
        return False
    return True
