"""Training in software with weights as a chip would hold them."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - after the check that torch is there

import memlab  # noqa: E402
from memlab.errors import SettingError  # noqa: E402
from memlab.mapping import WriteVerify  # noqa: E402
from memlab.torch import WritingErrors, noise_aware, place, write  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def test_weights_are_off_as_those_of_a_chip_are() -> None:
    errors = WritingErrors((100e-6, 300e-6), 4e-6, ((0.1, 0.0), (0.05, 1e-3)))
    weight = torch.full((200, 500), 0.5, dtype=torch.float64)
    made = errors.drawn(weight, 2.0, torch.Generator().manual_seed(1)) * 100e-6  # S, as W R_gw
    # A pair holds 150 and 100 uS; each cell is dead in a tenth of the cases, on in a twentieth.
    healthy = (made - 50e-6).abs() < 30e-6
    assert healthy.double().mean().item() == pytest.approx(0.85**2, abs=0.007)
    assert made[healthy].std().item() == pytest.approx(2**0.5 * 4e-6, rel=0.02)
    for centre, share in (
        (-100e-6, 0.1 * 0.85),
        (150e-6, 0.1 * 0.85),
        (900e-6, 0.05 * 0.85),
        (-850e-6, 0.05 * 0.85),
    ):
        found = ((made - centre).abs() < 30e-6).double().mean().item()
        assert found == pytest.approx(share, abs=0.005)


def test_a_chip_says_what_its_cells_are_off_by() -> None:
    with memlab.open_array("emulator:?chip=pt-taox-ta&seed=7&defects.stuck_on=0.02") as array:
        errors = WritingErrors.of(array, WriteVerify(gate_minimum=0.5, gate_maximum=1.5))
        assert errors.window == pytest.approx((200e-6 / 1.1 * 0.5, 200e-6 / 1.1 * 1.5))
        assert errors.noise == 10e-6
        assert {share for share, _ in errors.stuck} == {0.11, 0.0, 0.02}
    with memlab.open_array("ideal:") as array:
        with pytest.raises(SettingError, match=r"does not say .* give WritingErrors"):
            WritingErrors.of(array)
    with pytest.raises(SettingError, match="1 in all"):
        WritingErrors((0.0, 1e-4), stuck=((0.6, 0.0), (0.6, 1e-3)))
    with pytest.raises(SettingError, match="must rise"):
        WritingErrors((2e-4, 1e-4))


def test_only_training_in_software_sees_them() -> None:
    x = torch.randn(3, 4, dtype=torch.float64)
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        model = nn.Sequential(nn.Linear(4, 2)).double()
        placed = place(model, array)
        noise_aware(placed)
        assert not torch.equal(placed(x), placed(x))  # others each time
        placed.eval()
        torch.testing.assert_close(placed(x), model(x))
        placed.train()
        write(placed)
        assert torch.equal(placed(x), placed(x))  # this chip's cells do not fluctuate
        with pytest.raises(SettingError, match="between place and write"):
            noise_aware(placed)


@pytest.mark.slow
def test_a_model_that_expects_dead_cells_loses_less_to_them() -> None:
    draws = torch.Generator().manual_seed(1)
    centres = torch.randn(8, 32, generator=draws)
    y = torch.randint(8, (1500,), generator=draws)
    x = 0.45 * centres[y] + torch.randn(1500, 32, generator=draws)

    def train(model: nn.Module, steps: int) -> None:
        optimizer = torch.optim.Adam(model.parameters(), 0.005)
        for _ in range(steps):
            batch = torch.randint(1000, (50,), generator=draws)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            with torch.no_grad():
                for one in model.parameters():
                    one.clamp_(-1.0, 1.0)

    gains = []
    for seed in range(3):
        torch.manual_seed(seed)
        software = nn.Sequential(nn.Linear(32, 24), nn.Tanh(), nn.Linear(24, 8))
        train(software, 300)
        found = []
        for aware in (False, True):
            url = f"emulator:?chip=pt-taox-ta&seed={seed}&non_responsive=0.2"
            with memlab.open_array(url) as array:
                placed = place(software, array)
                if aware:
                    noise_aware(placed, seed=seed)
                train(placed, 300)
                write(placed)
                with torch.no_grad():
                    right = placed(x[1000:]).argmax(dim=1) == y[1000:]
                found.append(right.double().mean().item())
        gains.append(found[1] - found[0])
    assert np.median(gains) > 0.02, gains
