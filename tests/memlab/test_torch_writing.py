"""Trained models of PyTorch, written to arrays at once and layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - after the check that torch is there

import memlab  # noqa: E402
from memlab.array.ideal import IdealArray  # noqa: E402
from memlab.errors import ClippingWarning, LimitError, SettingError  # noqa: E402
from memlab.mapping import SwitchingLaw, WriteVerify  # noqa: E402
from memlab.torch import (  # noqa: E402
    initialise,
    place,
    program,
    read_back,
    write,
    write_in_turn,
)

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3))


def points(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return points of six coordinates, and three classes that no plane divides."""
    x = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    angle = torch.atan2(x[:, 0] * x[:, 1], x[:, 2] + 0.3 * x[:, 3])
    return x, torch.bucketize(angle, torch.tensor([-0.6, 0.6]))


def train(model: nn.Module, steps: int, lr: float = 0.01) -> None:
    x, classes = points(1000, 1)
    own = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.Adam(own, lr)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), classes).backward()
        optimizer.step()


def accuracy(model: nn.Module) -> float:
    x, classes = points(500, 2)
    with torch.no_grad():
        return (model(x).argmax(dim=1) == classes).double().mean().item()


def test_weights_are_written_within_the_tolerance_of_their_cells() -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        model = network().double()
        placed = place(model, array[2:, 1:])
        found = write(placed, WriteVerify(tolerance=5e-6))
        cells = 2 * sum(one.numel() for one in model.parameters())
        assert (
            found["cells"] == cells == array.counts.set // cells * cells + 0
            or found["cells"] == cells
        )
        assert found["done"] > 0.99 * cells
        assert found["clipped"] == 0
        for layer, one in zip((placed[0], placed[2], placed[4]), model[::2], strict=True):
            scale = layer.matrix.siemens_per_weight
            # A window of 0.5 to 2.5 V (experiments reference 2) for the largest weight or bias.
            assert scale * max(
                one.weight.abs().max().item(), one.bias.abs().max().item()
            ) == pytest.approx(2.0 * 98e-6, rel=1e-6)
            missed = (layer.weight - one.weight).abs().detach().numpy() * scale
            assert np.quantile(missed, 0.9) < 2 * 2 * 5e-6  # two cells, and a reading later
            assert not layer.weight.requires_grad
        with pytest.raises(SettingError, match="already"):
            write(placed)


def test_on_ideal_arrays_what_is_written_is_the_model() -> None:
    model = network().double()
    placed = place(model, [IdealArray(20, 14), IdealArray(30, 10)])
    assert write(placed) == {"clipped": 0}
    x = points(20, 3)[0].double()
    torch.testing.assert_close(placed(x), model(x))


@pytest.mark.parametrize("seeds", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_layers_that_are_still_in_software_learn_to_live_with_those_that_are_written(
    seeds: int,
) -> None:
    # Every tenth pair of this chip has a stuck cell: no layer is what it should be.
    gains = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = network()
        train(model, 500)
        found = {}
        for way in ("at once", "in turn"):
            url = f"emulator:?chip=ta-hfo2&seed={seed}&non_responsive=0.05"
            with memlab.open_array(url) as array:
                placed = place(model, array)
                if way == "at once":
                    write(placed)
                else:
                    names = []
                    for name, written in write_in_turn(placed):
                        names.append(name)
                        assert written["cells"] == 2 * sum(
                            one.numel() for one in placed.get_submodule(name).parameters()
                        )
                        if len(names) < 3:
                            train(placed, 150)
                    assert names == ["0", "2", "4"]
                found[way] = accuracy(placed)
        gains.append(found["in turn"] - found["at once"])
    assert np.median(gains) > 0.02, gains


def test_what_is_written_first_is_neither_pulsed_nor_moved_again() -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        placed = place(network(), array)
        turns = write_in_turn(placed)
        assert next(turns)[0] == "0"
        first = placed[0].weight.clone()
        pulses = array.counts.set + array.counts.reset
        train(placed, 3)
        assert torch.equal(placed[0].weight, first)
        assert array.counts.set + array.counts.reset == pulses
        assert next(turns)[0] == "2"
        assert torch.equal(placed[0].weight, first)


def test_a_board_that_does_not_say_its_law_is_given_one_before_anything_is_pulsed() -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        placed = place(network(), array)
        counts = repr(array.counts)
        with pytest.raises(LimitError):
            write(placed, WriteVerify(gate_maximum=9.0))
        assert repr(array.counts) == counts
        law = SwitchingLaw(98e-6, 120e-6)
        write(placed, law=law)
        initialise(placed)  # and may be trained in situ from the model's weights once more


def test_weights_in_slices_come_closer_than_a_cell_holds_them() -> None:
    missed = []
    for slices in (1, 2):
        with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
            model = network().double()
            placed = place(model, array, slices=slices)
            write(placed)
            pairs = zip(placed[::2], model[::2], strict=True)
            off = [(a.weight - b.weight).abs().max().item() for a, b in pairs]
            missed.append(max(off))
            x = points(20, 3)[0].double()
            # Products are those of the cells; their voltages and currents have 16 bits.
            assert (placed(x) - model(x)).abs().max().item() < 4 * missed[0]
    assert missed[1] < 0.2 * missed[0]


def test_in_situ_all_slices_start_from_the_model_together() -> None:
    with memlab.open_array("emulator:?chip=ideal&seed=7") as array:
        model = network().double()
        placed = place(model, array, slices=2)
        initialise(placed)
        for layer, one in zip(placed[::2], model[::2], strict=True):
            assert len(layer.matrix.slices) == 2
            torch.testing.assert_close(
                layer.weight.detach(), one.weight.detach(), atol=0.02, rtol=0
            )


def test_weights_that_were_loaded_are_no_part_of_a_forward_pass_before_they_are_written() -> None:
    x = points(4, 3)[0].double()
    other = network().double()
    with memlab.open_array("emulator:?chip=ideal&seed=7") as array:
        placed = place(network().double(), array)
        write(placed)
        placed.load_state_dict(placed.state_dict())
        found = placed(x)  # equal to what was read back: nothing was moved
        placed.load_state_dict(other.state_dict())
        counts = repr(array.counts)
        with pytest.raises(SettingError, match=r"0 were moved .*write\(model\) or initialise"):
            placed(x)
        with pytest.raises(SettingError, match=r"0 was written by write-and-verify.*Nothing was"):
            program(placed)
        assert repr(array.counts) == counts
        read_back(placed)
        torch.testing.assert_close(placed(x), found, rtol=0.01, atol=0.01)
        placed.load_state_dict(other.state_dict())
        assert "clipped" in write(placed)
        torch.testing.assert_close(placed(x), other(x), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("again", [True, False])
def test_initialise_starts_from_what_was_trained_or_loaded_since(again: bool) -> None:
    other = network().double()
    with memlab.open_array("emulator:?chip=ideal&seed=7") as array:
        placed = place(network().double(), array)
        if again:
            write(placed)  # which gives every matrix an R_gw of its own
        placed.load_state_dict(other.state_dict())
        initialise(placed)
        for found, expected in zip(placed.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(found.detach(), expected, rtol=0, atol=0.02)
        placed(points(4, 3)[0].double())


def test_what_is_moved_by_hand_is_noticed_and_what_is_not_finite_is_refused() -> None:
    x = points(4, 3)[0].double()
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        placed = place(network().double(), array)
        write(placed)
        pulses = array.counts.set + array.counts.reset
        for value in (0.1, np.nan):
            placed[2].bias.data[1] = value
            with pytest.raises(SettingError, match="weights of 2 were moved"):
                placed(x)
        for way in (write, initialise):
            with pytest.raises(SettingError, match="bias of 2 is not finite; nothing was pulsed"):
                way(placed)
        assert array.counts.set + array.counts.reset == pulses
        read_back(placed)
        placed[2].weight.data = placed[2].weight.data + 1.0
        with pytest.raises(SettingError, match="weights of 2 were moved"):
            placed(x)


def test_starting_weights_beyond_the_range_of_the_cells_are_said() -> None:
    with memlab.open_array("emulator:?chip=ideal&seed=7") as array:
        model = nn.Sequential(nn.Linear(3, 2, bias=False), nn.Tanh(), nn.Linear(2, 2))
        nn.init.constant_(model[0].weight, 1e3)
        placed = place(model, array)
        with pytest.warns(ClippingWarning, match=r": 0 \(12 of 12 cells\); .*write\(model\)"):
            initialise(placed)
        assert write(place(model, array))["clipped"] == 0
