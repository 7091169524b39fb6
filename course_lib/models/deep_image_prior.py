"""The deep image prior: a network fitted to one measurement, stopped by pixels it never saw."""

from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from .. import _checks
from .._random import place
from ..operators import Operator


@dataclass
class Fit:
    """What `DeepImagePrior.fit` saw: at each of `steps` the loss on the two sets of pixels."""

    steps: list = field(default_factory=list)
    fitted: list = field(default_factory=list)
    held_out: list = field(default_factory=list)
    watched: list = field(default_factory=list)  # of the caller's function, if any
    best: int = 0  # the step whose weights were kept


class DeepImagePrior(nn.Module):
    """f(y, A) = D_θ(z): a convolutional decoder of a random input z that never changes.

    It ignores y: θ is fitted to one measurement, and what convolutions find easy, structure that
    repeats from pixel to pixel, comes before the noise. z: (1, width, H/2^scales, W/2^scales),
    uniform, drawn with the weights. Raises ValueError for a size that does not fit.
    Source: Ulyanov et al. (2018); the decoder is that of Darestani and Heckel (2021).

    Arguments:
        size: (H, W) of x̂, multiples of 2^scales.
        channels: C, of x̂.
        width: channels of z and of all layers but the last.
        scales: how often the decoder doubles the size.

    Example:
        >>> f, A = models.DeepImagePrior(size=(16, 16), width=8, scales=2), operators.Identity()
        >>> record = f.fit(torch.rand(1, 1, 16, 16), A, steps=20)
        >>> record.steps, record.fitted[-1] < record.fitted[0]
        ([0, 10, 20], True)
    """

    def __init__(self, size: tuple, channels: int = 1, width: int = 32, scales: int = 3):
        super().__init__()
        side = 2 ** _checks.whole(scales, "scales")
        if any(_checks.whole(n, "size") % side for n in size):
            raise ValueError(f"size is {tuple(size)}; use multiples of {side} for this prior.")
        self.register_buffer("z", torch.rand(1, width, size[0] // side, size[1] // side) - 0.5)
        layers = []
        for _ in range(scales):
            layers += [
                nn.Upsample(scale_factor=2, mode="bilinear"),
                nn.Conv2d(width, width, 3, padding=1),
                nn.ReLU(),
                nn.GroupNorm(width, width),
            ]
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.GroupNorm(width, width)]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(width, channels, 1))

    def forward(self, y: Tensor, A: Operator) -> Tensor:
        """D_θ(z), whatever y and A are."""
        return self.decoder(self.z)

    def fit(self, y, A, steps=1000, share=0.25, every=10, lr=1e-2, generator=None, watch=None):
        """Fit θ to a random part of y and keep the weights that predict the rest best.

        minimises L(θ) = mean over the kept entries of (A f − y)², by Adam; every `every` steps it
        takes the same mean over the `share` of entries held out. Assumes noise independent from
        entry to entry given x: f never saw the noise held out, so at any one step
        E held_out = risk on these entries + their mean variance, the same constant at all steps.
        Returns a `Fit`.
        Raises ValueError for several measurements at once or a share outside (0, 1).

        Arguments:
            y: the measurement of one image, (1, ...).
            A: its operator.
            steps: of Adam; the weights that are kept may be those of an earlier one.
            share: of the entries, held out.
            every: steps between two looks at them.
            lr: Adam's learning rate.
            generator: draws the entries held out.
            watch: a function of f whose values are kept beside the losses (for a lesson: the PSNR,
                which the choice must not see).
        """
        _checks.fits(self, _checks.floats(y))
        steps, every = _checks.whole(steps, "steps"), _checks.whole(every, "every")
        if len(y) != 1:
            raise ValueError(f"y holds {len(y)} measurements; a deep image prior fits one.")
        device = place(generator, y)
        hidden = torch.rand(y.shape, generator=generator, device=device).to(y.device)
        hidden = hidden < _checks.fraction(share, "share")
        if not hidden.any() or hidden.all():
            raise ValueError(
                f"share is {share:g}: of {y.numel()} entries it holds out all or none."
            )
        optimizer = torch.optim.Adam(self.parameters(), lr=_checks.positive(lr, "lr"))
        record, kept = Fit(), None
        for step in range(steps + 1):
            f = self(y, A)
            misfit = (A(f) - y).square()
            value = misfit[~hidden].mean()
            if step % every == 0 or step == steps:
                record.steps.append(step)
                record.fitted.append(value.item())
                record.held_out.append(misfit[hidden].mean().item())
                if watch is not None:
                    record.watched.append(watch(f.detach()))
                if record.held_out[-1] == min(record.held_out):
                    record.best, kept = step, deepcopy(self.state_dict())
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
        self.load_state_dict(kept)
        return record
