"""Choosing without ground truth: the same self-supervised loss, on held-out measurements."""

import math
from dataclasses import dataclass

import torch

from ._random import stream


@dataclass(frozen=True)
class Score:
    """A candidate's held-out risk and how far it lies behind the best one, with standard errors.

    The errors are over held-out items, taken as independent; `behind` is a paired difference, so
    its error is far smaller than that of the two risks.
    """

    risk: float
    error: float
    behind: float
    behind_error: float


@dataclass(frozen=True)
class Choice:
    """What `select` chose: the name of the best candidate, and the `Score` of each."""

    best: object
    scores: dict

    def __str__(self):
        lines = [f"{'candidate':>16}  risk ± error        behind the best"]
        for name, s in self.scores.items():
            mark = "  <- chosen" if name == self.best else ""
            lines.append(
                f"{name!s:>16}  {s.risk:.6f} ± {s.error:.6f}  {s.behind:.6f} ± "
                f"{s.behind_error:.6f}{mark}"
            )
        return "\n".join(lines)


class Tested:
    """f̂(y, A) = loss.reconstruct(f, y, A): a method's test-time estimator as a candidate.

    Its randomness (R2R's draws) is that of `seed` at every call, so f̂ is one function of y, as
    the divergence in SURE needs. Gives any loss the estimator that will really be used.
    """

    def __init__(self, f, loss, seed=0):
        self.f, self.loss, self.seed = f, loss, seed

    def __call__(self, y, A):
        return self.loss.reconstruct(self.f, y, A, generator=stream(self.seed, "draws"))


def select(candidates, held_out, noise=None, seed=0, groups=50):
    """The candidate with the smallest held-out loss. Returns a `Choice`.

    candidates: {name: (f, loss)}, f a trained reconstructor and loss the `Loss` that scores it: a
    stopping step, an architecture, a σ, an α. held_out: `Measurements` (a pair for Noise2Noise,
    `Pairs` for Supervised) that no candidate was trained on. Its items are split into at most
    `groups` groups, and each group i gives
        ℓ_i = loss(f, y_i, A_i) − loss.offset(noise, y_i),    risk = mean of ℓ_i,
    with the same randomness for every candidate; the errors are those of a mean over groups. E ℓ_i
    is the risk of f at the input that the loss gives it: at y for SURE and for Noise2Noise, at the
    noisier y1 for R2R and for antithetic SURE;
    `Tested` scores the test-time estimator instead. Losses run in evaluation mode, so UNSURE's η
    is frozen; use one η for all candidates.

    noise: the law of y, for the offsets; may be left out when one loss object scores all
    candidates, since its offset then cancels in every comparison (`risk` keeps it).
    A loss that is told σ must be told the true one: its value at a wrong σ is not a risk. So
    SURE and R2R choose σ only for whoever knows it; Noise2Noise, free of σ, chooses it from pairs.

    Raises ValueError for no candidate, for a single held-out item or group, and for different
    losses without `noise`. Source: Stein (1981); Tachella (2025), "Self-supervised validation".
    """
    if not candidates:
        raise ValueError("there is no candidate; give {name: (f, loss)}.")
    if len(held_out) < 2:
        raise ValueError(f"held_out has {len(held_out)} item; a standard error needs at least 2.")
    if groups < 2:
        raise ValueError(f"groups is {groups}; a standard error needs at least 2.")
    if noise is None and len({id(loss) for _, loss in candidates.values()}) > 1:
        raise ValueError(
            "the candidates have different losses, and so different offsets; give noise, the law "
            "of y, or score all of them with one loss."
        )
    values = {
        name: _values(f, loss, held_out, noise, seed, groups)
        for name, (f, loss) in candidates.items()
    }
    best = min(values, key=lambda name: values[name].mean())
    scores = {}
    for name, value in values.items():
        risk, error = _with_error(value)
        behind, behind_error = _with_error(value - values[best])
        scores[name] = Score(risk, error, behind, behind_error)
    return Choice(best, scores)


@torch.no_grad()
def _values(f, loss, held_out, noise, seed, groups):
    """ℓ_i for every group of held-out items, in float64."""
    modules = [m for m in (f, getattr(f, "f", None), loss) if isinstance(m, torch.nn.Module)]
    modes = [m.training for m in modules]
    for module in modules:
        module.eval()
    values = []
    parts = torch.arange(len(held_out)).tensor_split(min(groups, len(held_out)))
    for i, items in enumerate(parts):
        generator = stream(seed, f"group {i}")  # the same for every candidate
        batch = held_out.batch(items, generator)
        value = loss(f, *batch, generator=generator)
        values.append(value if noise is None else value - loss.offset(noise, batch[0]))
    for module, training in zip(modules, modes, strict=True):
        module.train(training)
    return torch.stack(values).double()


def _with_error(values):
    return float(values.mean()), float(values.std() / len(values) ** 0.5)


def regret(choice, oracle):
    """dB that a choice lost: 10 log₁₀ (risk of the chosen / smallest risk), given true risks.

    oracle: {name: true mean squared error}, which only a test or a lesson can know.
    """
    return 10 * math.log10(oracle[choice.best] / min(oracle.values()))
