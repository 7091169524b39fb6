"""What the data say against the assumptions of a loss: one sentence, as a warning, never an error.

`training.fit` asks at its first batch (`report`), and at its checks whether the values of the loss
and its multipliers are possible (`report_values`). Both look for what no image can explain, so that
a silence says little and a sentence much.
"""

import warnings

import torch
from torch import Tensor

from .losses import EI, Loss
from .losses.base import copies, observed
from .losses.multipliers import Multipliers
from .noise import CorrelatedGaussian, Noise, contradictions, estimate
from .operators import Operator
from .symmetry import commutator

FAR = 5  # standard errors
AWAY = 4  # times the variance of y
GONE = 0.01  # of the noise in y


class AssumptionWarning(UserWarning):
    """The data contradict what a loss or a law assumes."""


def report(loss: Loss, y: Tensor | tuple, A: Operator, law: Noise | None = None) -> bool:
    """Warn, in one sentence, of what a batch y contradicts; returns whether it did.

    Looks in turn for EI by a group that A commutes with; and where the loss is told a law or
    `assumes` something of it, for `clipping`, for `missing` noise and, for A = I, for noise that is
    `correlated`, as `noise.contradictions` tells them.

    Arguments:
        loss: what is trained.
        y: measurements (B, ...), or a tuple of copies.
        A: their operator.
        law: as it came with y, or None.

    Example:
        >>> from course_lib import assumptions
        >>> y = noise.Gaussian(0.1)(torch.zeros(8, 1, 64, 64))
        >>> assumptions.report(losses.UNSURE(), y, operators.Identity())
        False
    """
    y = copies(y)[0]
    if (sentence := _says_nothing(loss, y, A)) is not None:
        return _warn(sentence)
    term, law, assumes = _assumed(loss, law)
    known = law is not None
    if not assumes or (known and "variance" not in law.identities):
        return False
    v = observed(law.variance(y) if known else torch.ones_like(y), A)
    sentence = contradictions.clipping(y, v, term, known, known or "gaussian" in assumes)
    white = "white" in assumes and y.ndim == 4 and estimate.blocks(y) >= estimate.ENOUGH
    if sentence is None and white:
        sentence = contradictions.missing(y, v, type(law).__name__) if known else None
        if sentence is None and A.is_identity:
            sentence = contradictions.correlated(y, term)
    return _warn(sentence)


def _says_nothing(loss, y, A):
    for term, _ in loss.pairs:
        if type(term) is EI and A.linear and term.group.orthogonal:
            shape = A.adjoint(y[:1]).shape[1:]
            if commutator(A, term.group, shape) < 1e-4:
                return (
                    f"AᵀA commutes with {term.group}: what A hides of x̂ it hides of T_g x̂, and EI "
                    "says nothing of it; use another group (Scale for a blur), or more operators."
                )
    return None


def report_values(loss: Loss, values: list, y: Tensor | tuple, A: Operator, law=None) -> bool:
    """Warn of values of the loss, or of multipliers, that can't be; returns whether it did.

    - The mean of the values less the offset is a risk, or for a sum at least one. It lies under 0
      by 5 standard errors, by 5 of the noise in one batch, and by a twentieth of the noise.
    - The multipliers stand for more noise than four times the variance of y, but f = E y meets
      their constraints: no saddle point lies higher than Var(y). Or for less than a hundredth of
      the noise that `noise.estimate.sigma` sees.

    Arguments:
        loss: what is trained.
        values: of the loss at recent steps.
        y: a batch, (B, ...), or a tuple of copies.
        A: its operator.
        law: see `report`.
    """
    return _warn(_below(loss, values, y, A, law) or _runaway(loss, copies(y)[0], A))


def _law(term, law):
    """The law that came with y, in whose place `Pairs` has x, or else that of the term, or None."""
    return law if isinstance(law, Noise) else getattr(term, "noise", None)


def _assumed(loss, law):
    """(name, law, words) of what the loss takes the noise for: "gaussian", "white" or both."""
    terms = [(type(term).__name__, _law(term, law), term.assumes) for term, _ in loss.pairs]
    for name, own, _ in terms:
        if own is not None:
            return name, own, ("law", "white")[: 2 - isinstance(own, CorrelatedGaussian)]
    return next((told for told in terms if told[2]), terms[0])


def _below(loss, values, y, A, law):
    told = [(term, weight, _law(term, law)) for term, weight in loss.pairs
            if getattr(term, "noise", None) is not None and term.excess is not None]  # fmt: skip
    values = torch.as_tensor(values, dtype=torch.float64)
    if not told or len(values) < 20:  # the others are no risk plus a constant that is known
        return None
    offset, noise = 0.0, 0.0
    for term, weight, own in told:
        above, v = float(term.offset(own, y, A)), own.variance(y)
        if above and v.min() < v.max():
            return None  # an offset that differs from batch to batch: that of y is not theirs
        offset, noise = offset + weight * above, noise + weight * float(v.mean())
    risk, error = float(values.mean()) - offset, float(values.std()) / len(values) ** 0.5
    if risk > -max(FAR * error, FAR * noise * (2 / y.numel()) ** 0.5, noise / 20):
        return None
    name = f"{type(told[0][0]).__name__} of {type(told[0][2]).__name__} noise"
    return (
        f"{name} puts the risk at {risk:.2g} ± {error:.1g} over the last {len(values)} steps, far "
        "below 0: the noise is weaker than told, or correlated, or f has learnt that of its images "
        "by heart, which a held-out set would show."
    )


def _runaway(loss, y, A):
    for term in (term for term, _ in loss.pairs if isinstance(term, Multipliers)):
        eta, measured = float(term.power(y)), A.measured()
        seen = y if measured is None else y[measured.expand_as(y) != 0]
        name, most = f"the multiplier of {type(term).__name__}", float(seen.var())
        if eta > AWAY * most:
            power = f"a noise variance of {eta:.2g} where all of y has {most:.2g}"
            return f"{name} has run away, to {power}; lower its rate, or the lr of f."
        if y[0].numel() < estimate.LEAST or not y.any():
            continue
        level = float(estimate.sigma(y, measured).square().mean())
        if 0 < eta < GONE * level:
            power = f"{eta:.2g} where y shows a noise variance of {level:.2g}"
            return f"{name} tends to 0, {power}: the noise is not Gaussian, white or of one level."
    return None


def _warn(sentence):
    if sentence is not None:
        warnings.warn(sentence, AssumptionWarning, stacklevel=3)
    return sentence is not None
