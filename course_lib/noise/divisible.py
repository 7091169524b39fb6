"""Laws whose y is a sum of independent shares: one way to split them, one to make twins."""

from torch import Generator, Tensor

from .. import _checks
from .base import Noise


class Divisible(Noise):
    """A law of which y can be divided: counts, looks and trials fall to one part or the other.

    s = share(y, α) is a part of y with E[s | y] = αy that is independent of the rest y − s given
    x. So y1 = (y − s)/(1 − α) and y2 = s/α have the mean Ax each, and are the R2R pair of `split`
    (Monroy et al. 2025). `twins` is unbiased at every τ < 1:

    With α = τ²/(1 + τ²), two disjoint shares s and t of mean αy leave y⁺ = (y − s)/(1 − α) and
    y⁻ = (y − t)/(1 − α), each distributed as R2R's y1. Put d^± = y^± − y. R2R says that
    E f(y⁺)ᵀ(y − Ax) = (1 − α)/α E f(y⁺)ᵀd⁺; and E[d⁺ | y⁻, y] = −α/(1 − α) d⁻, because s is a
    share of y − t, so that E (f(y⁺) − f(y⁻))ᵀ(d⁺ − d⁻) = 2/(1 − α) E f(y⁺)ᵀd⁺. Hence the weight
    q = (1 − α)²/(2α) (y⁺ − y⁻).
    A law of your own is a subclass with `share`, beside what `Noise` asks for.

    Example:
        >>> y = torch.full((1, 1, 2, 2), 8.0)
        >>> y1, y2 = noise.Poisson(1.0).split(y, alpha=0.25)
        >>> torch.equal(0.75 * y1 + 0.25 * y2, y)
        True
    """

    def share(self, y, alpha, rest=1.0, generator=None):
        """s of mean αy, drawn from y; `rest` is the part of the measurement that y itself is."""
        raise NotImplementedError(f"{type(self).__name__} has no shares; write its `share`.")

    def split(self, y: Tensor, alpha: float, generator: Generator | None = None):
        alpha = _checks.fraction(alpha, "alpha")
        s = self.share(y, alpha, 1.0, generator)
        return (y - s) / (1 - alpha), s / alpha

    def twins(self, y: Tensor, tau: float, generator: Generator | None = None):
        self.needs("stein")
        alpha = _checks.fraction(tau, "tau") ** 2 / (1 + tau**2)
        s = self.share(y, alpha, 1.0, generator)
        t = self.share(y - s, alpha / (1 - alpha), 1 - alpha, generator)
        plus, minus = (y - s) / (1 - alpha), (y - t) / (1 - alpha)
        return plus, minus, (1 - alpha) ** 2 / (2 * alpha) * (plus - minus)
