"""Cryo-EM: the CTF's formula, the Fourier slice theorem, rotations, shifts."""

import itertools
import math

import numpy as np
import pytest
import torch
from linear import rand
from montecarlo import generator, summary
from problems import mutant

from course_lib import data
from course_lib.operators import CryoEM, ctf, euler_rotations, random_rotations
from course_lib.operators.ctf import formula as the_formula
from course_lib.operators.ctf import wavelength

K = torch.linspace(0, 0.4, 200, dtype=torch.float64)


def formula(k, defocus, phase=0.0, decay=0.0):
    """The formula at 300 kV, Cs 2.7 mm and w = 0.1, one frequency at a time."""
    lam = 12.2639 / math.sqrt(300e3 + 0.97845e-6 * 300e3**2)
    values = []
    for f in k.tolist():
        inner = -0.5 * defocus * lam * f**2 + 0.25 * 2.7e7 * lam**3 * f**4
        gamma = 2 * math.pi * inner - phase
        value = math.sqrt(1 - 0.1**2) * math.sin(gamma) - 0.1 * math.cos(gamma)
        values.append(value * math.exp(-decay * f**2 / 4))
    return torch.tensor(values, dtype=torch.float64)


def relion(x, y, row):
    """RELION's CTF at the frequency (x, y) in 1/Å, from a row of its STAR file, in its units."""
    voltage, cs = 1e3 * row["Voltage"], 1e7 * row["SphericalAberration"]
    lam = 12.2639 / math.sqrt(voltage + 0.97845e-6 * voltage**2)
    u, v = row["DefocusU"], row["DefocusV"]
    turn = math.atan2(y, x) - math.radians(row["DefocusAngle"])
    defocus = -(u + v) / 2 - (u - v) / 2 * math.cos(2 * turn)
    k2, w = x * x + y * y, row["AmplitudeContrast"]
    argument = math.pi * lam * defocus * k2 + math.pi / 2 * cs * lam**3 * k2 * k2
    argument -= math.radians(row["PhaseShift"])
    value = -(math.sqrt(1 - w**2) * math.sin(argument) - w * math.cos(argument))
    return value * math.exp(-row["CtfBfactor"] * k2 / 4)


ROW = {"Voltage": 200, "SphericalAberration": 2.0, "DefocusU": 18e3, "DefocusV": 15e3,
       "DefocusAngle": 35, "AmplitudeContrast": 0.07, "PhaseShift": 40,
       "CtfBfactor": 20}  # fmt: skip


def converted(row):
    """The conversion in the docstring of `ctf`."""
    return {
        "defocus": (row["DefocusU"] + row["DefocusV"]) / 2,
        "astigmatism": row["DefocusU"] - row["DefocusV"],
        "angle": row["DefocusAngle"] * math.pi / 180,
        "phase": row["PhaseShift"] * math.pi / 180,
        "voltage": 1e3 * row["Voltage"],
        "aberration": 1e7 * row["SphericalAberration"],
        "contrast": row["AmplitudeContrast"],
        "decay": row["CtfBfactor"],
    }


ZERO = torch.zeros((), dtype=torch.float64)
USUAL = {"voltage": 300e3, "aberration": 2.7e7, "contrast": 0.1}


def assert_ctf(ctf):
    for defocus, phase, decay in ((8e3, 0.0, 0.0), (15e3, 0.7, 60.0), (25e3, math.pi / 2, 120.0)):
        found = ctf(K, ZERO, defocus, phase=phase, decay=decay, **USUAL, astigmatism=0.0, angle=0.0)
        torch.testing.assert_close(found, formula(K, defocus, phase, decay), rtol=0, atol=1e-12)
    places = torch.linspace(0, 6, 200, dtype=torch.float64)
    told = [
        -relion(k * math.cos(t), k * math.sin(t), ROW)
        for k, t in zip(K.tolist(), places.tolist(), strict=True)
    ]
    found = ctf(K, places, **converted(ROW))
    torch.testing.assert_close(found, torch.tensor(told, dtype=torch.float64), rtol=0, atol=1e-10)


def test_the_ctf_is_its_formula():
    assert_ctf(the_formula)
    assert_ctf(lambda k, direction, defocus, **rest: ctf(k, defocus, direction=direction, **rest))
    assert wavelength(300e3) == pytest.approx(0.0197, abs=5e-5)
    assert float(ctf(K, 1e4)[0]) == pytest.approx(-0.1)


@pytest.mark.parametrize(
    "old, new",
    [
        ("-defocus * wave", "defocus * wave"),
        ("- contrast * gamma.cos()", "+ contrast * gamma.cos()"),
        ("wave**3", "wave**2"),
        ("- phase", "+ phase"),
        ("decay * k2 / 4)", "decay * k2 / 2)"),
        ("k2 * k2 / 4)", "k2 * k2 / 2)"),
        ("astigmatism / 2", "astigmatism"),
        ("direction - angle", "direction + angle"),
    ],
)
def test_a_wrong_ctf_is_caught(old, new):
    wrong = mutant(the_formula, old, new)
    with pytest.raises(AssertionError):
        assert_ctf(wrong)


@pytest.mark.parametrize("defocus", [8e3, 15e3, 25e3])
def test_its_first_zero_is_where_the_defocus_puts_it(defocus):
    k = torch.linspace(1e-3, 0.2, 20_000, dtype=torch.float64)
    values = ctf(k, defocus, contrast=0.0)
    first = k[(values.sign() != values[0].sign()).nonzero()[0]]
    assert float(first) == pytest.approx((wavelength(300e3) * defocus) ** -0.5, rel=0.01)


def cube_rotations():
    """The 24 rotations that map the grid to itself."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            R = torch.eye(3, dtype=torch.float64)[list(order)] * torch.tensor(signs)[:, None]
            if torch.linalg.det(R) > 0:
                yield R


def turned(x, R):
    """(Rx)(r) = x(Rᵀr) for a rotation of the grid, voxel by voxel."""
    n, out = x.shape[-1], torch.empty_like(x)
    c = (n - 1) / 2
    for k, j, i in itertools.product(range(n), repeat=3):
        source = R.T @ torch.tensor([i - c, j - c, k - c]).double() + c
        a, b, d = (int(round(v)) for v in source.tolist())
        out[k, j, i] = x[d, b, a]
    return out


@pytest.mark.parametrize("n", [4, 5])
def test_the_projection_is_a_slice_of_the_transform(n):
    """F₂ P R x = (F₃ R x)(k_z = 0), exactly, for the rotations of the grid."""
    x = rand(1, n, n, n)
    rotations = list(cube_rotations())
    assert len(rotations) == 24
    y = CryoEM(torch.stack(rotations))(x)
    for image, R in zip(y, rotations, strict=True):
        slice_ = torch.fft.fftn(turned(x[0], R))[0]
        torch.testing.assert_close(torch.fft.fft2(image[0]), slice_, rtol=0, atol=1e-11)


def blobs(n, width, places):
    axis = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    grids = torch.meshgrid(*[axis] * places.shape[1], indexing="ij")  # (z, y, x) or (y, x)
    total = 0
    for p in places:
        far = sum((g - c) ** 2 for g, c in zip(reversed(grids), p, strict=True))
        total = total + torch.exp(-far / (2 * width**2))
    return total


PLACES = torch.tensor([[5.0, 1.0, -2.0], [-3.0, 4.0, 3.0], [0.0, -5.0, 1.0]], dtype=torch.float64)


def assert_projections(transform=CryoEM):
    """A sum of Gaussian blobs at p projects to blobs at (Rp)_xy + t, √2π width times as high."""
    R, t = random_rotations(3, generator()), torch.tensor([[1.5, -0.75]]).double()
    y = transform(R, t)(blobs(24, 2.0, PLACES)[None])
    for image, rotation in zip(y, R, strict=True):
        moved = (PLACES @ rotation.T)[:, :2] + t
        expected = blobs(24, 2.0, moved) * math.sqrt(2 * math.pi) * 2.0
        # trilinear interpolation widens a blob: width² grows by about 1/6 of a pixel²
        assert (image[0] - expected).norm() < 0.05 * expected.norm()


def test_a_turned_and_shifted_density_is_where_it_should_be():
    assert_projections()


@pytest.mark.parametrize(
    "old, new",
    [
        ("self.rotation.mT @ r", "self.rotation @ r"),
        ("self.shift[:, 0,", "self.shift[:, 1,"),
        ("torch.stack([x, y, z])", "torch.stack([z, y, x])"),
        (
            ".to(self.rotation) - centre",
            ".to(self.rotation) - centre - 0.5",
        ),
        ("(1 - a, a)", "(a, 1 - a)"),
    ],
)
def test_a_wrong_projection_is_caught(old, new):
    wrong = mutant(CryoEM, old, new)
    with pytest.raises(AssertionError):
        assert_projections(wrong)


@pytest.mark.parametrize("split", ["train", "test"])
def test_interpolation_costs_at_most_three_per_cent(split):
    """The error against the exact slice, on every sixteenth frequency."""
    x = data.load("densities", split)[0].double()
    n, R = 64, random_rotations(1, generator(1))[0]
    image, c = CryoEM(R)(x[None])[0, 0].numpy(), (n - 1) / 2
    k = np.fft.fftfreq(n)
    ky, kx = np.meshgrid(k, k, indexing="ij")
    low = (kx**2 + ky**2 < 0.5**2) & (np.rint(n * (kx + 2 * ky)) % 16 == 0)
    places = np.stack([kx[low], ky[low], 0 * kx[low]], 1) @ R.numpy()
    waves = [np.exp(-2j * np.pi * places[:, [a]] * (np.arange(n) - c)) for a in range(3)]
    exact = np.einsum("zyx,kx,ky,kz->k", x.numpy(), *waves, optimize=True)
    found = (np.fft.fft2(image) * np.exp(2j * np.pi * (kx + ky) * c))[low]
    error = np.linalg.norm(found - exact) / np.linalg.norm(exact)
    assert 0.001 < error < 0.03


def test_a_shift_by_whole_pixels_is_a_roll():
    x, R = rand(1, 6, 6, 6), torch.eye(3).double()
    still, moved = CryoEM(R)(x), CryoEM(R, (2.0, -1.0))(x)
    torch.testing.assert_close(moved, still.roll((-1, 2), (2, 3)), rtol=0, atol=1e-12)


def test_the_image_is_filtered_by_the_ctf():
    x, R, n = rand(1, 8, 8, 8), torch.eye(3).double(), 8
    plain, seen = CryoEM(R)(x), CryoEM(R, defocus=12e3, pixel=2.5, decay=30.0)(x)
    k = torch.fft.fftfreq(n, 2.5, dtype=torch.float64)
    H = formula((k[:, None] ** 2 + k**2).sqrt().flatten(), 12e3, decay=30.0).view(n, n)
    torch.testing.assert_close(torch.fft.fft2(seen), H * torch.fft.fft2(plain), rtol=0, atol=1e-11)


def test_rotations_are_uniform():
    R = random_rotations(20_000, generator())
    torch.testing.assert_close(R @ R.mT, torch.eye(3).double().expand_as(R), rtol=0, atol=1e-12)
    assert torch.allclose(torch.linalg.det(R), torch.ones(()).double())
    for i, j in itertools.product(range(3), repeat=2):
        assert abs(summary(R[:, i, j]).z()) < 4
        assert abs(summary(R[:, i, j] ** 2).z(1 / 3)) < 4
        assert abs(summary((R[:, i, j] < 0.5).double()).z(0.75)) < 4  # uniform on [−1, 1]
    assert abs(summary(R[:, 0, 0] * R[:, 1, 1]).z()) < 4


def test_an_astigmatic_image_is_relion_s_with_the_sign_changed():
    """Odd N: no frequency is its own mirror image."""
    x, n, pixel = rand(1, 9, 9, 9), 9, 2.5
    A = CryoEM(torch.eye(3).double(), pixel=pixel, **converted(ROW))
    plain = torch.fft.fft2(CryoEM(torch.eye(3).double())(x))[0, 0]
    k = torch.fft.fftfreq(n, pixel, dtype=torch.float64).tolist()
    H = torch.tensor([[relion(a, b, ROW) for a in k] for b in k], dtype=torch.float64)
    torch.testing.assert_close(torch.fft.fft2(A(x))[0, 0], -H * plain, rtol=0, atol=1e-10)
    direct = ctf(math.hypot(k[2], k[1]), **converted(ROW), direction=math.atan2(k[1], k[2]))
    assert float(direct) == pytest.approx(-relion(k[2], k[1], ROW), abs=1e-5)


def optics_of(batch):
    g = generator(5)
    spread = {"defocus": (8e3, 2e4), "pixel": (1.0, 3.0), "voltage": (1e5, 3e5), "phase": (0, 1.5),
              "aberration": (1e7, 3e7), "contrast": (0.05, 0.2), "decay": (0, 50),
              "astigmatism": (0, 3e3), "angle": (0, 3.0)}  # fmt: skip
    return {
        name: a + (b - a) * torch.rand(batch, generator=g).double()
        for name, (a, b) in spread.items()
    }


@pytest.mark.parametrize("name", [None, *optics_of(1)])
@pytest.mark.parametrize("batch, n", [(4, 4), (5, 8), (4, 3), (3, 3)])  # 3 = 4//2 + 1 columns too
def test_every_parameter_of_a_batch_goes_to_its_own_image(name, batch, n):
    """One of them a batch and the others one for all, or all of them."""
    R, t, x = random_rotations(batch, generator()), rand(batch, 2), rand(batch, n, n, n)
    given = optics_of(batch)
    if name:
        R, t = R[0], t[0]
        given = {key: value if key == name else float(value[0]) for key, value in given.items()}
    A = CryoEM(R, t, **given)
    assert A.count == batch
    for i in range(batch):
        own = {key: float(v[i]) if torch.is_tensor(v) else v for key, v in given.items()}
        alone = CryoEM(R if name else R[i], t if name else t[i], **own)(x[i : i + 1])
        torch.testing.assert_close(A(x)[i : i + 1], alone, rtol=0, atol=1e-11)
        torch.testing.assert_close(A[i](x[i : i + 1]), alone, rtol=0, atol=1e-11)


@pytest.mark.parametrize("n", [4, 5])
def test_the_origin_of_rotations_is_the_one_that_was_given(n):
    """About N//2, as RELION: (Rx)(r) = x(Rᵀ(r − c) + c), voxel by voxel."""
    x, c = rand(1, n, n, n), n // 2
    for R in list(cube_rotations())[::5]:
        expected = torch.zeros(n, n, dtype=torch.float64)
        for k, j, i in itertools.product(range(n), repeat=3):
            a, b, d = (
                round(v) for v in (R.T @ (torch.tensor([i, j, k]).double() - c) + c).tolist()
            )
            if max(a, b, d) < n and min(a, b, d) >= 0:
                expected[j, i] += x[0, d, b, a]
        torch.testing.assert_close(CryoEM(R, origin=c)(x)[0, 0], expected, rtol=0, atol=1e-11)


def test_a_relion_particle_is_where_relion_says():
    """A blob at p from the origin N//2 is seen at N//2 + (A p)_xy − (OriginX, OriginY)/pixel."""
    n, origin, pixel = 24, torch.tensor([3.0, -4.5]).double(), 1.5
    R = euler_rotations(20.0, 65.0, -40.0)
    ca, sa, cb, sb, cg, sg = (
        f(math.radians(a)) for a in (20, 65, -40) for f in (math.cos, math.sin)
    )
    rows = [
        [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca],
        [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca],
    ]
    torch.testing.assert_close(
        R[0, :2, :2], torch.tensor(rows, dtype=torch.float64), rtol=0, atol=1e-12
    )
    p = torch.tensor([[4.0, -3.0, 5.0]], dtype=torch.float64)
    middle = (n - 1) / 2
    x = blobs(n, 2.0, p + n // 2 - middle)[None]
    y = CryoEM(R, -origin / pixel, origin=n // 2)(x)[0, 0]
    axis = torch.arange(n, dtype=torch.float64)
    seen = torch.stack([(y.sum(0) * axis).sum(), (y.sum(1) * axis).sum()]) / y.sum()
    torch.testing.assert_close(
        seen, n // 2 + (p @ R[0].T)[0, :2] - origin / pixel, rtol=0, atol=0.02
    )


def test_euler_angles_are_right_handed_turns_of_the_axes():
    """A batch of angles beside one for all; the beam comes from (tilt, rot) on the sphere."""
    R = euler_rotations(torch.tensor([10.0, 200.0]), 50.0, torch.tensor([0.0, 70.0]))
    assert R.shape == (2, 3, 3) and R.dtype == torch.float64
    torch.testing.assert_close(R @ R.mT, torch.eye(3).double().expand(2, 3, 3))
    for turn, rot in zip(R, (10.0, 200.0), strict=True):
        a, b = math.radians(rot), math.radians(50.0)
        beam = [math.sin(b) * math.cos(a), math.sin(b) * math.sin(a), math.cos(b)]
        torch.testing.assert_close(
            turn[2], torch.tensor(beam, dtype=torch.float64), rtol=0, atol=1e-12
        )


EYE = torch.eye(3)
OUTSIDE = {  # what every number refuses
    "shift": [(math.nan, 0.0), (0.0, math.inf)], "defocus": [math.inf, 1.5, 1.5e-6, -2e9],
    "pixel": [0, -1, 1e9], "voltage": [300, -3e5, 0, 1e12], "aberration": [2.7, 2.7e-3, 1e12],
    "contrast": [2, -0.1, 10], "phase": [90, -400], "decay": [-1], "astigmatism": [math.inf],
    "angle": [45], "origin": [-1],
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_nonsense_is_refused_in_one_sentence(name):
    for bad in (
        math.nan,
        *OUTSIDE[name],
        torch.tensor([math.nan]),
        torch.zeros(2, 2, 2),
        "x",
        None,
    ):
        if bad is None and name in ("defocus", "origin"):
            continue
        with pytest.raises((ValueError, TypeError), match=rf"^{name} (is|holds|has) [^\n]*$"):
            CryoEM(EYE, **({"defocus": 1e4} | {name: bad}))
    if name not in ("shift", "pixel", "origin"):
        with pytest.raises(ValueError, match=rf"^{name} "):
            ctf(K, **({"defocus": 1e4} | {name: math.nan}))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: CryoEM(torch.diag(torch.tensor([1.0, 1.0, -1.0]))), "rotation is a reflection"),
        (lambda: CryoEM(torch.stack([EYE, -EYE])), "rotation is a reflection"),
        (lambda: CryoEM(EYE / 0), "rotation holds"),
        (lambda: CryoEM(EYE.expand(3, 3, 3), torch.zeros(2, 2)), "rotation for 3 and shift for 2"),
        (
            lambda: CryoEM(EYE, phase=torch.zeros(2), pixel=torch.ones(3)),
            "pixel for 3 and phase for 2",
        ),
        (
            lambda: CryoEM(EYE, origin=9)(torch.ones(1, 4, 4, 4)),
            "origin is 9; it must lie in 0 … 3",
        ),
        (lambda: CryoEM(EYE, origin=torch.ones(2)), r"origin has shape \(2,\); give one number"),
        (lambda: ctf(K / 0, 1e4), "k holds"),
        (lambda: random_rotations(0), "n is 0"),
        (lambda: euler_rotations(math.nan, 0, 0), "rot is nan"),
        (lambda: euler_rotations(torch.zeros(2), torch.zeros(3), 0), "rot for 2 and tilt for 3"),
    ],
)
def test_what_makes_no_microscope_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_corrected_lens_and_focus_are_no_mistakes():
    assert torch.isfinite(ctf(K, 0.0, aberration=0.0)).all()
    assert torch.isfinite(ctf(K, -5e3, aberration=-1e5)).all()


def test_the_operator_keeps_its_own_numbers():
    R, defocus = torch.eye(3), torch.full((2,), 1e4)
    A = CryoEM(R, defocus=defocus)
    before = A(torch.ones(1, 4, 4, 4))
    R.zero_(), defocus.zero_()
    assert torch.equal(A(torch.ones(1, 4, 4, 4)), before)
