"""What every crossbar layer of PyTorch is: parameters whose values are cells of arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.autograd.function import once_differentiable

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix
from memlab.nn.layer import with_bias
from memlab.numeric import FloatArray

__all__ = ["CrossbarModule", "Part", "PhysicalLinear"]


DTYPES = (torch.float32, torch.float64)


class PhysicalLinear(torch.autograd.Function):
    """y = x W^T + b: forward on the array, backward with the weights read back before it.

    `apply(x, weight, bias, matrix, bias_input)` multiplies by the cells, whatever `weight` and
    `bias` hold; they are arguments because they get gradients. A second derivative is refused.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        matrix: DifferentialMatrix,
        bias_input: float | None,
    ) -> torch.Tensor:
        """Return y of shape (..., outputs) for x of shape (..., features), both of one dtype."""
        held = matrix.backward_weight[: x.shape[-1]].T
        ctx.save_for_backward(x, torch.tensor(held, dtype=x.dtype))
        vectors = with_bias(x.detach().double().numpy(), bias_input)
        return torch.from_numpy(matrix.multiply(vectors)).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of x, weight and bias, as `torch.nn.functional.linear` has them."""
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad[:3]
        flat = dy.reshape(-1, dy.shape[-1])
        return (
            dy @ weight if for_x else None,
            flat.T @ x.reshape(-1, x.shape[-1]) if for_weight else None,
            flat.sum(dim=0) if for_bias else None,
            None,
            None,
        )


@dataclass(frozen=True)
class Part:
    """A weight matrix on arrays, and which parameters of a module it holds.

    Parameters
    ----------
    matrix
        Shape (features + 1 if there is a bias, outputs).
    weight, bias
        Names of the parameters; None for no bias. Of a weight the first dimension is the output.
    bias_input
        Value of the constant input that carries the bias, or None for no bias.
    outputs
        Which of the outputs of the parameters; all of them by default.
    transposed
        Whether the weight has its inputs first, as an embedding has.
    """

    matrix: DifferentialMatrix
    weight: str
    bias: str | None = None
    bias_input: float | None = None
    outputs: slice = field(default_factory=lambda: slice(None))
    transposed: bool = False

    def __post_init__(self) -> None:
        given = self.bias_input
        if given is not None and not (np.isfinite(given) and given):
            raise SettingError(f"bias_input {given}: must be finite and not 0; None: no bias")
        if self.features < 1:
            raise SettingError(f"{self.matrix.name} has the bias for its only input")

    @property
    def features(self) -> int:
        """Inputs, without that of the bias."""
        return self.matrix.shape[0] - (self.bias_input is not None)


class CrossbarModule(torch.nn.Module):
    """A layer with the parameters of one of PyTorch, which are held by weight matrices on arrays.

    Forward multiplies on the arrays, one vector after the other, in float64 whatever the dtype is,
    and never with the parameters; backward uses the weights read back last. Once the parameters
    are no longer these, forward is refused until they are programmed, or read back. A layer that
    was placed with weights of its own and was not programmed yet computes them in software.

    Attributes
    ----------
    parts
        The matrices, and which parameters they hold.
    on_array
        Whether it multiplies on the arrays.
    arrays
        Those that the model was placed on.
    as_written
        Makes of a weight and of the largest one what cells would make of it; None: nothing. In
        training, and in software (`noise_aware`).
    written
        Whether write-and-verify brought its weights to the array: update rules, which move cells
        from where their own pulses left them, cannot go on from there.
    start
        Lets cells start from weights, one matrix of each part, when they are initialised; returns
        how many cells do not reach theirs. None: they start from programming noise.
    first
        The weights that they start from, one matrix for each part.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        parameters: Mapping[str, Sequence[int] | None],
        dtype: torch.dtype | None,
    ):
        super().__init__()
        dtype = torch.get_default_dtype() if dtype is None else dtype
        if dtype not in DTYPES:
            raise SettingError(f"dtype {dtype}: a crossbar layer is float32 or float64")
        self.parts = list(parts)
        self.on_array = False
        self.arrays: list[Array] = []
        self.as_written: Callable[[torch.Tensor, float], torch.Tensor] | None = None
        self.written = False
        self.start: Callable[[Sequence[FloatArray]], int] | None = None
        self.first: list[FloatArray] = []
        for name, shape in parameters.items():
            value = None if shape is None else torch.zeros(tuple(shape), dtype=dtype)
            self.register_parameter(name, None if value is None else torch.nn.Parameter(value))
        # What the parameters held after the last read-back. As buffers they follow a change of
        # dtype, so that rounding never looks like a wish.
        for number, part in enumerate(parts):
            outputs = part.matrix.shape[1]
            weight = torch.zeros(outputs, part.features, dtype=dtype)
            self.register_buffer(f"_held_weight_{number}", weight, False)
            held = None if part.bias is None else torch.zeros(outputs, dtype=dtype)
            self.register_buffer(f"_held_bias_{number}", held, False)

    @property
    def matrices(self) -> list[DifferentialMatrix]:
        """The weight matrices on arrays."""
        return [part.matrix for part in self.parts]

    def weight_of(self, part: Part) -> torch.Tensor:
        """Return the parameter of a part as a matrix, shape (outputs, features)."""
        weight: torch.Tensor = getattr(self, part.weight)
        return weight.T if part.transposed else weight[part.outputs].flatten(1)

    def bias_of(self, part: Part) -> torch.Tensor | None:
        """Return the bias of a part, shape (outputs,), or None."""
        if part.bias is None:
            return None
        bias: torch.Tensor = getattr(self, part.bias)
        return bias[part.outputs]

    def wanted(self, part: Part) -> FloatArray:
        """Return what the parameters hold as weights of the matrix of a part, of its shape."""
        with torch.no_grad():
            weight: FloatArray = self.weight_of(part).double().numpy().T
            bias = self.bias_of(part)
            if bias is None:
                return weight
            return np.concatenate([weight, bias.double().numpy()[np.newaxis] / part.bias_input])

    def multiply(self, part: Part, x: torch.Tensor) -> torch.Tensor:
        """Multiply by a part: shape (..., outputs) for x of (..., features).

        Raises
        ------
        SettingError
            If x has another shape or dtype, or does not lie in the memory of the CPU, or the
            parameters are not what the array holds.
        LimitError
            If x is not finite; nothing is driven.
        """
        # What compiles models would compile the array, too. It takes a second to load; whoever has
        # called torch.compile has loaded it.
        if "torch._dynamo" in sys.modules:
            return _uncompiled()(self, part, x)
        return self._multiply(part, x)

    def _multiply(self, part: Part, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.weight_of(part), self.bias_of(part)
        if not isinstance(x, torch.Tensor) or x.layout is not torch.strided:
            kind = f"a {x.layout}" if isinstance(x, torch.Tensor) else type(x).__name__
            raise SettingError(f"the input is {kind}; it must be a torch.Tensor, and dense")
        for name, tensor in (("the input", x), ("weight", weight)):
            if tensor.device.type != "cpu":
                raise SettingError(
                    f"{name} lies on {tensor.device}: the array multiplies what the CPU hands it, "
                    "use .cpu()"
                )
        if x.ndim == 0 or x.shape[-1] != part.features:
            raise SettingError(
                f"input has shape {tuple(x.shape)}; {part.matrix.name} takes (..., {part.features})"
            )
        if x.dtype != weight.dtype or x.dtype not in DTYPES:
            raise SettingError(
                f"input is {x.dtype}, weight {weight.dtype}; both must be float32, or both float64"
            )
        if not self.on_array:
            return torch.nn.functional.linear(x, *self._in_software(part, weight, bias))
        if self._is_moved(part):
            raise SettingError(
                f"the weights of {part.matrix.name} were moved (load_state_dict, or by hand) and "
                f"are not on the array yet: {self.ways} brings them there, read_back(model) "
                "forgets them"
            )
        product: torch.Tensor = PhysicalLinear.apply(x, weight, bias, part.matrix, part.bias_input)
        return product

    def _in_software(
        self, part: Part, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return weight and bias that software computes with."""
        if self.as_written is None or not self.training:
            return weight, bias
        scale = float(np.abs(self.wanted(part)).max()) or 1.0
        made = self.as_written(weight, scale)
        if bias is None or part.bias_input is None:
            return made, None
        return made, self.as_written(bias, scale * abs(part.bias_input))

    @property
    def moved(self) -> bool:
        """Whether it is on the array, and its parameters are not what was read back last."""
        return self.on_array and any(self._is_moved(part) for part in self.parts)

    @property
    def ways(self) -> str:
        """What brings parameters that were moved to the array."""
        known = ["write(model)", "initialise(model)"] if self.start else []
        return " or ".join(known if self.written else [*known, "program(model)"])

    def _is_moved(self, part: Part) -> bool:
        """Whether the parameters of a part are not what was read back last; NaN never is."""
        number = next(k for k, one in enumerate(self.parts) if one is part)
        pairs = (
            (self.weight_of(part), getattr(self, f"_held_weight_{number}")),
            (self.bias_of(part), getattr(self, f"_held_bias_{number}")),
        )
        # Values, not versions: `parameter.data = ...` leaves no trace in a version.
        return any(
            now is not None and (now.dtype != held.dtype or not torch.equal(now, held))
            for now, held in pairs
        )

    def check_finite(self) -> None:
        """Raise `SettingError` unless every parameter is finite."""
        for name, parameter in self.named_parameters():
            if not torch.isfinite(parameter).all():
                where = self.parts[0].matrix.name
                raise SettingError(f"{name} of {where} is not finite; nothing was pulsed")

    def keep_first(self) -> None:
        """Start from the parameters from now on, unless they are only what was read back."""
        if not self.on_array or self.moved:
            self.first = [self.wanted(part) for part in self.parts]

    def read_back(self) -> None:
        """Measure every conductance, and replace the parameters by what they stand for."""
        self.on_array = True
        for number, part in enumerate(self.parts):
            part.matrix.read_back()
            weight, parameter = part.matrix.weight, getattr(self, part.weight)
            held = torch.tensor(weight[: part.features].T, dtype=parameter.dtype)
            setattr(self, f"_held_weight_{number}", held)
            with torch.no_grad():
                place = parameter if part.transposed else parameter[part.outputs]
                place.copy_(held.T if part.transposed else held.reshape(place.shape))
            if part.bias is not None:
                bias = torch.tensor(part.bias_input * weight[-1], dtype=parameter.dtype)
                setattr(self, f"_held_bias_{number}", bias)
                with torch.no_grad():
                    getattr(self, part.bias)[part.outputs].copy_(bias)

    def requested_changes(self) -> list[FloatArray]:
        """Return how far the parameters were moved since the last read-back, for each part.

        In weights of its matrix, of its shape; exactly 0 where a parameter was not moved.
        """
        changes = []
        with torch.no_grad():
            for number, part in enumerate(self.parts):
                moved = self.weight_of(part) - getattr(self, f"_held_weight_{number}")
                change: FloatArray = moved.double().numpy().T
                bias = self.bias_of(part)
                if bias is not None:
                    beside = (bias - getattr(self, f"_held_bias_{number}")).double().numpy()
                    change = np.concatenate([change, beside[np.newaxis] / part.bias_input])
                changes.append(change)
        return changes

    def extra_repr(self) -> str:
        """Return what `print(model)` says of this layer."""
        places = "; ".join(map(_place, self.matrices))
        return f"{places}; {'on arrays' if self.on_array else 'not programmed yet'}"

    def __getstate__(self) -> object:
        """Refuse: a copy would drive the same cells, or carry off an open port."""
        raise TypeError(
            f"a {type(self).__name__} cannot be copied or pickled: its weights are cells of a "
            "chip; save its state_dict()"
        )


@cache
def _uncompiled() -> Callable[[CrossbarModule, Part, torch.Tensor], torch.Tensor]:
    """Return `CrossbarModule._multiply` as torch.compile leaves it alone."""
    return torch.compiler.disable(CrossbarModule._multiply)  # type: ignore[no-any-return]


def _place(matrix: DifferentialMatrix) -> str:
    """Return a matrix and the lines of arrays on which its cells lie: pairs take two rows each."""
    blocks = [
        f"array {block.array_number} [{_lines(block.array.rows)}, {_lines(block.array.columns)}]"
        for block in matrix.blocks
    ]
    return f"{matrix.name} {matrix.shape[0]} x {matrix.shape[1]} at {', '.join(blocks)}"


def _lines(numbers: npt.NDArray[np.intp]) -> str:
    """Return numbers of lines as an index of an array has them; of scattered ones the ends."""
    first, last = int(numbers[0]), int(numbers[-1])
    if (np.diff(numbers) == 1).all():
        return f"{first}:{last + 1}"
    return f"{numbers.size} of {min(first, last)}:{max(first, last) + 1}"
