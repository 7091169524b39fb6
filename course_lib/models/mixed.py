"""A reconstructor whose network computes in bf16."""

import torch


class Mixed(torch.nn.Module):
    """f(y, A) with the convolutions and matrix products of f in bf16, x̂ in the dtype of y.

    The operators of this package compute in float32 at least, so that bf16, 8 bits of precision,
    is for the network alone; weights stay in float32. Faster where the processor has instructions
    for bf16 (GPUs since 2020, CPUs with AMX or AVX512-BF16), slower elsewhere. Two images that f
    maps to nearly the same lose digits in their difference: keep steps tau of a divergence at 0.1
    noise standard deviations or more. Source: Micikevicius et al. (2018); Kalamkar et al. (2019).

    Arguments:
        f: a reconstructor f(y, A) with weights in float32.

    Example:
        >>> f = models.Mixed(models.BackProjection(models.DnCNN(depth=2, width=4)))
        >>> f(torch.rand(1, 1, 8, 8), operators.Identity()).dtype
        torch.float32
    """

    def __init__(self, f: torch.nn.Module):
        super().__init__()
        self.f = f

    def forward(self, y: torch.Tensor, A: "operators.Operator") -> torch.Tensor:  # noqa: F821
        # without autocast's cache: it would outlive the weights that an optimizer changes
        with torch.autocast(y.device.type, torch.bfloat16, cache_enabled=False):
            return self.f(y, A).to(y.dtype)
