"""The torch bridge: forward is the array's, gradients are torch's, steps become pulses."""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import memlab
from memlab.array import Array
from memlab.array.ideal import IdealArray
from memlab.errors import LimitError, SettingError
from memlab.mapping import Block, DifferentialMatrix, DirectUpdate, Layout, pair_rows
from memlab.rules import as_rule

torch = pytest.importorskip("torch", reason="needs PyTorch: python -m pip install torch (CPU)")

from memlab.torch import (  # noqa: E402 - after the check that torch is there
    CrossbarLinear,
    PhysicalLinear,
    crossbar_layers,
    in_situ,
    initialise,
    place,
    program,
    read_back,
    record,
)

DTYPES = [torch.float32, torch.float64]
FEATURES, OUTPUTS, BIAS, SIEMENS, READ = 5, 3, 0.5, 2e-5, 0.2


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture
def chip() -> Iterator[Array]:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        yield array


def one_layer(array: Array, dtype: torch.dtype, bias: float | None = BIAS) -> CrossbarLinear:
    """Return an initialised layer of 5 inputs and 3 outputs at the array's row 0, column 0."""
    layer = crossbar_layers(array, {"only": (FEATURES, OUTPUTS)}, bias_input=bias, dtype=dtype)
    initialise(layer["only"])
    return layer["only"]


def random(shape: tuple[int, ...], dtype: torch.dtype, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (7,), (2, 4), (0,)])
def test_forward_is_the_vmm_of_the_array_scaled_bit_for_bit(
    chip: Array, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    layer = one_layer(chip, dtype)
    x = random((*shape, FEATURES), dtype)
    inputs = np.concatenate([x.double().numpy(), np.full((*shape, 1), BIAS)], axis=-1)
    peak = np.abs(inputs).max(axis=-1, keepdims=True, initial=0.0)
    voltage = inputs / peak * READ
    # Rows 0 to 5 carry + and rows 6 to 11 - (Li 2019).
    current = chip[:12, :3].vmm(np.concatenate([voltage, -voltage], axis=-1))
    expected = torch.from_numpy(current * (peak / (READ * SIEMENS))).to(dtype)
    y = layer(x)
    assert y.dtype == dtype
    assert y.shape == (*shape, OUTPUTS)
    assert torch.equal(y, expected)


def test_without_a_bias_there_is_no_bias_row_and_no_parameter(chip: Array) -> None:
    layer = one_layer(chip, torch.float64, bias=None)
    assert layer.bias is None
    assert layer.matrix.array.shape == (2 * FEATURES, OUTPUTS)
    assert layer(torch.zeros(2, FEATURES, dtype=torch.float64)).abs().max() < 1e-2


@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters_are_the_weights_of_the_conductances_that_the_array_holds(
    chip: Array, dtype: torch.dtype
) -> None:
    layer = one_layer(chip, dtype)
    conductance = chip[:12, :3].read_conductance()
    weight = (conductance[:6] - conductance[6:]) / SIEMENS
    np.testing.assert_allclose(layer.weight.detach(), weight[:5].T, rtol=1e-6)
    np.testing.assert_allclose(layer.bias.detach(), BIAS * weight[5], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_are_those_of_torch_on_the_weights_read_back(
    chip: Array, dtype: torch.dtype
) -> None:
    layer = one_layer(chip, dtype)
    x, dy = random((2, 4, FEATURES), dtype), random((2, 4, OUTPUTS), dtype, seed=2)
    ours = x.clone().requires_grad_()
    layer(ours).backward(dy)
    leaves = [t.detach().clone().requires_grad_() for t in (x, layer.weight, layer.bias)]
    torch.nn.functional.linear(*leaves).backward(dy)
    for found, expected in zip((ours, layer.weight, layer.bias), leaves, strict=True):
        torch.testing.assert_close(found.grad, expected.grad)


def test_gradients_on_an_ideal_array_are_the_slopes_of_its_forward_pass() -> None:
    array = IdealArray(2 * (FEATURES + 1), OUTPUTS)
    rule = DirectUpdate(np.full(array.shape, 218e-6))
    matrix = DifferentialMatrix("only", array, SIEMENS, READ, rule, Layout.INTERLEAVED)
    plus, minus = pair_rows(Layout.INTERLEAVED, FEATURES + 1)

    def physical(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Put weights on the array with no update between them and the cells, and multiply."""
        wanted = torch.cat([weight, bias[:, None] / BIAS], dim=1).detach().numpy().T
        conductance = np.full(array.shape, 218e-6)
        conductance[plus] += 0.5 * SIEMENS * wanted
        conductance[minus] -= 0.5 * SIEMENS * wanted
        array.write(conductance)
        matrix.read_back()
        return PhysicalLinear.apply(x, weight, bias, matrix, BIAS)

    leaves = [
        random(shape, torch.float64, seed).requires_grad_()
        for seed, shape in enumerate([(4, FEATURES), (OUTPUTS, FEATURES), (OUTPUTS,)])
    ]
    assert torch.autograd.gradcheck(physical, leaves, eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
def test_on_an_ideal_array_training_is_that_of_a_linear_layer_of_torch(optimizer: type) -> None:
    layer = one_layer(IdealArray(), torch.float64)
    software = torch.nn.Linear(FEATURES, OUTPUTS, dtype=torch.float64)
    software.load_state_dict(layer.state_dict())
    x, target = random((20, FEATURES), torch.float64), random((20, OUTPUTS), torch.float64, 2)
    for model in (layer, software):
        steps = optimizer(model.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.ExponentialLR(steps, 0.9)
        if model is layer:
            in_situ(steps, model)
        for _ in range(10):
            steps.zero_grad()
            torch.nn.functional.mse_loss(model(x), target).backward()
            steps.step()
            schedule.step()
    torch.testing.assert_close(layer.weight, software.weight)
    torch.testing.assert_close(layer.bias, software.bias)


def test_a_step_on_a_chip_moves_the_weights_by_what_was_asked_within_programming_noise(
    chip: Array,
) -> None:
    layer = crossbar_layers(chip, {"only": (60, 60)}, bias_input=None, dtype=torch.float64)["only"]
    initialise(layer)
    before = layer.weight.detach().clone()
    wish = 2.0 * torch.sign(random((60, 60), torch.float64))
    with torch.no_grad():
        layer.weight += wish
    program(layer)
    moved = layer.weight.detach() - before
    # Two cells before and two after, 4 uS each (Li 2019): sqrt(4) * 4 / 20 = 0.4 for one weight,
    # and the mean of 3,600 within 5 standard errors. A SET only raises, so noise that was already
    # above the new level stays: on average the cells that rise end up to a little higher.
    ratio = (moved * torch.sign(wish)).numpy()
    assert ratio.mean() == pytest.approx(2.0, abs=0.1)
    assert ratio.std() == pytest.approx(0.4, rel=0.15)


def test_a_layer_that_nobody_moved_is_not_pulsed(chip: Array) -> None:
    layer = crossbar_layers(chip, {"first": (4, 6), "second": (6, 2)})
    model = torch.nn.Sequential(*layer.values())
    initialise(model)
    model[0].requires_grad_(False)
    counts = copy.copy(chip.counts)
    program(model)
    assert chip.counts == counts
    optimizer = torch.optim.SGD(model.parameters(), lr=10.0)
    handle = in_situ(optimizer, model)
    model(random((8, 4), torch.float32)).square().sum().backward()
    before = layer["first"].matrix.weight
    optimizer.step()
    assert 0 < chip.counts.set - counts.set <= 2 * 7 * 2
    np.testing.assert_array_equal(layer["first"].matrix.weight, before)
    handle.remove()
    counts = copy.copy(chip.counts)
    optimizer.step()
    assert chip.counts == counts


def test_a_state_of_software_layers_is_programmed_when_it_is_asked_for() -> None:
    array = IdealArray()
    layer = one_layer(array, torch.float32)
    software = torch.nn.Linear(FEATURES, OUTPUTS)
    layer.load_state_dict(software.state_dict())
    x = random((4, FEATURES), torch.float32)
    with pytest.raises(SettingError, match=r"only were moved .*: program\(model\) brings them"):
        layer(x)  # only wished for
    program(layer)
    torch.testing.assert_close(layer(x), software(x))
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_another_dtype_is_not_taken_for_a_wish(chip: Array) -> None:
    layer = one_layer(chip, torch.float64).float()
    assert not layer.requested_changes()[0].any()
    assert layer(torch.ones(FEATURES)).dtype == torch.float32


def test_a_layer_that_is_too_tall_is_folded() -> None:
    array = IdealArray()
    layer = crossbar_layers(array, {"tall": (100, 10)}, dtype=torch.float64)["tall"]
    initialise(layer)
    assert len(layer.matrix.blocks) == 2
    x = random((3, 100), torch.float64)
    torch.testing.assert_close(layer(x), torch.nn.functional.linear(x, layer.weight, layer.bias))


def test_weights_that_are_not_finite_are_refused_before_anything_is_pulsed(chip: Array) -> None:
    layer = crossbar_layers(chip, {"first": (4, 6), "second": (6, 2)})
    model = torch.nn.Sequential(*layer.values())
    initialise(model)
    counts = copy.copy(chip.counts)
    with torch.no_grad():
        model[0].weight += 1.0
        model[1].weight[0, 0] = float("nan")
    with pytest.raises(LimitError, match="second are not finite; nothing was pulsed"):
        program(model)
    assert chip.counts == counts
    read_back(model)
    assert not any(layer.requested_changes()[0].any() for layer in model)


def test_what_a_layer_cannot_multiply_is_refused_in_words() -> None:
    layer = one_layer(IdealArray(), torch.float32)
    with pytest.raises(SettingError, match=r"shape \(2, 4\); only takes \(..., 5\)"):
        layer(torch.zeros(2, 4))
    with pytest.raises(SettingError, match="both must be float32"):
        layer(torch.zeros(2, 5, dtype=torch.float64))
    with pytest.raises(SettingError, match="lies on meta"):
        layer(torch.zeros(2, 5, device="meta"))
    with pytest.raises(LimitError):
        layer(torch.full((2, 5), float("nan")))
    with pytest.raises(SettingError, match="both must be float32"):
        layer.half()(torch.zeros(2, 5, dtype=torch.float16))


def test_what_cannot_be_a_layer_is_refused_in_words() -> None:
    layer = one_layer(IdealArray(), torch.float32)
    with pytest.raises(SettingError, match="float32 or float64"):
        CrossbarLinear(layer.matrix, dtype=torch.float16)
    with pytest.raises(SettingError, match="not 0"):
        CrossbarLinear(layer.matrix, bias_input=0.0)
    with pytest.raises(SettingError, match="no room"):
        crossbar_layers(IdealArray(), {"wide": (100, 100)})


def test_what_cannot_train_in_situ_is_refused_in_words() -> None:
    layer = one_layer(IdealArray(), torch.float32)
    with pytest.raises(SettingError, match="several weights within one step"):
        in_situ(torch.optim.LBFGS(layer.parameters()), layer)
    with pytest.raises(SettingError, match="no crossbar layer"):
        program(torch.nn.Linear(2, 2))
    with pytest.raises(TypeError, match="state_dict"):
        copy.deepcopy(layer)


def recorded_training(array: Array, out: Path, log: str = "all") -> memlab.Run:
    """Train 3 x 2 weights and 2 x 1 for two epochs of three updates, evaluating after each."""
    layer = crossbar_layers(array, {"first": (3, 2), "second": (2, 1)}, dtype=torch.float64)
    model = torch.nn.Sequential(layer["first"], torch.nn.Tanh(), layer["second"])
    x = random((15, 3), torch.float64)
    with record(
        model, "sums", out=out, seed=4, settings={"lr": 0.2}, log=log, figure=log == "all"
    ) as run:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
        in_situ(optimizer, model)
        for epoch in range(2):
            for batch in x.split(5):
                optimizer.zero_grad()
                loss = (model(batch) - batch.sum(dim=1, keepdim=True)).square().mean()
                loss.backward()
                optimizer.step()
                run.updated(loss, epoch)
            with run.unheard(), torch.no_grad():
                error = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        run.found("train_error", error, "1", "Mean squared error", n=15, of="samples")
    return memlab.open_run(run.path)


@pytest.mark.usefixtures("drawn")
def test_a_training_of_torch_is_a_run_like_any_other(tmp_path: Path) -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        run = recorded_training(array[7:39, 20:29], tmp_path / "torch.h5")
        map_now = array[7:15, 20:22].read_conductance()
    assert (run.kind, run.title, run.status, run.seed) == ("network", "sums", "finished", 4)
    assert run.boards == ("emulator:?chip=ta-hfo2&seed=7",)
    assert run.settings["layers"] == {"first": [4, 2], "second": [3, 1]}
    assert run.settings["lr"] == 0.2
    found = run.findings.values["train_error"]
    assert (found.n, found.of, found.description) == (15, "samples", "Mean squared error")
    losses = run.losses()
    assert run.metrics["final_loss"] == pytest.approx(losses[3:].mean())
    assert run.counts["vmm"] == 2 * (2 * 15 + 2 * 15)
    with run.entry() as entry:
        np.testing.assert_array_equal(entry["training/epoch"], [0, 0, 0, 1, 1, 1])
        assert entry["first/conductance"].shape == (6, 8, 2)
        np.testing.assert_array_equal(entry["first/row"], np.arange(7, 15))
        # What training multiplied, and not the evaluations.
        np.testing.assert_array_equal(entry["second_vmm/update"], np.repeat(np.arange(6), 5))
        last = entry["first/conductance"][-1]
    np.testing.assert_allclose(map_now, last, rtol=0, atol=2e-6)
    assert (tmp_path / "torch.png").exists()


def test_a_training_of_torch_can_be_recorded_by_epochs_and_ends_in_order(tmp_path: Path) -> None:
    with memlab.open_array("ideal:?rows=20&columns=5") as array:
        run = recorded_training(array, tmp_path / "epochs.h5", "epochs")
        with run.entry() as entry:
            np.testing.assert_array_equal(entry["first/update"], [2, 5])
        layer = crossbar_layers(array, {"only": (3, 2)})["only"]

        def goes(out: str, *epochs: int) -> None:
            with record(layer, "broken", out=tmp_path / out, figure=False) as run:
                for epoch in epochs:
                    run.updated(0.5, epoch)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            goes("b.h5", 0)
        found = memlab.open_run(tmp_path / "b.h5")
        assert (found.status, found.losses().tolist()) == ("interrupted", [0.5])
        with pytest.raises(SettingError, match="count them upwards"):
            goes("c.h5", 1, 0)
        with pytest.raises(SettingError, match="no crossbar layer"):
            with record(torch.nn.Linear(2, 2), "none", out=tmp_path / "d.h5"):
                pass
        with pytest.raises(SettingError, match="log='everything': choose one of all"):
            with record(layer, "wrong", out=tmp_path / "d.h5", log="everything"):
                pass
    assert not (tmp_path / "d.h5").exists()


def test_a_small_network_of_torch_trains_on_the_emulator() -> None:
    from scripts.torch_in_situ import train

    accuracy = []
    for seed in (1, 2, 3):
        with memlab.open_array("emulator:?chip=ta-hfo2", seed=seed) as array:
            accuracy.append(train(array, epochs=25, seed=seed))
    # No straight line parts these points to more than 88 %; one standard error of 1000 is 1 point.
    assert np.median(accuracy) > 0.95


def test_layers_learn_by_the_rule_that_is_named() -> None:
    with memlab.open_array("emulator:?seed=3&chip=ta-hfo2") as array:
        rule = as_rule({"rule": "sign-threshold", "step": 0.11, "threshold": 0.5})
        model = torch.nn.Sequential(*crossbar_layers(array, {"fc": (3, 2)}, update=rule).values())
        initialise(model)
        (layer,) = model
        assert isinstance(layer, CrossbarLinear)
        (block,) = layer.matrix.blocks
        before = block.programmed.gate_voltage.copy()
        with torch.no_grad():
            layer.weight[0, 1] += 1.0
        program(model)
        moved = block.programmed.gate_voltage - before
        assert sorted(moved[moved != 0.0]) == pytest.approx([-0.11, 0.11])


def test_errors_of_layers_go_back_through_the_weights_that_the_rule_names() -> None:
    with memlab.open_array("ideal:") as array:
        made = crossbar_layers(array, {"a": (3, 4), "b": (4, 2)}, update="feedback-alignment")
        x = torch.ones(5, 3, requires_grad=True)
        hidden = made["a"](x)
        hidden.retain_grad()
        made["b"](hidden).sum().backward()
        back = made["b"].matrix.backward_weight[:4]
        np.testing.assert_allclose(hidden.grad, np.tile(back.sum(axis=1), (5, 1)), rtol=1e-5)
        assert not np.allclose(back, made["b"].matrix.weight[:4])


def test_a_placed_model_learns_by_the_rule_that_is_named() -> None:
    source = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    with memlab.open_array("emulator:?seed=3&chip=ta-hfo2") as array:
        placed = place(source, array, update="mixed-precision")
        assert {type(b.rule).__name__ for m in placed for b in blocks_of(m)} == {
            "MixedPrecisionUpdate"
        }
        aligned = place(source, array, update="feedback-alignment")
        back = [part.matrix.feedback for m in aligned for part in getattr(m, "parts", ())]
        assert all(one is not None for one in back)
        with pytest.raises(SettingError, match="unknown update rule"):
            place(source, array, update="twoshot")


def blocks_of(module: torch.nn.Module) -> list[Block]:
    return [one for part in getattr(module, "parts", ()) for one in part.matrix.blocks]
