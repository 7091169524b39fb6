"""Filtered backprojection before a network: scaled, turned, masked and counted sinograms."""

import pytest
import torch
from montecarlo import generator

from course_lib import groups, models, noise, operators
from course_lib.models import backprojection

A = operators.Radon(torch.arange(0.0, 180, 3), 32)
U, V = torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="ij")
X = (0.1 * (torch.exp(-8 * ((U - 0.2) ** 2 + V**2)) + 0.5 * (U**2 + V**2 < 0.6)))[None, None]
RIGHT = A.filtered_backprojection(A(X))


def test_a_scaled_and_a_turned_operator_give_the_image_back():
    S, T = operators.Scaled(A, 0.3), groups.Rotation(90).elements((32, 32))[1]
    torch.testing.assert_close(backprojection(S, S(X)), RIGHT, rtol=0, atol=1e-6)
    turned = backprojection(A @ T, (A @ T)(X))
    torch.testing.assert_close(turned, T.adjoint(A.filtered_backprojection(A(T(X)))))
    assert (turned - X).square().mean() < 2 * (RIGHT - X).square().mean()


@pytest.mark.parametrize("share", [0.8, 0.5])
def test_views_that_splitting_hides_do_not_darken_the_image(share):
    """The mean over masks is the image from all views, and not `share` of it."""
    views = torch.rand(400, 1, 60, 1, generator=generator()) < share
    M = operators.Inpainting(views.expand(-1, -1, -1, A.detectors).float()) @ A
    y = M(X.expand(400, -1, -1, -1))
    levels = backprojection(M, y).flatten(1).sum(1) / RIGHT.sum()
    assert abs(levels.mean() - 1) < 5 * levels.std() / 20 + 1e-3


def test_counts_are_those_of_the_transmission():
    T = operators.Transmission(A, 1e4)
    y = noise.Poisson(1.0)(T(X), generator())
    torch.testing.assert_close(backprojection(T, y), T.pinv(y))
    f = models.FilteredBackProjection(torch.nn.Identity())
    torch.testing.assert_close(f(y, T), T.pinv(y))


def test_what_is_no_tomography_is_named():
    for other in (operators.Identity(), operators.Blur(torch.ones(2, 2)) @ operators.Identity()):
        with pytest.raises(TypeError, match="no CT operator; use BackProjection"):
            backprojection(operators.Decimation(2) @ other, X[..., ::2, ::2])
