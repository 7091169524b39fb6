"""What every operator keeps, in one test over all of them: batches, types, devices, copies.

A parameter may be one for all images or have a first axis of B, one for each; an image then gets
its own, `A[index]` those of some, and another number of images is refused. Parameters are copies.
What is computed is float32 at least. On the meta device no number is looked at, nothing is made in
float64 (which some devices lack), and no tensor of another device takes part.
"""

import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from montecarlo import generator
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_lib import operators as O
from course_lib.operators.actions import Action

B = 3


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=generator(seed))


def mask(*shape):
    m = (rand(*shape) < 0.6).float()
    m[..., 0] = 1
    return m


def maps(count):
    return torch.polar(rand(count, 2, 6, 6) + 0.1, rand(count, 2, 6, 6, seed=1))


CASES = {  # name: (what makes it, its parameters of B images each, the images' (C, H, W))
    "Identity": (O.Identity, {}, (2, 4, 6)),
    "Inpainting": (O.Inpainting, {"mask": mask(B, 1, 4, 6)}, (2, 4, 6)),
    "Inpainting, channels": (O.Inpainting, {"mask": mask(B, 2, 4, 6)}, (2, 4, 6)),
    "Decimation": (
        lambda phase: O.Decimation(2, phase), {"phase": torch.tensor([[0, 1], [1, 1], [0, 0]])},
        (2, 4, 6)),
    "Decimation, one phase": (
        lambda phase: O.Decimation(3, phase), {"phase": torch.tensor([[2, 1]] * 3)}, (2, 6, 6)),
    "Demosaicing": (lambda: O.Demosaicing(["RGGB", "BGGR", "GRBG"]), {}, (3, 3, 5)),
    "Blur": (O.Blur, {"kernel": rand(B, 2, 3)}, (2, 4, 6)),
    "Blur, channels": (O.Blur, {"kernel": rand(B, 2, 2, 3)}, (2, 4, 6)),
    "Blur, zero": (lambda kernel: O.Blur(kernel, "zero"), {"kernel": rand(B, 2, 3)}, (2, 4, 6)),
    "Blur, valid": (lambda kernel: O.Blur(kernel, "valid"), {"kernel": rand(B, 2, 3)}, (2, 4, 6)),
    "CompressedSensing": (O.CompressedSensing, {"matrix": rand(B, 7, 4, 6) - 0.5}, (2, 4, 6)),
    "MRI": (O.MRI, {"mask": mask(B, 1, 6, 6)}, (2, 6, 6)),
    "MRI, odd": (O.MRI, {"mask": mask(B, 1, 5, 7)}, (2, 5, 7)),
    "MultiCoilMRI": (
        O.MultiCoilMRI, {"mask": mask(B, 1, 6, 6), "coil_maps": maps(B)}, (2, 6, 6)),
    "Radon": (lambda angles: O.Radon(angles, 6), {"angles": 180 * rand(B, 4)}, (2, 6, 6)),
    "Interferometry": (
        lambda u, v, sigma: O.Interferometry(u, v, 6, sigma=sigma),
        {"u": 1e9 * rand(B, 5), "v": 1e9 * rand(B, 5, seed=1), "sigma": 0.1 + rand(B, 5, seed=2)},
        (2, 6, 6)),
    "CryoEM": (
        O.CryoEM,
        {"rotation": O.random_rotations(B, generator()).float(), "shift": rand(B, 2),
         "defocus": 1e4 + 5e3 * rand(B), "pixel": 3 + rand(B), "voltage": 2e5 + 1e5 * rand(B),
         "aberration": 2e7 + 1e7 * rand(B), "contrast": 0.1 * rand(B), "phase": rand(B),
         "decay": 50 * rand(B), "astigmatism": 500 * rand(B), "angle": rand(B)},
        (6, 6, 6)),
    "Scaled": (
        lambda factor: O.Scaled(O.Decimation(2), factor), {"factor": 1 + rand(B, 1, 1, 1)},
        (2, 4, 6)),
    "Compose": (
        lambda mask, kernel: O.Inpainting(mask) @ O.Blur(kernel),
        {"mask": mask(B, 1, 4, 6), "kernel": rand(B, 2, 3)}, (2, 4, 6)),
    "Roll": (O.Roll, {"shift": torch.tensor([[0, 1], [2, 1], [5, -7]])}, (2, 4, 6)),
    "Permute": (
        O.Permute, {"order": rand(B, 24).argsort(-1)}, (2, 4, 6)),
    "Amplify": (O.Amplify, {"factor": 0.5 + rand(B)}, (2, 4, 6)),
    "Zoom": (O.Zoom, {"scale": 0.5 + rand(B) / 2, "centre": 4 * rand(B, 2)}, (2, 4, 6)),
    "Flip": (O.Flip, {"flip": torch.tensor([0, 1, 1])}, (2, 4, 6)),
    "Rotate": (O.Rotate, {"angle": torch.tensor([90.0, 0.0, -33.0])}, (2, 6, 6)),
    "Rotate, quarters": (O.Rotate, {"angle": torch.tensor([90.0, 0.0, 270.0])}, (2, 5, 5)),
    "Transmission": (
        lambda angles: O.Transmission(O.Radon(angles, 6), 100.0), {"angles": 180 * rand(B, 4)},
        (2, 6, 6)),
}  # fmt: skip
LINEAR = [name for name in CASES if name != "Transmission"]
BATCHED = [name for name in CASES if name != "Identity"]


def made(name):
    make, parameters, shape = CASES[name]
    return make(**parameters), rand(B, *shape, seed=7)


def same(a, b, rtol=1e-5):
    torch.testing.assert_close(a, b, rtol=0, atol=rtol * float(b.abs().max()))


def every(test, names=CASES):
    return pytest.mark.parametrize("name", names)(test)


def linear(test):
    return every(test, LINEAR)


def batched(test):
    return every(test, BATCHED)


def refused(call, *words, error=ValueError):
    with pytest.raises(error) as caught:
        call()
    told = str(caught.value)
    assert all(word in told for word in words) and told.endswith(".") and "\n" not in told, told


PIXELS, TURN = O.Inpainting(mask(B, 1, 6, 6)), O.Rotate(torch.tensor([30.0, 5.0, 1.0]))
COMPOSED = {  # what is made of two: (A, the images' (C, H, W)), for the facts alone
    "a selection of pixels": (O.Decimation(2) @ PIXELS, (2, 6, 6)),
    "a mosaic of pixels": (O.Demosaicing(["RGGB", "BGGR", "GRBG"]) @ PIXELS, (3, 6, 6)),
    "pixels of a shift": (PIXELS @ O.Roll((2, 1)), (2, 6, 6)),
    "a shift of pixels": (O.Roll((2, 1)) @ PIXELS, (2, 6, 6)),
    "pixels as they are": (O.Identity() @ PIXELS, (2, 6, 6)),
    "some coefficients": (PIXELS @ O.MRI(mask(1, 6, 6)), (2, 6, 6)),
    "pixels of a turn": (PIXELS @ TURN, (2, 6, 6)),
    "a turn of pixels": (TURN @ PIXELS, (2, 6, 6)),
    "a turn of a turn": (TURN @ O.Rotate(20.0), (2, 6, 6)),
    "coefficients of pixels": (O.MRI(mask(1, 6, 6)) @ PIXELS, (2, 6, 6)),
    "nothing, twice": (O.Identity() @ O.Identity(), (2, 6, 6)),
    "minus one": (O.Scaled(O.Identity(), -1.0), (2, 6, 6)),
}


def facts(A, shape):
    """What the matrix of one operator is: identity, isometry, projection, a selection of what."""
    M, kept, y = O.dense(A, shape).double(), A.measured(), A(rand(1, *shape))
    kept = torch.ones(len(M)) if kept is None else kept.expand(y.shape).flatten()
    rows, eye = M[kept == 1], torch.eye(M.shape[1]).double()
    assert len(M) == y.numel() and not M[kept != 1].any()

    def near(N, other):
        return N.shape == other.shape and torch.allclose(N, other, rtol=0, atol=1e-5)

    selects = "coefficients" if near(rows @ rows.T, torch.eye(len(rows)).double()) else None
    selects = "pixels" if selects and ((rows == 0) | (rows == 1)).all() else selects
    isometry = near(M.T @ M, eye) and near(M @ M.T, eye)
    return near(M, eye), isometry, near(M @ M.T @ M, M), selects


@pytest.mark.parametrize("name", [*LINEAR, *COMPOSED])
def test_an_operator_is_what_it_says(name):
    """Each fact against the matrices of a batch, both ways: it is said of what it is true of."""
    A, shape = COMPOSED[name] if name in COMPOSED else (made(name)[0], CASES[name][2])
    identity, isometry, projection, selects = zip(*(facts(a, shape) for a in A), strict=True)
    if name == "minus one":  # whose factor is a number like any other: nothing is said
        assert not (A.is_identity or A.isometry or A.projection or A.selects)
        return
    assert A.is_identity == all(identity) and A.isometry == all(isometry)
    assert A.projection == all(projection)
    truth = next((word for word in (None, "coefficients") if word in selects), "pixels")
    assert A.selects in MAY_SAY[truth]


MAY_SAY = {  # of a selection; pixels are coefficients, too
    "pixels": ("pixels", "coefficients"), "coefficients": ("coefficients", None), None: (None,)
}  # fmt: skip


@every
def test_it_takes_and_gives_what_it_says_and_has_one_pseudo_inverse(name):
    A, x = made(name)
    for sizes, u in ((A.takes, x), (A.gives, A(x))):
        wanted = [n for n in sizes or () if not isinstance(n, str)]
        assert wanted == [
            s for n, s in zip(sizes or (), u.shape[1:], strict=False) if not isinstance(n, str)
        ]
    arguments = inspect.signature(A.pinv).parameters.values()
    assert [(p.name, p.default) for p in arguments][1:] == [("iterations", 50), ("tolerance", None)]
    y = A(x)
    torch.testing.assert_close(A.pinv(y, 50, None), A.pinv(y, iterations=50, tolerance=None))
    if A.projection:
        assert torch.equal(A.pinv(y), A.adjoint(y))


def test_no_operator_is_forgotten():
    public = {value for value in vars(O).values() if isinstance(value, type)}
    public = {c for c in public if issubclass(c, O.Operator)} - {O.Operator, Action}
    tested = {name.split(",")[0] for name in CASES}
    assert {c.__name__ for c in public} == tested


@batched
def test_each_image_has_its_own_parameters(name):
    A, x = made(name)
    y = A(x)
    assert A.count == len(A) == B and len({float(v) for v in A(x[:1].expand_as(x)).sum((1, 2, 3))})
    parts = list(A)
    assert len(parts) == B
    same(torch.cat([a(x[[i]]) for i, a in enumerate(parts)]), y)
    same(A(x[:1]), A(x[:1].expand_as(x)))  # one image through all
    same(parts[1](x)[[1]], y[[1]])  # one operator for all
    if name in LINEAR:
        same(torch.cat([a.adjoint(y[[i]]) for i, a in enumerate(parts)]), A.adjoint(y))
        same(A.adjoint(y[:1]), A.adjoint(y[:1].expand_as(y)))


INDICES = [1, -2, np.int64(1), np.int8(-2), torch.tensor(1), slice(1, 2), [1], (1,), np.array([1]),
           torch.tensor([1]), torch.tensor([-2]), torch.tensor([False, True, False])]  # fmt: skip


@batched
def test_an_index_of_any_kind(name):
    A, x = made(name)
    right = A(x)[[1]]
    for index in INDICES:
        part = A[index]
        assert part.count == 1 and type(part) is type(A)
        same(part(x[[1]]), right)
    same(A[[2, 0]](x[[2, 0]]), A(x)[[2, 0]])
    assert len(A[1:]) == 2 and len(A[::2]) == 2


@batched
def test_an_index_outside_of_the_batch_is_refused(name):
    A, _ = made(name)
    for index in (B, -B - 1, 10**6, np.int64(B), [0, B], torch.tensor([-B - 1]), slice(B, None)):
        refused(lambda index=index: A[index], f"batch of {B}", error=IndexError)
    for index in ("1", 1.5, None):
        refused(lambda index=index: A[index], "give a number, a slice or", error=TypeError)


@batched
def test_another_number_of_images_is_refused(name):
    A, x = made(name)
    calls = {"x": A, "y": A.adjoint} if name in LINEAR else {"x": A}
    y = A(x)
    for letter, call in calls.items():
        u = x if letter == "x" else y
        for count in (2, 4):
            wrong = u[[0] * count]
            refused(lambda c=call, w=wrong: c(w), f"{letter} holds {count} images and", f"for {B};")
    refused(lambda: A.pinv(y[:2]), "y holds 2 images and", f"for {B};")


@every
def test_parameters_for_different_numbers_of_images_are_refused(name):
    make, parameters, shape = CASES[name]
    for short in parameters if len(parameters) > 1 else ():
        cut = {n: p[:2] if n == short else p for n, p in parameters.items()}
        if name == "Compose":  # each half is in order; together they refuse every x
            refused(lambda cut=cut: make(**cut)(rand(B, *shape)), "take the operators of these")
        else:
            refused(lambda cut=cut: make(**cut), "images were given")


@every
def test_parameters_are_copies(name):
    """Both ways: changes of the caller's tensors, and changes of the operator's."""
    make, parameters, shape = CASES[name]
    mine = {n: p.clone() for n, p in parameters.items()}
    A, x = make(**mine), rand(B, *shape, seed=7)
    y = A(x)
    for p in mine.values():
        p.copy_(p.flip(0) + 1 if p.dtype != torch.bool else ~p)
    assert torch.equal(A(x), y)
    mine = {n: p.clone() for n, p in parameters.items()}
    A = make(**mine)
    for buffer in A.buffers():
        buffer.zero_()
    assert all(torch.equal(mine[n], parameters[n]) for n in mine)


@every
def test_a_copy_and_a_pickle_are_the_operator(name):
    make, parameters, shape = CASES[name]
    A, x = made(name)
    y = A(x)
    for other in (copy.deepcopy(A), pickle.loads(pickle.dumps(A)) if name in PICKLED else A[:]):
        assert torch.equal(other(x), y)


PICKLED = list(CASES)


@every
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_are_left_behind(name, half):
    A, x = made(name)
    x = x.to(half)
    y = A(x.float())
    assert y.dtype == torch.float32 and torch.equal(A(x), y)
    back = A.adjoint if name in LINEAR else A.pinv
    pinv = A.pinv(y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(A(x), y) and torch.equal(A(x.float()), y)
        assert torch.equal(back(y.to(half)), back(y.to(half).float()))
        assert torch.equal(A.pinv(y), pinv)
        leaf = x.float().requires_grad_()
        (gradient,) = torch.autograd.grad(A(leaf).square().sum(), leaf)
    (right,) = torch.autograd.grad(A(leaf).square().sum(), leaf)
    same(gradient, right, rtol=2e-2 if name in ("CompressedSensing", "Zoom") else 1e-5)
    for cast in (lambda A: A.to(half), lambda A: A.half(), lambda A: A.bfloat16()):
        kept = cast(copy.deepcopy(A))
        assert torch.equal(kept(x), y)
        assert all(b.dtype == c.dtype for b, c in zip(kept.buffers(), A.buffers(), strict=True))


@every
def test_numbers_that_are_no_tensors_get_the_default_type(name):
    """Also NumPy's float64: a float64 parameter would make everything float64."""
    make, parameters, shape = CASES[name]
    A, x = made(name)
    if name in ("CryoEM", "Interferometry"):  # that take tensors
        return
    other = make(**{n: p.numpy().astype(np.result_type(p.numpy(), np.float64))
                    if p.is_floating_point() or p.is_complex() else p.numpy()
                    for n, p in parameters.items()})  # fmt: skip
    assert other(x).dtype == torch.float32
    same(other(x), A(x))


class Watched(TorchDispatchMode):
    """A device without float64 on which every tensor of a computation must lie."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for t in tree_leaves((args, kwargs, out)):
            if torch.is_tensor(t) and t.ndim:
                assert t.is_meta, f"{function} takes or makes a tensor on {t.device}"
                assert t.dtype not in (torch.float64, torch.complex128), f"{function}: {t.dtype}"
        return out


@every
def test_it_runs_on_a_device_that_has_no_numbers_and_no_float64(name):
    A, x = made(name)
    y, pinv = A(x), A.pinv(A(x))
    A, x = A.to("meta"), x.to("meta")
    with Watched():
        found = A(x)
        assert (found.shape, found.dtype, found.device.type) == (y.shape, y.dtype, "meta")
        if name in LINEAR:
            assert A.adjoint(found).shape == x.shape
        assert A.pinv(found).shape == pinv.shape
        A[1:](x[1:])


@batched
def test_another_device_is_named(name):
    A, x = made(name)
    y = A(x)
    A = A.to("meta")
    refused(lambda: A(x), "x is on cpu and", "on meta; move one", "x.to('meta')")
    refused(lambda: A.pinv(y), "y is on cpu and", "on meta; move one")
    A, x = made(name)
    refused(lambda: A(x.to("meta")), "x is on meta and", "on cpu; move one")


@every
def test_what_is_no_real_image_is_told_what_to_do(name):
    A, x = made(name)
    back = A.adjoint if name in LINEAR else A.pinv
    for letter, call in {"x": A, "y": back}.items():
        refused(lambda c=call: c(torch.complex(x, x)), f"operators.fourier.to_channels({letter})")
        refused(lambda c=call: c(x.byte()), f"{letter}.float() / 255")
        refused(lambda c=call: c(x.to(torch.int16)), f"{letter}.float() / 32767")
        refused(lambda c=call: c(x.tolist()), "torch.as_tensor", error=TypeError)
        if name != "Identity":
            refused(lambda c=call: c(x[0]), "images are (B, C, H, W)")


@batched
def test_no_image_at_all_is_refused(name):
    A, x = made(name)
    refused(lambda: A[0](x[:0]), "x has shape (0, ", "no image at all; give at least one")
    refused(lambda: A[0].pinv(A(x)[:0]), "y has shape (0, ")
