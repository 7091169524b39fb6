"""MOI: its closed form for linear f, A′ ≠ A, exact zeros, gradients through both places."""

import pytest
import torch
from montecarlo import estimate, generator
from problems import mutant

from course_lib import losses, noise, operators
from course_lib.losses import moi

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


MUTANTS = {
    "A′ = A": ("A_other = others(A, len(y), generator)", "A_other = A"),
    "A′ for the measurement, A for f": ("f(y_other, A_other)", "f(y_other, A)"),
    "A for the measurement, A′ for f": ("A_other(x_hat)", "A(x_hat)"),
    "noise forgotten": ("self.noise(y_other, generator=generator)", "y_other"),
    "noise on x̂": ("A_other(x_hat)", "A_other(self.noise(x_hat, generator=generator))"),
    "y for y′": ("f(y_other, A_other)", "f(y, A_other)"),
    "measurements compared": ("(f(y_other, A_other) - x_hat)",
                              "A_other(f(y_other, A_other) - x_hat)"),
    "sum": (".square().mean()", ".square().sum() / len(y)"),
    "half the square": (".square().mean()", ".square().mean() / 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_loss_is_refused(name, monkeypatch):
    monkeypatch.setattr(losses, "MOI", mutant(losses.MOI, *MUTANTS[name]))
    assert abs(excess(True)[0].z()) > 5


# A′


def chosen(repeats=600):
    """Which image's operator each of 5 images got, (repeats, 5)."""
    labelled = operators.Scaled(operators.Identity(), torch.arange(1.0, 6).view(5, 1, 1, 1))
    g = generator()
    return torch.stack([moi.others(labelled, 5, g).factor.flatten() - 1 for _ in range(repeats)])


def test_the_other_operator_is_never_the_image_s_own_and_all_others_are_equally_likely():
    found = chosen()
    assert not (found == torch.arange(5)).any()
    counts = torch.stack([(found == j).double().mean(0) for j in range(5)])
    z = (counts - 0.25) / (0.25 * 0.75 / len(found)) ** 0.5
    assert z[~torch.eye(5).bool()].abs().max() < 4


def test_it_is_another_operator_for_two_images_and_of_a_composition():
    two = operators.Inpainting(MASKS) @ operators.Scaled(operators.Identity(), 2.0)
    for seed in range(5):
        other = moi.others(two[:2], 2, generator(seed))
        assert torch.equal(other.outer.mask, MASKS[[1, 0]]) and other.inner.factor == 2


@pytest.mark.parametrize(
    "old, new",
    [
        ("torch.randint(1, batch", "torch.randint(0, batch"),
        ("torch.randint(1, batch", "torch.randint(1, batch + 1"),
        ("torch.randint(1, batch", "torch.randint(1, 2"),
    ],
)
def test_another_choice_is_refused(old, new, monkeypatch):
    monkeypatch.setattr(moi, "others", mutant(moi.others, old, new))
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
    assert losses.MOI()(inverse, y, many, generator()) < 1e-24
    assert losses.MOI()(lambda y, A: A.adjoint(y), y, many, generator()) > 0.01


def gradients(stop=False):
    """(dL/dc, that of c²(c² a − 2c a + b)) of f = c Aᵀ: a = ‖A′Ax‖²/m, b = ‖Ax‖²/m.

    With x̂ held at k Aᵀy, that of k²(c² a − 2c a + b).
    """
    c = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    y = A(torch.randn(B, 1, 1, N, generator=generator(), dtype=torch.float64))
    losses.MOI(stop=stop)(lambda u, A: c * A.adjoint(u), y, A, generator=generator(1)).backward()
    a = moi.others(A, B, generator(1))(y).square().mean()
    b, k = y.square().mean(), c.detach()
    if stop:
        return float(c.grad), float(k**2 * (2 * k * a - 2 * a))
    return float(c.grad), float(4 * k**3 * a - 6 * k**2 * a + 2 * k * b)


@pytest.mark.parametrize("stop", [False, True])
def test_the_gradient_flows_through_both_places_or_x_hat_is_held(stop):
    found, expected = gradients(stop)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "old, new",
    [
        ("x_hat.detach() if self.stop else x_hat", "x_hat"),
        ("A_other) - x_hat)", "A_other).detach() - x_hat)"),
    ],
)
def test_another_stop_is_refused(old, new, monkeypatch):
    monkeypatch.setattr(losses, "MOI", mutant(losses.MOI, old, new))
    try:
        found, expected = gradients(True)
    except RuntimeError:  # nothing is left to differentiate
        return
    assert abs(found - expected) > 0.1 * abs(expected)


@pytest.mark.parametrize(
    "old, new",
    [
        ("A_other) - x_hat)", "A_other) - x_hat.detach())"),
        ("A_other(x_hat)", "A_other(x_hat.detach())"),
        ("x_hat = f(y, A)", "x_hat = f(y, A).detach()"),
    ],
)
def test_a_stopped_gradient_is_refused(old, new, monkeypatch):
    monkeypatch.setattr(losses, "MOI", mutant(losses.MOI, old, new))
    found, expected = gradients()
    assert abs(found - expected) > 0.1 * abs(expected)


def test_it_adds_to_the_consistency_with_the_measurements():
    y = A(torch.randn(B, 1, 1, N, generator=generator(), dtype=torch.float64))
    consistency = losses.MeasurementConsistency()
    both = (consistency + 2 * losses.MOI())(f, y, A, generator(1))
    parts = consistency(f, y, A), losses.MOI()(f, y, A, generator=generator(1))
    torch.testing.assert_close(both, parts[0] + 2 * parts[1])
    seen = []
    losses.MOI()(lambda u, A: seen.append(u) or A.adjoint(u), y, A, generator=generator())
    assert len(seen) == losses.MOI.train_evals == 2
    with pytest.raises(NotImplementedError, match="MOI is not the risk plus a constant"):
        losses.MOI().offset(noise.Gaussian(0.1), y)


Y = torch.rand(2, 1, 1, N, generator=generator()).double()
BAD = {
    "a shared mask": (operators.Inpainting(MASKS[0]), Y, "a batch of 2 with Inpainting has one"),
    "denoising": (operators.Identity(), Y, "a batch of 2 with Identity has one operator"),
    "one blur": (operators.Blur(torch.ones(1, 2).double()), Y, "a batch of 2 with Blur has one"),
    "one image": (A[:1], Y[:1], "a batch of 1 with Inpainting has one operator, .* 2 images or"),
}


@pytest.mark.parametrize("key", BAD)
def test_one_operator_gets_one_clear_sentence(key):
    operator, y, words = BAD[key]
    with pytest.raises(ValueError, match=words) as caught:
        losses.MOI()(lambda u, A: u, y, operator)
    assert str(caught.value).count("\n") == 0
