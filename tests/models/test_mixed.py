"""bf16 for the network alone."""

import math

import pytest
import torch
from montecarlo import generator

from course_lib import data, losses, metrics, models, noise, operators, training

EYE, LAW = operators.Identity(), noise.Gaussian(0.1)


class Spy(operators.Identity):
    """A = I that notes the dtypes it meets."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def forward(self, x):
        self.seen.add(x.dtype)
        return super().forward(x)


def unet(widths=(8, 16)):
    torch.manual_seed(0)
    return models.BackProjection(models.UNet(widths=widths))


def test_the_network_computes_in_bf16_and_nothing_else_does():
    f, A, seen = unet(), Spy(), set()
    f.net.out.register_forward_hook(lambda m, inputs, output: seen.add(output.dtype))
    y = torch.rand(2, 1, 8, 8, generator=generator())
    x_hat = models.Mixed(f)(y, A)
    losses.SURE(LAW)(models.Mixed(f), y, A).backward()
    assert seen == {torch.bfloat16} and A.seen == {torch.float32} and x_hat.dtype == torch.float32
    assert {p.dtype for p in f.parameters()} == {p.grad.dtype for p in f.parameters()}
    assert not torch.is_autocast_enabled("cpu")


def test_weights_that_change_inside_an_outer_autocast_are_seen():
    f, y = unet(), torch.rand(1, 1, 8, 8, generator=generator())
    with torch.autocast("cpu", torch.bfloat16):
        models.Mixed(f)(y, EYE)
        with torch.no_grad():
            f.net.out.bias.fill_(0.5)
        assert (models.Mixed(f)(y, EYE) - y).mean().item() == pytest.approx(0.5, abs=1e-2)


@pytest.mark.parametrize("method", ["mc", "hutchinson"])
def test_its_divergence_is_that_of_float32(method):
    """SURE's Stein term of a network with weights of all sizes, within 3 standard errors + 2 %."""
    f, y = unet(), torch.rand(4, 1, 16, 16, generator=generator())
    with torch.no_grad():
        for w in f.parameters():
            w.add_(0.05 * torch.randn(w.shape, generator=generator(1)))

    def terms(g):
        draws = (generator(seed) for seed in range(8))
        return torch.stack(
            [LAW.stein(lambda u: g(u, EYE), y, method=method, generator=d) for d in draws]
        ).detach()

    exact, rounded = terms(f), terms(models.Mixed(f))
    paired = rounded - exact  # the same probes
    bound = 3 * paired.std() / math.sqrt(8) + 0.02 * exact.mean().abs()
    assert paired.mean().abs() < bound


def test_training_in_bf16_ends_where_float32_does():
    x = data.load("photos", "train", 32)[:64]
    d, y = data.simulate(x, EYE, LAW, crop=16), LAW(x[:16], generator=generator(5))
    quality = {}
    for precision in ("float32", "bf16"):
        f = unet((4, 8))
        training.fit(
            f, losses.SURE(LAW), d, steps=60, batch=4, lr=5e-3, precision=precision, progress=False
        )
        with torch.no_grad():
            quality[precision] = metrics.psnr(f(y, EYE), x[:16]).mean().item()
    assert quality["float32"] > metrics.psnr(y, x[:16]).mean() + 1  # it has learnt
    assert quality["bf16"] > quality["float32"] - 0.3


def test_other_precisions_and_other_weights_are_refused():
    d = data.simulate(torch.rand(2, 1, 8, 8, generator=generator()), EYE, LAW)
    with pytest.raises(ValueError, match="precision is 'fp16'; use 'float32' or 'bf16'"):
        training.fit(unet(), losses.SURE(LAW), d, steps=1, precision="fp16")
    with pytest.raises(ValueError, match="precision is 'bf16' and f has weights of another dtype"):
        training.fit(unet().double(), losses.SURE(LAW), d, steps=1, precision="bf16")
