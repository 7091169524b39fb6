"""What all losses share: one unit, an offset, a test-time estimator, and addition."""

import functools
import inspect

import torch

from .. import _checks
from .._repr import Called, short


def without_graph(reconstruct):
    """`reconstruct`, keeping gradients only where y itself asks for them, forward or backward."""

    @functools.wraps(reconstruct)
    def run(self, f, y, A, noise=None, generator=None):
        parts = y if isinstance(y, (tuple, list)) else (y,)
        asked = any(torch.is_tensor(u) and (u.requires_grad or _tangent(u)) for u in parts)
        with torch.set_grad_enabled(asked and torch.is_grad_enabled()):
            return reconstruct(self, f, y, A, noise, generator)

    return run


def _tangent(y):
    return torch.autograd.forward_ad.unpack_dual(y).tangent is not None


class Loss(Called):
    """An estimate of the risk (1/m) E‖A f(y) − Ax‖² from measurements, up to `offset`.

    f is any callable f(y, A) → x̂; y has shape (B, ...), m counts all its entries, A maps images
    to measurements; where A measures nothing, y counts as 0. `noise` is the law that came with y:
    it replaces the one that the loss was made with.
    Facts: `train_evals` and `test_evals` count evaluations of f per call; `at_y` says that one of
    the former is f(y, A) itself, which the terms of a sum share; `assumes`, in words, what a loss
    that is told no law takes the noise for, "gaussian", "white" (independent from entry to entry);
    `scores(A)` says whether in evaluation mode the value less the offset estimates the risk of what
    `reconstruct` returns.
    """

    train_evals = 1
    test_evals = 1
    at_y = False
    assumes = ()

    def __init_subclass__(cls):
        if "reconstruct" in vars(cls):
            cls.reconstruct = without_graph(cls.reconstruct)

    def forward(self, f, y, A, noise=None, generator=None):
        """The loss, a differentiable scalar; randomness comes from `generator` alone."""
        raise NotImplementedError(f"{type(self).__name__} has no `forward`; write it.")

    def offset(self, noise, y, A=None):
        """E[loss] − risk for y of this law: what to subtract to compare losses. A: None if it
        measures all entries of y."""
        raise NotImplementedError(f"{type(self).__name__} is not the risk plus a constant.")

    def reconstruct(self, f, y, A, noise=None, generator=None):
        """x̂ at test time: the estimator whose risk this method controls.

        It keeps no graph for the weights of f; gradients with respect to y are kept where y
        requires them.
        """
        return apply(f, y, A)

    reconstruct = without_graph(reconstruct)

    def scores(self, A):
        """Whether, in evaluation mode, loss − offset is the risk of x̂ = `reconstruct`(f, y, A)."""
        return False

    def law(self, noise):
        """The law that came with y, or else the loss's own, `self.noise`."""
        own = _checks.law(noise) is None
        return _checks.law(self.noise, type(self).__name__) if own else noise

    def __add__(self, other):
        return Sum([self, other], [1.0, 1.0])

    def __radd__(self, other):
        return self if other == 0 else NotImplemented  # sum([a, b]) starts at 0

    def __mul__(self, weight):
        return Sum([self], [_checks.finite(weight, "the weight of a loss")])

    __rmul__ = __mul__


class Sum(Loss):
    """Σ_j w_j L_j, made by `a + w * b`; at test time it reconstructs as its first term does.

    f(y, A) is evaluated once for all terms that need it.
    """

    def __init__(self, terms, weights):
        super().__init__()
        self.terms = torch.nn.ModuleList()
        self.weights = []
        for term, weight in zip(terms, weights, strict=True):
            parts = (
                zip(term.terms, term.weights, strict=True)
                if isinstance(term, Sum)
                else [(term, 1.0)]
            )
            for part, inner in parts:
                self.terms.append(part)
                self.weights.append(weight * inner)

    def __repr__(self):
        pairs = zip(self.weights, self.terms, strict=True)
        return " + ".join(f"{short(w)} * {term}" if w != 1 else f"{term}" for w, term in pairs)

    @property
    def train_evals(self):
        shared = sum(term.at_y for term in self.terms)
        return sum(term.train_evals for term in self.terms) - max(shared - 1, 0)

    @property
    def test_evals(self):
        return self.terms[0].test_evals

    def scores(self, A):
        return len(self.terms) == 1 and self.weights[0] == 1 and self.terms[0].scores(A)

    def forward(self, f, y, A, noise=None, generator=None):
        f = Once(f, y, A)
        values = [
            w * term(f, y, A, noise=noise, generator=generator)
            for w, term in zip(self.weights, self.terms, strict=True)
        ]
        return sum(values)

    def offset(self, noise, y, A=None):
        return sum(
            w * term.offset(noise, y, A) for w, term in zip(self.weights, self.terms, strict=True)
        )

    def reconstruct(self, f, y, A, noise=None, generator=None):
        return self.terms[0].reconstruct(f, y, A, noise, generator)


class Once:
    """f, which keeps its value at (y, A) when asked for it, and gives it again.

    What is asked for without gradients is kept apart from what is asked for with them.
    """

    def __init__(self, f, y, A):
        self.f, self.y, self.A, self.values = f, y, A, {}

    def __call__(self, y, A):
        if y is not self.y or A is not self.A:
            return apply(self.f, y, A)
        mode = torch.is_grad_enabled()
        if mode not in self.values:
            self.values[mode] = apply(self.f, y, A)
        return self.values[mode]


def apply(f, y, A):
    """f(y, A), one x̂ for each y, with a sentence for what is often wrong."""
    _checks.fits(f, _checks.floats(y))
    version = None if y.is_inference() else y._version
    try:
        x_hat = f(y, A)
    except TypeError as error:
        if isinstance(f, torch.nn.Module) and not _takes(f.forward, y, A):
            raise TypeError(
                f"{type(f).__name__} does not take (y, A); make it a reconstructor, e.g. "
                f"models.BackProjection({type(f).__name__}(...))."
            ) from error
        raise
    if version is not None and y._version != version:
        raise ValueError("f changed its argument y in place; let it work on y.clone().")
    if not torch.is_tensor(x_hat) or x_hat.shape[:1] != y.shape[:1]:
        found = tuple(x_hat.shape) if torch.is_tensor(x_hat) else type(x_hat).__name__
        raise ValueError(f"f(y, A) is {found} for {len(y)} measurements; give one x̂ for each.")
    return x_hat


def _takes(function, *arguments):
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    return True


def measured(f, y, A, onto=None):
    """A f(y, A), after the checks that every loss makes; or B f(y, A), B the operator `onto`."""
    Af = (onto or A)(apply(f, y, A))
    _checks.same_shape(Af, y, "A f(y, A)", "y")
    return Af


def observed(y, A):
    """y, 0 where A measures nothing: whatever stands there is no measurement, nor is its noise."""
    M = None if A is None else A.measured()
    return y if M is None else M.to(y.dtype) * y


def variance(noise, y, A):
    """v(y), 0 where A measures nothing."""
    return observed(noise.variance(y), A)
