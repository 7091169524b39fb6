"""A convolutional autoencoder: nothing passes but `code` numbers per image."""

from torch import Tensor, nn

from .. import _checks


class Autoencoder(nn.Module):
    """x̂ = D(E(y)), E: image → R^r, D: R^r → image, with r = `code` far below the pixels' number.

    Assumes images of one size near a set of few dimensions, and noise that fills all n of them:
    the output has at most r degrees of freedom, the rank of ∂x̂/∂y, and takes up about r/n of the
    noise. So the naive loss, `losses.MeasurementConsistency`, has no identity to learn.
    Raises ValueError for sides that are no multiples of 4, and for y of another shape.

    Arguments:
        size: (H, W) of y, multiples of 4.
        code: r, how many numbers stand for an image.
        channels: C, of y.
        width: channels of the first scale; the second has twice as many.

    Example:
        >>> f = models.Autoencoder(size=(8, 8), code=3)
        >>> J = torch.autograd.functional.jacobian(f, torch.rand(1, 1, 8, 8)).view(64, 64)
        >>> int(torch.linalg.matrix_rank(J))
        3
    """

    def __init__(self, size: tuple, code: int, channels: int = 1, width: int = 16):
        super().__init__()
        height, width_ = _checks.size(size)
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

    def forward(self, y: Tensor) -> Tensor:
        _checks.image(y, "y")
        if y.shape[1:] != self.shape:
            raise ValueError(
                f"y has shape {tuple(y.shape)}; this Autoencoder was made for images of "
                f"{self.shape}: crop or resize them."
            )
        return self.decoder(self.encoder(y))
