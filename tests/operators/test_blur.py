"""Blur: a kernel per image, three borders, and a kept transform that is never stale."""

import copy
import pickle

import pytest
import torch
from linear import assert_adjoint, assert_linear, assert_matrix, rand
from problems import mutant
from torch.nn import functional as F

from course_lib.operators import Blur, Decimation, blur, dense

BORDERS = ("periodic", "zero", "valid")
KERNELS = {  # odd and even, lopsided, of a batch and of channels
    "one": rand(2, 3),
    "even": rand(4, 2),
    "a kernel an image": rand(2, 3, 3),
    "an image and channel": rand(2, 2, 3, 4),
    "a channel": rand(1, 2, 1, 3),
}


def each(test):
    cases = [(kind, border) for kind in KERNELS for border in BORDERS]
    return pytest.mark.parametrize("kind, border", cases)(test)


def by_hand(x, kernel, border):
    """Σ_j k_j x_{i − j + c}, image by image with torch's correlation of the turned kernel."""
    B, C = x.shape[:2]
    kernel = kernel[:, None] if kernel.ndim == 3 else kernel
    kernel = kernel.expand(B, C, -1, -1)
    h, w = kernel.shape[-2:]
    pad = (w - 1 - w // 2, w // 2, h - 1 - h // 2, h // 2)
    if border != "valid":
        x = F.pad(x, pad, mode="circular" if border == "periodic" else "constant")
    y = F.conv2d(x.reshape(1, B * C, *x.shape[2:]), kernel.flip(-1, -2).reshape(B * C, 1, h, w),
                 groups=B * C)  # fmt: skip
    return y.view(B, C, *y.shape[2:])


@each
def test_it_is_the_sum_it_is_said_to_be(kind, border):
    x = rand(2, 2, 6, 7)
    y = Blur(KERNELS[kind], border)(x)
    torch.testing.assert_close(y, by_hand(x, KERNELS[kind], border), rtol=0, atol=1e-12)


@each
def test_the_adjoint_and_the_gradients_are_exact(kind, border):
    A = Blur(KERNELS[kind], border)
    assert_adjoint(A, (2, 2, 6, 7))
    assert_linear(A, (2, 2, 5, 4))


@pytest.mark.parametrize("border", BORDERS)
def test_its_matrix_and_pseudo_inverse(border):
    A = Blur(rand(2, 3) + torch.eye(2, 3), border)
    if border == "periodic":
        return assert_matrix(A, (1, 4, 5))
    y = A(rand(1, 1, 4, 5))
    P = torch.linalg.pinv(dense(A, (1, 4, 5)), rtol=1e-9)
    found = A.pinv(y, tolerance=1e-13).flatten()
    torch.testing.assert_close(found, P @ y.flatten(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "border, old, new",
    [
        ("valid", "h - 1 - h // 2, w - 1 - w // 2\n", "h // 2, w // 2\n"),
        ("valid", "(w - 1 - w // 2, w // 2,", "(w // 2, w - 1 - w // 2,"),
        ("zero", "(H + h - 1, W + w - 1)", "(H, W)"),
        ("zero", "(grid).conj()", "(grid)"),
        ("periodic", "(grid).conj()", "(grid)"),
    ],
)
def test_a_slip_is_caught(border, old, new):
    A = mutant(Blur, old, new)(rand(4, 2), border)
    with pytest.raises((AssertionError, RuntimeError)):
        x = rand(2, 2, 6, 7)
        torch.testing.assert_close(A(x), by_hand(x, rand(4, 2), border), rtol=0, atol=1e-12)
        assert_adjoint(A, (2, 2, 6, 7))


# The kept transform


@pytest.fixture
def transforms(monkeypatch):
    """The sizes for which the kernel was transformed."""
    sizes, transfer = [], blur.transfer
    monkeypatch.setattr(blur, "transfer", lambda k, size: sizes.append(size) or transfer(k, size))
    return sizes


def test_one_kernel_is_transformed_once(transforms):
    A, x = Blur(rand(3, 3)), rand(4, 1, 8, 8)
    first = A(x)
    assert all(torch.equal(A(x), first) for _ in range(3))
    A.adjoint(x), A.pinv(x)
    assert len(transforms) == 1
    A(x[..., :6])
    assert len(transforms) == 2
    torch.testing.assert_close(A(x), first, rtol=0, atol=0)


CHANGES = {
    "in place": lambda A: A.kernel.mul_(2),
    "behind autograd's back": lambda A: A.kernel.data.mul_(2),
    "through numpy": lambda A: A.kernel.numpy().__imul__(2),
    "one entry": lambda A: A.kernel[0, 0, 1].mul_(2),
    "replaced": lambda A: setattr(A, "kernel", 2 * A.kernel),
    "loaded": lambda A: A.load_state_dict({"kernel": 2 * A.kernel}),
    "cast": lambda A: A.float(),
    "cast and back": lambda A: A.float().double(),
    "data set": lambda A: setattr(A.kernel, "data", 2 * A.kernel.data),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_kernel_that_changes_is_transformed_anew(change):
    A, x = Blur(rand(3, 3)), rand(2, 1, 8, 8)
    A(x)
    CHANGES[change](A)
    fresh = Blur(A.kernel.clone())
    assert torch.equal(A(x.to(A.kernel.dtype)), fresh(x.to(A.kernel.dtype)))
    assert torch.equal(A.adjoint(x), fresh.adjoint(x)) and torch.equal(A.pinv(x), fresh.pinv(x))


def test_it_moves_and_is_copied_without_what_it_keeps():
    A, x = Blur(rand(64, 64)), rand(1, 1, 64, 64)
    size = len(pickle.dumps(A))
    y = A(x)
    assert len(pickle.dumps(A)) == size and len(pickle.dumps(copy.copy(A))) == size
    for other in (copy.deepcopy(A), pickle.loads(pickle.dumps(A)), A[0], A[:]):
        assert torch.equal(other(x), y)
        other.kernel.mul_(2)  # where the memory is shared, A changes as well
        assert torch.equal(other(x), 2 * y) and torch.equal(A(x), Blur(A.kernel)(x))
        A.kernel.copy_(rand(64, 64))
    assert copy.deepcopy(A).to("meta")(x.to("meta")).is_meta


def test_gradients_reach_the_kernel():
    """As blind deconvolution needs: after a call without gradients, and at each call anew."""
    kernel, x, y = rand(3, 2), rand(2, 1, 5, 6), rand(2, 1, 5, 6, seed=1)
    with torch.no_grad():
        Blur(kernel)(x)

    def through(k, border="periodic"):
        A = Blur(k, border)
        with torch.no_grad():
            A(x)
        return A(x).sin().sum() + A.adjoint(A(x)).cos().sum()

    for border in BORDERS:
        assert torch.autograd.gradcheck(lambda k, b=border: through(k, b), kernel.requires_grad_())
    A = Blur(kernel.detach())
    A(x)
    swapped = {"kernel": A.kernel.clone()}

    def swap(k):
        return (torch.func.functional_call(A, {"kernel": k}, (x,)) - y).square().sum()

    gradient = torch.func.grad(swap)(swapped["kernel"])
    k = swapped["kernel"].clone().requires_grad_()
    (right,) = torch.autograd.grad((Blur(k)(x) - y).square().sum(), k)
    torch.testing.assert_close(gradient, right, rtol=0, atol=1e-10)
    assert torch.equal(A(x), Blur(A.kernel)(x))


@pytest.mark.parametrize("first", ["inference", "jvp", "vmap", "no_grad"])
def test_what_is_kept_in_one_mode_serves_in_another(first):
    A, x = Blur(rand(3, 3)), rand(2, 1, 6, 6)
    if first == "jvp":
        torch.func.jvp(A, (x,), (x,))
    elif first == "vmap":
        torch.func.vmap(A)(x[None])
    else:
        with torch.inference_mode() if first == "inference" else torch.no_grad():
            A(x)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(A(leaf).square().sum(), leaf)
    torch.testing.assert_close(gradient, 2 * A.adjoint(A(x)), rtol=0, atol=1e-12)
    assert torch.equal(copy.deepcopy(A)(x), A(x))
    _, change = torch.func.jvp(A, (x,), (x,))
    torch.testing.assert_close(change, A(x), rtol=0, atol=1e-12)


# A camera of large pixels


@pytest.mark.parametrize("s", [1, 2, 3, 4, 5, 8])
def test_decimation_of_a_box_is_the_mean_of_the_cell(s):
    x = rand(2, 2, 3 * s, 2 * s)
    box = torch.full((s, s), 1 / s**2, dtype=torch.float64)
    for border in ("periodic", "zero"):
        y = (Decimation(s) @ Blur(box, border))(x)
        torch.testing.assert_close(y, F.avg_pool2d(x, s), rtol=0, atol=1e-12)


@pytest.mark.parametrize("s", [2, 3])
def test_decimation_of_one_phase_is_a_view_and_of_several_the_same_numbers(s):
    x = rand(3, 1, 2 * s, 3 * s)
    for a in range(s):
        for b in range(s):
            one, y = Decimation(s, (a, b)), x[:, :, a::s, b::s]
            assert torch.equal(one(x), y) and one(x).data_ptr() == y.data_ptr()
            other = torch.tensor([[a, b], [0, 0], [s - 1, s - 1]])
            several = Decimation(s, other).double()
            assert torch.equal(several(x)[:1], y[:1])
            assert torch.equal(several.adjoint(y)[:1], one.adjoint(y)[:1])
            assert_adjoint(one, x.shape)
            assert_adjoint(several, x.shape)


WRONG = {
    "border is 'reflect'; use 'periodic' or 'zero' or 'valid'": lambda: Blur(rand(2, 2), "reflect"),
    "kernel has shape (1, 1, 1, 2, 2)": lambda: Blur(rand(1, 1, 1, 2, 2)),
    "kernel holds 4 NaN": lambda: Blur(torch.full((2, 2), torch.nan)),
    "use a non-zero (h, w)": lambda: Blur(torch.stack([rand(2, 2), torch.zeros(2, 2)])),
    "x has shape (1, 1, 4, 4) and Blur was made for (B, 2, H, W)": lambda: Blur(rand(1, 2, 2, 2))(
        rand(1, 1, 4, 4)
    ),
    "kernel (5, 2) is larger than the image (4, 4)": lambda: Blur(rand(5, 2), "valid")(
        rand(1, 1, 4, 4)
    ),
    "phase must hold whole numbers (a, b)": lambda: Decimation(2, (0.5, 1.0)),
    "phase has shape (3,); use (2,) or (B, 2)": lambda: Decimation(2, (0, 1, 1)),
}


@pytest.mark.parametrize("message", WRONG)
def test_bad_input_is_one_clear_sentence(message):
    with pytest.raises(ValueError) as error:
        WRONG[message]()
    assert message in str(error.value) and "\n" not in str(error.value)
