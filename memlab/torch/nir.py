"""Graphs of the Neuromorphic Intermediate Representation as models of PyTorch, for `place`.

NIR (Pedersen et al., Nature Communications 15, 8122, 2024) has nodes and edges; what comes over
several edges is added up. Weights become layers that `place` brings to arrays, neurons and pooling
stay in software. Neurons move in steps of `dt` by Euler's forward method, from rest on, and spikes
have the gradient of a fast sigmoid (Zenke and Ganguli, Neural Computation 30, 1514, 2018).

A graph with a loop, or with nodes of other kinds, is refused by their names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from memlab.errors import DataError, SettingError

__all__ = ["from_nir"]

STEEPNESS = 10.0
"""Of the gradient of a spike, per unit of potential (assumed)."""


def from_nir(graph: Any, dt: float) -> nn.Module:
    """Return a model with the weights of a graph; (time, batch, ...) in and out.

    Parameters
    ----------
    graph
        A `nir.NIRGraph`, or the path of a file of one.
    dt
        Time from one step to the next, in the unit of the graph's time constants (s).

    Raises
    ------
    SettingError
        If a node is of a kind that is not built, there is a loop, or not one input and one output.
    DataError
        If a file cannot be read.
    """
    if not (np.isfinite(dt) and dt > 0):
        raise SettingError(f"dt {dt}: must be a time above 0")
    if isinstance(graph, str | Path):
        graph = _read(Path(graph))
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    others = [f"{name} ({kind})" for name, kind in kinds.items() if kind not in {*_MAKERS, *_ENDS}]
    if others:
        raise SettingError(
            f"nodes of kinds that are not built: {', '.join(others)}; there are "
            f"{', '.join(sorted({*_MAKERS, *_ENDS}))}"
        )
    ends = [[name for name, kind in kinds.items() if kind == end] for end in _ENDS]
    if [len(one) for one in ends] != [1, 1]:
        raise SettingError(f"a graph must have one Input and one Output, not {ends[0]}, {ends[1]}")
    before = {name: [a for a, b in dict.fromkeys(graph.edges) if b == name] for name in kinds}
    order = _in_order(before)
    made = {
        name: _MAKERS[kinds[name]](graph.nodes[name], dt)
        for name in order
        if kinds[name] in _MAKERS
    }
    return _Graph(made, before, order, ends[0][0], ends[1][0])


def _read(path: Path) -> Any:
    try:
        import nir
    except ImportError as error:
        raise SettingError("reading NIR needs nir: python -m pip install nir") from error
    try:
        return nir.read(path)
    except Exception as error:  # of h5py and nir, for every damage another
        raise DataError(f"cannot read {path} as NIR: {error}") from error


def _in_order(before: dict[str, list[str]]) -> list[str]:
    """Return the nodes so that each comes after those it hears from."""
    order: list[str] = []
    left = dict(before)
    while left:
        ready = [name for name, heard in left.items() if set(heard) <= set(order)]
        if not ready:
            raise SettingError(f"nodes that lie on a loop, or hear of none: {', '.join(left)}")
        order += ready
        for name in ready:
            del left[name]
    return order


class _Graph(nn.Module):
    """A graph whose nodes are modules; those without time get all time steps at once."""

    def __init__(
        self,
        made: dict[str, nn.Module],
        before: dict[str, list[str]],
        order: list[str],
        first: str,
        last: str,
    ):
        super().__init__()
        self.nodes = nn.ModuleDict({_key(name): one for name, one in made.items()})
        self._before, self._order, self._ends = before, order, (first, last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what reaches the output, (time, batch, ...), for x of (time, batch, ...)."""
        first, last = self._ends
        found = {first: x}
        for name in self._order:
            if name == first:
                continue
            heard = [found[one] for one in self._before[name]]
            if not heard:
                raise SettingError(f"node {name} hears of none")
            total = torch.stack(heard).sum(dim=0) if len(heard) > 1 else heard[0]
            found[name] = total if name == last else self._pass(self.nodes[_key(name)], total)
        return found[last]

    @staticmethod
    def _pass(node: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if isinstance(node, _Neuron):
            return node(x)
        y = node(x.flatten(0, 1))
        return y.reshape(*x.shape[:2], *y.shape[1:])


def _key(name: str) -> str:
    return name.replace(".", "_")


class _Spike(torch.autograd.Function):
    """1 above 0, else 0; back as from a fast sigmoid."""

    @staticmethod
    def forward(ctx: Any, above: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(above)
        return (above > 0).to(above.dtype)

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> torch.Tensor:
        (above,) = ctx.saved_tensors
        return dy / (1.0 + STEEPNESS * above.abs()) ** 2


class _Neuron(nn.Module):
    """IF, LIF and LI: a potential for each number, and spikes where it passes a threshold."""

    def __init__(self, node: Any, dt: float):
        super().__init__()
        self.leaks, self.spikes = hasattr(node, "tau"), hasattr(node, "v_threshold")
        zero = np.zeros_like(node.r)
        reset = getattr(node, "v_reset", None)
        values = {
            "gain": np.asarray(node.r) * dt / (node.tau if self.leaks else 1.0),
            "leak": dt / np.asarray(node.tau) if self.leaks else zero,
            "rest": getattr(node, "v_leak", zero),
            "threshold": getattr(node, "v_threshold", zero),
            "reset": zero if reset is None else reset,
        }
        for name, value in values.items():
            self.register_buffer(name, _tensor(value))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return spikes, or the potential where there is no threshold, of each time step."""
        v, found = torch.zeros_like(x[0]) + self.rest, []
        for current in x:
            v = v + self.leak * (self.rest - v) + self.gain * current
            z = _Spike.apply(v - self.threshold) if self.spikes else v
            if self.spikes:
                v = torch.where(z > 0, self.reset + torch.zeros_like(v), v)
            found.append(z)
        return torch.stack(found)


class _Scale(nn.Module):
    def __init__(self, scale: Any):
        super().__init__()
        self.register_buffer("scale", _tensor(scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale


class _Threshold(nn.Module):
    def __init__(self, threshold: Any):
        super().__init__()
        self.register_buffer("threshold", _tensor(threshold))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _Spike.apply(x - self.threshold)


def _tensor(values: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.get_default_dtype())


def _with(layer: nn.Module, weight: Any, bias: Any) -> nn.Module:
    with torch.no_grad():
        layer.weight.copy_(_tensor(weight))
        if bias is not None:
            layer.bias.copy_(_tensor(bias))
    return layer


def _linear(node: Any, _: float) -> nn.Module:
    weight, bias = np.asarray(node.weight), getattr(node, "bias", None)
    if weight.ndim != 2:
        raise SettingError(f"weight of shape {weight.shape}; expected (outputs, inputs)")
    return _with(nn.Linear(weight.shape[1], weight.shape[0], bias is not None), weight, bias)


def _conv(node: Any, _: float) -> nn.Module:
    weight = np.asarray(node.weight)
    kind = nn.Conv1d if weight.ndim == 3 else nn.Conv2d
    outputs, inputs, *kernel = weight.shape
    padding = node.padding if isinstance(node.padding, str) else _ints(node.padding)
    groups = int(node.groups)
    sizes = _ints(node.stride), padding, _ints(node.dilation), groups
    return _with(kind(inputs * groups, outputs, tuple(kernel), *sizes), weight, node.bias)


def _pool(node: Any, _: float) -> nn.Module:
    whole = type(node).__name__ == "SumPool2d"
    return nn.AvgPool2d(
        _ints(node.kernel_size),
        _ints(node.stride),
        _ints(node.padding),
        divisor_override=1 if whole else None,
    )


def _flatten(node: Any, _: float) -> nn.Module:
    # Axes of a graph leave out that of the samples.
    first, last = (int(one) + (one >= 0) for one in (node.start_dim, node.end_dim))
    return nn.Flatten(first, last)


def _ints(values: Any) -> Any:
    found = np.ravel(values)
    return int(found[0]) if found.size == 1 else tuple(int(one) for one in found)


_ENDS = ("Input", "Output")

_MAKERS: dict[str, Callable[[Any, float], nn.Module]] = {
    "Affine": _linear,
    "Linear": _linear,
    "Conv1d": _conv,
    "Conv2d": _conv,
    "Flatten": _flatten,
    "AvgPool2d": _pool,
    "SumPool2d": _pool,
    "Scale": lambda node, _: _Scale(node.scale),
    "Threshold": lambda node, _: _Threshold(node.threshold),
    "IF": _Neuron,
    "LIF": _Neuron,
    "LI": _Neuron,
}
"""What becomes of a node, and of dt."""
