"""The networks of the no-free-lunch table, by kind and size."""

import torch

from .. import models
from .._random import stream

WIDTHS = {"exact": (8, 16), "quick": (8, 16, 32), "full": (16, 32, 64)}
STEPS = {"exact": 400, "quick": 300, "full": 1000}
SIDE, CODE = 8, 8  # the autoencoder: tiles of SIDE×SIDE pixels, CODE numbers for each


class Standardised(torch.nn.Module):
    """net on (y − mean)/std, brought back: the chains span a fifth of the range of photographs."""

    def __init__(self, net, mean, std):
        super().__init__()
        self.net, self.mean, self.std = net, mean, std

    def forward(self, y):
        u = self.net((y - self.mean) / self.std)
        mu, rest = u[:, :1], u[:, 1:]
        return torch.cat([mu * self.std + self.mean, rest], 1)


class Tiled(torch.nn.Module):
    """net on each side×side tile by itself, for a network of one image size."""

    def __init__(self, net, side):
        super().__init__()
        self.net, self.side = net, side

    def forward(self, y):
        k, (B, C, H, W) = self.side, y.shape
        tiles = y.view(B, C, H // k, k, W // k, k).permute(0, 2, 4, 1, 3, 5)
        out = self.net(tiles.reshape(-1, C, k, k)).view(tiles.shape)
        return out.permute(0, 3, 1, 4, 2, 5).reshape(y.shape)


class PerImage(torch.nn.Module):
    """f(y, A) = a deep image prior fitted to each image of y, with early stopping; untrained."""

    def __init__(self, steps, seed=0):
        super().__init__()
        self.steps, self.seed = steps, seed

    @torch.enable_grad()
    def forward(self, y, A):
        torch.manual_seed(self.seed)
        held_out, parts = stream(self.seed, "held-out pixels"), []
        for one in y.split(1):
            f = models.DeepImagePrior(y.shape[-2:], scales=2).to(y.device)
            f.fit(one, A, self.steps, generator=held_out)
            parts.append(f(one, A).detach())
        return torch.cat(parts)


def network(kind, size, y, seed=0):
    """f of a method, for y of the exact model on standardised values.

    plain: a small DnCNN for the exact model, else a U-Net; direct: the same without its residual
    connection; mean, spread: a blind-spot network, and with the spread of each pixel; shuffled: the
    mean, trained on every fourth pixel in both directions; autoencoder: CODE numbers for each tile;
    prior: a deep image prior, which is not trained but fitted to the images of the test.
    """
    if kind == "prior":
        return PerImage(STEPS[size], seed)
    if kind in ("mean", "spread", "shuffled"):
        net = models.BlindSpot(widths=WIDTHS[size], spread=kind == "spread")
    elif kind == "autoencoder":
        net = Tiled(models.Autoencoder((SIDE, SIDE), CODE), SIDE)
    elif size == "exact":
        net = models.DnCNN(depth=5, width=12)
    else:
        net = models.UNet(widths=WIDTHS[size])
    if kind == "shuffled":
        net = models.PixelShuffle(net, stride=4)
    if kind == "direct":
        net = models.Direct(net)
    if size == "exact":
        net = Standardised(net, float(y.mean()), float(y.std()))
    return models.BackProjection(net)
