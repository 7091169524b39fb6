"""The networks: shapes, homogeneity, independence of images, and the two ways to use them."""

import pytest
import torch
from montecarlo import generator

from course_lib import models, operators

NETS = {
    "UNet": lambda **options: models.UNet(widths=(4, 8, 8), **options),
    "DnCNN": lambda **options: models.DnCNN(depth=3, width=6, **options),
}


def net(name, seed=0, **options):
    """A network as training might leave it: no weight is zero, the U-Net's last layer neither."""
    torch.manual_seed(seed)
    f = NETS[name](**options).double()
    with torch.no_grad():
        for weight in f.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return f


def images(*shape):
    return torch.rand(*shape, generator=generator(), dtype=torch.float64)


def every(test):
    return pytest.mark.parametrize("name", NETS)(test)


@every
@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (3, 2, 8, 12)])
def test_an_image_of_the_same_shape_comes_out(name, shape):
    y = images(*shape)
    assert net(name, channels=shape[1])(y).shape == shape


def test_the_dncnn_takes_any_size():
    assert net("DnCNN")(images(1, 1, 5, 7)).shape == (1, 1, 5, 7)


@every
@pytest.mark.parametrize("scale", [0.01, 3.0, 255.0])
def test_without_biases_it_is_homogeneous(name, scale):
    f, y = net(name, bias=False), images(2, 1, 8, 8)
    torch.testing.assert_close(f(scale * y), scale * f(y), rtol=1e-10, atol=0)
    assert not any("bias" in key for key in f.state_dict())


@every
def test_with_biases_it_is_not(name):
    f, y = net(name), images(2, 1, 8, 8)
    assert not torch.allclose(f(3 * y), 3 * f(y), rtol=1e-3)


@every
def test_the_images_of_a_batch_do_not_influence_each_other(name):
    """The divergence of SURE counts on it."""
    f, y = net(name), images(4, 1, 8, 8)
    changed = torch.cat([y[:3], 100 * y[3:]])
    torch.testing.assert_close(f(y)[:3], f(changed)[:3], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(f(y)[1:2], f(y[1:2]), rtol=1e-12, atol=1e-14)


@every
def test_training_and_evaluation_mode_are_the_same_map(name):
    f, y = net(name), images(2, 1, 8, 8)
    assert torch.equal(f.train()(y), f.eval()(y))


@every
def test_the_seed_decides_the_weights(name):
    one, same, other = (net(name, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


@every
def test_gradients_reach_every_weight_and_the_image(name):
    f, y = net(name), images(2, 1, 8, 8).requires_grad_()
    f(y).square().sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in f.parameters())
    assert y.grad.abs().min() > 0


@every
def test_forward_mode_agrees_with_backward_mode(name):
    """Hutchinson's divergence goes through jvp."""
    f, y, p = net(name), images(1, 1, 8, 8), images(1, 1, 8, 8)
    _, Jp = torch.func.jvp(f, (y,), (p,))
    u = y.clone().requires_grad_()
    (Jq,) = torch.autograd.grad(f(u), u, p)
    torch.testing.assert_close((p * Jp).sum(), (p * Jq).sum(), rtol=1e-10, atol=0)


@pytest.mark.parametrize("bias", [True, False])
def test_the_unet_starts_as_the_identity(bias):
    f, y = models.UNet(bias=bias), images(1, 1, 8, 8).float()
    assert torch.equal(f(y), y)


def test_the_course_s_unet_fits_its_budget():
    assert sum(p.numel() for p in models.UNet().parameters()) <= 130_000


def test_a_unet_sees_beyond_a_dncnn_of_its_depth():
    """One changed corner moves the far corner of the U-Net's 16² image."""
    f, y = net("UNet"), images(1, 1, 16, 16)
    changed = y.clone()
    changed[..., 0, 0] += 1
    assert (f(changed) - f(y))[..., -4:, 8].abs().max() > 0


@every
def test_back_projection_is_the_network_on_the_pseudo_inverse(name):
    g, y = net(name), images(2, 1, 8, 8)
    A = operators.Blur(torch.tensor([[0.3, 0.7]], dtype=torch.float64))
    f = models.BackProjection(g)
    assert torch.equal(f(y, A), g(A.pinv(y)))
    assert torch.equal(f(y, operators.Identity()), g(y))


@every
def test_another_number_of_channels_is_refused(name):
    with pytest.raises(ValueError, match="y has 3 channels; this .* was made for 1"):
        net(name)(images(1, 3, 8, 8))


@pytest.mark.parametrize("size", [(6, 8), (8, 10)])
def test_a_size_that_cannot_be_halved_twice_is_refused(size):
    with pytest.raises(ValueError, match="crop or pad it to multiples of 4"):
        net("UNet")(images(1, 1, *size))


def test_a_dncnn_of_one_layer_is_refused():
    with pytest.raises(ValueError, match="depth is 1"):
        models.DnCNN(depth=1)
