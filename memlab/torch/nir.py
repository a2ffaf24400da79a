"""Graphs of the Neuromorphic Intermediate Representation as models of PyTorch, for `place`.

NIR (Pedersen et al., Nature Communications 15, 8122, 2024) has nodes and edges; what comes over
several edges is added up. Weights become layers that `place` brings to arrays, neurons and pooling
stay in software. Neurons move in steps of `dt` by Euler's forward method, from rest on, and spikes
have the gradient of a fast sigmoid (Zenke and Ganguli, Neural Computation 30, 1514, 2018).

A graph with a loop, or with nodes of other kinds, is refused by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
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
    """Return a model with the weights of a graph; (time, batch, features) in and out.

    Where the Input has several axes, as before a convolution, they stand in place of the features.

    Parameters
    ----------
    graph
        A `nir.NIRGraph`, or the path of a file of one.
    dt
        Time from one step to the next, in the unit of the graph's time constants (s); no longer
        than the shortest of them.

    Raises
    ------
    SettingError
        If a node is of a kind that is not built, there is a loop, or not one input and one output;
        or a node has numbers that are not finite or do not fit to each other, to dt, or to what it
        hears; or it hears of none, or leads to no output.
    DataError
        If a file cannot be read.
    """
    given: Any = dt
    if isinstance(given, bool) or not isinstance(given, Real) or not 0 < float(given) < np.inf:
        raise SettingError(f"dt {dt}: must be a time above 0")
    if isinstance(graph, str | Path):
        graph = _read(Path(graph))
    if not isinstance(getattr(graph, "nodes", None), Mapping) or not hasattr(graph, "edges"):
        raise SettingError(
            f"the graph is {type(graph).__name__}: must be a nir.NIRGraph, or the path of a file"
        )
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
    (first,), (last,) = ends
    before = _heard(list(kinds), graph.edges)
    order = _in_order(before)
    _check_connected(before, order, first, last)
    made = {name: _made(name, graph.nodes[name], dt) for name in order if kinds[name] in _MAKERS}
    _check_names(made)
    model = _Graph(made, before, order, (first, last), _shape(graph.nodes[first]))
    _check_shapes(model, kinds, _shape(graph.nodes[last]))
    return model


def _read(path: Path) -> Any:
    try:
        import nir
    except ImportError as error:
        raise SettingError("reading NIR needs nir: python -m pip install nir") from error
    try:
        return nir.read(path)
    except Exception as error:  # of h5py and nir, for every damage another
        raise DataError(f"cannot read {path} as NIR: {error}") from error


def _heard(names: list[str], edges: Any) -> dict[str, list[str]]:
    """Return which nodes each one hears from."""
    for a, b in edges:
        if not {a, b} <= set(names):
            raise SettingError(f"the edge {a} -> {b} has an end that is no node of the graph")
    return {name: [a for a, b in dict.fromkeys(edges) if b == name] for name in names}


def _in_order(before: dict[str, list[str]]) -> list[str]:
    """Return the nodes so that each comes after those it hears from."""
    order: list[str] = []
    left = dict(before)
    while left:
        ready = [name for name, heard in left.items() if set(heard) <= set(order)]
        if not ready:
            raise SettingError(f"nodes that lie on a loop, or hear of one: {', '.join(left)}")
        order += ready
        for name in ready:
            del left[name]
    return order


def _check_connected(before: dict[str, list[str]], order: list[str], first: str, last: str) -> None:
    """Refuse nodes that hear of none, or whose numbers go nowhere."""
    needed = {last}
    for name in reversed(order):
        if name in needed:
            needed |= set(before[name])
    for name in order:
        if name != first and not before[name]:
            raise SettingError(f"node {name} hears of none: no edge leads to it")
        if name not in needed:
            raise SettingError(f"node {name} leads to no output: leave it out, or give it an edge")


def _check_names(made: dict[str, nn.Module]) -> None:
    """Refuse names that modules of PyTorch cannot have."""
    taken: set[str] = set()
    for name in made:
        key = _key(name)
        if not key or hasattr(nn.ModuleDict(), key) or key in taken:
            raise SettingError(
                f"node {name}: choose another name, modules of PyTorch use this one themselves, or "
                "another node has it but for dots"
            )
        taken.add(key)


def _made(name: str, node: Any, dt: float) -> nn.Module:
    """Return what becomes of a node; all that is wrong with it is said under its name."""
    where = f"node {name} ({type(node).__name__})"
    try:
        module = _MAKERS[type(node).__name__](node, dt)
    except SettingError as error:
        raise SettingError(f"{where}: {error}") from error
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise SettingError(f"{where}: {_line(error)}") from error
    for key, value in (*module.named_parameters(), *module.named_buffers()):
        if not torch.isfinite(value).all():
            raise SettingError(f"{where}: {key} is not finite")
    return module


def _check_shapes(model: _Graph, kinds: dict[str, str], wanted: tuple[int, ...] | None) -> None:
    """Refuse nodes that do not fit to what they hear: one time step of zeros goes through."""
    if model.shape is None:
        return
    found = {model.ends[0]: torch.zeros(1, 1, *model.shape)}
    for name in model.order[1:]:
        where = f"{name} ({kinds[name]})"
        heard = [found[one] for one in model.before[name]]
        shapes = list(dict.fromkeys(tuple(one.shape[2:]) for one in heard))
        if len(shapes) > 1:
            raise SettingError(
                f"{where} hears numbers of several shapes, {', '.join(map(str, shapes))}"
            )
        unfit = f"{where} does not take numbers of shape {shapes[0]}"
        if name == model.ends[1]:
            if wanted is not None and shapes[0] != wanted:
                raise SettingError(f"{unfit}: its own is {wanted}")
            continue
        node = model.nodes[_key(name)]
        try:
            with torch.no_grad():
                found[name] = model.let_through(node, heard[0])
        except (IndexError, RuntimeError, ValueError) as error:
            raise SettingError(f"{unfit}: {_line(error)}") from error
        if isinstance(node, _Neuron | _Scale | _Threshold) and found[name].shape != heard[0].shape:
            raise SettingError(f"{unfit}: it has {tuple(found[name].shape[2:])}")


def _shape(end: Any) -> tuple[int, ...] | None:
    """Return the shape of an Input or Output; None where it says none."""
    for value in (end.output_type or {}).values():
        if value is not None:
            return tuple(int(one) for one in np.ravel(value))
    return None


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]


class _Graph(nn.Module):
    """A graph whose nodes are modules; those without time get all time steps at once."""

    def __init__(
        self,
        made: dict[str, nn.Module],
        before: dict[str, list[str]],
        order: list[str],
        ends: tuple[str, str],
        shape: tuple[int, ...] | None,
    ):
        super().__init__()
        self.nodes = nn.ModuleDict({_key(name): one for name, one in made.items()})
        self.before, self.order, self.ends, self.shape = before, order, ends, shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what reaches the output, (time, batch, ...), for x of (time, batch, ...)."""
        first, last = self.ends
        wanted = tuple(x.shape[2:]) if self.shape is None else self.shape
        if x.ndim < 2 or tuple(x.shape[2:]) != wanted or not len(x):
            axes = ", ".join(map(str, ("time", "batch", *(self.shape or ["..."]))))
            raise SettingError(
                f"input has shape {tuple(x.shape)}; the graph takes ({axes}), at least one time "
                "step"
            )
        found = {first: x}
        for name in self.order[1:]:
            heard = [found[one] for one in self.before[name]]
            total = torch.stack(heard).sum(dim=0) if len(heard) > 1 else heard[0]
            found[name] = total if name == last else self.let_through(self.nodes[_key(name)], total)
        return found[last]

    @staticmethod
    def let_through(node: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Return what a node makes of (time, batch, ...)."""
        if isinstance(node, _Neuron):
            found: torch.Tensor = node(x)
            return found
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
        if self.leaks:
            _check_tau(np.asarray(node.tau), dt)
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


def _check_tau(tau: Any, dt: float) -> None:
    """Refuse time constants that Euler's steps of dt do not follow."""
    short = tau[~(tau > 0)]
    if short.size:
        raise SettingError(f"tau {short.ravel()[0]:g}: must be a time above 0")
    # Between dt and dt / 2 potentials would swing about their end, below they grow without bound.
    # Files hold 32 bits: what is as long as dt may be a little shorter there.
    if tau.size and dt > tau.min() * (1.0 + 1e-6):
        raise SettingError(f"tau {tau.min():g} is shorter than dt {dt:g}: choose a shorter dt")


def _with(layer: nn.Module, weight: Any, bias: Any) -> nn.Module:
    if bias is not None and np.shape(bias) != weight.shape[:1]:
        raise SettingError(f"bias of shape {np.shape(bias)}; expected ({weight.shape[0]},)")
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
    axes = 3 if type(node).__name__ == "Conv1d" else 4
    if weight.ndim != axes:
        raise SettingError(f"weight of shape {weight.shape}; expected {axes} axes")
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
