"""Splitting of a reconstructor that is averaged over a group."""

import torch

from .. import groups
from .base import apply
from .splitting import Splitting


class EquivariantSplitting(Splitting):
    """`Splitting` of f̄(y, A) = (1/|G|) Σ_g T_g f(y, A T_g): L(f̄; y), in training one g an image.

    Assumes that T_g x is as likely an image as x, T_g orthogonal, and what `Splitting` assumes of
    the noise. f̄ is equivariant, f̄(y, A T_h) = T_h⁻¹ f̄(y, A), so that the one operator A stands for
    all A T_g: the minimiser is E[x | y_a, A_a] where Σ_g T_gᵀAᵀA T_g has full rank. In training
    f̄ is T_g f(y, A T_g) with a g drawn for each image: by convexity a loss on its average or above.
    At test time, with one mask and one g for each t,
        x̂ = (1/N) Σ_t T_{g_t} f(y_{a,t}, A_{a,t} T_{g_t}),  N = `draws`;
    the elements of a group of at most N come in turn, so that each is there if |G| divides N.

    Arguments:
        hidden: p, the share of measurements hidden from f, as in `Splitting`.
        group: a `groups.Group` of orthogonal transforms, e.g. `groups.D4()`.
        target: "all", the default, puts every entry into the loss, right without noise; "hidden"
            only those that f does not see, whose value is the risk there plus the variance.
        test: "mean", the default, as above; "plain" gives f all measurements for every t.
        draws: N; default 8, all of D4.

    Example:
        >>> A = operators.Inpainting(torch.rand(1, 1, 8, 8) < 0.5)
        >>> loss = losses.EquivariantSplitting(0.2, groups.D4())
        >>> loss.reconstruct(lambda y, A: A.adjoint(y), A(torch.rand(2, 1, 8, 8)), A).shape
        torch.Size([2, 1, 8, 8])

    Raises ValueError for a group without T_g⁻¹ = T_gᵀ. Source: Sechaud et al. (2026).
    """

    def __init__(
        self,
        hidden: "float | torch.Tensor",
        group: groups.Group,
        target: str = "all",
        test: str = "mean",
        draws: int = 8,
    ):
        if test not in ("mean", "plain"):
            raise ValueError(f"test is {test!r}; use one of mean, plain.")
        super().__init__(hidden, "zero", target, test, draws)
        self.group, self.test_evals = groups.orthogonal(group, "EquivariantSplitting"), draws

    def entries(self, f, y, A, noise=None, generator=None):
        T = self.group.draw(A.adjoint(y), generator)
        return super().entries(lambda u, B: T(apply(f, u, B @ T)), y, A, noise, generator)

    def reconstruct(self, f, y, A, noise=None, generator=None):
        like, u, x_hat = A.adjoint(y), self.uniforms(y, generator), 0
        for t in range(self.draws):
            T = self.element(t, like, generator)
            hide = self.test == "mean"
            y_a, A_a = self.split(y, A, (u + t / self.draws) % 1)[:2] if hide else (y, A)
            x_hat = x_hat + T(apply(f, y_a, A_a @ T)) / self.draws
        return x_hat

    def element(self, t, like, generator):
        """T for the t-th term: the t-th element of a small group, else a random one an image."""
        if self.group.count is not None and self.group.count <= self.draws:
            return self.group.elements(like.shape[-2:])[t % self.group.count].to(like.device)
        return self.group.draw(like, generator)
