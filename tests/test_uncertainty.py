"""The bootstrap: exact for linear reconstructors, blind without a group, refused without T⁻¹."""

import pytest
import torch
from montecarlo import generator

from course_lib import groups, noise, operators, uncertainty

N = 8
MASK = torch.tensor([[1.0, 1, 0, 1, 1, 1, 0, 1]]).double()
A = operators.Inpainting(MASK)


def zero_filled(y, A):
    return A.adjoint(y)


def test_its_errors_have_the_size_of_the_true_ones_for_invariant_images():
    """x white, x̂ its measured pixels: six of eight are left of x̂'s energy, turned, as of x's."""
    x = torch.randn(400, 1, 1, N, generator=generator(), dtype=torch.float64)
    y = A(x)
    errors = uncertainty.bootstrap(
        zero_filled, y, A, groups.Shift(), draws=200, generator=generator()
    )
    hidden = 1 - MASK.mean()
    lost = errors.square().mean() / zero_filled(y, A).square().mean()
    assert abs(lost - hidden) < 0.01
    true = (zero_filled(y, A) - x).square().mean()
    assert abs(errors.square().mean() / true - (1 - hidden)) < 0.05


def test_without_a_group_what_A_hides_is_never_an_error():
    y = A(torch.randn(4, 1, 1, N, generator=generator(), dtype=torch.float64))
    assert not uncertainty.bootstrap(zero_filled, y, A, None, draws=3).any()


def test_noise_is_drawn_anew_with_its_law():
    y = torch.zeros(2000, 1, 1, N).double()
    law = noise.Gaussian(0.3)
    errors = uncertainty.bootstrap(
        zero_filled, y, operators.Identity(), groups.Shift(), law, 4, generator()
    )
    assert abs(errors.std() / 0.3 - 1) < 5 / (2 * errors.numel()) ** 0.5
    assert not torch.equal(errors[0], errors[1])


def test_the_region_of_gaussian_errors_covers_what_it_says():
    """x̂ = y: errors and draws of one law, so that 90 % regions hold 90 % of the images."""
    law, x = noise.Gaussian(0.2), torch.rand(1500, 1, 3, 3, generator=generator()).double()
    y = law(x, generator=generator(1))
    errors = uncertainty.bootstrap(
        zero_filled, y, operators.Identity(), groups.Rotation(90), law, 200, generator(2)
    )
    covered = uncertainty.coverage(x, y, uncertainty.radius(errors, 0.9))
    assert covered.shape == (1500,) and abs(covered.mean() - 0.9) < 0.03


def test_what_A_does_not_measure_stays_without_noise():
    seen = []
    y = A(torch.zeros(3, 1, 1, N).double())

    def look(u, B):
        seen.append(u)
        return B.adjoint(u)

    uncertainty.bootstrap(look, y, A, groups.Shift(), noise.Gaussian(0.3), 2, generator())
    assert len(seen) == 3 and all(not (u * (1 - MASK)).any() for u in seen)
    assert seen[1].any()


def test_bad_input_is_named():
    y = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match="the equivariant bootstrap needs T_g⁻¹ = T_gᵀ"):
        uncertainty.bootstrap(zero_filled, y, operators.Identity(), groups.Scale())
    with pytest.raises(ValueError, match="level"):
        uncertainty.radius(torch.zeros(3, 1, 1, 2, 2), 1.5)


def test_a_calibrated_region_covers_new_images_with_its_level():
    """Radii 30 % short, errors of any law: the mean over calibrations is the level or just more."""
    for level, N in ((0.9, 19), (0.5, 9)):
        rmse = torch.rand(4000, N + 1, generator=generator()).double() + 0.5
        kept = [
            uncertainty.calibrate(0.7 * torch.ones(N).double(), r[:N], level)[0] >= r[N]
            for r in rmse
        ]
        error = (level * (1 - level) / len(rmse)) ** 0.5
        assert abs(torch.stack(kept).double().mean() - level) < 4 * error


def test_calibration_keeps_the_order_of_the_radii_and_needs_enough_images():
    rho, rmse = torch.tensor([1.0, 2, 3]), torch.tensor([2.0, 2, 12])  # ratios 2, 1, 4
    assert torch.equal(uncertainty.calibrate(rho, rmse, 0.5), 2 * rho)
    with pytest.raises(ValueError, match="8 images; level 0.9 needs 9 or more"):
        uncertainty.calibrate(torch.ones(8), torch.ones(8))
    assert torch.equal(uncertainty.calibrate(torch.ones(9), torch.ones(9)), torch.ones(9))
