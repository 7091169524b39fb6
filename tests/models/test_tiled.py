"""A network on images of any size."""

import pytest
import torch
from montecarlo import generator

from course_lib import losses, metrics, models, noise, operators

NETS = {
    "UNet": lambda: models.UNet(widths=(4, 8, 8)),
    "Direct": lambda: models.Direct(models.UNet(widths=(4, 8))),
    "DnCNN": lambda: models.DnCNN(depth=3, width=4),
    "BlindSpot": lambda: models.BlindSpot(widths=(4, 8, 8)),
    "spread": lambda: models.BlindSpot(widths=(4, 8), spread=True),
}


def net(name):
    torch.manual_seed(0)
    f = NETS[name]().double()
    with torch.no_grad():
        for w in f.parameters():
            w.add_(0.1 * torch.randn(w.shape, generator=generator(1), dtype=w.dtype))
    return f


def images(*shape):
    return torch.rand(*shape, generator=generator(), dtype=torch.float64)


def every(test):
    return pytest.mark.parametrize("name", NETS)(test)


@every
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (5, 7), (8, 8), (30, 33), (16, 70)])
def test_any_size_comes_out_as_it_went_in(name, size):
    f = net(name)
    with torch.no_grad():
        x_hat = models.Tiled(f, tile=24, overlap=8)(images(2, 1, *size))
    assert x_hat.shape == (2, 2 if name == "spread" else 1, *size) and x_hat.isfinite().all()


@every
def test_what_the_network_takes_is_left_to_it(name):
    f, y = net(name), images(2, 1, 16, 24)
    assert torch.equal(models.Tiled(f, tile=24, overlap=8)(y), f(y))


@pytest.mark.parametrize("size", [(192, 192), (128, 200)])
def test_where_the_overlap_covers_what_a_pixel_sees_there_is_no_seam(size):
    f, y = net("UNet"), images(1, 1, *size)
    with torch.no_grad():
        torch.testing.assert_close(models.Tiled(f, 128, 64)(y), f(y), rtol=0, atol=1e-12)


def test_padding_is_a_reflection_and_does_not_move_the_image():
    f, y = net("UNet"), images(1, 1, 13, 18)
    padded = torch.nn.functional.pad(y, (0, 2, 0, 3), mode="reflect")
    assert torch.equal(models.Tiled(f)(y), f(padded)[..., :13, :18])


def test_a_seam_of_an_overlap_that_is_too_small_stays_small():
    """Below 0.1 dB of the error of a network that sees further than the overlap."""
    f, x = net("UNet"), images(1, 1, 96, 96)
    with torch.no_grad():
        whole, tiled = f(x), models.Tiled(f, 48, 8)(x)
    assert (whole - tiled).abs().max() > 1e-4
    assert metrics.psnr(tiled, x).item() == pytest.approx(metrics.psnr(whole, x).item(), abs=0.1)


def test_the_network_sees_no_more_than_a_tile():
    seen = []

    class Seen(torch.nn.Module):
        multiple = 4

        def forward(self, y):
            seen.append(tuple(y.shape[-2:]))
            return y

    y = images(1, 2, 131, 50)
    torch.testing.assert_close(models.Tiled(Seen(), 32, 8)(y), y, rtol=0, atol=1e-12)
    assert set(seen) == {(32, 32)} and len(seen) == 6 * 2


def test_gradients_and_tangents_pass():
    f, y, p = models.Tiled(net("UNet"), 16, 8), images(1, 1, 20, 30), images(1, 1, 20, 30)
    _, Jp = torch.func.jvp(f, (y,), (p,))
    u = y.clone().requires_grad_()
    (Jq,) = torch.autograd.grad(f(u), u, p)
    torch.testing.assert_close((p * Jp).sum(), (p * Jq).sum(), rtol=1e-10, atol=0)


def test_it_stands_for_the_network_in_any_reconstructor():
    law, mask = noise.Gaussian(0.1), torch.ones(1, 1, 21, 34)
    mask[..., ::3] = 0
    A = operators.Inpainting(mask)
    f = models.BackProjection(models.Tiled(models.UNet(widths=(4, 8)), 16, 8))
    y = A(torch.rand(1, 1, 21, 34, generator=generator()))
    assert torch.isfinite(losses.SURE(law)(f, y, A))
    assert losses.R2R(law).reconstruct(f, y, A).shape == y.shape


@pytest.mark.parametrize("tile, overlap", [(30, 8), (32, 6), (32, 20), (32, -4)])
def test_tiles_that_do_not_fit_are_refused(tile, overlap):
    with pytest.raises(ValueError, match=f"tile is {tile} and overlap {overlap}; use multiples"):
        models.Tiled(net("UNet"), tile, overlap)
