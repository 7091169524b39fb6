"""What a group shows of the null space of one operator: ranks, the bound of its characters."""

import math

import torch

from . import groups
from .operators import Operator, dense


def rank(A: Operator, group: groups.Group, shape: tuple, tolerance: float = 1e-5) -> int:
    """rank Σ_g T_gᵀAᵀA T_g: how many directions of image space A sees with the help of the group.

    n, the number of pixels, is necessary to learn from A alone, not sufficient; as each T_g adds at
    most m directions it needs m ≥ n/|G|. An A that commutes with the group (AᵀA T_g = T_g AᵀA)
    keeps its rank m: the group then shows nothing.

    Arguments:
        A: a linear operator, for small images (`operators.dense`).
        group: a group with a list of `elements`.
        shape: (C, H, W) of the image.
        tolerance: singular values below this share of the largest count as 0; default 1e-5.

    Example:
        >>> A = operators.Inpainting(torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]))
        >>> [symmetry.rank(A, group, (1, 1, 8)) for group in (groups.Shift(), groups.Reflection())]
        [8, 6]

    Source: Tachella, Chen and Davies (2023), section 3.
    """
    T = group.elements(shape[-2:])
    return int(torch.linalg.matrix_rank(dense(A @ T, shape).double(), rtol=tolerance))


def irreps(group: groups.Group, shape: tuple, seed: int = 0) -> list:
    """[(c_j, s_j)]: image space holds c_j copies of irreducible representation j, of dimension s_j.

    Σ_j c_j s_j = n. Found without a table: the average of T_g H T_gᵀ over the group, H a random
    Hermitian matrix, commutes with every T_g, so that its eigenspaces are irreducible; copies of
    one representation are those with one character χ(g) = tr(P T_g), P the projection on the space.

    Arguments:
        group: a group with a list of `elements`, orthogonal.
        shape: (C, H, W) of the image, a small one.
        seed: of H; default 0.

    Example:
        >>> sorted(symmetry.irreps(groups.Rotation(90), (1, 4, 4)))
        [(4, 1), (4, 1), (4, 1), (4, 1)]
    """
    groups.orthogonal(group, "irreps")
    T = group.elements(shape[-2:])
    n = math.prod(shape)
    T = dense(T, shape).double().reshape(T.count, n, n)
    g = torch.Generator().manual_seed(seed)
    H = torch.randn(n, n, 2, generator=g, dtype=torch.float64)
    H = torch.view_as_complex(H)
    T = T.to(H.dtype)
    M = (T @ (H + H.mH) @ T.mT).mean(0)
    values, vectors = torch.linalg.eigh(M)
    found = []  # (character, dimension, copies)
    new = torch.diff(values) > 1e-6 * values.abs().max()
    for U in vectors.tensor_split((new.nonzero().flatten() + 1).tolist(), dim=1):
        character = torch.einsum("ik,gij,jk->g", U.conj(), T, U)
        same = next((f for f in found if torch.allclose(f[0], character, atol=1e-6)), None)
        if same is None:
            found.append([character, U.shape[1], 1])
        else:
            same[2] += 1
    return [(copies, dimension) for _, dimension, copies in found]


def least_measurements(group: groups.Group, shape: tuple) -> int:
    """⌈max_j c_j/s_j⌉: no A with fewer measurements has rank n with this group.

    The slides write c_j/s_i; each c_j belongs to its own s_j. c_j copies of dimension s_j, of which
    m rows see at most m s_j directions.

    Arguments:
        group: a group with a list of `elements`, orthogonal.
        shape: (C, H, W) of the image, a small one.

    Example:
        >>> symmetry.least_measurements(groups.Shift(), (1, 1, 8))
        1
        >>> symmetry.least_measurements(groups.D4(), (1, 4, 4))
        3
    """
    return max(math.ceil(copies / dimension) for copies, dimension in irreps(group, shape))


def commutator(A: Operator, group: groups.Group, shape: tuple, seed: int = 0) -> float:
    """‖AᵀA T_g v − T_g AᵀA v‖/‖AᵀA v‖ in the root mean square over g, v white: 0 if A commutes.

    Arguments:
        A: a linear operator.
        group: any group of orthogonal transforms.
        shape: (C, H, W) of the image.
        seed: of v and g; default 0.

    Example:
        >>> A = operators.Blur(torch.ones(1, 3) / 3)
        >>> symmetry.commutator(A, groups.Shift(), (1, 8, 8)) < 1e-5
        True
    """
    generator = torch.Generator().manual_seed(seed)
    v = torch.randn(A.count if A.count > 1 else 8, *shape, generator=generator)
    v = v.to(next(A.buffers(), v).device)
    T = group.draw(v, generator)
    AAv = A.adjoint(A(v))
    return float((A.adjoint(A(T(v))) - T(AAv)).norm() / AAv.norm())
