"""Direct: U(y) from a network that computes y + U(y)."""

import torch
from montecarlo import generator

from course_lib import models


def test_it_takes_the_input_off_again():
    y = torch.rand(2, 1, 8, 8, generator=generator(), dtype=torch.float64)
    net = models.DnCNN(depth=3, width=4).double()
    torch.testing.assert_close(models.Direct(net)(y), net.net(y), rtol=0, atol=1e-12)


def test_an_untrained_unet_returns_its_input_and_its_direct_form_nothing():
    y = torch.rand(2, 1, 8, 8, generator=generator())
    unet = models.UNet(widths=(4, 8))
    assert torch.equal(unet(y), y) and not models.Direct(unet)(y).any()
