"""An exact image model beyond Gaussian signals: rows that are two-level Markov chains.

Each row is a stationary chain with values in `levels` that keeps its level from one pixel to the
next with probability `stay`; rows are independent. Whatever the noise, if its likelihood is known,
the forward-backward algorithm gives E[x | y], and, for noise that is independent from pixel to
pixel, E[x_i | y_j, j ≠ i], both exactly (Baum et al. 1970).
"""

import torch

from .. import noise
from .._random import normal_like


class RowCorrelated(noise.Gaussian):
    """y = x + ε, ε stationary Gaussian along each row: E ε_t² = σ², E ε_t ε_{t−l} = σ² φ^|l|."""

    def __init__(self, sigma, phi):
        super().__init__(sigma)
        self.phi = float(phi)

    def draw(self, y, generator=None):
        w = self.sigma * normal_like(y, generator)
        columns = [w[..., 0]]
        for t in range(1, y.shape[-1]):
            columns.append(self.phi * columns[-1] + (1 - self.phi**2) ** 0.5 * w[..., t])
        return torch.stack(columns, -1)


class Chains:
    """Images (B, 1, H, W) of independent rows, and their noise.

    noise: `noise.Gaussian`, `noise.Poisson` or `RowCorrelated`. levels: the two values, for Poisson
    noise above 0. stay: the probability that the next pixel has the same value, in (0, 1).
    """

    def __init__(self, law, levels=(0.4, 0.6), stay=0.9):
        self.noise, self.levels, self.stay = law, torch.tensor(levels), float(stay)

    def sample(self, shape, generator=None):
        """x of shape (B, 1, H, W)."""
        change = torch.rand(shape, generator=generator) > self.stay
        change[..., 0] = torch.rand(shape[:-1], generator=generator) < 0.5
        return self.levels[change.cumsum(-1) % 2]

    def log_likelihood(self, y):
        """log p(y_t | x_t = k, x_{t−1} = j, y_{t−1}) up to a constant: (..., T, 2, 2)."""
        values = self.levels.to(y)
        if isinstance(self.noise, noise.Poisson):
            z = self.noise.counts(y)[..., None]
            e = z * values.log() - values / self.noise.gain
            return e[..., None, :].expand(*e.shape[:-1], 2, 2)
        residual = y[..., None] - values
        phi = getattr(self.noise, "phi", 0.0)
        before = torch.nn.functional.pad(residual[..., :-1, :], (0, 0, 1, 0))
        innovation = residual[..., None, :] - phi * before[..., :, None]
        variance = torch.full_like(y, self.noise.sigma**2 * (1 - phi**2))
        variance[..., 0] = self.noise.sigma**2
        return -innovation.square() / (2 * variance[..., None, None])

    def probabilities(self, y):
        """(P(x_i = upper | y), P(x_i = upper | y_j, j ≠ i)), shaped like y.

        The second is right only for noise that is independent from pixel to pixel.
        """
        log_e = self.log_likelihood(y.double().flatten(0, -2))  # (rows, T, 2, 2)
        e = (log_e - log_e.amax((-2, -1), keepdim=True)).exp()
        step = torch.tensor([[self.stay, 1 - self.stay], [1 - self.stay, self.stay]]).double()
        forward, predicted = torch.full_like(e[:, 0, 0], 0.5), []
        predicted.append(forward)
        forward = _normal(forward * e[:, 0, 0])
        after = [forward]
        for t in range(1, e.shape[1]):
            predicted.append(forward @ step)
            forward = _normal((forward[:, :, None] * step * e[:, t]).sum(1))
            after.append(forward)
        back = torch.ones_like(forward)
        backward = [back]
        for t in range(e.shape[1] - 1, 0, -1):
            back = _normal((step * e[:, t] * back[:, None]).sum(2))
            backward.append(back)
        backward = torch.stack(backward[::-1], 1)
        full, blind = (_normal(torch.stack(part, 1) * backward) for part in (after, predicted))
        return full[..., 1].view(y.shape), blind[..., 1].view(y.shape)

    def posterior_mean(self, y):
        """E[x | y]."""
        return self._mean(self.probabilities(y)[0]).to(y.dtype)

    def blind_mean(self, y):
        """E[x_i | y_j, j ≠ i], the best that a blind-spot network can do."""
        return self._mean(self.probabilities(y)[1]).to(y.dtype)

    def _mean(self, p):
        low, high = self.levels.double()
        return low + (high - low) * p


def _normal(p):
    return p / p.sum(-1, keepdim=True)
