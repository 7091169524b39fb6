"""A convolutional autoencoder: nothing passes but `code` numbers per image."""

from torch import nn

from .. import _checks


class Autoencoder(nn.Module):
    """x̂ = D(E(y)), E: image → R^r, D: R^r → image, with r = `code` far below the pixels' number.

    Assumes images of one size near a set of few dimensions, and noise that fills all n of them:
    the output has at most r degrees of freedom, the rank of ∂x̂/∂y, and takes up about r/n of the
    noise. So the naive loss, `losses.MeasurementConsistency`, has no identity to learn.
    y: (B, C, H, W) with (H, W) = size, multiples of 4. width: channels of the first scale, twice
    as many in the second.
    """

    def __init__(self, size, code, channels=1, width=16):
        super().__init__()
        height, width_ = (_checks.whole(side, "size") for side in size)
        if height % 4 or width_ % 4:
            raise ValueError(f"size is {tuple(size)}; an Autoencoder halves it twice: use 4s.")
        self.shape, inner = (channels, height, width_), (2 * width, height // 4, width_ // 4)
        flat = inner[0] * inner[1] * inner[2]
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(flat, _checks.whole(code, "code")),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, flat),
            nn.ReLU(),
            nn.Unflatten(1, inner),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        )

    def forward(self, y):
        _checks.image(y, "y")
        if y.shape[1:] != self.shape:
            raise ValueError(
                f"y has shape {tuple(y.shape)}; this Autoencoder was made for images of "
                f"{self.shape}: crop or resize them."
            )
        return self.decoder(self.encoder(y))
