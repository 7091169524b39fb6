"""Zoom, Permute and Amplify: exact where they say so, adjoint, the right place, no aliasing."""

import pytest
import torch
from linear import assert_adjoint, rand
from montecarlo import generator

from course_lib import groups, operators


@pytest.mark.parametrize("size", [(64, 64), (48, 64), (7, 12)])
@pytest.mark.parametrize("centre", [None, (3.3, 5.7)])
def test_a_factor_of_one_is_the_identity(size, centre):
    x = rand(2, 3, *size)
    torch.testing.assert_close(operators.Zoom(1.0, centre)(x), x, rtol=0, atol=1e-12)


def test_the_adjoint_is_exact():
    T = operators.Zoom(
        torch.tensor([0.5, 0.8]).double(), torch.tensor([[1.0, 2.5], [4, 0]]).double()
    )
    assert_adjoint(T, (2, 1, 9, 6))


def bump(height, width, row, column, size):
    i, j = torch.arange(height)[:, None] - row, torch.arange(width) - column
    return torch.exp(-(i**2 + j**2).double() / (2 * size**2))[None, None]


@pytest.mark.parametrize("s", [0.75, 0.5, 0.9])
def test_what_lies_at_c_plus_d_moves_to_c_plus_s_d(s):
    """A bump of width w becomes one of width sw, a little wider by the low-pass."""
    c, at = torch.tensor([20.0, 30.0]), torch.tensor([30.0, 20.0])
    y, to = operators.Zoom(s, c)(bump(48, 64, *at, 3.0))[0, 0], c + s * (at - c)
    i, j = torch.arange(48).double()[:, None], torch.arange(64).double()
    y = y * ((i - to[0]).abs() < 9) * ((j - to[1]).abs() < 9)  # not the mirror images
    found = torch.stack([(y * i).sum(), (y * j).sum()]) / y.sum()
    assert (found - to).abs().max() < 0.02
    width = ((y * (i - found[0]) ** 2).sum() / y.sum()).sqrt()
    assert s * 3 * 0.98 < width < s * 3 * 1.05


def test_it_does_not_alias():
    """A wave that the smaller image can't hold is gone; one that it can hold is there."""
    k = torch.arange(64).double()
    for frequency, least, most in ((0.4, 0, 0.06), (0.1, 0.9, 1.01)):
        x = torch.cos(2 * torch.pi * frequency * k).expand(1, 1, 64, 64)
        y = operators.Zoom(0.5)(x)[..., 24:40]
        assert least <= y.abs().max() <= most


def test_a_constant_stays_one_up_to_the_border():
    x = torch.full((1, 1, 10, 14), 0.7).double()
    torch.testing.assert_close(operators.Zoom(0.5, (0.0, 13.0))(x), x)


def test_permutations_are_orthogonal_and_amplification_is_invertible():
    x = rand(3, 2, 4, 5)
    T = groups.Permutation().draw(x, generator())
    assert torch.equal(T.adjoint(T(x)), x) and not torch.equal(T(x), x)
    assert torch.equal(T(x).flatten(2).sort(-1).values, x.flatten(2).sort(-1).values)
    assert_adjoint(T, x.shape)
    S = groups.Amplitude(3.0).draw(x, generator())
    torch.testing.assert_close(S.pinv(S(x)), x)
    assert_adjoint(S, x.shape)
    assert ((S.factor > 1 / 3) & (S.factor < 3)).all()


def test_each_image_has_its_scale_and_centre():
    x = rand(1, 1, 16, 16).expand(5, -1, -1, -1)
    y = groups.Scale((0.75, 0.5)).draw(x, generator())(x)
    assert len(y.flatten(1).unique(dim=0)) == 5


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: operators.Zoom(1.2), "scale is 1.2"),
        (lambda: operators.Zoom(0.0), "scale is 0"),
        (lambda: operators.Zoom(0.05)(rand(1, 1, 8, 8)), "leaves 0.4 pixels"),
        (lambda: groups.Scale((0.5, 2.0)), "it must lie in"),
        (lambda: operators.Permute(torch.tensor([0, 0, 1])), "no permutation"),
        (lambda: operators.Permute(torch.tensor([1, 0]))(rand(1, 1, 2, 2)), "4 pixels"),
        (lambda: operators.Amplify(-1.0), "factor"),
        (lambda: groups.Amplitude(1.0), "most is 1"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
