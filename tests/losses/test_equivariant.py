"""EI: its closed form for linear f, supervised + bias, exact zeros, virtual noise, slips."""

import pytest
import torch
from montecarlo import estimate, generator
from slips import scales, seen, slip

from course_lib import groups, losses, noise, operators
from course_lib.operators import dense

N, B, SIGMA = 8, 64, 0.3
LINE = (1, 1, N)
K = torch.fft.fftfreq(N, 1 / N).abs()
F = torch.fft.fft(torch.eye(N, dtype=torch.complex128)) / N**0.5
C = (F.mH @ torch.diag(torch.exp(-K).to(F.dtype)) @ F).real  # invariant to shifts
ROOT = torch.linalg.cholesky(C + 1e-12 * torch.eye(N))
I = torch.eye(N).double()  # noqa: E741
SHIFTS = groups.Shift()
T = dense(SHIFTS.elements((1, N)), LINE).double().reshape(N, N, N)  # (g, N, N)


def mask(*pixels):
    return torch.zeros(1, 1, 1, N).double().index_fill(3, torch.tensor(pixels), 1.0)


SIX = operators.Inpainting(mask(0, 1, 2, 4, 5, 7))
WAVES = operators.Blur(torch.fft.irfft(torch.tensor([1.0, 1, 1, 0, 0]).double(), n=N).roll(4)[None])


def matrix(A):
    return dense(A, LINE).double()


def wiener(A, sigma=0.0):
    M = matrix(A)
    return C @ M.T @ torch.linalg.pinv(M @ C @ M.T + sigma**2 * I, rtol=1e-9)


def linear(M):
    return lambda y, A: (y.reshape(-1, N) @ M.T).view_as(y)


def mean_square(R, S=C):
    """tr(R S Rᵀ)/n: E‖R x‖²/n."""
    return torch.einsum("...ij,jk,...ik->...", R, S, R) / N


def supervised(M, A):
    return mean_square(I - M @ matrix(A))


def closed_form(M, A, sigma=0.0):
    """E_g E‖(I − P) T_g x̂ − f ε′‖²/n, x̂ = P x + f ε."""
    P = M @ matrix(A)
    value = mean_square((I - P) @ T @ P).mean()
    return value + sigma**2 * (mean_square((I - P) @ T @ M, I).mean() + mean_square(M, I))


def bias(M, A):
    """E_g [E‖(I − P) T_g (I − P) x‖² − 2 E⟨(I − P) T_g x, (I − P) T_g (I − P) x⟩]/n."""
    Q = I - M @ matrix(A)
    cross = torch.einsum("gij,jk,gik->g", Q @ T, C, Q @ T @ Q) / N
    return (mean_square(Q @ T @ Q) - 2 * cross).mean()


def images(g, count=B):
    return torch.randn(count, 1, 1, N, generator=g, dtype=torch.float64) @ ROOT.T


def excess(kind, A, M, sigma=0.0):
    law = noise.Gaussian(sigma) if sigma else None
    loss, truth = kind(SHIFTS, law), closed_form(M, A, sigma)

    def difference(g):
        y = A(images(g))
        y = y if law is None else law(y, generator=g)
        return loss(linear(M), y, A, generator=g) - truth

    return estimate(difference, 200), float(truth)


CASES = {
    "inpainting, Wiener": (SIX, wiener(SIX), 0.0),
    "inpainting, A†": (SIX, matrix(SIX).T, 0.0),
    "inpainting, noise": (SIX, wiener(SIX, SIGMA), SIGMA),
}


@pytest.mark.parametrize("name", CASES)
def test_the_expectation_is_the_closed_form(name):
    A, M, sigma = CASES[name]
    found, truth = excess(losses.EI, A, M, sigma)
    assert abs(found.z()) < 4 and found.error < 0.02 * truth


@pytest.mark.parametrize("M", [wiener(SIX), matrix(SIX).T], ids=["Wiener", "A†"])
def test_it_is_supervised_plus_a_bias(M):
    """The slides' proposition, with the bias that they leave open, to rounding."""
    found = closed_form(M, SIX)
    torch.testing.assert_close(found, supervised(M, SIX) + bias(M, SIX), rtol=1e-10, atol=0)


def test_the_published_figures_of_eight_pixels():
    """(supervised, EI) summed over eight pixels, two hidden, by Wiener and by A†."""
    far = operators.Inpainting(mask(1, 2, 4, 5, 6, 7))
    for M, right in ((wiener(far), (0.147, 0.079)), (matrix(far).T, (0.531, 0.398))):
        found = supervised(M, far) * N, closed_form(M, far) * N
        assert [round(float(v), 3) for v in found] == pytest.approx(right, abs=2e-3)


def test_an_operator_that_commutes_makes_it_zero_and_useless():
    M = torch.linalg.pinv(matrix(WAVES), rtol=1e-6)
    y = WAVES(images(generator()))
    value = losses.EI(SHIFTS)(linear(M), y, WAVES, generator=generator())
    assert value < 1e-20 < 0.01 < supervised(M, WAVES)
    torch.testing.assert_close(bias(M, WAVES), -supervised(M, WAVES), rtol=1e-6, atol=0)


def test_what_is_in_an_invariant_subspace_is_recovered():
    """x of three dimensions, invariant to shifts: from three pixels exactly, and EI says so."""
    turn = torch.arange(N).double() * torch.pi / 4
    U = torch.linalg.qr(torch.stack([torch.ones_like(turn), turn.cos(), turn.sin()]).T).Q
    three = operators.Inpainting(mask(0, 1, 3))
    M = U @ torch.linalg.pinv(matrix(three) @ U)
    x = torch.randn(B, 3, generator=generator(), dtype=torch.float64) @ U.T
    y = three(x.view(B, 1, 1, N))
    assert losses.EI(SHIFTS)(linear(M), y, three, generator=generator()) < 1e-20
    assert losses.EI(SHIFTS)(linear(matrix(three).T), y, three, generator=generator()) > 0.05


class Written(losses.EI):
    """The loss as it is displayed, a piece at a time."""

    def turned(self, x_hat, g):
        return self.group.draw(x_hat, g)(x_hat)

    def noisy(self, u, g):
        return self.noise(u, generator=g)

    def held(self, x_hat):
        """(x̂ as it is measured again, x̂ as the target)."""
        x_hat = x_hat.detach() if self.stop else x_hat
        return x_hat, x_hat

    def target(self, x_tilde, x_hat):
        return x_tilde

    def entries(self, f, y, A, noise=None, generator=None):
        x_hat = f(y, A)
        measured, held = self.held(x_hat)
        state = generator.get_state()
        x_tilde = self.turned(measured, generator)
        after = generator.get_state()
        generator.set_state(state)
        target = self.target(self.turned(held, generator), x_hat)
        generator.set_state(after)
        u = A(x_tilde)
        u = u if self.noise is None else seen(A, self.noisy(u, generator))
        return (f(u, A) - target).square()


def one_for_all(self, x_hat, g):
    return self.group.draw(x_hat[:1], g)(x_hat)


def two(self, x_hat, g):
    """Two of the eight shifts."""
    every = self.group.elements(x_hat.shape[-2:])
    return every[torch.randint(every.count // 4, (len(x_hat),), generator=g)](x_hat)


SLIPS = {
    "the image is not turned": slip(Written, turned=lambda s, x, g: x),
    "the target is not turned": slip(Written, target=lambda s, x_tilde, x_hat: x_hat),
    "most elements are never drawn": slip(Written, turned=two),
    "virtual noise forgotten": slip(Written, noisy=lambda s, u, g: u),
    "virtual noise of twice the level": slip(
        Written, noisy=lambda s, u, g: u + 2 * (s.noise(u, generator=g) - u)
    ),
    **scales(losses.EI),
}


def test_it_is_what_its_docstring_displays():
    for stop in (False, True):
        for law in (None, noise.Gaussian(SIGMA)):
            M = wiener(SIX).requires_grad_()
            y = SIX(images(generator()))
            values = [
                kind(SHIFTS, law, stop)(linear(M), y, SIX, generator=generator(1))
                for kind in (losses.EI, Written)
            ]
            torch.testing.assert_close(*values)
            slopes = [torch.autograd.grad(value, M)[0] for value in values]
            torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_caught(name):
    """Twice the level needs a noisy case; all others show there, too."""
    A, M, sigma = CASES["inpainting, noise"]
    found, truth = excess(SLIPS[name], A, M, sigma)
    assert abs(found.z()) > 6


@pytest.mark.parametrize(
    "held",
    [lambda s, x: (x.detach(), x), lambda s, x: (x, x.detach()), lambda s, x: (x.detach(),) * 2],
    ids=["measured branch stopped", "target stopped", "both stopped"],
)
def test_a_gradient_stopped_on_a_branch_is_caught(held):
    M = (0.9 * wiener(SIX)).requires_grad_()
    y = SIX(images(generator()))
    slopes = [
        torch.autograd.grad(kind(SHIFTS)(linear(M), y, SIX, generator=generator(1)), M)[0]
        for kind in (losses.EI, slip(Written, held=held))
    ]
    assert (slopes[0] - slopes[1]).norm() > 1e-2 * slopes[0].norm()


@pytest.mark.parametrize("kind", [losses.EI, slip(Written, turned=one_for_all)])
def test_every_image_has_a_transform_of_its_own(kind):
    """With one for the whole batch the mean is right, and its spread √B times as large."""
    x = images(generator(5), 1).expand(B, -1, -1, -1)
    loss, f = kind(SHIFTS), linear(matrix(SIX).T)
    values = torch.stack([loss(f, SIX(x), SIX, generator=generator(s)) for s in range(60)])
    each = torch.stack([
        (f(SIX(x[:1].roll(s, 3)), SIX) - x[:1].roll(s, 3)).square().mean() for s in range(N)
    ])  # fmt: skip
    narrow = values.std() < 3 * each.std() / B**0.5
    assert narrow == (kind is losses.EI)


def test_several_transforms_are_their_mean_in_one_evaluation():
    y, sizes = SIX(images(generator())), []

    def f(u, A):
        sizes.append(len(u))
        return linear(matrix(SIX).T)(u, A)

    loss = losses.EI(SHIFTS, transforms=3)
    loss(f, y, SIX, generator=generator())
    assert sizes == [B, 3 * B] and loss.train_evals == 4
    many = losses.EI(SHIFTS, transforms=500)(f, y, SIX, generator=generator())
    few = estimate(lambda g: losses.EI(SHIFTS)(f, y, SIX, generator=g) - many, 400)
    assert abs(few.z()) < 5


MIRROR = groups.Reflection()  # small: with all shifts, one mask would do for the other
MASKS = torch.cat([mask(0, 1, 2, 3), mask(0, 1, 2, 3, 4, 5)])[torch.arange(B) % 2]
MANY = operators.Inpainting(MASKS)
D = torch.diag_embed(MASKS.view(B, N))  # (B, N, N)


def other_operators(kind):
    """The excess of the loss of f(y, A) = Aᵀy over (1/n) E‖(I − D_j) T_g D_i x‖², j ≠ i."""
    S = dense(MIRROR.elements((1, N)), LINE).double().reshape(2, N, N)
    power = torch.stack([mean_square((I - D[:, None]) @ t @ D).T for t in S]).mean(0)  # (i, j)
    right = (power.sum() - power.trace()) / (B * (B - 1))

    def difference(g):
        x = images(g)
        return kind(MIRROR)(lambda y, A: A.adjoint(y), MANY(x), MANY, generator=g) - right

    return estimate(difference, 200), float(right)


def test_mo_ei_measures_the_turned_image_by_another_operator():
    found, right = other_operators(losses.MOEI)
    assert abs(found.z()) < 4 and found.error < 0.02 * right
    with pytest.raises(ValueError, match="one set of parameters per image"):
        losses.MOEI(SHIFTS)(lambda y, A: y, images(generator()), SIX)


@pytest.mark.parametrize(
    "kind", [losses.EI, slip(losses.MOEI, image=lambda s, x, g: x)], ids=["A′ = A", "not turned"]
)
def test_a_slip_of_mo_ei_is_caught(kind):
    assert abs(other_operators(kind)[0].z()) > 6


LAWS = {
    "poisson": noise.Poisson(0.05),
    "gamma": noise.Gamma(20.0),
    "poisson-gaussian": noise.PoissonGaussian(0.05, 0.1),
    "binomial": noise.Binomial(30),
    "gaussian": noise.Gaussian(0.2),
}


@pytest.mark.parametrize("name", LAWS)
def test_a_smooth_sample_has_the_mean_and_variance_of_the_law(name):
    law, level = LAWS[name], 0.4
    Ax = torch.full((1, 1, 400, 400), level).double()
    found, right = law.smooth(Ax, generator()), law(Ax, generator())
    count = Ax.numel() ** 0.5
    assert abs(found.mean() - level) < 5 * found.std() / count
    assert abs(found.var() / right.var() - 1) < 5 * (2**0.5 + 1) / count


@pytest.mark.parametrize("name", LAWS)
def test_its_gradient_is_that_of_the_mean_and_the_variance(name):
    """d/dt E φ(y) of a smooth sample, φ(y) = y + y², is 1 + 2t + dVar/dt."""
    law, level = LAWS[name], 0.4
    Ax = torch.full((1, 1, 500, 500), level).double().requires_grad_()
    y = law.smooth(Ax, generator())
    (slope,) = torch.autograd.grad((y + y.square()).sum(), Ax)
    near = [float(law.power(torch.tensor(level + d).double()))
            if name != "gaussian" else 0.0 for d in (-1e-4, 1e-4)]  # fmt: skip
    right = 1 + 2 * level + (near[1] - near[0]) / 2e-4
    assert abs(slope.mean() - right) < 5 * slope.std() / 500


def test_reduced_resolution_takes_y_for_an_image():
    y = torch.rand(3, 1, 4, 4, generator=generator()).double()
    A = operators.Blur(torch.tensor([[0.5, 0.5]]).double())
    value = losses.ReducedResolution()(lambda u, A: 2 * u, y, A)
    torch.testing.assert_close(value, (2 * A(y) - y).square().mean())
    law = noise.Gaussian(0.3)
    noisy = losses.ReducedResolution(law)
    found = estimate(lambda g: noisy(lambda u, A: 2 * u, y, A, generator=g) - value, 400)
    assert abs(found.mean - 4 * 0.3**2) < 5 * found.error  # the virtual noise, doubled
    with pytest.raises(ValueError, match="f"):
        losses.ReducedResolution()(lambda u, A: u[..., :2], y, A)
