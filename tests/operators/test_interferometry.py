"""The EHT of 2017: tracks, noise, the transform, and the rank of one night and of many."""

import math

import numpy as np
import pytest
import torch
from linear import rand
from montecarlo import generator
from problems import mutant

from course_lib import losses, noise, priors
from course_lib.operators import Inpainting, Interferometry, dense, interferometry, tracks
from course_lib.operators.telescopes import EHT2017, LIGHT, M87

NIGHT = torch.arange(0, 24, 0.2, dtype=torch.float64) - M87[0]


def by_cross_products(declination, hour, frequency=230e9, elevation=10.0):
    """The visibilities of one moment, one baseline at a time, with numpy's vector product."""
    d, t = math.radians(declination), math.radians(15 * hour)
    s = np.array([math.cos(d), 0, math.sin(d)])
    east = np.cross([0, 0, 1], s)
    east = east / np.linalg.norm(east)
    north = np.cross(s, east)
    turn = np.array([[math.cos(t), -math.sin(t), 0], [math.sin(t), math.cos(t), 0], [0, 0, 1]])
    seen = []
    for *r, sefd in EHT2017.values():
        r = turn @ np.array(r)
        if math.degrees(math.asin(r @ s / np.linalg.norm(r))) > elevation:
            seen.append((r, sefd))
    lam, rows = LIGHT / frequency, []
    for a, (r, one) in enumerate(seen):
        for q, other in seen[a + 1 :]:
            sigma = math.sqrt(one * other / (2 * 4e9 * 60)) / 0.88
            rows.append(((r - q) @ east / lam, (r - q) @ north / lam, sigma))
    return np.array(rows)


def assert_tracks(tracks):
    for declination, hour in ((12.391, 1.5), (12.391, 5.3), (-29.0, 4.0), (55.0, 8.0)):
        expected = by_cross_products(declination, hour)
        found = torch.stack(tracks(declination, [hour]))[:, 0].T.numpy()
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_tracks_are_those_of_vector_products():
    assert_tracks(tracks)


@pytest.mark.parametrize(
    "old, new",
    [
        ("theta.cos() - y * theta.sin()", "theta.cos() + y * theta.sin()"),
        ("z * d.cos() - toward * d.sin()", "z * d.cos() + toward * d.sin()"),
        ("math.sin(elevation", "math.cos(elevation"),
        (" / EFFICIENCY", ""),
        ("(2 * bandwidth * integration)", "(bandwidth * integration)"),
        ("* math.pi / 12", "* math.pi / 24"),
    ],
)
def test_wrong_tracks_are_caught(old, new):
    wrong = mutant(tracks, old, new)
    with pytest.raises((AssertionError, ValueError)):
        assert_tracks(wrong)


def test_a_night_on_m87():
    """688 visibilities, a resolution of 24.7 μas, noise from 0.38 to 9 mJy."""
    u, v, sigma = tracks(M87[1], NIGHT)
    longest = (u**2 + v**2).sqrt().max()
    assert u.shape == (1, 688)
    assert float(longest) == pytest.approx(8.4e9, rel=0.005)
    assert float(1 / longest) / interferometry.MICROARCSECOND == pytest.approx(24.7, abs=0.1)
    assert float(sigma.min()) == pytest.approx(0.38e-3, rel=0.01)
    assert float(sigma.max()) == pytest.approx(9e-3, rel=0.01)
    default = Interferometry.eht().sigma
    assert torch.equal(default, sigma[:, None, None].to(default))


def test_one_night_has_rank_215_of_1024():
    """32² pixels of 5 μas, singular values above 1e-6 of the largest."""
    u, v, sigma = tracks(M87[1], NIGHT)
    M = dense(Interferometry(u, v, 32, 160.0, sigma), (1, 32, 32))
    assert M.shape == (2 * 688, 1024)
    assert torch.linalg.matrix_rank(M, rtol=1e-6) == 215


def test_more_sources_see_more():
    """Rank of Σ_g A_gᵀA_g, 16² pixels of 10 μas: it grows, and stays below n = 256."""
    hours = torch.arange(0, 24, 0.4, dtype=torch.float64)
    ranks = []
    for declinations in ([12.4], [12.4, -20.0], [12.4, -20.0, 40.0, -45.0]):
        u, v, sigma = tracks(torch.tensor(declinations), hours)
        A = Interferometry(u, v, 16, 160.0, sigma)
        ranks.append(int(torch.linalg.matrix_rank(dense(A, (1, 16, 16)), rtol=1e-6)))
    assert ranks == sorted(ranks) and ranks[0] < 200 and ranks[1] > 230 and ranks[2] < 256


def test_shorter_nights_are_filled_up_with_nothing():
    hours = torch.stack([NIGHT, NIGHT])
    u, v, sigma = tracks(torch.tensor([12.4, 50.0]), hours)
    counts = (sigma > 0).sum(1)
    assert counts[0] != counts[1] and counts.max() == u.shape[1]
    A = Interferometry(u, v, 8, 160.0, sigma)
    y = A(rand(2, 1, 8, 8))
    assert not y[:, 0, 0][sigma == 0].any() and y[:, 0, 0][sigma > 0].all()
    alone = Interferometry(*(t[1:, : counts[1]] for t in (u, v)), 8, 160.0, sigma[1:, : counts[1]])
    x = rand(2, 1, 8, 8)
    torch.testing.assert_close(A(x)[1:, ..., : counts[1]], alone(x[1:]), rtol=0, atol=1e-12)


def test_the_transform_is_the_sum_it_is_said_to_be():
    """V(u, v) = Σ I e^{−2πi(ul + vm)}, north up and east left."""
    u, v = 3e9 * rand(5), 3e9 * rand(5, seed=1)
    x, pixel = rand(2, 1, 4, 6), 60.0 / 6 * interferometry.MICROARCSECOND
    y = Interferometry(u, v, (4, 6), 60.0)(x)
    for k in range(5):
        total = 0
        for i in range(4):
            for j in range(6):
                angle = float(u[k]) * (2.5 - j) * pixel + float(v[k]) * (1.5 - i) * pixel
                total = total + x[:, 0, i, j].numpy() * np.exp(-2j * math.pi * angle)
        np.testing.assert_allclose(y[:, 0, 0, k].numpy(), total.real, atol=1e-12)
        np.testing.assert_allclose(y[:, 1, 0, k].numpy(), total.imag, atol=1e-12)


def test_the_baseline_of_length_0_measures_the_flux():
    x = rand(1, 1, 5, 5).abs()
    y = Interferometry(torch.zeros(1).double(), torch.zeros(1).double(), 5)(x)
    torch.testing.assert_close(y.flatten(), torch.stack([x.sum(), 0 * x.sum()]))


def test_whitened_measurements_have_noise_of_strength_1():
    A, x = Interferometry.eht(hours=NIGHT[::10], size=8).double(), rand(400, 1, 8, 8)
    W = A.whitened()
    y = noise.HeteroscedasticGaussian(A.sigma)(A(x), generator())
    w = y / A.sigma - W(x)
    assert float(w.std()) == pytest.approx(1, abs=0.01)
    assert torch.equal(W.sigma, torch.ones_like(A.sigma))
    torch.testing.assert_close(W(x), A(x) / A.sigma, rtol=0, atol=1e-9)


def test_splitting_hides_real_and_imaginary_part_together():
    A = Interferometry.eht(torch.tensor([12.4, 40.0]), NIGHT[::10], 8)
    y = A(priors.GaussianMixture([1.0], [0.0], 1.0, 0.1).sample((2, 1, 8, 8), generator()))
    loss = losses.Splitting(0.3, target="all", test="plain")
    y_a, A_a, h = loss.split(y, A, loss.uniforms(y, generator()))
    assert h.shape == (2, 1, *y.shape[2:]) and 0.1 < h.float().mean() < 0.5
    assert torch.equal(y_a, (~h) * y)
    x = rand(2, 1, 8, 8).float()
    assert torch.equal(A_a(x), Inpainting(~h)(A(x)))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((80.0, [3.0], {k: EHT2017[k] for k in ("ALMA", "SPT")}), "no baseline of night 0 sees"),
        ((-95.0, [3.0]), r"declination is -95; it is in degrees, in \[-90, 90\]"),
        ((0.0, []), r"hours has shape \(0,\); use \(T,\) or \(B, T\)"),
        ((0.0, [3.0], {"SPT": EHT2017["SPT"]}), "give two or more"),
    ],
)
def test_what_cannot_be_observed_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        tracks(*arguments)


ONE = {"ALMA": EHT2017["ALMA"], "SMT": EHT2017["SMT"]}
TRACKS = {  # what every number of `tracks` refuses, and another unit
    "declination": [91, [0.0, math.nan]], "hours": [[math.inf]], "frequency": [230, -1, 0],
    "elevation": [91, 1e9], "bandwidth": [0, -1, 4], "integration": [0, -60, math.inf],
}  # fmt: skip


@pytest.mark.parametrize("name", TRACKS)
def test_tracks_refuse_nonsense_in_one_sentence(name):
    usual = {"declination": 12.4, "hours": NIGHT}
    for bad in (math.nan, *TRACKS[name], torch.zeros(2, 2, 2), "x", None):
        with pytest.raises((ValueError, TypeError), match=rf"^{name} (is|holds|has) [^\n]*$"):
            tracks(**(usual | {name: bad}))


@pytest.mark.parametrize("bad", [
    ["ALMA", "SPT"], None, {"A": (1.0, 2.0), "B": (3.0,)}, ONE | {"X": (6e6, 0, 0, -1.0)},
    ONE | {"X": (6378.0, 0, 0, 90.0)}, ONE | {"X": (6e6, 0, math.nan, 90.0)},
    ONE | {"X": (6e6, 0, 0, 0.0)},
])  # fmt: skip
def test_stations_that_are_none_are_named(bad):
    with pytest.raises((ValueError, TypeError), match=r"stations [^\n]*metres from the earth"):
        tracks(12.4, NIGHT, bad)


def test_as_many_nights_as_sources():
    with pytest.raises(ValueError, match="declination for 3 and hours for 2 images"):
        tracks(torch.zeros(3), NIGHT.expand(2, -1))
    assert (
        tracks([12.4, 20.0], NIGHT)[0].shape == tracks(torch.tensor([12.4, 20.0]), NIGHT)[0].shape
    )


U = torch.rand(3, generator=generator())


@pytest.mark.parametrize("size", [[8, 6], (8, 6), torch.Size([8, 6]), np.array([8, 6]).tolist()])
def test_a_size_is_any_pair(size):
    assert Interferometry(U, U, size)(torch.ones(1, 1, 8, 6)).shape == (1, 2, 1, 3)


@pytest.mark.parametrize("make, message", [
    (lambda: Interferometry(U, U, [8, 8, 8]), r"size is \[8, 8, 8\]; use \(H, W\)"),
    (lambda: Interferometry(U, U, 8.5), "size is 8.5"),
    (lambda: Interferometry(U, U, (8, math.nan)), "size is nan"),
    (lambda: Interferometry(U, U, "8x8"), "size is '8x8'"),
    (lambda: Interferometry(U, U, None), "size is None"),
    (lambda: Interferometry(U / 0, U), "u holds inf"),
    (lambda: Interferometry(U, math.nan * U), "v holds nan"),
    (lambda: Interferometry(U, U, sigma=math.nan * U), "sigma holds nan"),
    (lambda: Interferometry(None, U), "u is None"),
    (lambda: Interferometry(U[0], U), r"u has shape \(\); use \(m,\) or \(B, m\)"),
    (lambda: Interferometry(U[:0], U[:0]), r"u has shape \(0,\)"),
    (lambda: Interferometry(U, U[:2]), r"u has shape \(3,\) and v \(2,\)"),
    (lambda: Interferometry(U.expand(2, 3), U.expand(4, 3)), "u for 2 and v for 4"),
    (lambda: Interferometry(U, U, field=math.nan), "field is nan"),
    (lambda: Interferometry(U, U, field=7.8e-10), "field is 7.8e-10; it is in microarcseconds"),
    (lambda: Interferometry(U, U, field=(160, 160)), "field is"),
])  # fmt: skip
def test_an_interferometer_refuses_nonsense_in_one_sentence(make, message):
    with pytest.raises((ValueError, TypeError), match=rf"^{message}[^\n]*$"):
        make()


def test_each_of_u_v_and_sigma_may_be_one_for_all():
    u, v, sigma = 3e9 * rand(4, 5), 3e9 * rand(4, 5, seed=1), rand(4, 5, seed=2).abs()
    x = rand(4, 1, 4, 6)
    for shared in ("", "u", "v", "sigma", "uv"):
        given = {"u": u, "v": v, "sigma": sigma}
        given |= (
            {name: given[name][0] for name in shared.split() or ()}
            if len(shared) != 2
            else {"u": u[0], "v": v[0]}
        )
        A = Interferometry(given["u"], given["v"], (4, 6), sigma=given["sigma"])
        y = A(x)
        for i in range(4):
            own = [g if g.ndim == 1 else g[i] for g in given.values()]
            alone = Interferometry(own[0], own[1], (4, 6), sigma=own[2])
            torch.testing.assert_close(y[i : i + 1], alone(x[i : i + 1]), rtol=0, atol=1e-12)
            torch.testing.assert_close(A[i](x[i : i + 1]), alone(x[i : i + 1]), rtol=0, atol=1e-12)
        assert A.adjoint(y).shape == x.shape


def test_the_eht_imaging_package_s_visibilities_are_those_at_minus_u_and_v():
    """V' = Σ I e^{+2πi(ul + vm)}, l and m falling along columns and rows."""
    u, v, x = 3e9 * rand(5), 3e9 * rand(5, seed=1), rand(1, 1, 4, 4).abs()
    place = (np.arange(0, -4, -1) + 1.5) * 160 / 4 * interferometry.MICROARCSECOND
    waves = [np.exp(2j * np.pi * a.numpy()[:, None] * place) for a in (v, u)]
    V = np.einsum("ij,ki,kj->k", x[0, 0].numpy(), *waves)
    y = Interferometry(-u, -v, 4)(x)[0, :, 0]
    np.testing.assert_allclose(y[0] + 1j * y[1], V, atol=1e-12)


def test_the_interferometer_keeps_its_own_numbers():
    u, sigma = 3e9 * U, torch.ones(3)
    A = Interferometry(u, u, 4, sigma=sigma)
    before = A(torch.ones(1, 1, 4, 4))
    u.zero_(), sigma.zero_()
    assert torch.equal(A(torch.ones(1, 1, 4, 4)), before) and A.sigma.all()
