"""What all losses share: one unit, an offset, a test-time estimator, and addition."""

import functools
import inspect
from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from .. import _checks
from .._repr import Called, short
from ..noise import Noise
from ..operators import Operator


def copies(y):
    """The copies in y: more than one for losses of repeated measurements."""
    many = isinstance(y, (tuple, list)) and all(map(torch.is_tensor, y))
    return tuple(y) if many else (y,)


def guarded(method, test):
    """The method, for what its loss admits, in training or at `test` time."""

    @functools.wraps(method)
    def run(self, f, y, A, *rest, **more):
        with self.admit(y, A, test):
            return method(self, f, y, A, *rest, **more)

    return run


class Loss(Called):
    """An estimate of the risk (1/m) E‖A f(y) − Ax‖² from measurements, up to `offset`.

    y has shape (B, ...), m counts all its entries, A maps images to measurements; where A measures
    nothing, y counts as 0. A loss of your own writes `entries`, what its value is the mean of, and
    changes the facts that differ:
    `train_evals` and `test_evals` count evaluations of f per call; `at_y` says that one of the
    former is f(y, A) itself, which the terms of a sum share; `copies` is how many of y it takes,
    `needs_identity` whether it is for A = I alone, `needs_x` whether it sees x; `assumes`, in
    words, what a loss that is told no law takes the noise for, "gaussian", "white" (independent
    from entry to entry); `excess` is by how many noise variances the expectation lies above the
    risk, None where it is not the risk plus a constant; `judges` whether in evaluation mode the
    value less the offset estimates the risk of what `reconstruct` returns.

    Example:
        >>> class Absolute(losses.Loss):
        ...     def entries(self, f, y, A, noise=None, generator=None):
        ...         return (A(f(y, A)) - y).abs()
        >>> float(Absolute()(lambda y, A: 0.5 * y, torch.ones(2, 1, 4, 4), operators.Identity()))
        0.5
    """

    train_evals = 1
    test_evals = 1
    copies = 1
    at_y = False
    needs_identity = False
    needs_x = False
    judges = False
    assumes = ()
    excess = None

    def __init_subclass__(cls):
        for name, test in (("entries", False), ("reconstruct", True)):
            if name in vars(cls):
                setattr(cls, name, guarded(vars(cls)[name], test))

    def admit(self, y, A, test=False):
        """The context of a call, raises where y or A are not what this loss is for. At test time
        one copy will do, and there is no graph unless y itself asks for gradients."""
        _checks.operator(A)
        parts, name = copies(y), type(self).__name__
        if self.needs_identity and not A.is_identity:
            raise ValueError(f"{name} is for A = I, not {type(A).__name__}; use SURE or R2R.")
        if len(parts) != self.copies and not (test and len(parts) == 1):
            found = f"{name} takes y of {self.copies}, not of {len(parts)} noisy copies"
            raise ValueError(f"{found}; use R2R for one, Noise2Noise for two, (y_a, y_b).")
        for part, letter in zip(parts, "abcdefgh", strict=False):
            _checks.floats(part, f"y_{letter}" if parts[1:] else "y")
            _checks.same_shape(parts[0], part, "y_a", f"y_{letter}")
        asked = any(u.requires_grad or unpack_dual(u).tangent is not None for u in parts)
        return torch.set_grad_enabled((asked or not test) and torch.is_grad_enabled())

    def forward(self, f: Callable, y: Tensor, A: Operator, noise=None, generator=None) -> Tensor:
        """The loss, a differentiable scalar: the mean of `entries`.

        Arguments:
            f: any callable f(y, A) → x̂, one for each y; (B, C, H, W).
            y: measurements, (B, ...).
            A: their operator.
            noise: the law that came with y; it replaces the one that the loss was made with.
            generator: a torch.Generator, where all randomness comes from; None, torch's own.
        """
        _checks.law(noise)
        return self.entries(f, y, A, noise, generator).mean()

    def entries(self, f, y, A, noise=None, generator=None) -> Tensor:
        """What the loss is the mean of, (B, ...): one for each entry of y, where not said
        otherwise."""
        raise NotImplementedError(f"{type(self).__name__} has no `entries`; write it.")

    def offset(self, noise: Noise, y: Tensor, A: Operator | None = None) -> Tensor:
        """E[loss] − risk for y of this law: what to subtract to compare losses. A: None if it
        measures all entries of y."""
        if self.excess is None:
            raise NotImplementedError(f"{type(self).__name__} is not the risk plus a constant.")
        y = copies(y)[-1]
        none = isinstance(self.excess, int) and self.excess == 0
        return y.new_zeros(()) if none else (self.excess * variance(noise, y, A)).mean()

    def reconstruct(self, f, y, A, noise=None, generator=None) -> Tensor:
        """x̂ at test time: the estimator whose risk this method controls.

        It keeps no graph for the weights of f; gradients with respect to y are kept where y
        requires them.
        """
        return apply(f, copies(y)[0], A)

    reconstruct = guarded(reconstruct, test=True)

    def scores(self, A: Operator) -> bool:
        """Whether, in evaluation mode, loss − offset is the risk of x̂ = `reconstruct`(f, y, A)."""
        return self.judges

    @property
    def pairs(self):
        """The terms and their weights: for all but a `Sum`, itself."""
        return [(self, 1.0)]

    def law(self, noise):
        """The law that came with y, or else the loss's own, `self.noise`."""
        return _checks.law(self.noise if noise is None else noise, type(self).__name__)

    def __add__(self, other):
        return Sum([self, other], [1.0, 1.0])

    def __radd__(self, other):
        return self if other == 0 else NotImplemented  # sum([a, b]) starts at 0

    def __mul__(self, weight):
        return Sum([self], [_checks.number(weight, "the weight of a loss")])

    __rmul__ = __mul__


class Sum(Loss):
    """Σ_j w_j L_j, made by `a + w * b`; at test time it reconstructs as its first term does.

    f(y, A) is evaluated once for all terms that need it. It has no `entries`, which may be those
    of y for one term and of x for another.

    Arguments:
        terms: the losses L_j; those of a sum among them become terms themselves.
        weights: the numbers w_j.

    Example:
        >>> losses.SURE(noise.Gaussian(0.1)) + 0.5 * losses.MeasurementConsistency()
        SURE(noise=Gaussian(sigma=0.1), method='antithetic', tau=0.3)
            + 0.5 * MeasurementConsistency()
    """

    def __init__(self, terms: list[Loss], weights: list[float]):
        super().__init__()
        each = zip(terms, weights, strict=True)
        pairs = [(part, weight * w) for term, weight in each for part, w in term.pairs]
        self.terms = torch.nn.ModuleList(part for part, _ in pairs)
        self.weights = [weight for _, weight in pairs]
        self.test_evals, self.copies = self.terms[0].test_evals, self.terms[0].copies
        self.train_evals = sum(term.train_evals for term in self.terms)
        self.train_evals -= max(sum(term.at_y for term in self.terms) - 1, 0)

    @property
    def pairs(self):
        return list(zip(self.terms, self.weights, strict=True))

    def __repr__(self):
        return " + ".join(f"{short(w)} * {term}" if w != 1 else f"{term}" for term, w in self.pairs)

    def scores(self, A):
        return len(self.terms) == 1 and self.weights[0] == 1 and self.terms[0].scores(A)

    def forward(self, f, y, A, noise=None, generator=None):
        f = Once(f, y, A)
        return sum(w * term(f, y, A, noise=noise, generator=generator) for term, w in self.pairs)

    def offset(self, noise, y, A=None):
        return sum(w * term.offset(noise, y, A) for term, w in self.pairs)

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
        name, module = type(f).__name__, isinstance(f, torch.nn.Module)
        if not module or len(inspect.signature(f.forward).parameters) == 2:
            raise
        remedy = f"make it a reconstructor, e.g. models.BackProjection({name}(...))"
        raise TypeError(f"{name} does not take (y, A); {remedy}.") from error
    if version is not None and y._version != version:
        raise ValueError("f changed its argument y in place; let it work on y.clone().")
    shape = tuple(x_hat.shape) if torch.is_tensor(x_hat) else (type(x_hat).__name__,)
    if shape[0] != len(y):
        raise ValueError(f"f(y, A) is {shape} for {len(y)} measurements; give one x̂ for each.")
    return x_hat


def measured(f, y, A, onto=None):
    """A f(y, A), after the checks that every loss makes; or B f(y, A), B the operator `onto`."""
    Af = (onto or A)(apply(f, y, A))
    _checks.same_shape(Af, y, "A f(y, A)", "y")
    return Af


def misfit(f, u, y, A, seen=None):
    """(A f(u, B) − y)² in every entry; B, by default A, is the operator that f sees u through."""
    return (measured(f, u, seen or A, onto=A) - observed(y, A)).square()


def observed(y, A):
    """y, 0 where A measures nothing: whatever stands there is no measurement, nor is its noise."""
    M = None if A is None else A.measured()
    return y if M is None else M.to(y.dtype) * y


def variance(noise, y, A):
    """v(y), 0 where A measures nothing."""
    return observed(noise.variance(y), A)
