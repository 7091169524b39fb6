"""Unrolled networks: their steps against dense matrices, mixed operators, gradients, weights."""

import pytest
import torch
from linear import matrix, rand
from montecarlo import generator
from problems import mutant

from course_lib import models, operators
from course_lib.operators import masks


def column_masks(count=3, size=(4, 4)):
    return masks.random(size, 2, centre=1, count=count, generator=generator()).double()


OPERATORS = {  # a batch of 3 operators on images (3, 2, 4, 4)
    "mri": lambda: operators.MRI(column_masks()),
    "coils": lambda: operators.MultiCoilMRI(
        column_masks(), torch.complex(rand(3, 2, 4, 4, seed=1), rand(3, 2, 4, 4, seed=2))
    ),
    "inpainting": lambda: operators.Inpainting(column_masks()),
    "blurred": lambda: (
        operators.Inpainting(column_masks())
        @ operators.Blur(torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.float64))
    ),
}


class Nothing(torch.nn.Module):
    def forward(self, x):
        return 0 * x


class Half(torch.nn.Module):
    """D(x) = w tanh(x), small enough to check by hand."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def forward(self, x):
        return self.w * torch.tanh(x)


def unet(seed=0):
    torch.manual_seed(seed)
    net = models.UNet(channels=2, widths=(4, 8)).double()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return net


KINDS = {
    "Unrolled": lambda net, **options: models.Unrolled(net, **options).double(),
    "MoDL": lambda net, **options: models.MoDL(net, **options).double(),
}
every = pytest.mark.parametrize("kind", KINDS)
LEARNT = {"Unrolled": "log_step", "MoDL": "log_weight"}
everywhere = pytest.mark.parametrize("where", OPERATORS)


def scene(where):
    """A of norm 1, a batch, and y."""
    A = operators.unit(OPERATORS[where](), (2, 4, 4))
    return A, A(rand(3, 2, 4, 4, seed=3))


def apart(f, A, y):
    """f on the images one by one less f on the batch."""
    return torch.cat([f(y[[i]], A[i]) for i in range(len(y))]) - f(y, A)


@every
@everywhere
def test_one_network_serves_a_batch_of_different_operators(kind, where):
    A, y = scene(where)
    f = KINDS[kind](unet(), iterations=2)
    assert f(y, A).shape == (3, 2, 4, 4)
    assert apart(f, A, y).abs().max() < 1e-4 * f(y, A).abs().max()  # CG stops at the slowest
    assert f(y, A[[1, 2, 0]]).sub(f(y, A)).abs().max() > 1e-3


# The steps, against dense matrices


def by_hand(kind, A, y, steps):
    """The iteration with D = 0.5 tanh, image by image, with matrices, from A†y as `pinv` has it."""
    images, start = [], A.pinv(y)
    for i in range(len(y)):
        M, b = matrix(A[i], (2, 4, 4)), y[i].flatten()
        x, eye = start[i].flatten(), torch.eye(32, dtype=b.dtype)
        for s in steps:
            if kind == "Unrolled":
                x = 0.5 * torch.tanh(x - s * M.T @ (M @ x - b))
            else:
                x = torch.linalg.solve(M.T @ M + s * eye, M.T @ b + s * 0.5 * torch.tanh(x))
        images.append(x.view(2, 4, 4))
    return torch.stack(images)


def gap(kind, where):
    """The largest relative difference to the iteration by hand, with unequal steps."""
    A, y = scene(where)
    f = KINDS[kind](Half(), iterations=3, **({"cg": 40} if kind == "MoDL" else {}))
    steps = [0.7, 0.3, 0.5]
    getattr(f, LEARNT[kind]).data = torch.tensor(steps, dtype=torch.float64).log()
    expected = by_hand(kind, A, y, steps)
    return float(((f(y, A) - expected).norm() / expected.norm()).detach())


@every
@everywhere
def test_it_is_the_iteration_of_its_docstring(kind, where):
    assert gap(kind, where) < 1e-5


@pytest.mark.parametrize(
    "kind, old, new",
    [
        ("Unrolled", "step * (A.adjoint(A(x)) - b)", "step * (A.adjoint(A(x)) + b)"),
        ("Unrolled", "step * (A.adjoint(A(x)) - b)", "(A.adjoint(A(x)) - b)"),
        ("Unrolled", "x = A.pinv(y)", "x = 0 * A.pinv(y)"),
        ("Unrolled", "self.log_step[k]", "self.log_step[0]"),
        ("MoDL", "A.adjoint(A(d)) + weight * d", "A.adjoint(A(d)) + d"),
        ("MoDL", "A.adjoint(A(d)) + weight * d", "A.adjoint(A(d))"),
        ("MoDL", "b - A.adjoint(A(z))", "b"),
        ("MoDL", "return z + conj", "return conj"),
        ("MoDL", "self.log_weight[k]", "self.log_weight[0]"),
    ],
)
def test_a_mutant_of_the_step_is_refused(kind, old, new, monkeypatch):
    old, new = (s.replace("x = A.pinv(y)", "x, b = A.pinv(y), A") for s in (old, new))
    new = new.replace("x = 0 * A.pinv(y)", "x, b = 0 * A.pinv(y), A")
    changed = mutant(getattr(models, kind), old, new)
    for method in ("forward", "data_step"):
        monkeypatch.setattr(getattr(models, kind), method, vars(changed)[method])
    assert gap(kind, "coils") > 1e-3


@everywhere
def test_without_a_network_the_step_solves_the_normal_equations(where):
    """D = 0: (AᵀA + λ) x = Aᵀy to 1e-5 after one step; its condition number is (1 + λ)/λ."""
    A, y = scene(where)
    x = models.MoDL(Nothing(), iterations=1, weight=0.3, cg=80).double()(y, A)
    b = A.adjoint(y)
    assert (A.adjoint(A(x)) + 0.3 * x - b).flatten(1).norm(dim=1).div(
        b.flatten(1).norm(dim=1)
    ).max() <= 1e-5
    for i in range(3):
        M = matrix(A[i], (2, 4, 4))
        solved = torch.linalg.solve(M.T @ M + 0.3 * torch.eye(32).double(), M.T @ y[i].flatten())
        assert (x[i].flatten() - solved).norm() <= 1.3 / 0.3 * 1e-5 * solved.norm()


@pytest.mark.parametrize("where", ["mri", "inpainting"])
def test_one_iteration_of_cg_is_exact_for_a_projection(where):
    """AᵀA has the eigenvalues 0 and 1; one is not enough for several coils."""

    def run(where, weight, cg):
        A, y = scene(where)
        return models.MoDL(Half(), 2, weight=weight, cg=cg).double()(y, A)

    for weight in (0.01, 1.0):
        many = run(where, weight, 20)
        torch.testing.assert_close(run(where, weight, 1), many, rtol=0, atol=1e-10)
    assert (run("coils", 0.01, 1) - run("coils", 0.01, 20)).abs().max() > 1e-3


@pytest.mark.parametrize("where", ["mri", "inpainting", "blurred"])
@pytest.mark.parametrize("cg", [1, 10])
def test_the_step_leaves_alone_what_the_operator_does_not_see(where, cg):
    """In single precision, for a tiny λ and whatever the number of iterations."""
    A, y = scene(where)
    z, f = rand(3, 2, 4, 4, seed=4), models.MoDL(Half(), 1, cg=cg)
    moved = f.data_step(z.float(), A.adjoint(y).float(), A.float(), torch.tensor(1e-6)) - z
    for i in range(3):
        _, s, Vh = torch.linalg.svd(matrix(A.double()[i], (2, 4, 4)))
        unseen = Vh[(s > 1e-6).sum() :]
        assert (unseen @ moved[i].flatten()).abs().max() < 1e-5 * z.abs().max()


@pytest.mark.parametrize("where", ["mri", "inpainting"])
def test_a_small_weight_makes_the_image_agree_with_the_measurements(where):
    A, y = scene(where)
    misfit = [
        float((A(models.MoDL(Half(), weight=w).double()(y, A)) - y).abs().max().detach())
        for w in (0.1, 1e-3, 1e-6)
    ]
    assert misfit[0] > 10 * misfit[1] > 100 * misfit[2] and misfit[2] < 1e-5


# Gradients


TINY = {  # for images (2, 2, 1, 4)
    "mri": lambda m: operators.MRI(m),
    "coils": lambda m: operators.MultiCoilMRI(
        m, torch.complex(rand(2, 2, 1, 4), rand(2, 2, 1, 4, seed=1))
    ),
    "blurred": lambda m: (
        operators.Inpainting(m)
        @ operators.Blur(torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.float64))
    ),
}


@every
@pytest.mark.parametrize("where", TINY)
def test_the_gradient_through_the_iterations_and_the_operator(kind, where):
    """With respect to y, the network's weight and the steps."""
    A = TINY[where](column_masks(2, (1, 4)))
    y = A(rand(2, 2, 1, 4, seed=2)).requires_grad_()
    f = KINDS[kind](Half(), iterations=2, **({"cg": 8, "weight": 0.4} if kind == "MoDL" else {}))

    def function(y, w, learnt):
        return torch.func.functional_call(f, {"nets.0.w": w, LEARNT[kind]: learnt}, (y, A)).sin()

    learnt = getattr(f, LEARNT[kind])
    others = (p.detach().clone().requires_grad_() for p in (f.nets[0].w, learnt))
    assert torch.autograd.gradcheck(function, (y, *others), atol=1e-4, rtol=1e-3, fast_mode=True)


@every
def test_gradients_reach_every_weight_and_are_finite_beside_a_black_image(kind):
    """In single precision; CG has nothing to do for the black one."""
    A, y = scene("coils")
    y[2] = 0
    f = KINDS[kind](unet(), iterations=2, tied=False).float()
    f(y.float(), A.float()).square().sum().backward()
    assert all(weight.grad.isfinite().all() for weight in f.parameters())
    assert all(weight.grad.abs().sum() > 0 for weight in f.parameters())


# Weights


@every
def test_untied_it_has_a_network_for_each_iteration(kind):
    net = unet()
    tied, untied = (KINDS[kind](net, iterations=4, tied=tied) for tied in (True, False))
    count = sum(p.numel() for p in net.parameters())
    assert sum(p.numel() for p in tied.parameters()) == count + 4
    assert sum(p.numel() for p in untied.parameters()) == 4 * count + 4
    assert tied.nets[0] is untied.nets[0] is net and len(untied.nets) == 4
    A, y = scene("mri")
    assert torch.equal(tied(y, A), untied(y, A))  # equal weights at first
    with torch.no_grad():
        untied.nets[2].out.bias += 1
    assert not torch.equal(tied(y, A), untied(y, A))


@every
def test_the_steps_start_as_stated_and_stay_positive(kind):
    f = KINDS[kind](Half(), iterations=3, **({"weight": 0.2} if kind == "MoDL" else {}))
    start = torch.full((3,), 0.2 if kind == "MoDL" else 1.0).double()
    learnt = getattr(f, LEARNT[kind])
    torch.testing.assert_close(learnt.exp(), start, rtol=1e-6, atol=0)
    optimiser = torch.optim.SGD(f.parameters(), 1.0)
    for _ in range(5):
        optimiser.zero_grad()
        learnt.exp().sum().backward()  # a loss that wants them below 0
        optimiser.step()
    assert (learnt.exp() > 0).all() and (learnt.exp() < start).all()


@every
def test_an_untrained_residual_network_gives_back_the_pseudo_inverse(kind):
    """UNet(x) = x at first; for a projection, A†y is a fixed point of both steps."""
    A, y = scene("mri")
    f = KINDS[kind](models.UNet(channels=2, widths=(4, 8)).double())
    torch.testing.assert_close(f(y, A), A.pinv(y), rtol=0, atol=1e-12)


BAD = {
    "iterations": (lambda: models.Unrolled(Half(), 0), "iterations is 0; it must be a whole"),
    "half a one": (lambda: models.MoDL(Half(), 2.5), "iterations is 2.5; it must be a whole"),
    "weight": (lambda: models.MoDL(Half(), weight=0), "weight is 0; it must be a positive number"),
    "cg": (lambda: models.MoDL(Half(), cg=0), "cg is 0; it must be a whole number of at least 1"),
    "channels": (
        lambda: models.Unrolled(models.UNet(widths=(4, 8)).double())(*reversed(scene("mri"))),
        "y has 2 channels; this UNet was made for 1: make one with channels=2",
    ),
    "another size": (
        lambda: models.MoDL(Half())(rand(3, 2, 4, 6), scene("mri")[0]),
        r"y has shape \(3, 2, 4, 6\) and MRI was made for \(B, 2, 4, 4\)",
    ),
    "another batch": (
        lambda: models.MoDL(Half())(rand(2, 2, 4, 4), OPERATORS["mri"]()),
        "y holds 2 images and MRI was made for 3; take the operators of these images",
    ),
}


@pytest.mark.parametrize("key", BAD)
def test_bad_input_gets_one_clear_sentence(key):
    call, words = BAD[key]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert str(caught.value).count("\n") == 0
