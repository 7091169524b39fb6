"""The table of units: its arithmetic, one run, and the recorded run within 0.3 dB."""

import pytest
import torch

from course_lib import data, experiments, losses, models, noise, operators, training
from course_lib.experiments import units

FAMILY = ["gaussian, UNSURE", "gaussian, UNSURECorrelated",
          "poisson-gaussian, UNSUREPoissonGaussian"]  # fmt: skip


def test_the_spread_is_over_the_units_of_one_method():
    result = {"ssim": [0.8, 0.7], "train_evals": 1, "test_evals": 1, "s_per_step": 0.1}
    results = {cell: [result | {"psnr": [20.0, 22.0]}] for cell in units.CELLS}
    results["gaussian", "UNSURE", 255.0] = [result | {"psnr": [21.0, 22.0]}]
    table = units.summary(results)
    assert table["spread_db"].pop("gaussian, UNSURE") == pytest.approx(0.5)
    assert set(table["spread_db"].values()) == {0.0}
    (row,) = [r for r in table["rows"] if r["gap_db"]]
    assert row["gap_db"] == pytest.approx(-0.5) and row["problem"] == "gaussian × 255"


@pytest.mark.parametrize("problem, name", [(p, n) for p in units.METHODS for n in units.METHODS[p]])
def test_two_steps_give_every_figure(problem, name):
    result = units.one(problem, name, 255.0, 2, 0, "cpu")
    assert len(result["psnr"]) == 9 and 10 < sum(result["psnr"]) / 9 < 30


LOSSES = {
    "Supervised": lambda unit: losses.Supervised(),
    "SURE": lambda unit: losses.SURE(noise.Gaussian(0.125 * unit)),
    "UNSURE": lambda unit: losses.UNSURE(),
    "UNSURECorrelated": lambda unit: losses.UNSURECorrelated(),
    "UNSUREPoissonGaussian": lambda unit: losses.UNSUREPoissonGaussian(),
}


def trained(name, unit, bias=False):
    x = unit * data.load("photos", "train", 64)[:16]
    make = data.Pairs if name == "Supervised" else data.simulate
    measurements = make(x, operators.Identity(), noise.Gaussian(0.125 * unit), crop=32)
    torch.manual_seed(0)
    f = models.BackProjection(models.UNet(widths=(4, 8), bias=bias))
    training.fit(f, LOSSES[name](unit), measurements, steps=12, batch=4, progress=False)
    return torch.cat([p.detach().flatten() for p in f.parameters()])


@pytest.mark.parametrize("name", LOSSES)
def test_training_is_the_same_in_every_unit_to_the_bit(name):
    """Loss, start, optimiser and homogeneous network: no constant of any of them has a unit.

    (In units of 10⁻³ the squares of a few gradients, 10⁻¹⁰ of the others, leave float32.)
    """
    reference = trained(name, 1.0)
    for unit in (2.0**-2, 2.0**12):
        if name == "UNSURECorrelated":  # whose powers ±1/2 of a spectrum round
            torch.testing.assert_close(trained(name, unit), reference, rtol=1e-3, atol=1e-4)
        else:
            assert torch.equal(trained(name, unit), reference)


def test_biases_have_a_unit():
    one, other = (trained("Supervised", unit, bias=True) for unit in (1.0, 2.0**-12))
    assert (one - other).abs().max() > 1e-3


@pytest.mark.parametrize("name", FAMILY)
def test_the_recorded_family_does_not_depend_on_the_unit(name):
    spread = experiments.recorded("units")["spread_db"]
    assert spread[name] <= 0.3 and spread[f"{name.split(',')[0]}, Supervised"] <= 0.3
    assert spread["gaussian, Supervised, biases"] > 3


def test_the_recorded_run_covers_all_units():
    table = experiments.recorded("units")
    assert {row["unit"] for row in table["rows"]} == set(units.UNITS)
    assert len(table["rows"]) == len(units.CELLS) and table["meta"]["scale"] in ("quick", "full")
