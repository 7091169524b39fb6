"""Ranks Σ_g T_gᵀAᵀA T_g; the bound of the characters is reached; operators that commute."""

import pytest
import torch
from montecarlo import generator

from course_lib import groups, operators, symmetry

LINE, SQUARE = (1, 1, 8), (1, 4, 4)
CASES = {
    "shifts of a line": (groups.Shift(), LINE, 1),
    "mirror of a line": (groups.Reflection(), LINE, 4),
    "quarter turns": (groups.Rotation(90), SQUARE, 4),
    "D4": (groups.D4(), SQUARE, 3),
    "D4, odd": (groups.D4(), (1, 5, 5), 6),
    "D4 and shifts": (groups.D4() * groups.Shift(), (1, 4, 4), 1),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bound_of_the_characters_is_met_by_random_rows_and_by_no_fewer(name):
    group, shape, least = CASES[name]
    n = torch.tensor(shape).prod()
    assert symmetry.least_measurements(group, shape) == least
    assert sum(c * s for c, s in symmetry.irreps(group, shape)) == n

    def found(m):
        A = operators.CompressedSensing.gaussian(m, shape[-2:], 1, generator(m))
        return symmetry.rank(A, group, shape)

    assert found(least) == n
    assert least == 1 or found(least - 1) < n


@pytest.mark.parametrize("name", ["quarter turns", "D4", "shifts of a line"])
def test_it_is_at_least_n_over_the_group(name):
    group, shape, least = CASES[name]
    assert least >= torch.tensor(shape).prod() / group.elements(shape[-2:]).count


def test_the_slides_index_is_a_slip():
    """max c_j over min s_i would ask D4 for four of sixteen pixels, and three rows are enough."""
    found = symmetry.irreps(groups.D4(), SQUARE)
    slip = max(c for c, _ in found) / min(s for _, s in found)
    assert slip == 4 > symmetry.least_measurements(groups.D4(), SQUARE) == 3


def commuting():
    wave = torch.fft.irfft(torch.tensor([1.0, 1, 1, 0, 0]), n=8).roll(4)[None]
    disc = torch.exp(-torch.cartesian_prod(*[torch.arange(-1.0, 2)] * 2).square().sum(1))
    return {
        "Fourier mask, shifts": (operators.Blur(wave), groups.Shift(), LINE),
        "isotropic blur, quarter turns": (operators.Blur(disc.view(3, 3)), groups.D4(), SQUARE),
        "up to T̃: a shifted blur": (
            operators.Roll(torch.tensor([0, 3])) @ operators.Blur(wave), groups.Shift(), LINE,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", commuting())
def test_an_operator_that_commutes_keeps_its_rank(name):
    A, group, shape = commuting()[name]
    alone = int(torch.linalg.matrix_rank(operators.dense(A, shape), rtol=1e-5))
    assert symmetry.commutator(A, group, shape) < 1e-5
    assert symmetry.rank(A, group, shape) == alone


@pytest.mark.parametrize("count", [2, 3, 12])
def test_a_batch_of_operators_has_one_image_each(count):
    masks = (torch.rand(count, 1, 8, 8, generator=generator()) < 0.5).float()
    assert symmetry.commutator(operators.Inpainting(masks), groups.Shift(), (1, 8, 8)) > 0.1


def test_one_that_does_not_commute_gains():
    A = operators.Inpainting(torch.tensor([[1.0, 1, 0, 1, 0, 0, 0, 0]]))
    assert symmetry.commutator(A, groups.Shift(), LINE) > 0.1
    assert symmetry.rank(A, groups.Shift(), LINE) == 8


def test_full_rank_is_not_enough():
    """A periodic Bayer mask under shifts sees all 48 colour pixels of a 4 × 4 cell."""
    A = operators.Demosaicing()
    assert symmetry.rank(A, groups.Shift(), (3, 4, 4)) == 48


def test_only_orthogonal_groups_have_these_characters():
    with pytest.raises(ValueError, match="Scale has none"):
        symmetry.irreps(groups.Scale(), SQUARE)
