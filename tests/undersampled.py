"""Signals measured through a random operator for each image, and an f(y, A) that uses A.

The masks have independent entries (pixels) or columns (k-space), measured with probability π;
`hidden` is p, the probability with which a splitting loss hides an entry.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from problems import COUNTS, MIXTURE, Problem, mixing
from slips import seen

from course_lib import losses, noise, operators, priors

PIXELS = torch.tensor([[1.0, 0.9, 0.3], [0.5, 0.7, 0.4], [0.8, 0.6, 0.5]]).double()
HIDE_PIXELS = torch.tensor([[0.0, 0.5, 0.25], [0.4, 0.2, 0.6], [0.3, 0.5, 0.25]]).double()
COLUMNS = torch.tensor([0.4, 0.8, 1.0, 0.5]).double().view(1, 1, 1, 4)
HIDE_COLUMNS = torch.tensor([0.5, 0.25, 0.0, 0.6]).double().view(1, 1, 1, 4)
RIDGE = torch.tensor([[0.9 ** abs(i - j) for j in range(24)] for i in range(24)])
FIELD = priors.GaussianPrior(RIDGE, 0.4)


def nonlinear(y, A):
    """Neighbours mix, errors grow from left to right, and what A sees of a constant enters: f(·, A)
    is another map for each A."""
    u = A.adjoint(y)
    ramp = torch.linspace(0.5, 2, u.shape[-1], dtype=u.dtype)
    return ramp * mixing(u) + 0.4 * torch.tanh(u.roll(1, -2) - A.adjoint(A(torch.ones_like(u))))


@dataclass
class Undersampled(Problem):
    """A Problem whose A is drawn anew, for each image, whenever y is; `full` is F, all of it."""

    operator: Callable = None  # generator -> A
    full: operators.Operator = None
    density: torch.Tensor = None
    hidden: torch.Tensor = None

    def observe(self, g):
        self.A = self.operator(g)
        return super().observe(g)

    def f(self, y, A):
        return nonlinear(y, A)

    def errors(self, x_hat, A=None):
        """(A x̂ − Ax)², entry by entry."""
        A = A or self.A
        return (A(x_hat) - A(self.x)).square()


def drawn(kind, density, shape):
    def operator(g):
        return kind((torch.rand(shape, generator=g, dtype=torch.float64) < density).double())

    return operator


def pixels(prior, law):
    return lambda: Undersampled(
        lambda g: prior.sample((512, 1, 3, 3), g).double(),
        law,
        operator=drawn(operators.Inpainting, PIXELS, (512, 1, 3, 3)),
        full=operators.Identity(),
        density=PIXELS,
        hidden=HIDE_PIXELS,
    )


def rows_of(columns):
    """A mask of whole columns, (B, 1, 3, W), from (B, 1, 1, W)."""
    return operators.MRI(columns.expand(-1, -1, 3, -1))


SCENES = {
    "gaussian, pixels": pixels(MIXTURE, MIXTURE.noise),
    "poisson, pixels": pixels(COUNTS, COUNTS.noise),
    "poisson-gaussian, pixels": pixels(COUNTS, noise.PoissonGaussian(0.3, 0.25)),
    "gaussian, columns": lambda: Undersampled(
        lambda g: FIELD.sample(512, g).double().view(512, 2, 3, 4),
        FIELD.noise,
        operator=drawn(rows_of, COLUMNS, (512, 1, 1, 4)),
        full=operators.MRI(torch.ones(3, 4).double()),
        density=COLUMNS,
        hidden=HIDE_COLUMNS,
    ),
}


def watched(loss, y, A, g, f=nonlinear):
    """(L, what f was given, what it returned), by call."""
    calls = []

    def watch(u, A_a):
        calls.append((u, A_a, f(u, A_a)))
        return calls[-1][2]

    return loss(watch, y, A, generator=g), calls


class Split(losses.SSDU):
    """SSDU as it is displayed, a piece at a time."""

    def onto(self, A, A_a):
        """What measures f(y_a, A_a)."""
        return A

    def forward(self, f, y, A, noise=None, generator=None):
        y_a, A_a, h = self.split(y, A, self.uniforms(y, generator))
        Af = self.onto(A, A_a)(f(y_a, A_a))
        return (self.weight(h) * (Af - seen(A, y)).square()).mean()


class Robust(losses.RobustSSDU):
    """RobustSSDU as it is displayed, a piece at a time; k are the kept entries."""

    def onto(self, A, A_a):
        return A

    def shown(self, k, u):
        """What of u f is given."""
        return k * u

    def share(self):
        return self.alpha

    def pair(self, y, y1, y2):
        return y1, y2

    def inputs(self, k):
        """The weight of the kept entries in the fit."""
        return k

    def stein(self, k, S, v):
        return k * (2 * S - v)

    def forward(self, f, y, A, noise=None, generator=None):
        _, A_a, h = self.split(y, A, self.uniforms(y, generator))
        hidden, k, target, onto = self.weight(h), (~h).to(y), seen(A, y), self.onto(A, A_a)
        if self.kept == "r2r":
            u, y2 = self.pair(y, *self.noise.split(y, self.share(), generator))
            Af = onto(f(self.shown(k, u), A_a))
            fit = hidden * (Af - target).square()
            return (fit + self.inputs(k) * (Af - seen(A, y2)).square()).mean()
        plus, minus, q = self.noise.twins(y, self.tau, generator)
        a, b = (onto(f(self.shown(k, u), A_a)) for u in (plus, minus))
        fit = ((a - target).square() + (b - target).square()) / 2
        v = seen(A, self.noise.variance(y))
        return ((hidden + self.inputs(k)) * fit + self.stein(k, q * (a - b), v)).mean()
