"""A network from descriptions of its layers, placed on arrays wherever there is room."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import (
    TA_HFO2,
    Copies,
    DifferentialMatrix,
    MappingConfig,
    Request,
    UpdateRule,
    place,
)
from memlab.nn.layer import Layer
from memlab.nn.layers import Description, Shape
from memlab.nn.network import Network
from memlab.numeric import FloatArray

__all__ = ["LayerLike", "build", "output_shape"]


LayerLike = Description | Layer
"""What a network may be described by: a description, or a layer without weights."""

BATCH = 2
"""Sequences of zeros that are passed through; more than one, or it could pass for a time step."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class _Layer:
    """A layer of a list: where it stands, how it is called, and what it gets."""

    what: LayerLike
    where: str
    name: str
    shape: Shape
    weights: Mapping[str, tuple[int, int]]

    def matrix_name(self, key: str) -> str:
        """Return the name of one of its matrices."""
        return f"{self.name}_{key}" if key else self.name

    def make(self, matrix: Callable[[str, tuple[int, int]], DifferentialMatrix]) -> Layer:
        """Return the layer on some matrices."""
        if not isinstance(self.what, Description):
            # A copy: layers remember what passes, and one list may describe several networks.
            return copy.deepcopy(self.what)
        held = {key: matrix(self.matrix_name(key), size) for key, size in self.weights.items()}
        return self.what.make(self.shape, held)


def build(
    layers: Sequence[LayerLike],
    input_shape: int | Shape,
    arrays: Array | Sequence[Array],
    *,
    mapping: MappingConfig = TA_HFO2,
    make_rule: Callable[[np.random.Generator], UpdateRule] | None = None,
    copies: Copies | None = None,
    slices: int | None = None,
    read_voltage: float = 0.2,
    seed: int = 1,
) -> Network:
    """Return a network on arrays; nothing is programmed yet (`Network.initialise`).

    Parameters
    ----------
    layers
        What it consists of, from input to output: `memlab.nn.layers`, and what you wrote yourself.
    input_shape
        What the first layer sees at one time step: number of features, (features,), or
        (height, width, channels).
    arrays
        The array, a view of its good lines, or several; matrices are folded where they must be.
    mapping
        How weights become conductances, and changes become pulses; the default suits a chip of Li
        2019 (`ta-hfo2`).
    make_rule
        Makes the update rule of each block of cells; by default the one-shot update.
    copies
        Pairs of each weight; one by default.
    slices
        Matrices that hold each weight matrix together, every one finer than the one before
        (`memlab.mapping.SlicedMatrix`); by default as `mapping` says, which is one.
    read_voltage
        Row voltage in V that the largest input of a vector is scaled to.
    seed
        Of the first weights on `ideal:`, and of what `mapping` draws; a board starts from its
        programming noise.

    Raises
    ------
    SettingError
        If a layer does not take what the one before gives, or the network does not fit.
    """
    if isinstance(arrays, Array):
        arrays = [arrays]
    slices = mapping.slices if slices is None else slices
    chain, _ = _chain(layers, input_shape)
    requests = [
        Request(one.matrix_name(key), *size, copies or Copies(), slices)
        for one in chain
        for key, size in one.weights.items()
    ]
    if not requests:
        raise SettingError("no layer has weights; a network needs one, for example layers.Dense(1)")
    for one in requests:
        if not (one.inputs > 0 and one.outputs > 0):
            raise SettingError(
                f"{one.name}: {one.inputs} inputs and {one.outputs} outputs; at least 1 of each"
            )
    names = [request.name for request in requests]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SettingError(f"two weight matrices are called {min(twice)}; give the layers names")
    plan = place(requests, [array.shape for array in arrays])
    held = mapping.realise(plan, arrays, read_voltage, seed, make_rule, slices)
    return Network([one.make(lambda name, size: held[name]) for one in chain])


def output_shape(layers: Sequence[LayerLike], input_shape: int | Shape, steps: int = 1) -> Shape:
    """Return the shape of what a network makes of one sequence: (time, ...).

    Raises
    ------
    SettingError
        If a layer does not take what the one before gives.
    """
    return _chain(layers, input_shape, steps)[1]


def _chain(
    layers: Sequence[LayerLike], input_shape: int | Shape, steps: int = 1
) -> tuple[list[_Layer], Shape]:
    """Return every layer with its name and what it sees, and the output of a sequence.

    Zeros are passed through.
    """
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    x = np.zeros((steps, BATCH, *shape))
    chain: list[_Layer] = []
    for number, what in enumerate(layers):
        where = f"layer {number} ({type(what).__name__})"
        shape = x.shape[2:]
        weights = _weights(what, where, shape)
        one = _Layer(what, where, _name(what, where, chain), shape, weights)
        chain.append(one)
        try:
            output = one.make(_Zeros).forward(x)
        except Exception as error:  # whatever other people's layers raise
            raise _refused(where, shape, error) from error
        if output.shape[1:2] != (BATCH,):
            raise _refused(where, shape, f"it makes {output.shape} of {x.shape}")
        x = output
    return chain, (x.shape[0], *x.shape[2:])


def _weights(what: Any, where: str, shape: Shape) -> Mapping[str, tuple[int, int]]:
    if isinstance(what, Description) and not isinstance(what, type):
        try:
            return what.weights(shape)
        except Exception as error:  # whatever other people's layers raise
            raise _refused(where, shape, error) from error
    needed = ("forward", "backward", "matrices", "gradients")
    if isinstance(what, type) or any(not hasattr(what, name) for name in needed):
        raise SettingError(
            f"{where} is no layer: it needs weights() and make(), or, without weights, "
            f"{', '.join(needed)} (see memlab.nn.layers)"
        )
    if what.matrices:
        raise SettingError(
            f"{where} has weights that lie somewhere already; give a description of it "
            "(memlab.nn.layers), or make a memlab.nn.Network of layers yourself"
        )
    return {}


def _refused(where: str, shape: Shape, error: object) -> SettingError:
    if isinstance(error, SettingError):
        return SettingError(f"{where}: {error}")
    return SettingError(f"{where} does not take samples of shape {shape}: {error}")


def _name(what: LayerLike, where: str, before: Sequence[_Layer]) -> str:
    """Return the name that a layer gives itself, else that of its class, numbered from 2."""
    given = str(getattr(what, "name", ""))
    if given and not _NAME.fullmatch(given):
        raise SettingError(f"{where} is called {given!r}: take letters, digits and _")
    base = given or type(what).__name__.lower()
    taken = {one.name for one in before}
    # No underscore: lstm_2 would be the third block of a folded lstm.
    numbers = (base if n == 1 else f"{base}{n}" for n in range(1, len(before) + 2))
    return next(name for name in numbers if name not in taken)


class _Zeros(DifferentialMatrix):
    """Weights of zero that lie nowhere: to see what a layer makes of a shape."""

    def __init__(self, name: str, shape: tuple[int, int]):
        self.name, self.shape, self.weight = name, shape, np.zeros(shape)

    def multiply(self, x: FloatArray) -> FloatArray:
        return x @ self.weight
