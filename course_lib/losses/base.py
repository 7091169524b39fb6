"""What all losses share: one unit, an offset, a test-time estimator, and addition."""

import torch

from .. import _checks


class Loss(torch.nn.Module):
    """An estimate of the risk (1/m) E‖A f(y) − Ax‖² from measurements, up to `offset`.

    f is any callable f(y, A) → x̂; y has shape (B, ...), m counts all its entries, A maps images
    to measurements. `train_evals` and `test_evals` count evaluations of f per call; `at_y` says
    that one of the former is f(y, A) itself, which the terms of a sum share.
    """

    train_evals = 1
    test_evals = 1
    at_y = False

    def forward(self, f, y, A, generator=None):
        """The loss, a differentiable scalar; randomness comes from `generator` alone."""
        raise NotImplementedError(f"{type(self).__name__} has no `forward`; write it.")

    def offset(self, noise, y):
        """E[loss] − risk for measurements y of this noise: what to subtract to compare losses."""
        raise NotImplementedError(f"{type(self).__name__} is not the risk plus a constant.")

    def reconstruct(self, f, y, A, generator=None):
        """x̂ at test time: the estimator whose risk this method controls."""
        return f(y, A)

    def __add__(self, other):
        return Sum([self, other], [1.0, 1.0])

    def __rmul__(self, weight):
        return Sum([self], [float(weight)])


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

    @property
    def train_evals(self):
        shared = sum(term.at_y for term in self.terms)
        return sum(term.train_evals for term in self.terms) - max(shared - 1, 0)

    @property
    def test_evals(self):
        return self.terms[0].test_evals

    def forward(self, f, y, A, generator=None):
        _checks.same_device(f, y[0] if isinstance(y, tuple) else y)
        f = Once(f, y, A)
        values = [
            w * term(f, y, A, generator) for w, term in zip(self.weights, self.terms, strict=True)
        ]
        return sum(values)

    def offset(self, noise, y):
        return sum(
            w * term.offset(noise, y) for w, term in zip(self.weights, self.terms, strict=True)
        )

    def reconstruct(self, f, y, A, generator=None):
        return self.terms[0].reconstruct(f, y, A, generator)


class Once:
    """f, which keeps its value at (y, A) when asked for it, and gives it again.

    What is asked for without gradients is kept apart from what is asked for with them.
    """

    def __init__(self, f, y, A):
        self.f, self.y, self.A, self.values = f, y, A, {}

    def __call__(self, y, A):
        if y is not self.y or A is not self.A:
            return self.f(y, A)
        mode = torch.is_grad_enabled()
        if mode not in self.values:
            self.values[mode] = self.f(y, A)
        return self.values[mode]


def measured(f, y, A, onto=None):
    """A f(y, A), after the checks that every loss makes; or B f(y, A), B the operator `onto`."""
    _checks.same_device(f, _checks.floats(y))
    Af = (onto or A)(f(y, A))
    _checks.same_shape(Af, y, "A f(y, A)", "y")
    return Af
