"""Recurrent layers of PyTorch whose weights are cells of arrays.

As in PyTorch, what comes in and what comes back have a matrix and a bias each, so that parameters,
state_dict and gradients are PyTorch's. What comes in is multiplied for all time steps at once, what
comes back step by step; gates and states are software. The equations are those of the documentation
of `torch.nn.LSTM`, `GRU` and `RNN`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch

from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix
from memlab.torch.module import CrossbarModule, Part

__all__ = ["CrossbarCell", "CrossbarRecurrent"]

State = tuple[torch.Tensor, ...]
"""(hidden,), or (hidden, cell) of an LSTM."""


def _lstm(incoming: torch.Tensor, back: torch.Tensor, state: State) -> State:
    i, f, g, o = (incoming + back).chunk(4, dim=-1)
    cell = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def _gru(incoming: torch.Tensor, back: torch.Tensor, state: State) -> State:
    reset_in, update_in, new_in = incoming.chunk(3, dim=-1)
    reset_back, update_back, new_back = back.chunk(3, dim=-1)
    update = torch.sigmoid(update_in + update_back)
    new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_back) * new_back)
    return ((1.0 - update) * new + update * state[0],)


def _tanh(incoming: torch.Tensor, back: torch.Tensor, state: State) -> State:
    return (torch.tanh(incoming + back),)


def _relu(incoming: torch.Tensor, back: torch.Tensor, state: State) -> State:
    return (torch.relu(incoming + back),)


Step = Callable[[torch.Tensor, torch.Tensor, State], State]


def _step_of(source: Any) -> tuple[Step, int, int]:
    """Return what a time step does, how many gates it has, and how many states."""
    if isinstance(source, torch.nn.LSTM | torch.nn.LSTMCell):
        return _lstm, 4, 2
    if isinstance(source, torch.nn.GRU | torch.nn.GRUCell):
        return _gru, 3, 1
    return (_relu if source.nonlinearity == "relu" else _tanh), 1, 1


def _pair(
    matrices: Sequence[DifferentialMatrix], suffix: str, bias_input: float | None
) -> list[Part]:
    """Return the two parts of a layer, for what comes in and what comes back."""
    names = [f"{way}{suffix}" for way in ("ih", "hh")]
    return [
        Part(
            matrix,
            f"weight_{name}",
            None if bias_input is None else f"bias_{name}",
            bias_input,
        )
        for matrix, name in zip(matrices, names, strict=True)
    ]


def _parameters(source: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(one.shape) for name, one in source.named_parameters()}


class CrossbarRecurrent(CrossbarModule):
    """What `torch.nn.LSTM`, `GRU` or `RNN` is.

    Parameters
    ----------
    source
        The layer that it is like; one with a projection has no place here.
    matrices
        For each layer and direction what comes in, shape (features + 1 if there is a bias, gates x
        hidden_size), and what comes back, shape (hidden_size + 1, gates x hidden_size).
    bias_input
        Value of the constant input that carries the biases.
    """

    def __init__(
        self,
        source: torch.nn.LSTM | torch.nn.GRU | torch.nn.RNN,
        matrices: Sequence[DifferentialMatrix],
        bias_input: float,
    ):
        bias = bias_input if source.bias else None
        suffixes = _suffixes(source)
        pairs = zip(matrices[::2], matrices[1::2], suffixes, strict=True)
        parts = [part for *two, suffix in pairs for part in _pair(two, suffix, bias)]
        super().__init__(parts, _parameters(source), source.weight_ih_l0.dtype)
        self.input_size, self.hidden_size = source.input_size, source.hidden_size
        self.num_layers, self.bidirectional = source.num_layers, source.bidirectional
        self.batch_first, self.dropout = source.batch_first, source.dropout
        self._step, _, self._states = _step_of(source)

    @staticmethod
    def shapes(source: Any) -> dict[str, tuple[int, int, bool]]:
        """Return features, outputs and bias of each matrix that a layer needs, by name."""
        _, gates, _ = _step_of(source)
        found = {}
        for number, suffix in enumerate(_suffixes(source)):
            directions = 1 + source.bidirectional
            below = source.hidden_size * directions
            features = source.input_size if number < directions else below
            outputs = gates * source.hidden_size
            found[f"ih{suffix}"] = (features, outputs, source.bias)
            found[f"hh{suffix}"] = (source.hidden_size, outputs, source.bias)
        return found

    @classmethod
    def holding(
        cls, source: Any, matrices: Sequence[DifferentialMatrix], bias_input: float
    ) -> Self:
        """Return the layer that is like one of PyTorch; it computes in software for now."""
        return cls(source, matrices, bias_input)

    def flatten_parameters(self) -> None:
        """Do nothing: there is no memory of a GPU to tidy."""

    def forward(self, x: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        """Return outputs and last states, as the layer of PyTorch does.

        Parameters
        ----------
        x
            (time, batch, features), (batch, time, features) where batches come first, or (time,
            features).
        state
            First states, zero by default.

        Raises
        ------
        SettingError
            If x is a packed sequence, or x or a state has another shape.
        """
        if not isinstance(x, torch.Tensor):
            raise SettingError("a recurrent layer on an array takes no packed sequence: pad it")
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            order = "(batch, time, " if self.batch_first else "(time, batch, "
            raise SettingError(
                f"input has shape {tuple(x.shape)}; {self.parts[0].matrix.name} takes {order}"
                f"{self.input_size}) or (time, {self.input_size})"
            )
        batched = x.ndim == 3
        x = x.unsqueeze(1) if not batched else x.transpose(0, 1) if self.batch_first else x
        if not len(x):
            raise SettingError("a sequence of no time steps has no last state")
        directions = 1 + self.bidirectional
        first = self._first(x, state, batched)
        last: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                number = layer * directions + direction
                y, states = self._run(number, x, tuple(one[number] for one in first))
                outputs.append(y)
                last.append(states)
            x = torch.cat(outputs, dim=-1)
            if self.dropout and layer + 1 < self.num_layers:
                x = torch.nn.functional.dropout(x, self.dropout, self.training)
        ends = [torch.stack(one) for one in zip(*last, strict=True)]
        if not batched:
            x, ends = x[:, 0], [one[:, 0] for one in ends]
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, tuple(ends) if self._states == 2 else ends[0]

    def _first(self, x: torch.Tensor, state: Any, batched: bool) -> State:
        """Return the first states, each (layers x directions, batch, hidden_size)."""
        count = self.num_layers * (1 + self.bidirectional)
        if state is None:
            return (x.new_zeros(count, x.shape[1], self.hidden_size),) * self._states
        given = tuple(state) if self._states == 2 else (state,)
        given = tuple(one if batched else one.unsqueeze(1) for one in given)
        _check_states(given, (count, x.shape[1], self.hidden_size), self._states)
        return given

    def _run(self, number: int, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Run one direction of one layer over all time steps."""
        incoming, back = self.parts[2 * number : 2 * number + 2]
        backwards = self.bidirectional and number % 2 == 1
        gates = self.multiply(incoming, x)
        found: list[torch.Tensor] = []
        for one in gates.flip(0) if backwards else gates:
            state = self._step(one, self.multiply(back, state[0]), state)
            found.append(state[0])
        y = torch.stack(found)
        return (y.flip(0) if backwards else y), state


class CrossbarCell(CrossbarModule):
    """What `torch.nn.LSTMCell`, `GRUCell` or `RNNCell` is: one time step.

    Parameters
    ----------
    source
        The cell that it is like.
    matrices
        For what comes in and what comes back, as for `CrossbarRecurrent`.
    bias_input
        Value of the constant input that carries the biases.
    """

    def __init__(
        self,
        source: torch.nn.LSTMCell | torch.nn.GRUCell | torch.nn.RNNCell,
        matrices: Sequence[DifferentialMatrix],
        bias_input: float,
    ):
        parts = _pair(matrices, "", bias_input if source.bias else None)
        super().__init__(parts, _parameters(source), source.weight_ih.dtype)
        self.input_size, self.hidden_size = source.input_size, source.hidden_size
        self._step, _, self._states = _step_of(source)

    @staticmethod
    def shapes(source: Any) -> dict[str, tuple[int, int, bool]]:
        """Return features, outputs and bias of each matrix that a layer needs, by name."""
        outputs = _step_of(source)[1] * source.hidden_size
        return {
            "ih": (source.input_size, outputs, source.bias),
            "hh": (source.hidden_size, outputs, source.bias),
        }

    @classmethod
    def holding(
        cls, source: Any, matrices: Sequence[DifferentialMatrix], bias_input: float
    ) -> Self:
        """Return the cell that is like one of PyTorch; it computes in software for now."""
        return cls(source, matrices, bias_input)

    def forward(self, x: torch.Tensor, state: Any = None) -> Any:
        """Return the next state: hidden, or (hidden, cell) of an LSTM."""
        if state is None:
            zero = x.new_zeros(*x.shape[:-1], self.hidden_size)
            given: State = (zero,) * self._states
        else:
            given = tuple(state) if self._states == 2 else (state,)
            _check_states(given, (*x.shape[:-1], self.hidden_size), self._states)
        incoming, back = self.parts
        after = self._step(self.multiply(incoming, x), self.multiply(back, given[0]), given)
        return after if self._states == 2 else after[0]


def _check_states(given: State, shape: Sequence[int], count: int) -> None:
    """Raise `SettingError` unless there are as many states as there must be, each of a shape."""
    found = [tuple(one.shape) for one in given]
    if found != [tuple(shape)] * count:
        raise SettingError(f"states of shape {found}; expected {count} of {tuple(shape)}")


def _suffixes(source: Any) -> list[str]:
    """Return how PyTorch ends the names of the parameters of each layer and direction."""
    ways = ("", "_reverse") if source.bidirectional else ("",)
    return [f"_l{layer}{way}" for layer in range(source.num_layers) for way in ways]
