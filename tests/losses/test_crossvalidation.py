"""Noise2Void, Noise2Self and Splitting: what they hide stays hidden, and E L = risk + variance.

The risk is judged from what f was given and returned: the pixels that differ from y are those
that were hidden. Every check is also applied to mutants of the real source, which it refuses.
"""

import pytest
import torch
from montecarlo import estimate, generator, summary
from mutants import missed
from problems import COUNTS, MIXTURE, SMOOTH, SPECKLE, Problem, mixing
from slips import offsets, slip

from course_lib import losses, models, noise, operators, priors
from course_lib.losses import masking

I = operators.Identity()  # noqa: E741
SHAPE = (256, 1, 6, 6)


def iid(prior):
    return lambda g: prior.sample(SHAPE, g).double()


PROBLEMS = {
    "gaussian": lambda: Problem(iid(MIXTURE), MIXTURE.noise),
    "gaussian, blur": lambda: Problem(iid(MIXTURE), MIXTURE.noise, A=operators.Blur(SMOOTH)),
    "poisson-gaussian": lambda: Problem(iid(COUNTS), noise.PoissonGaussian(0.3, 0.25)),
    "gamma": lambda: Problem(iid(SPECKLE), SPECKLE.noise),
}
SHARE = {"Noise2Void": 9, "Noise2Self": 9, "Splitting": 4}  # 1 / P(a pixel is hidden)


LOSSES = {  # the losses as tested: their class, and what they are made with
    "Noise2Void": ("Noise2Void", {"period": 3, "radius": 2}),
    "Noise2Void median": ("Noise2Void", {"period": 3, "radius": 1, "replace": "median"}),
    "Noise2Self": ("Noise2Self", {"width": 3}),
    "Splitting": ("Splitting", {"hidden": 0.25}),
    "Splitting zero": ("Splitting", {"hidden": 0.25, "fill": "zero"}),
}


def make(key):
    family, keywords = LOSSES[key]
    return getattr(losses, family)(**keywords)


def excess(key, problem):
    """E[loss] − offset − risk on what was hidden, and the noise of that estimate."""
    loss, seen = make(key), []

    def f(u, A):
        seen[:] = [u, problem.phi(u)]
        return seen[1]

    def difference(g):
        y = problem.observe(g)
        value = loss(f, y, problem.A, generator=g)
        hidden = seen[0] != y
        error = (problem.A(seen[1]) - problem.A(problem.x)).square()
        risk = SHARE[LOSSES[key][0]] * (hidden * error).mean()
        return value - loss.offset(problem.noise, y, problem.A) - risk

    return estimate(difference, 40)


def given(loss, y, seed):
    """(ỹ, J): the input of f, and the pixels that are the loss's targets."""
    y, seen = y.clone().requires_grad_(), []
    loss(
        lambda u, A: seen.append(u.detach()) or torch.zeros_like(u), y, I, generator=generator(seed)
    ).backward()
    return seen[0], y.grad != 0


def leak(key):
    """How far the input moves when the values of the target pixels do: the worst of some masks."""
    loss, worst = make(key), 0.0
    for seed in range(40):
        y = torch.randn(1, 1, 6, 6, generator=generator(seed), dtype=torch.float64)
        before, J = given(loss, y, seed)
        after, _ = given(loss, y + J, seed)
        worst = max(worst, float((after - before).abs().max()))
    return worst


@pytest.mark.parametrize("where", PROBLEMS)
@pytest.mark.parametrize("key", LOSSES)
def test_the_masked_loss_is_the_masked_risk_plus_the_variance(key, where):
    found = excess(key, PROBLEMS[where]())
    assert abs(found.z()) < 4, f"biased by {found.mean:.4f} ± {found.error:.4f}"
    assert found.error < 0.05 * PROBLEMS[where]().noise.variance(torch.ones(1)).mean()


@pytest.mark.parametrize("key", LOSSES)
def test_the_input_knows_nothing_of_what_is_hidden(key):
    assert leak(key) == 0


def uneven(key):
    """The largest |z| of how often a pixel is hidden, each image having a mask of its own."""
    loss, seen = make(key), []
    y = torch.randn(1800, 1, 6, 6, generator=generator(), dtype=torch.float64)
    loss(lambda u, A: seen.append(u != y) or u, y, I, generator=generator(1))
    p = 1 / SHARE[LOSSES[key][0]]
    z = (seen[0].double().mean((0, 1)) - p) / (p * (1 - p) / len(y)) ** 0.5
    return float(z.abs().max())


@pytest.mark.parametrize("key", LOSSES)
def test_every_pixel_of_every_image_is_hidden_equally_often(key):
    assert uneven(key) < 4


def refused(key):
    """Do the three checks above refuse the loss as it now is?"""
    if leak(key) != 0 or uneven(key) > 4:
        return True
    found = excess(key, PROBLEMS["gaussian, blur"]())
    return abs(found.z()) > 4


class Written:
    """A masked loss as it is displayed, a piece at a time."""

    def given(self, y, u):
        return u

    def aim(self, y, u):
        return y

    def forward(self, f, y, A, noise=None, generator=None):
        u, A_a, J = self.hidden(y, A, generator)
        Af = A(f(self.given(y, u), A_a))
        return (self.weight(J) * (Af - self.aim(y, u)).square()).mean()


class Noise2Void(Written, losses.Noise2Void):
    def hidden(self, y, A, g):
        u, J = self.hide(y, g)
        return u, A, J

    def weight(self, J):
        return J * self.period**2


class Noise2Self(Written, losses.Noise2Self):
    def hidden(self, y, A, g):
        phase = (masking.uniform(y, (len(y), 1, 1, 1), g) * self.width**2).long()
        u, J = self.hide(y, phase)
        return u, A, J

    def weight(self, J):
        return J * self.width**2


class Splitting(Written, losses.Splitting):
    def hidden(self, y, A, g):
        return self.split(y, A, self.uniforms(y, g))

    def weight(self, J):
        return J / self.p


WRITTEN = {"Noise2Void": Noise2Void, "Noise2Self": Noise2Self, "Splitting": Splitting}


def slips(family):
    return {
        "weight missing": slip(family, weight=lambda s, J: J),
        "root of the weight": slip(family, weight=lambda s, right, J: right(J).sqrt()),
        "all pixels in the loss": slip(
            family, weight=lambda s, right, J: right(torch.ones_like(J))
        ),
        "the kept pixels in the loss": slip(family, weight=lambda s, right, J: right(~J)),
        "target is the input": slip(family, aim=lambda s, y, u: u),
        "nothing replaced": slip(family, given=lambda s, y, u: y),
        "half the square": slip(family, weight=lambda s, right, J: right(J) / 2),
        **offsets(family),
    }


SLIPS = {name: slips(family) for name, family in WRITTEN.items()}
SLIPS["Splitting"] |= {
    "weight of the kept": slip(Splitting, weight=lambda s, J: J / (1 - s.p)),
    "full loss": slip(Splitting, weight=lambda s, J: torch.ones_like(J)),
    "mask of another law": slip(
        losses.Splitting, split=lambda s, right, y, A, u: right(y, A, 2 * u)
    ),
}


@pytest.mark.parametrize("family, name", [(f, name) for f in SLIPS for name in SLIPS[f]])
def test_a_slip_of_the_loss_is_refused(family, name, monkeypatch):
    monkeypatch.setattr(losses, family, SLIPS[family][name])
    assert refused(family)


@pytest.mark.parametrize("key", LOSSES)
def test_the_loss_is_its_formula(key, monkeypatch):
    problem, family = PROBLEMS["gaussian, blur"](), LOSSES[key][0]
    y, real = problem.observe(generator()), make(key)
    monkeypatch.setattr(losses, family, WRITTEN[family])
    one, two = (loss(problem.f, y, problem.A, generator=generator(1)) for loss in (real, make(key)))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=0)


def scored(where):
    """In evaluation mode, Splitting's loss less the misfit of what it reconstructs."""
    problem, loss = PROBLEMS[where](), losses.Splitting(0.25).eval()
    y, A = problem.observe(generator()), problem.A
    value = loss(problem.f, y, A, generator=generator(1))
    if not A.selects:
        return value - loss.train()(problem.f, y, A, generator=generator(1))
    x_hat = loss.reconstruct(problem.f, y, A, generator=generator(1))
    return value - (A(x_hat) - y).square().mean()


@pytest.mark.parametrize("where", ["gaussian", "gaussian, blur"])
def test_where_a_selects_pixels_held_out_splitting_scores_its_average(where):
    assert abs(scored(where)) < 1e-12


@pytest.mark.parametrize("family", WRITTEN)
def test_a_handful_of_systematic_slips_is_refused(family):
    def caught():
        return refused(family) or max(abs(scored(k)) for k in ("gaussian", "gaussian, blur")) > 1e-9

    assert len(missed(getattr(losses, family).entries, caught)) < 2


def all_of_them(y, hidden, radius):
    """Every pixel of the window, the hidden ones too."""
    padded = torch.nn.functional.pad(y, [radius] * 4, value=torch.nan)
    size = 2 * radius + 1
    return padded.unfold(2, size, 1).unfold(3, size, 1)[hidden.expand_as(y)].flatten(1)


def blurred(y, hidden):
    """Hidden neighbours in the mean as well."""
    kernel = y.new_tensor(masking.KERNEL).view(1, 1, 3, 3) / 6
    return torch.where(hidden, torch.nn.functional.conv2d(y, kernel, padding=1), y)


REPLACEMENTS = {
    "the published draw, which may return the pixel itself": (
        "Noise2Void",
        "neighbours",
        all_of_them,
    ),
    "the median with the pixel itself": ("Noise2Void median", "neighbours", all_of_them),
    "hidden neighbours in the mean": ("Splitting", "interpolate", blurred),
}


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_a_slip_that_leaks_into_what_is_written_over_a_pixel_is_refused(name, monkeypatch):
    key, function, wrong = REPLACEMENTS[name]
    monkeypatch.setattr(masking, function, wrong)
    assert leak(key) > 0


def only_itself_excluded(y, hidden, radius):
    """Kept or not, every pixel of the window but the centre: other hidden pixels leak in."""
    size = 2 * radius + 1
    padded = torch.nn.functional.pad(y, [radius] * 4, value=torch.nan)
    windows = padded.unfold(2, size, 1).unfold(3, size, 1)[hidden.expand_as(y)].flatten(1)
    centre = torch.arange(size**2) == size**2 // 2
    return windows.masked_fill(centre, torch.nan)


def test_a_slip_of_another_hidden_pixel_among_the_replacements_is_refused(monkeypatch):
    monkeypatch.setattr(masking, "neighbours", only_itself_excluded)
    assert leak("Noise2Void") > 0


# Masks and replacements


def test_one_pixel_in_each_cell_and_every_pixel_equally_often():
    y = torch.zeros(4000, 2, 4, 8)
    hidden = masking.stratified(y, 4, generator())
    assert hidden.shape == (4000, 1, 4, 8)
    assert (hidden.reshape(4000, 4, 2, 4).sum((1, 3)) == 1).all()
    z = (hidden.double().mean(0) - 1 / 16) / (15 / 256 / 4000) ** 0.5
    assert z.abs().max() < 4


@pytest.mark.parametrize("size", [(6, 9), (7, 8), (3, 3)])
def test_the_grids_hide_every_pixel_once(size):
    y = torch.zeros(2, 1, *size)
    masks = torch.stack([masking.grid(y, phase, 3) for phase in range(9)])
    assert (masks.sum(0) == 1).all()
    rows, columns = torch.meshgrid(*(torch.arange(n) % 3 for n in size), indexing="ij")
    for phase in range(9):
        right = (rows == phase // 3) & (columns == phase % 3)
        assert torch.equal(masks[phase], right.expand(2, 1, *size))
    assert torch.equal(masking.grid(y, torch.tensor([4, 7]).view(2, 1, 1, 1), 3)[1], masks[7, 1])


def test_the_weights_of_the_interpolation():
    """Corners half, sides one, over the neighbours that are kept and inside."""
    y = torch.arange(9.0).view(1, 1, 3, 3)
    hidden = torch.zeros(1, 1, 3, 3, dtype=torch.bool)
    hidden[0, 0, 1, 1] = hidden[0, 0, 0, 1] = True
    filled = masking.interpolate(y, hidden)
    assert filled[0, 0, 1, 1] == pytest.approx((0 / 2 + 2 / 2 + 3 + 5 + 6 / 2 + 7 + 8 / 2) / 5)
    assert filled[0, 0, 0, 1] == pytest.approx((0 + 2 + 3 / 2 + 5 / 2) / 3)
    assert torch.equal(filled[~hidden], y[~hidden])


def test_far_hidden_pixels_are_filled_from_the_only_kept_one():
    hidden = torch.ones(1, 1, 5, 7, dtype=torch.bool)
    hidden[0, 0, 4, 0] = False
    y = torch.rand(1, 3, 5, 7, generator=generator())
    filled = masking.interpolate(y, hidden)
    torch.testing.assert_close(filled, y[:, :, 4:, :1].expand_as(y))


def test_the_median_and_the_draw_come_from_the_kept_window():
    y = torch.arange(25.0).view(1, 1, 5, 5)
    hidden = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    hidden[0, 0, 2, 2] = hidden[0, 0, 2, 3] = True
    kept = {6.0, 7.0, 8.0, 11.0, 16.0, 17.0, 18.0}
    assert masking.median(y, hidden, 1)[0, 0, 2, 2] == 11
    draws = masking.resample(y.expand(4000, 1, 5, 5), hidden.expand(4000, 1, 5, 5), 1, generator())
    values, counts = draws[:, 0, 2, 2].unique(return_counts=True)
    assert set(values.tolist()) == kept
    assert ((counts - 4000 / 7).abs() < 4 * (4000 * 6 / 49) ** 0.5).all()


@pytest.mark.parametrize("replace, values", [("median", 1), ("uniform", 2)])
def test_noise2void_replaces_as_it_is_told(replace, values):
    """By the median, the same each time, or by a draw."""
    loss = losses.Noise2Void(6, 5, replace)
    y = torch.rand(1, 1, 6, 6, generator=generator()).expand(60, 1, 6, 6)
    y_tilde, J = loss.hide(y, generator(1))
    found = {int(J[i].flatten().nonzero()): set() for i in range(60)}
    for i in range(60):
        found[int(J[i].flatten().nonzero())].add(float(y_tilde[i][J[i]]))
    assert (max(len(v) for v in found.values()) == 1) == (values == 1)


# The Jacobian of what is returned at test time


def network(seed=0):
    """A network with weights that are nowhere zero."""
    net = models.UNet(widths=(4, 8)).double().requires_grad_(False)
    for p in net.parameters():
        p.add_(torch.randn(p.shape, generator=generator(seed), dtype=p.dtype), alpha=0.2)
    return lambda u, A: net(u)


def diagonal(reconstruct, size=6):
    """∂f_i/∂y_i on every pixel of a small image, by autograd."""
    y = torch.rand(1, 1, size, size, generator=generator(), dtype=torch.float64)
    J = torch.func.jacrev(reconstruct)(y).reshape(size**2, size**2)
    assert J.abs().max() > 1e-3
    return J.diagonal()


BLIND = {
    "Noise2Self": lambda: losses.Noise2Self(),
    "Splitting": lambda: losses.Splitting(0.25, draws=8),
    "Splitting zero": lambda: losses.Splitting(0.25, draws=8, fill="zero"),
}
SEEING = {
    "Noise2Self": lambda: losses.Noise2Self(test="single"),
    "Noise2Void": lambda: losses.Noise2Void(),
    "Neighbor2Neighbor": lambda: losses.Neighbor2Neighbor(),
    "Splitting one": lambda: losses.Splitting(0.25, test="one"),
    "Splitting plain": lambda: losses.Splitting(0.25, test="plain"),
}


def dependence(loss):
    f = network()
    return diagonal(lambda y: loss.reconstruct(f, y, I, generator=generator(1)))


@pytest.mark.parametrize("key", BLIND)
def test_the_stitched_pass_is_exactly_independent_of_its_own_pixel(key):
    assert (dependence(BLIND[key]()) == 0).all()


@pytest.mark.parametrize("key", SEEING)
def test_a_single_pass_of_the_same_network_is_not(key):
    assert dependence(SEEING[key]()).abs().max() > 0.1


class Stitched(losses.Noise2Self):
    def part(self, f, y, visible, A, J):
        return J * f(visible, A)

    def reconstruct(self, f, y, A, noise=None, generator=None):
        phases = range(self.width**2)
        return sum(self.part(f, y, *self.hide(y, k)[:1], A, self.hide(y, k)[1]) for k in phases)


class Averaged(losses.Splitting):
    """x̂ over masks that together hide each pixel N p times, each as likely as in training."""

    def weight_of(self, A, h, y):
        """Where A selects pixels, those that this mask hid, and those never measured."""
        return 1 - A.adjoint((~h).to(y).expand_as(y)) if A.selects else torch.ones_like(y)

    def divided(self, total, count):
        return total / count

    def average(self, f, y, A, generator=None):
        u, N = self.uniforms(y, generator), self.draws
        parts = [self.split(y, A, (u + t / N) % 1) for t in range(N)]
        weights = [self.weight_of(A, h, y) for _, _, h in parts]
        total = sum(w * f(y_a, A_a) for w, (y_a, A_a, _) in zip(weights, parts, strict=True))
        return self.divided(total, sum(weights))


STITCHINGS = {
    "sees all of y": ("Noise2Self", slip(Stitched, part=lambda s, f, y, v, A, J: J * f(y, A))),
    "the kept pixels": ("Noise2Self", slip(Stitched, part=lambda s, f, y, v, A, J: ~J * f(v, A))),
    "hides nothing": (
        "Noise2Self", slip(losses.Noise2Self, hide=lambda s, right, y, k: (y, right(y, k)[1])),
    ),
    "no output mask": ("Noise2Self", slip(Stitched, part=lambda s, f, y, v, A, J: f(v, A))),
    "no output mask in the average": (
        "Splitting", slip(Averaged, weight_of=lambda s, A, h, y: torch.ones_like(y)),
    ),
    "the kept pixels in the average": (
        "Splitting", slip(Averaged, weight_of=lambda s, A, h, y: (~h).to(y)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STITCHINGS)
def test_a_slip_of_a_stitching_that_looks_at_its_own_pixel_is_refused(name, monkeypatch):
    key, wrong = STITCHINGS[name]
    monkeypatch.setattr(losses, key, wrong)
    found = dependence(BLIND[key]())
    assert not (found == 0).all()  # also for NaN


SELECTING = {
    "identity": I,
    "inpainting": operators.Inpainting(
        (torch.rand(2, 1, 8, 8, generator=generator(7)) < 0.6).double()
    ),
    "decimation": operators.Decimation(2),
    "blur": operators.Blur(SMOOTH),
}


@pytest.mark.parametrize("where", SELECTING)
def test_the_average_and_the_stitching_are_their_formulas(where):
    A = SELECTING[where]
    y = A(torch.rand(2, 1, 8, 8, generator=generator(), dtype=torch.float64))
    f, pairs = (lambda u, A: torch.tanh(mixing(A.adjoint(u)))), []
    for real, written in ((losses.Splitting, Averaged), (losses.Noise2Self, Stitched)):
        if where == "identity" or real is losses.Splitting:
            pairs.append([kind().reconstruct(f, y, A, generator=generator(1))
                          for kind in (real, written)])  # fmt: skip
    for one, two in pairs:
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


def test_each_image_draws_its_own_grid():
    """All nine grids occur in a batch of 100."""
    y, seen = torch.rand(100, 1, 6, 6, generator=generator()), []
    losses.Noise2Self()(lambda u, A: seen.append(u != y) or u, y, I, generator=generator(1))
    assert len(seen[0].flatten(1).unique(dim=0)) == 9


@pytest.mark.parametrize("size", [(6, 6), (8, 10)])
def test_the_mean_over_the_grids_is_the_misfit_of_the_stitched_pass(size, monkeypatch):
    """(1/width²) Σ_J L_J = (1/m) ‖g(y) − y‖², exactly, also when width does not divide."""
    y = torch.rand(3, 1, *size, generator=generator(), dtype=torch.float64)
    loss, f, values = losses.Noise2Self(), network(), []
    for phase in range(9):
        monkeypatch.setattr(
            masking, "uniform", lambda y, shape, g=None, u=phase: torch.full(shape, (u + 0.5) / 9)
        )
        values.append(loss(f, y, I))
    misfit = (loss.reconstruct(f, y, I) - y).square().mean()
    torch.testing.assert_close(torch.stack(values).mean(), misfit, rtol=1e-12, atol=0)


# Splitting: averages over masks


def masks(loss, y, g):
    """All masks of one reconstruction, (draws, B, 1, H, W)."""
    found = []
    loss.reconstruct(lambda u, A: found.append(u != y) or u, y, I, generator=g)
    return torch.stack(found)


@pytest.mark.parametrize("hidden, draws", [(0.25, 4), (0.25, 10), (0.1, 10), (0.3, 20)])
def test_the_masks_of_a_reconstruction_have_the_law_of_training_and_miss_no_pixel(hidden, draws):
    y = torch.randn(1, 1, 64, 64, generator=generator())
    found = masks(losses.Splitting(hidden, draws=draws), y, generator(1))
    count, share = found.sum(0), hidden * draws
    assert count.min() >= int(share + 1e-9) and count.max() <= int(share + 1 - 1e-9)
    each = found.double()
    spread = (hidden * (1 - hidden) / y.numel()) ** 0.5
    assert ((each.mean((1, 2, 3, 4)) - hidden).abs() < 4 * spread).all()
    pairs = (each[..., 1:] - hidden) * (each[..., :-1] - hidden)
    assert abs(summary(pairs[0]).z()) < 4


def test_the_average_is_normalised_once():
    """f = 1 gives 1; the slides' (1/N) Σ_t M f with M = (Σ_t diag h_t)⁻¹ does not (erratum E5)."""
    y = torch.rand(2, 1, 8, 8, generator=generator(), dtype=torch.float64)

    def average(split):
        return split(0.25, draws=10).reconstruct(
            lambda u, A: torch.ones_like(u), y, I, generator=generator()
        )

    ones = torch.ones_like(y)
    torch.testing.assert_close(average(losses.Splitting), ones, rtol=0, atol=0)
    torch.testing.assert_close(average(Averaged), ones, rtol=1e-12, atol=0)
    slides = slip(Averaged, divided=lambda s, total, count: total / count / s.draws)
    assert average(slides).max() < 0.6

    def unmasked(self, f, y, A, generator=None):
        """The slides' sum, without their 1/N: Σ_t f(y_a) over Σ_t h."""
        u, N = self.uniforms(y, generator), self.draws
        parts = [self.split(y, A, (u + t / N) % 1) for t in range(N)]
        return sum(f(y_a, A) for y_a, A, _ in parts) / sum(h.to(y) for _, _, h in parts)

    assert average(slip(losses.Splitting, average=unmasked)).min() > 1.5


def test_the_average_is_over_the_masks_that_hide_the_pixel():
    """Against the formula, pixel by pixel, with an f that knows its input."""
    y = torch.rand(1, 1, 8, 8, generator=generator(), dtype=torch.float64)
    loss, f, given = losses.Splitting(0.25, draws=6), network(), []
    x_hat = loss.reconstruct(lambda u, A: given.append(u) or f(u, A), y, I, generator=generator(2))
    for i in range(8):
        for j in range(8):
            values = [f(u, I)[0, 0, i, j] for u in given if u[0, 0, i, j] != y[0, 0, i, j]]
            assert x_hat[0, 0, i, j] == pytest.approx(float(sum(values) / len(values)), rel=1e-12)


def test_for_another_operator_the_average_is_the_plain_mean():
    blur = operators.Blur(SMOOTH)
    y = torch.rand(1, 1, 8, 8, generator=generator(), dtype=torch.float64)
    given = []

    def f(y_a, A_a):
        given.append((y_a, A_a))
        return A_a.adjoint(y_a)

    x_hat = losses.Splitting(0.25, draws=6).reconstruct(f, y, blur, generator=generator())
    torch.testing.assert_close(x_hat, sum(A_a.adjoint(y_a) for y_a, A_a in given) / 6)
    y_a, A_a = given[0]
    kept = (y_a != 0).double()
    assert 0 < kept.mean() < 1 and torch.equal(y_a, kept * y)
    torch.testing.assert_close(A_a(y), kept * blur(y))


def test_columns_are_hidden_together_and_some_never():
    p = torch.tensor([0.0, 0.5, 0.5, 0.25])
    loss = losses.Splitting(p.expand(1, 1, 1, 4), fill="zero", test="plain")
    y = torch.rand(4000, 2, 3, 4, generator=generator(), dtype=torch.float64) + 1
    y_a, _, h = loss.split(y, I, loss.uniforms(y, generator(1)))
    hidden = (y_a == 0).double()
    assert (hidden == hidden[:, :1, :1]).all() and not hidden[..., 0].any()
    assert torch.equal(h.expand_as(y), hidden.bool())
    z = (hidden[:, 0, 0, 1:].mean(0) - p[1:]) / (p[1:] * (1 - p[1:]) / 4000).sqrt()
    assert z.abs().max() < 4
    law = noise.Gaussian(0.5)
    assert loss.offset(law, y) == pytest.approx(0.25 * 3 / 4)


# Splitting with noise, in closed form (SCIENCE 3.10): pixels 0 … 3, x ~ N(0, C), masks at random

C = torch.tensor([[0.8 ** abs(i - j) for j in range(4)] for i in range(4)], dtype=torch.float64)
PRIOR = priors.GaussianPrior(C, 0.6)
V = 0.6**2 * torch.eye(4, dtype=torch.float64)


def linear(target):
    """For each mask h the best W(h): of E‖y − W y_a‖² ("all"), E‖x − W y_a‖² ("x"),
    W = E[target y_aᵀ] E[y_a y_aᵀ]⁺."""

    def f(y_a, A_a):
        kept = A_a.outer.mask.flatten(1)  # (B, 4)
        seen = torch.diag_embed(kept)
        cross = C if target == "x" else C + V
        W = cross @ seen @ torch.linalg.pinv(seen @ (C + V) @ seen)
        return (W @ y_a.flatten(1)[..., None]).view_as(y_a)

    return f


def split_once(hidden, f, seed=0):
    """Pairs (kept, y, x, f(y_a)) of one random mask for each of 4096 signals."""
    x = PRIOR.sample(4096, generator(seed)).double()
    y = PRIOR.noise(x, generator(seed + 1))
    loss = losses.Splitting(hidden, fill="zero", test="one")
    mask = []
    x_hat = loss.reconstruct(
        lambda u, A: mask.append(A.outer.mask.bool()) or f(u, A),
        y,
        I,
        generator=generator(seed + 2),
    )
    return mask[0], y, x, x_hat


@pytest.fixture
def always_some_kept(monkeypatch):
    """Of four pixels a random mask may hide all; then let it keep the first."""
    draw = masking.uniform

    def drawn(y, shape, g=None):
        u = draw(y, shape, g)
        u[..., 0] = torch.where((u < 0.4).all(-1), 0.9, u[..., 0])
        return u

    monkeypatch.setattr(masking, "uniform", drawn)


def test_the_full_loss_repeats_the_input_pixels(always_some_kept):
    """Its minimiser is E[y | y_a]: the identity where y was seen, E[x | y_a] where not."""
    kept, y, x, x_hat = split_once(0.4, linear("y"))
    torch.testing.assert_close(x_hat[kept], y[kept], rtol=1e-9, atol=1e-9)
    _, _, _, best = split_once(0.4, linear("x"))
    torch.testing.assert_close(x_hat[~kept], best[~kept], rtol=1e-9, atol=1e-9)
    assert (best - x)[kept].square().mean() < 0.8 * (x_hat - x)[kept].square().mean()


def scan(target, part, scales=(0.0, 0.5, 1.0)):
    """The loss of f = E[x | y_a] with its kept (or hidden) part replaced by scale · y (or · f)."""
    x = PRIOR.sample(4096, generator()).double()
    y = PRIOR.noise(x, generator(1))
    best, values = linear("x"), []
    for scale in scales:

        def f(y_a, A_a, scale=scale):
            kept = A_a.outer.mask
            if part == "kept":
                return (1 - kept) * best(y_a, A_a) + kept * scale * y_a
            return kept * y_a + (1 - kept) * scale * best(y_a, A_a)

        loss = losses.Splitting(0.4, fill="zero", target=target)
        values.append(float(loss(f, y, I, generator=generator(2))))
    return values


def vertex(values):
    """Where the parabola through (0, a), (½, b), (1, c) has its minimum."""
    a, b, c = values
    return 0.25 * (3 * a - 4 * b + c) / (a - 2 * b + c)


def test_the_two_targets_on_the_kept_and_the_hidden_pixels(always_some_kept):
    """ "all" wants 1·y on kept pixels, exactly; "hidden" does not care: their rank is missing.
    On hidden ones both want E[x | y_a]."""
    assert vertex(scan("all", "kept")) == pytest.approx(1, abs=1e-9)
    a, b, c = scan("hidden", "kept")
    assert a == b == c
    assert vertex(scan("hidden", "hidden")) == pytest.approx(1, abs=0.1)
    assert vertex(scan("all", "hidden")) == pytest.approx(1, abs=0.1)


def test_the_full_loss_is_not_the_risk_plus_a_constant():
    with pytest.raises(NotImplementedError, match="not the risk plus a constant"):
        losses.Splitting(target="all").offset(PRIOR.noise, torch.zeros(1, 1, 1, 4))


@pytest.mark.parametrize("G, rank", [(1, 3), (2, 4)])
def test_the_rank_that_splitting_needs(G, rank):
    """Q = E[AᵀA | SA]: one mask of four pixels leaves a pixel unseen, two complete it."""
    A = [torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 1.0, 1.0])][:G]
    Q = sum(torch.diag(a) for a in A) / G
    assert torch.linalg.matrix_rank(Q) == rank


# Randomness and bad input


@pytest.mark.parametrize("key", LOSSES)
def test_the_generator_decides_and_the_global_one_is_left_alone(key):
    problem, loss = PROBLEMS["gaussian"](), make(key)
    y = problem.observe(generator())
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one, same, other = (loss(problem.f, y, I, generator=generator(seed)) for seed in (1, 1, 2))
    assert one == same != other
    f = network()
    first, again = (loss.reconstruct(f, y, I, generator=generator(3)) for _ in range(2))
    assert torch.equal(first, again)
    torch.manual_seed(0)
    (
        loss(problem.f, y, I, generator=generator(1)),
        loss.reconstruct(problem.f, y, I, generator=generator(1)),
    )
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("key", LOSSES)
def test_one_image_of_several_channels_will_do(key):
    """A batch of N = 1; the channels of a pixel are hidden together."""
    y = torch.rand(1, 3, 6, 6, generator=generator(), dtype=torch.float64)
    seen, loss = [], make(key)
    assert loss(lambda u, A: seen.append(u) or u, y, I, generator=generator()) > 0
    hidden = seen[0] != y
    assert hidden.any() and (hidden == hidden[:, :1]).all()
    assert loss.reconstruct(lambda u, A: u, y, I, generator=generator()).shape == y.shape


Y = torch.rand(2, 1, 6, 6, generator=generator())
BAD = {
    "period 1": (lambda: losses.Noise2Void(period=1), "period is 1, which hides every pixel; use"),
    "period": (lambda: losses.Noise2Void(period=2.5), "period is 2.5; it must be a whole number"),
    "replacement": (lambda: losses.Noise2Void(replace="zero"), "'zero'; use 'uniform' or 'median'"),
    "cells": (
        lambda: losses.Noise2Void(period=4)(lambda u, A: u, Y, I),
        r"y is \(6, 6\) pixels, not whole cells of 4×4; crop it, or",
    ),
    "smaller than a cell": (
        lambda: losses.Noise2Void()(lambda u, A: u, Y, I),
        "not whole cells of 8×8; crop",
    ),
    "even width": (lambda: losses.Noise2Self(width=4), "width is 4; it must be odd and at least 3"),
    "width 1": (lambda: losses.Noise2Self(width=1), "width is 1; .* at least 3"),
    "width": (lambda: losses.Noise2Self(width=-3), "width is -3; it must be a whole number"),
    "stitching": (lambda: losses.Noise2Self(test="plain"), "'plain'; use 'stitched' or 'single'"),
    "smaller than the grid": (
        lambda: losses.Noise2Self(7)(lambda u, A: u, Y, I),
        r"y is \(6, 6\) pixels, smaller than the mask's period 7; use larger images or",
    ),
    "smaller than the grid, at test time": (
        lambda: losses.Noise2Self(7).reconstruct(lambda u, A: u, Y, I),
        "smaller than the mask's period 7",
    ),
    "nothing hidden": (lambda: losses.Splitting(0.0), r"hidden lies in \[0, 0\]; use prob"),
    "everything hidden": (lambda: losses.Splitting(1.0), r"in \[1, 1\]; use probabilities in"),
    "no probability": (lambda: losses.Splitting(torch.tensor([-0.5, 2])), r"\[-0.5, 2\]"),
    "everything hidden by chance": (
        lambda: losses.Splitting(0.999, draws=2)(
            lambda u, A: u, Y[..., :2, :2], I, generator=generator()
        ),
        "the mask hides every pixel of an image; keep at least one",
    ),
    "N = 1": (lambda: losses.Splitting(0.2, draws=1), "draws is 1: some entries would never be"),
    "too few draws": (lambda: losses.Splitting(0.1, draws=8), "use at least 1/hidden = 10, or"),
    "target": (lambda: losses.Splitting(target="kept"), "target is 'kept'; use 'hidden' or 'all'"),
    "mask of another size": (
        lambda: losses.Splitting(torch.full((5, 5), 0.5))(lambda u, A: u, Y, I),
        r"hidden has shape \(1, 1, 5, 5\), which does not broadcast to y's",
    ),
    "never hidden": (
        lambda: losses.Splitting(torch.tensor([0.0] + 5 * [0.5])).reconstruct(lambda u, A: u, Y, I),
        "hidden is 0 at pixels that no mask predicts then; use test='plain'",
    ),
    "no image": (lambda: losses.Noise2Self()(lambda u, A: u, Y[0], I), "images are"),
    "f changes the shape": (
        lambda: losses.Splitting()(lambda u, A: u[..., :3], Y, I),
        r"A f\(y, A\) has shape",
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", BAD)
def test_bad_input_gets_one_clear_sentence(key):
    call, words = BAD[key]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert str(caught.value).count("\n") == 0
