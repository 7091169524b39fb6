"""Choosing without ground truth: the same self-supervised loss, on held-out measurements."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ._random import stream
from ._scope import alone
from .data import Measurements, batch_of
from .losses import Loss
from .noise import Noise
from .operators import Operator


class Score(NamedTuple):
    """A candidate's held-out risk and how far it lies behind the best one, with standard errors.

    The errors are over held-out items, taken as independent; `behind` is a paired difference, so
    its error is far smaller than that of the two risks.

    Arguments:
        risk, error: in the unit of y squared, and its standard error.
        behind, behind_error: the risk less that of the best candidate.

    Example:
        >>> print(validation.Score(0.25, 0.02, 0.0, 0.0))
        0.250000 ± 0.020000  0.000000 ± 0.000000
    """

    risk: float
    error: float
    behind: float
    behind_error: float

    def __str__(self):
        return f"{self.risk:.6f} ± {self.error:.6f}  {self.behind:.6f} ± {self.behind_error:.6f}"


class Choice(NamedTuple):
    """What `select` chose; it prints as a table.

    Arguments:
        best: the name of the best candidate.
        scores: {name: `Score`} of all.

    Example:
        >>> a, b = validation.Score(0.25, 0.02, 0.0, 0.0), validation.Score(0.5, 0.02, 0.25, 0.01)
        >>> validation.Choice("a", {"a": a, "b": b}).best
        'a'
    """

    best: object
    scores: dict[object, Score]

    def __str__(self):
        lines = [f"{'candidate':>16}  risk ± error        behind the best"]
        for name, score in self.scores.items():
            lines.append(f"{name!s:>16}  {score}{'  <- chosen' if name == self.best else ''}")
        return "\n".join(lines)


class Tested:
    """f̂(y, A) = loss.reconstruct(f, y, A): a method's test-time estimator as a candidate.

    Its randomness (R2R's draws) is that of `seed` at every call, so f̂ is one function of y, as
    the divergence in SURE needs. Gives any loss the estimator that will really be used.

    Arguments:
        f: a trained reconstructor f(y, A).
        loss: the loss that it was trained with.
        seed: of the draws.
        noise: the law of y; None, the one that the loss was made with.

    Example:
        >>> r2r = losses.R2R(noise.Gaussian(0.1), alpha=0.5, draws=4)
        >>> f, y = validation.Tested(lambda y, A: y, r2r), torch.zeros(1, 1, 64, 64)
        >>> round(float(f(y, operators.Identity()).std()), 2)  # 4 draws of 0.1
        0.05
    """

    def __init__(self, f: Callable, loss: Loss, seed: int = 0, noise: Noise | None = None):
        self.f, self.loss, self.seed, self.noise = f, loss, seed, noise

    def __call__(self, y: Tensor, A: Operator) -> Tensor:
        draws = stream(self.seed, "draws")
        return self.loss.reconstruct(self.f, y, A, self.noise, generator=draws)


def select(candidates: dict, held_out: Measurements, noise: Noise | None = None, seed: int = 0,
           groups: int = 50, proxy: bool = False) -> Choice:  # fmt: skip
    """The candidate with the smallest held-out loss. Returns a `Choice`.

    The held-out items are split into at most `groups` groups, and each group i gives
        ℓ_i = loss(f, y_i, A_i) − loss.offset(noise, y_i),    risk = mean of ℓ_i,
    with the same randomness for every candidate; the errors are those of a mean over groups.
    Losses run in evaluation mode. E ℓ_i must be the risk of what the loss reconstructs,
    `loss.scores(A)`: for SURE, Noise2Noise, Noise2Self, blind-spot SURE, and for splitting where A
    selects pixels. For any other method score its test-time estimator, `(Tested(f, loss),
    SURE(noise))`.
    A loss that is told σ must be told the true one: its value at a wrong σ is not a risk. So SURE
    and R2R choose σ only for whoever knows it; Noise2Noise, free of σ, chooses it from pairs.
    Raises ValueError for no candidate, for a single held-out item or group, for different losses
    without `noise`, and for a loss whose value is of another estimator.
    Source: Stein (1981); Tachella (2025), "Self-supervised validation".

    Arguments:
        candidates: {name: (f, loss)}, f a trained reconstructor and loss the `Loss` that scores it:
            a stopping step, an architecture, a σ, an α.
        held_out: `Measurements` (a pair for Noise2Noise, `Pairs` for Supervised) that no candidate
            was trained on.
        noise: the law of y, for the offsets, where none travels with y; may be left out when one
            loss object scores all candidates, since its offset then cancels in every comparison
            (`risk` keeps it).
        seed: of all randomness.
        groups: at most, at least 2; each is one batch.
        proxy: True ranks any loss by its own value all the same: R2R's is the risk at the noisier
            y1, SSDU's that of f on a part of the measurements, UNSURE's moves with η (use one η).

    Example:
        >>> law, A = noise.Gaussian(0.5), operators.Identity()
        >>> y = data.simulate(torch.randn(50, 1, 16, 16), A, law)  # Wiener's f is 0.8 y
        >>> loss = losses.SURE(law)
        >>> validation.select({a: (lambda y, A, a=a: a * y, loss) for a in (0.5, 0.8, 1)}, y).best
        0.8
    """
    if not candidates:
        raise ValueError("there is no candidate; give {name: (f, loss)}.")
    if (least := min(len(held_out), groups)) < 2:
        raise ValueError(f"held_out has {least} item or group; a standard error needs at least 2.")
    if noise is None and len({id(loss) for _, loss in candidates.values()}) > 1:
        remedy = "give noise, the law of y, or score all candidates with one loss"
        raise ValueError(f"different losses have different offsets; {remedy}.")
    A = batch_of(held_out, torch.arange(1))[1]
    for name, (_, loss) in candidates.items():
        if not (proxy or loss.scores(A)):
            remedy = "score (validation.Tested(f, loss), losses.SURE(noise)), or set proxy=True"
            value = f"{name!r}: the value of {type(loss).__name__}"
            raise ValueError(f"{value} is not the risk of what it reconstructs; {remedy}.")
    values = {name: _values(*candidates[name], held_out, noise, seed, groups)
              for name in candidates}  # fmt: skip
    best = min(values, key=lambda name: values[name].mean())
    return Choice(best, {
        name: Score(*_with_error(value), *_with_error(value - values[best]))
        for name, value in values.items()
    })  # fmt: skip


@torch.no_grad()
def _values(f, loss, held_out, noise, seed, groups):
    """ℓ_i for every group of held-out items, in float64."""
    values = []
    parts = torch.arange(len(held_out)).tensor_split(min(groups, len(held_out)))
    with alone(f, getattr(f, "f", None), loss, training=False, seed=seed, name="select"):
        for i, items in enumerate(parts):
            generator = stream(seed, f"group {i}")  # the same for every candidate
            y, A, *rest = batch_of(held_out, items, generator)
            law = rest[0] if rest and isinstance(rest[0], Noise) else noise
            tested = isinstance(f, Tested) and law is not noise
            one = Tested(f.f, f.loss, f.seed, law) if tested else f
            offset = 0 if law is None else loss.offset(law, y, A)
            values.append(loss(one, y, A, *rest, generator=generator) - offset)
    return torch.stack(values).double()


def _with_error(values):
    return float(values.mean()), float(values.std() / len(values) ** 0.5)


def regret(choice: Choice, oracle: dict) -> float:
    """dB that a choice lost: 10 log₁₀ (risk of the chosen / smallest risk), given true risks.

    Arguments:
        choice: of `select`.
        oracle: {name: true mean squared error}, which only a test or a lesson can know.

    Example:
        >>> round(validation.regret(validation.Choice("a", {}), {"a": 2.0, "b": 1.0}), 2)
        3.01
    """
    return 10 * math.log10(oracle[choice.best] / min(oracle.values()))
