"""The autoencoder's bottleneck and the deep image prior's early stopping."""

import pytest
import torch
from montecarlo import generator, summary
from problems import mutant

from course_lib import models, operators

A = operators.Identity()


def images(*shape, seed=0):
    return torch.rand(*shape, generator=generator(seed), dtype=torch.float64)


def autoencoder(code=3, kind=models.Autoencoder, seed=0):
    torch.manual_seed(seed)
    return kind((8, 12), code, width=4).double()


def rank(f, y):
    """Of ∂x̂/∂y: the degrees of freedom that pass."""
    J = torch.autograd.functional.jacobian(f, y).reshape(y.numel(), y.numel())
    return int(torch.linalg.matrix_rank(J, rtol=1e-8))


@pytest.mark.parametrize("code", [1, 3, 6])
def test_no_more_than_the_code_passes(code):
    assert rank(autoencoder(code), images(1, 1, 8, 12)) == code


def test_a_skip_past_the_bottleneck_is_caught():
    leaky = mutant(models.Autoencoder, "return self.decoder(self.encoder(y))",
                   "return y + self.decoder(self.encoder(y))")  # fmt: skip
    assert rank(autoencoder(3, leaky), images(1, 1, 8, 12)) > 3


def test_the_autoencoder_keeps_shapes_and_images_apart():
    f, y = autoencoder(), images(3, 1, 8, 12)
    assert f(y).shape == y.shape
    changed = torch.cat([y[:2], 100 * y[2:]])
    torch.testing.assert_close(f(y)[:2], f(changed)[:2], rtol=1e-12, atol=1e-14)


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"made for images of \(1, 8, 12\)"):
        autoencoder()(images(1, 1, 8, 8))
    with pytest.raises(ValueError, match="halves it twice"):
        models.Autoencoder((6, 8), 3)


# The linear autoencoder: rank-r projections


def test_over_projections_of_one_rank_the_naive_loss_ranks_like_the_risk():
    """(1/n) E‖Py − y‖² = (1/n) E‖Py − x‖² + σ² (1 − 2r/n), for every P of rank r."""
    n, r, sigma, g = 12, 4, 0.5, generator()
    x = torch.randn(20_000, n, generator=g).double() @ torch.randn(n, n, generator=g).double() / 4
    y = x + sigma * torch.randn(x.shape, generator=g, dtype=torch.float64)
    for _ in range(3):
        U = torch.linalg.qr(torch.randn(n, r, generator=g, dtype=torch.float64)).Q
        Py = y @ U @ U.T
        difference = (Py - y).square().mean(1) - (Py - x).square().mean(1)
        assert abs(summary(difference).z(sigma**2 * (1 - 2 * r / n))) < 4
        assert abs(summary(difference).z(sigma**2 * (1 - r / n))) > 8  # a factor 1


# The deep image prior


def prior(seed=0, kind=models.DeepImagePrior):
    torch.manual_seed(seed)
    return kind((16, 16), width=8, scales=2)


def picture():
    rows = torch.linspace(0, 1, 16)
    x = ((rows[:, None] > 0.4) | (rows < 0.3)).float()[None, None]
    return x, x + 0.3 * torch.randn(x.shape, generator=generator(1))


def fitted(seed=0, kind=models.DeepImagePrior, y=None, **options):
    f = prior(seed, kind)
    settings = {"steps": 60, "generator": generator(2), "share": 0.2} | options
    return f, f.fit(picture()[1] if y is None else y, A, **settings)


def test_it_ignores_y_and_learns_the_picture():
    x, y = picture()
    f, record = fitted(steps=150, lr=3e-2, watch=lambda x_hat: float((x_hat - x).square().mean()))
    assert torch.equal(f(y, A), f(0 * y, A)) and f(y, A).shape == y.shape
    assert record.watched[record.steps.index(record.best)] < 0.5 * float((y - x).square().mean())


def assert_keeps_the_best(kind):
    _, y = picture()
    f, record = fitted(kind=kind, steps=300, lr=3e-2)
    held_out = dict(zip(record.steps, record.held_out, strict=True))
    assert record.best == min(held_out, key=held_out.get) < 300
    hidden = torch.rand(y.shape, generator=generator(2)) < 0.2
    misfit = (f(y, A) - y).square()[hidden].mean().item()
    assert misfit == pytest.approx(held_out[record.best], rel=1e-5)


def test_it_keeps_the_weights_of_the_best_step():
    assert_keeps_the_best(models.DeepImagePrior)


def assert_never_fits_what_it_held_out(kind):
    """Another noise on the held-out entries changes no step of the fit, only its stopping."""
    _, y = picture()
    hidden = torch.rand(y.shape, generator=generator(2)) < 0.2
    other = torch.where(hidden, y + 1, y)
    _, one = fitted(kind=kind)
    _, two = fitted(kind=kind, y=other)
    assert one.fitted == two.fitted and one.held_out != two.held_out


def test_it_never_fits_what_it_held_out():
    assert_never_fits_what_it_held_out(models.DeepImagePrior)


MUTANTS = {
    "fits all entries": ("value = misfit[~hidden].mean()", "value = misfit.mean()",
                         assert_never_fits_what_it_held_out),
    "stops by the fitted entries": ("misfit[hidden].mean().item()", "value.item()",
                                    assert_keeps_the_best),
    "keeps the last weights": ("self.load_state_dict(kept)", "pass", assert_keeps_the_best),
    "keeps references": ("deepcopy(self.state_dict())", "self.state_dict()",
                         assert_keeps_the_best),
    "takes the worst": ("== min(record.held_out)", "== max(record.held_out)",
                        assert_keeps_the_best),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_fit_is_caught(name):
    old, new, check = MUTANTS[name]
    with pytest.raises(AssertionError):
        check(mutant(models.DeepImagePrior, old, new))


def test_the_held_out_loss_is_the_risk_plus_the_variance():
    """At a step fixed in advance, over fresh noise."""
    x, _ = picture()
    differences = []
    for seed in range(40):
        y = x + 0.3 * torch.randn(x.shape, generator=generator(100 + seed))
        hidden = torch.rand(y.shape, generator=generator(seed)) < 0.2
        f = prior(seed)
        risks = []
        record = f.fit(
            y, A, steps=25, every=25, share=0.2, generator=generator(seed),
            watch=lambda x_hat, h=hidden, r=risks: r.append((x_hat - x).square()[h].mean()),
        )  # fmt: skip
        differences.append(record.held_out[-1] - float(risks[-1]))
    found = summary(differences)
    assert abs(found.z(0.09)) < 4 and found.error < 0.1 * 0.09


def test_the_generator_decides():
    (f, one), (g, two) = fitted(), fitted()
    assert one == two
    assert all(torch.equal(a, b) for a, b in zip(f.parameters(), g.parameters(), strict=True))


def test_it_fits_through_an_operator():
    x, y = picture()
    mask = torch.ones(16, 16)
    mask[4:8, 4:8] = 0
    f = prior()
    f.fit(operators.Inpainting(mask)(y), operators.Inpainting(mask), steps=20)
    assert torch.isfinite(f(y, A)).all()


@pytest.mark.parametrize(
    "options, words",
    [
        ({"y": torch.zeros(2, 1, 16, 16)}, "y holds 2 measurements"),
        ({"share": 0.0}, "share is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"lr": -1.0}, "lr is -1"),
        ({"share": 1e-9}, "holds out all or none"),
    ],
)
def test_a_bad_fit_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fitted(**options)


def test_a_size_that_cannot_be_doubled_up_to_is_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        models.DeepImagePrior((12, 16))
