"""Which layers of PyTorch get cells, and what they become there: memlab's, and those of others.

An adapter is a `CrossbarModule` with two more functions:

    shapes(source)                          features, outputs and bias of each matrix, by its name
    holding(source, matrices, bias_input)   the layer that is like a source, on these matrices

A package brings one as an entry point of the group `memlab.torch`, which is called as the class
that it replaces:

    [project.entry-points."memlab.torch"]
    "my_layers.Scaled" = "my_cells:CrossbarScaled"

It is loaded when a model has such a layer. A script hands its own to `place(..., adapters=...)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from torch import nn

from drivers.plug_ins import find_points, load_point, only_point, where_from
from memlab.errors import SettingError
from memlab.torch.conv import CrossbarConv
from memlab.torch.embedding import CrossbarEmbedding
from memlab.torch.linear import CrossbarLinear
from memlab.torch.module import CrossbarModule
from memlab.torch.recurrent import CrossbarCell, CrossbarRecurrent

__all__ = ["GROUP", "PLACED", "Adapters", "adapter_of"]

GROUP = "memlab.torch"

Adapters = Mapping[type[nn.Module], type[Any]]
"""What layers are replaced by."""

PLACED: Adapters = {
    nn.Linear: CrossbarLinear,
    nn.Conv1d: CrossbarConv,
    nn.Conv2d: CrossbarConv,
    nn.Embedding: CrossbarEmbedding,
    nn.LSTM: CrossbarRecurrent,
    nn.GRU: CrossbarRecurrent,
    nn.RNN: CrossbarRecurrent,
    nn.LSTMCell: CrossbarCell,
    nn.GRUCell: CrossbarCell,
    nn.RNNCell: CrossbarCell,
}
"""Those of memlab."""


def adapter_of(kind: type[nn.Module], given: Adapters) -> type[Any] | None:
    """Return what replaces a kind of layer, of the given ones first; None where nothing does.

    Raises
    ------
    SettingError
        If several packages bring one, or it is none.
    """
    known = {**PLACED, **given}
    if kind in known:
        return _checked(known[kind], f"the adapter of {kind.__name__}")
    name = f"{kind.__module__}.{kind.__qualname__}"
    return _load(only_point(_points()[name], SettingError)) if name in _points() else None


@cache
def _points() -> dict[str, list[EntryPoint]]:
    return find_points([GROUP])


@cache
def _load(point: EntryPoint) -> type[Any]:
    return _checked(load_point(point, SettingError), where_from(point))


def _checked(adapter: Any, where: str) -> type[Any]:
    if not (isinstance(adapter, type) and issubclass(adapter, CrossbarModule)) or any(
        not callable(getattr(adapter, name, None)) for name in ("shapes", "holding")
    ):
        raise SettingError(
            f"{where} is no adapter: it must be a class of memlab.torch.CrossbarModule with "
            "shapes() and holding() (memlab.torch.adapters)"
        )
    return adapter
