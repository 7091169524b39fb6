"""From a network on images to a reconstructor f(y, A)."""

import torch


class BackProjection(torch.nn.Module):
    """f(y, A) = net(A†y): a network that repairs the pseudo-inverse (Jin et al. 2017)."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, y, A):
        return self.net(A.pinv(y))
