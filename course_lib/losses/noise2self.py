"""Noise2Self: J-invariance, a grid of hidden pixels at a time."""

from .. import _checks
from . import masking
from .base import Loss, apply, misfit


class Noise2Self(Loss):
    """L(f; y) = (width²/m) ‖(A f(y_{−J}, A) − y)_J‖², J one of the width² grids of period `width`.

    Assumes noise independent from pixel to pixel given x, and E[y | x] = Ax; nothing else about
    it. y_{−J} is y with the pixels of J replaced by the mean of their neighbours, so it does not
    depend on y_J. Let g(y)_J = (A f(y_{−J}, A))_J for each grid J: no g_i depends on y_i. Then
        (1/width²) Σ_J L_J = (1/m) ‖g(y) − y‖²,    E L = (1/m) E‖g(y) − Ax‖² + (1/m) E‖y − Ax‖²,
    the risk of g plus the variance. Each image of a batch draws its own J.
    For A = I the x̂ of test time, stitched, is g(y).
    y: images (B, C, H, W), all channels of a pixel hidden together; any size from width on.
    Raises ValueError for an even width, of which each J would meet the 2×2 cells of a U-Net in
    one position only, and for smaller images. Source: Batson and Royer (2019).

    Arguments:
        width: of the grids, in pixels, odd, at least 3.
        test: "stitched" reconstructs x̂_J = f(y_{−J}, A)_J, exactly J-invariant, in width²
            evaluations; "single" is f(y, A), which sees all of y: right for a network that treats
            kept and hidden pixels alike (`models.Direct`), and about y itself for a residual one,
            whose output on kept pixels the loss never looks at.

    Example:
        >>> loss, y = losses.Noise2Self(), torch.randn(1, 1, 6, 6)
        >>> x_hat = loss.reconstruct(lambda y, A: y, y, operators.Identity())
        >>> bool((x_hat != y).all()), loss.test_evals  # f(y) = y gives the neighbours' mean
        (True, 9)
    """

    excess, assumes = 1, ("white",)

    def __init__(self, width: int = 3, test: str = "stitched"):
        super().__init__()
        self.width = _checks.whole(width, "width")
        if self.width % 2 == 0 or self.width < 3:
            why = "so that each mask meets a U-Net's 2×2 cells in all positions"
            raise ValueError(f"width is {width}; it must be odd and at least 3, {why}.")
        self.test = _checks.choice(test, "test", "stitched", "single")
        self.test_evals = self.width**2 if test == "stitched" else 1

    def hide(self, y, phase):
        """(y_{−J}, J) for the grid of this phase, 0 … width² − 1, one for each image or for all."""
        hidden = masking.grid(y, phase, self.width)
        return masking.interpolate(y, hidden), hidden

    def entries(self, f, y, A, noise=None, generator=None):
        u = masking.uniform(_checks.image(y, "y"), (len(y), 1, 1, 1), generator)
        visible, J = self.hide(y, (u * self.width**2).long())
        return self.width**2 * J * misfit(f, visible, y, A)

    def scores(self, A):
        return A.selects == "pixels" and self.test == "stitched"

    def reconstruct(self, f, y, A, noise=None, generator=None):
        if self.test == "single":
            return apply(f, y, A)
        x_hat = 0
        for phase in range(self.width**2):
            visible, J = self.hide(y, phase)
            part = apply(f, visible, A)
            _checks.same_shape(part[:, :1], J, "f(y, A), of which the stitched x̂ is made,", "y")
            x_hat = x_hat + J * part
        return x_hat
