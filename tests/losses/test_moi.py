"""MOI: its closed form for linear f, A′ ≠ A, exact zeros, gradients through both places."""

import pytest
import torch
from montecarlo import estimate, generator
from mutants import missed
from slips import scales, seen, slip

from course_lib import losses, noise, operators
from course_lib.losses import virtual as moi

N, B, SIGMA = 4, 96, 0.5
C = torch.tensor([[0.8 ** abs(i - j) for j in range(N)] for i in range(N)]).double()
ROOT = torch.linalg.cholesky(C)
I = torch.eye(N).double()  # noqa: E741
MASKS = (torch.rand(B, 1, 1, N, generator=generator(3), dtype=torch.float64) < 0.6).double()
MASKS[..., 1] = 1
A = operators.Inpainting(MASKS)
DENSE = torch.diag_embed(MASKS.view(B, N))  # (B, N, N), every A_g


def wiener(masks):
    """F = C Aᵀ(A C Aᵀ + σ² I)⁻¹, (B, N, N): linear, and another for each A."""
    M = torch.diag_embed(masks.view(-1, N))
    return C @ M @ torch.linalg.inv(M @ C @ M + SIGMA**2 * I)


def f(y, A):
    return (wiener(A.mask) @ y.view(-1, N, 1)).view_as(y)


def power(R):
    """tr(R Rᵀ)/n."""
    return R.square().sum((-2, -1)) / N


def closed_form(noisy):
    """The mean over images g and j ≠ g of E‖(F_j A_j − I) x̂ + F_j ε′‖²/n, x̂ = F_g(A_g x + ε)."""
    F = wiener(MASKS)
    R = F @ DENSE - I  # of j
    total = power(R @ (F @ DENSE @ ROOT)[:, None])  # (g, j)
    if noisy:
        total = total + SIGMA**2 * (power(R @ F[:, None]) + power(F))
    return (total.sum() - total.trace()) / (B * (B - 1))


def excess(noisy):
    law = noise.Gaussian(SIGMA)
    loss, truth = losses.MOI(law if noisy else None), closed_form(noisy)

    def difference(g):
        x = torch.randn(B, 1, 1, N, generator=g, dtype=torch.float64) @ ROOT.T
        y = A(x)
        return loss(f, law(y, g) if noisy else y, A, generator=g) - truth

    return estimate(difference, 150), float(truth)


@pytest.mark.parametrize("noisy", [False, True])
def test_the_expectation_is_the_closed_form(noisy):
    found, truth = excess(noisy)
    assert abs(found.z()) < 4, f"biased by {found.mean:.4f} ± {found.error:.4f}"
    assert found.error < 0.02 * truth


class Written(losses.MOI):
    """The loss as it is displayed, a piece at a time."""

    def other(self, A, order):
        return A[order]

    def virtual(self, A, B, x_hat):
        """What A′ measures of x̂, without noise."""
        return B(x_hat)

    def noisy(self, u, order, g):
        return self.noise[order](u, generator=g)

    def given(self, y, y_other):
        return y_other

    def told(self, A, B):
        """The operator that f is given with the virtual measurement."""
        return B

    def held(self, x_hat):
        """(x̂ as it is measured again, x̂ as the target)."""
        x_hat = x_hat.detach() if self.stop else x_hat
        return x_hat, x_hat

    def again(self, u):
        return u

    def error(self, B, u, x_hat):
        return u - x_hat

    def forward(self, f, y, A, noise=None, generator=None):
        measured, target = self.held(f(y, A))
        order = moi.others(A, len(y), generator)
        B = self.other(A, order)
        u = self.virtual(A, B, measured)
        if self.noise is not None:
            u = seen(B, self.noisy(u, order, generator))
        u = self.again(f(self.given(y, u), self.told(A, B)))
        return self.error(B, u, target).square().mean()


SLIPS = {
    "A′ = A": slip(Written, other=lambda s, A, order: A),
    "A′ for the measurement, A for f": slip(Written, told=lambda s, A, B: A),
    "A for the measurement, A′ for f": slip(Written, virtual=lambda s, A, B, x_hat: A(x_hat)),
    "noise forgotten": slip(Written, noisy=lambda s, u, order, g: u),
    "noise on x̂": slip(
        Written, virtual=lambda s, A, B, x_hat: B(s.noise(x_hat, generator=generator(9)))
    ),
    "y for y′": slip(Written, given=lambda s, y, y_other: y),
    "measurements compared": slip(Written, error=lambda s, B, u, x_hat: B(u - x_hat)),
    **scales(losses.MOI),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_of_the_loss_is_refused(name, monkeypatch):
    monkeypatch.setattr(losses, "MOI", SLIPS[name])
    assert abs(excess(True)[0].z()) > 5


@pytest.mark.parametrize("law", [None, noise.Gaussian(SIGMA)])
def test_the_loss_is_its_formula(law):
    y = A(torch.randn(B, 1, 1, N, generator=generator(), dtype=torch.float64))
    one, two = (kind(law)(f, y, A, generator=generator(1)) for kind in (losses.MOI, Written))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=0)


def test_the_virtual_noise_is_that_of_the_other_image():
    """Where each image has a law of its own, A′x̂ gets the noise of the image of A′."""
    sigma = torch.zeros(B, 1, 1, 1).double()
    sigma[0] = 5.0
    y = torch.zeros(B, 1, 1, N, dtype=torch.float64)
    seen = []
    losses.MOI(noise.HeteroscedasticGaussian(sigma))(
        lambda u, A: seen.append(u) or u, y, A, generator=generator()
    )
    noisy = int(seen[1].flatten(1).any(1).nonzero())
    assert int(moi.others(A, B, generator())[noisy]) == 0 != noisy


def test_a_handful_of_systematic_slips_is_refused():
    assert len(missed(losses.MOI.entries, lambda: abs(excess(True)[0].z()) > 5)) < 2


# A′


def chosen(repeats=600):
    """Which image's operator each of 5 images got, (repeats, 5)."""
    labelled = operators.Scaled(operators.Identity(), torch.arange(1.0, 6).view(5, 1, 1, 1))
    g = generator()
    return torch.stack([labelled[moi.others(labelled, 5, g)].factor.flatten() - 1
                        for _ in range(repeats)])  # fmt: skip


def test_the_other_operator_is_never_the_image_s_own_and_all_others_are_equally_likely():
    found = chosen()
    assert not (found == torch.arange(5)).any()
    counts = torch.stack([(found == j).double().mean(0) for j in range(5)])
    z = (counts - 0.25) / (0.25 * 0.75 / len(found)) ** 0.5
    assert z[~torch.eye(5).bool()].abs().max() < 4


def test_it_is_another_operator_for_two_images_and_of_a_composition():
    two = operators.Inpainting(MASKS) @ operators.Scaled(operators.Identity(), 2.0)
    for seed in range(5):
        other = two[:2][moi.others(two[:2], 2, generator(seed))]
        assert torch.equal(other.outer.mask, MASKS[[1, 0]]) and other.inner.factor == 2


CHOICES = {  # how far an image's operator may come from: least and most
    "its own": (0, 4),
    "all around": (1, 5),
    "its neighbour": (1, 1),
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_slip_of_the_choice_is_refused(name, monkeypatch):
    least, most = CHOICES[name]

    def others(A, batch, g):
        return torch.arange(batch).roll(int(torch.randint(least, most + 1, (1,), generator=g)))

    monkeypatch.setattr(moi, "others", others)
    with pytest.raises(AssertionError):
        test_the_other_operator_is_never_the_image_s_own_and_all_others_are_equally_likely()


# Exact zeros, gradients


def test_it_vanishes_for_signals_in_a_subspace_that_every_operator_identifies():
    """x = Uc, f(y, A) = U (AU)†y."""
    U = torch.randn(8, 2, generator=generator(), dtype=torch.float64)
    masks = (torch.rand(6, 1, 1, 8, generator=generator(1), dtype=torch.float64) < 0.5).double()
    masks[..., :3] = torch.tensor([1.0, 0.0, 1.0])
    many = operators.Inpainting(masks)

    def inverse(y, A):
        AU = A.mask.view(-1, 8, 1) * U
        return (U @ torch.linalg.pinv(AU) @ y.view(-1, 8, 1)).view_as(y)

    x = (torch.randn(6, 1, 1, 2, generator=generator(2), dtype=torch.float64)) @ U.T
    y = many(x)
    torch.testing.assert_close(inverse(y, many), x)
    assert losses.MOI()(inverse, y, many, generator=generator()) < 1e-24
    assert losses.MOI()(lambda y, A: A.adjoint(y), y, many, generator=generator()) > 0.01


def gradients(stop=False):
    """(dL/dc, that of c²(c² a − 2c a + b)) of f = c Aᵀ: a = ‖A′Ax‖²/m, b = ‖Ax‖²/m.

    With x̂ held at k Aᵀy, that of k²(c² a − 2c a + b).
    """
    c = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    y = A(torch.randn(B, 1, 1, N, generator=generator(), dtype=torch.float64))
    losses.MOI(stop=stop)(lambda u, A: c * A.adjoint(u), y, A, generator=generator(1)).backward()
    a = A[moi.others(A, B, generator(1))](y).square().mean()
    b, k = y.square().mean(), c.detach()
    if stop:
        return float(c.grad), float(k**2 * (2 * k * a - 2 * a))
    return float(c.grad), float(4 * k**3 * a - 6 * k**2 * a + 2 * k * b)


@pytest.mark.parametrize("stop", [False, True])
def test_the_gradient_flows_through_both_places_or_x_hat_is_held(stop):
    found, expected = gradients(stop)
    assert found == pytest.approx(expected, rel=1e-12)


def assert_another_gradient(wrong, stop, monkeypatch):
    monkeypatch.setattr(losses, "MOI", wrong)
    try:
        found, expected = gradients(stop)
    except RuntimeError:  # nothing is left to differentiate
        return
    assert abs(found - expected) > 0.1 * abs(expected)


@pytest.mark.parametrize("wrong", [
    slip(Written, held=lambda s, x_hat: (x_hat, x_hat)),
    slip(Written, again=lambda s, u: u.detach()),
])  # fmt: skip
def test_a_slip_of_the_stop_is_refused(wrong, monkeypatch):
    assert_another_gradient(wrong, True, monkeypatch)


@pytest.mark.parametrize("wrong", [
    slip(Written, held=lambda s, x_hat: (x_hat, x_hat.detach())),
    slip(Written, held=lambda s, x_hat: (x_hat.detach(), x_hat)),
    slip(Written, held=lambda s, x_hat: (x_hat.detach(), x_hat.detach())),
])  # fmt: skip
def test_a_slip_that_stops_the_gradient_is_refused(wrong, monkeypatch):
    assert_another_gradient(wrong, False, monkeypatch)


def test_it_adds_to_the_consistency_with_the_measurements():
    y = A(torch.randn(B, 1, 1, N, generator=generator(), dtype=torch.float64))
    consistency = losses.MeasurementConsistency()
    both = (consistency + 2 * losses.MOI())(f, y, A, generator=generator(1))
    parts = consistency(f, y, A), losses.MOI()(f, y, A, generator=generator(1))
    torch.testing.assert_close(both, parts[0] + 2 * parts[1])
    seen = []
    losses.MOI()(lambda u, A: seen.append(u) or A.adjoint(u), y, A, generator=generator())
    assert len(seen) == losses.MOI.train_evals == 2
    with pytest.raises(NotImplementedError, match="MOI is not the risk plus a constant"):
        losses.MOI().offset(noise.Gaussian(0.1), y)


Y = torch.rand(2, 1, 1, N, generator=generator()).double()
BAD = {
    "a shared mask": (operators.Inpainting(MASKS[0]), Y, "MOI of 2 images with one Inpainting"),
    "denoising": (operators.Identity(), Y, "MOI of 2 images with one Identity"),
    "one blur": (operators.Blur(torch.ones(1, 2).double()), Y, "MOI of 2 images with one Blur"),
    "one image": (A[:1], Y[:1], "MOI of 1 images with one Inpainting; .* 2 images or"),
}


@pytest.mark.parametrize("key", BAD)
def test_one_operator_gets_one_clear_sentence(key):
    operator, y, words = BAD[key]
    with pytest.raises(ValueError, match=words) as caught:
        losses.MOI()(lambda u, A: u, y, operator)
    assert str(caught.value).count("\n") == 0
