"""Every draw happens where its generator lives, and its result where y lives.

A CPU has no other device to draw on. So a generator stands in that says it lives on "cpu:0", which
torch takes for the CPU and which no tensor's device is called; the factories of random numbers are
watched for it. The tests marked `gpu` do it for real (gpu.yml).
"""

import sys

import pytest
import torch
from montecarlo import generator

import course_lib
from course_lib import data, groups, losses, noise, operators

FACTORIES = ("rand", "randn", "randint", "randperm")
SAMPLERS = ("multinomial", "poisson", "binomial", "_standard_gamma")


class Elsewhere:
    """A generator that says it lives on another device."""

    device = torch.device("cpu", 0)

    def __init__(self):
        self.real = generator()


@pytest.fixture
def drawn(monkeypatch):
    """The names of the random functions called with such a generator, each of them judged."""
    names = []

    def watch(name):
        function = getattr(torch, name)

        def watched(*args, generator=None, **kwargs):
            if not isinstance(generator, Elsewhere):
                return function(*args, generator=generator, **kwargs)
            names.append(name)
            if name in FACTORIES:
                assert str(kwargs.get("device")) == "cpu:0", f"torch.{name} on y's device"
            else:  # its parameters must be brought to the generator: `_random` does
                caller = sys._getframe(1).f_code.co_filename
                assert caller.endswith("_random.py"), f"torch.{name} called by {caller}"
            return function(*args, generator=generator.real, **kwargs)

        monkeypatch.setattr(torch, name, watched)

    for name in (*FACTORIES, *SAMPLERS):
        watch(name)
    return names


LAW = noise.Gaussian(0.1)
X = torch.rand(4, 1, 12, 12, generator=generator())
I = operators.Identity()  # noqa: E741
MASKS = operators.Inpainting((torch.rand(4, 1, 12, 12, generator=generator()) < 0.7).float())


def plain(y, A):
    return 0.5 * A.adjoint(y)


DRAWS = {
    "Gaussian": lambda g: LAW(X, generator=g),
    "CorrelatedGaussian": lambda g: noise.CorrelatedGaussian(torch.ones(3, 3))(X, generator=g),
    "HeteroscedasticGaussian": lambda g: noise.HeteroscedasticGaussian(X + 0.1)(X, generator=g),
    "Poisson": lambda g: noise.Poisson(0.1).split(noise.Poisson(0.1)(X, generator=g), 0.3, g),
    "Poisson twins": lambda g: noise.Poisson(0.1).twins(noise.Poisson(0.1)(X), 0.3, g),
    "PoissonGaussian": lambda g: noise.PoissonGaussian(0.1, 0.1)(X, generator=g),
    "Gamma": lambda g: noise.Gamma(5.0).split(noise.Gamma(5.0)(X + 0.1, generator=g), 0.3, g),
    "Binomial": lambda g: noise.Binomial(10).split(noise.Binomial(10)(X, generator=g), 0.3, g),
    "crops": lambda g: data.simulate(X, I, LAW, crop=5).batch(torch.arange(4), g),
    "pairs": lambda g: data.simulate(X, I, LAW, copies=2).batch(torch.arange(4), g),
    "SURE": lambda g: losses.SURE(LAW)(plain, X, I, generator=g),
    "UNSURE": lambda g: losses.UNSURE(eta=0.01)(plain, X, I, generator=g),
    "UNSURECorrelated": lambda g: losses.UNSURECorrelated(eta=0.01)(plain, X, I, generator=g),
    "UNSUREPoissonGaussian": lambda g: losses.UNSUREPoissonGaussian(eta=0.01, gain=0.01)(
        plain, X, I, generator=g
    ),
    "R2R": lambda g: losses.R2R(LAW, draws=2).reconstruct(plain, X, I, generator=g),
    "Noise2Self": lambda g: losses.Noise2Self()(plain, X, I, generator=g),
    "Noise2Void": lambda g: losses.Noise2Void(period=4)(plain, X, I, generator=g),
    "Neighbor2Neighbor": lambda g: losses.Neighbor2Neighbor()(plain, X, I, generator=g),
    "Noise2Score": lambda g: losses.Noise2Score(LAW)(plain, X, I, generator=g),
    "BlindNoise2Score": lambda g: losses.BlindNoise2Score().reconstruct(plain, X, I, generator=g),
    "Splitting": lambda g: losses.Splitting(0.4)(plain, X, I, generator=g),
    "RobustSSDU": lambda g: losses.RobustSSDU(LAW, 0.4)(plain, X, MASKS, generator=g),
    "MOI": lambda g: losses.MOI(LAW)(plain, X, MASKS, generator=g),
    "masks": lambda g: operators.masks.gaussian((8, 32), 4, count=2, generator=g),
    "equispaced": lambda g: operators.masks.equispaced((8, 32), 4, generator=g),
    "matrices": lambda g: operators.CompressedSensing.gaussian(3, (4, 4), generator=g),
    "signs": lambda g: operators.CompressedSensing.signs(3, (4, 4), generator=g),
    "orientations": lambda g: operators.random_rotations(3, generator=g),
} | {
    name: lambda g, kind=kind: kind().draw(X, g)
    for name, kind in vars(groups).items()
    if isinstance(kind, type)
    and issubclass(kind, groups.Group)
    and name not in ("Group", "Product")
}


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_are_drawn_where_the_generator_lives(name, drawn):
    DRAWS[name](Elsewhere())
    assert drawn


@pytest.mark.parametrize("call", [lambda g: torch.rand(3, generator=g),
                                  lambda g: torch.poisson(X, generator=g)])  # fmt: skip
def test_a_draw_on_the_wrong_device_is_seen(call, drawn):
    with pytest.raises(AssertionError):
        call(Elsewhere())


def test_the_parameters_of_a_sampler_go_to_its_generator_and_the_sample_comes_back(monkeypatch):
    from course_lib import _random

    moves = []
    real = torch.Tensor.to
    monkeypatch.setattr(
        torch.Tensor, "to", lambda t, *a, **k: moves.append(str(a[0])) or real(t, *a, **k)
    )
    monkeypatch.setattr(torch, "poisson", lambda t, generator: t)
    _random.on_generator(torch.poisson, X, generator=Elsewhere())
    assert moves == ["cpu:0", "cpu"]


@pytest.mark.gpu
@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("where", ["cpu", "cuda"])
def test_a_generator_of_either_device_serves_tensors_of_the_gpu(name, where, monkeypatch):
    monkeypatch.setitem(globals(), "X", X.cuda())
    monkeypatch.setitem(globals(), "MASKS", MASKS[:].cuda())
    DRAWS[name](torch.Generator(where).manual_seed(0))


def test_the_device_is_the_gpu_where_there_is_one(monkeypatch):
    for there, name in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert course_lib.device() == torch.device(name)
