"""An operator that cosmic-ray lacks: one side of `a & b`, `a / b`, `a or b` is left out.

`reset & mask` becomes `reset`, `deviation / sqrt(n)` becomes `deviation`: what such an expression
does only shows where its sides differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Example, Operator

_CHAINS = frozenset(
    {"and_test", "or_test", "expr", "xor_expr", "and_expr", "shift_expr", "arith_expr", "term"}
)
"""Nodes of parso whose children are operands with operators between them."""

Position = tuple[tuple[int, int], tuple[int, int]]


class LeaveOutOneSide(Operator):
    """Leaves out one operand of a binary operator, and the operator with it."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the place of each operand that can be left out."""
        if node.type in _CHAINS:
            for operand in node.children[::2]:
                yield operand.start_pos, operand.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the node without operand `index`."""
        before = node.get_first_leaf().prefix
        first = max(2 * index - 1, 0)
        del node.children[first : first + 2]
        node.get_first_leaf().prefix = before
        return node if len(node.children) > 1 else node.children[0]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what it does."""
        return (
            Example("x = a & b", "x = b"),
            Example("x = a & b", "x = a", occurrence=1),
            Example("x = a - b + c", "x = a + c", occurrence=1),
        )
