"""What fit and evaluate leave as they found it, whatever happens; what they ask of their data."""

import pytest
import torch
from montecarlo import generator
from torch.utils._python_dispatch import TorchDispatchMode

from course_lib import losses, models, noise, operators, training, validation
from course_lib.data import Measurements, Pairs, simulate

EYE, LAW = operators.Identity(), noise.Gaussian(0.1)


def unet():
    torch.manual_seed(0)
    return models.BackProjection(models.UNet(widths=(4, 8)))


def measured(A=EYE, n=4):
    return simulate(torch.rand(n, 1, 8, 8, generator=generator()), A, LAW)


def fit(f, d=None, loss=None, **options):
    options = {"steps": 3, "batch": 2, "progress": False} | options
    d = measured() if d is None else d
    return training.fit(f, loss or losses.SURE(LAW), d, **options)


def weights(f):
    return torch.cat([p.detach().flatten() for p in f.parameters()])


class Raising(Measurements):
    """Measurements that raise `error` at the n-th batch."""

    def __init__(self, error, n=2):
        super().__init__(measured().tensors[0], EYE)
        self.error, self.left = error, n

    def batch(self, indices, generator=None):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().batch(indices, generator)


@pytest.mark.parametrize("call", ["fit", "evaluate", "reconstruct"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_after_an_error_everything_is_as_it_was(call, error):
    f, loss = unet(), losses.SURE(LAW)
    f.net.encode[0].eval(), f.net.out.train(), loss.eval()
    modes, state = [m.training for m in f.modules()], torch.get_rng_state()
    function = getattr(training, call)
    options = {"steps": 9, "batch": 2, "progress": False} if call == "fit" else {"batch": 1}
    with pytest.raises(error):
        function(f, loss, Raising(error), **options)
    assert [m.training for m in f.modules()] == modes and not loss.training
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.isfinite(weights(f)).all() and torch.is_grad_enabled()
    fit(f, loss=loss)  # and it can go on


def test_evaluation_keeps_the_mode_of_every_part():
    f, loss = unet(), losses.SURE(LAW)
    f.net.encode[0].eval()
    modes = [m.training for m in f.modules()]
    training.evaluate(f, loss, measured())
    training.reconstruct(f, loss, measured())
    assert [m.training for m in f.modules()] == modes


@pytest.mark.parametrize(
    "around",
    [
        lambda: torch.autocast("cpu", torch.bfloat16),
        torch.no_grad,
        lambda: torch.random.fork_rng(devices=[]),
    ],
)
def test_what_stands_around_has_no_effect(around):
    """Autocast's cache would keep the bf16 weights of the first step for all."""
    f, g, d = unet(), unet(), measured()
    fit(f, d)
    with around():
        torch.rand(3)
        fit(g, d)
        assert training.evaluate(g, losses.SURE(LAW), d) == training.evaluate(
            f, losses.SURE(LAW), d
        )
    assert torch.equal(weights(f), weights(g))


def test_torchs_own_random_numbers_come_from_the_seed():
    class Drop(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = unet()

        def forward(self, y, A):
            return self.net(torch.nn.functional.dropout(y, 0.2, self.training), A)

    def run(state, seed=0):
        f = Drop()
        torch.manual_seed(state)
        fit(f, seed=seed)
        return weights(f)

    assert torch.equal(run(1), run(2)) and not torch.equal(run(1), run(1, seed=1))


def test_dropout_differs_from_step_to_step():
    masks = []

    class Drop(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.c = torch.nn.Parameter(torch.tensor(0.5))

        def forward(self, y, A):
            masks.append(torch.rand(4))
            return self.c * y

    fit(Drop(), loss=losses.MeasurementConsistency())
    assert not torch.equal(masks[0], masks[1]) and not torch.equal(masks[1], masks[2])


@pytest.mark.parametrize("steps, every", [(50, 100), (50, 1), (1, 1)])
@pytest.mark.parametrize("A", [EYE, operators.Inpainting(torch.eye(8))])
def test_a_learning_rate_far_too_large_is_named(steps, every, A):
    """Also where A, the held-out score or the last step meets the numbers first."""
    f, d = unet(), measured(A)
    f.eval()
    with pytest.raises(RuntimeError, match="at step [0-9]+; lower lr = 1e"):
        fit(f, d, steps=steps, every=every, held_out=d, lr=1e38)
    assert not f.training


def test_data_that_are_not_finite_are_not_blamed_on_the_learning_rate():
    class Broken(Measurements):
        def batch(self, indices, generator=None):
            y, A = super().batch(indices, generator)
            return y / 0, A

    with pytest.raises(ValueError, match="y holds 128 NaN or infinite values; replace"):
        fit(unet(), Broken(measured().tensors[0], EYE))


class Nothing:
    pass


class Lazy:
    """__len__ and batch, but no (y, A)."""

    def __len__(self):
        return 3

    def batch(self, indices, generator=None):
        return torch.zeros(len(indices), 1, 8, 8)


@pytest.mark.parametrize(
    "d",
    [
        Nothing(),
        torch.rand(4, 1, 8, 8),
        Lazy(),
        torch.utils.data.DataLoader(measured(), batch_size=2),
        iter([1]),
        [torch.rand(1, 8, 8)],
    ],
)
@pytest.mark.parametrize("call", ["fit", "evaluate", "reconstruct"])
def test_what_is_no_data_set_is_told_the_protocol(d, call):
    options = {"steps": 1, "progress": False} if call == "fit" else {}
    told = r"give data.Measurements\(y, A\), or an object with __len__ and batch\(indices"
    with pytest.raises(TypeError, match=told):
        getattr(training, call)(unet(), losses.SURE(LAW), d, **options)


def test_a_held_out_set_is_looked_at_before_the_first_step():
    with pytest.raises(TypeError, match="a Nothing is no data set"):
        fit(unet(), Raising(AssertionError, 0), held_out=Nothing())


def test_no_items_and_no_weights_are_told():
    with pytest.raises(ValueError, match="has no items"):
        fit(unet(), torch.utils.data.Subset(measured(), []))
    for f in (
        lambda y, A: y,
        models.BackProjection(torch.nn.Identity()),
        unet().requires_grad_(False),
    ):
        with pytest.raises(ValueError, match="without weights to train"):
            fit(f)


def test_plain_items_subsets_and_lists_are_data_sets():
    d = measured()
    items = [d[i] for i in range(4)]
    losses_ = []
    for one in (d, items, torch.utils.data.Subset(d, [0, 1, 2, 3])):
        losses_.append(fit(unet(), one).loss)
    assert losses_[0] == losses_[1] == losses_[2]


def test_reconstruct_is_the_loss_s_own_in_batches_without_a_graph():
    d, loss = measured(n=5), losses.SURE(LAW)
    f = unet()
    fit(f)
    f.train()
    y, _ = d.batch(torch.arange(5))
    for batch in (1, 2, 64):
        x_hat = training.reconstruct(f, loss, d, batch=batch)
        assert not x_hat.requires_grad and f.training
        torch.testing.assert_close(x_hat, f(y, EYE).detach(), rtol=1e-5, atol=1e-6)
    r2r = losses.R2R(LAW, draws=3)
    assert torch.equal(training.reconstruct(f, r2r, d), training.reconstruct(f, r2r, d))
    assert not torch.equal(training.reconstruct(f, r2r, d, seed=1), training.reconstruct(f, r2r, d))


def test_reconstruct_takes_a_law_for_each_image_and_pairs():
    x = torch.rand(3, 1, 8, 8, generator=generator())
    law = noise.HeteroscedasticGaussian(torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1, 1))
    f = unet()
    for d in (simulate(x, EYE, law), Pairs(x, EYE, LAW)):
        x_hat = training.reconstruct(f, losses.R2R(LAW, draws=2), d, batch=2)
        assert x_hat.shape == x.shape


def test_a_batch_is_what_memory_holds():
    sizes = []

    class Seen(torch.nn.Module):
        def forward(self, y, A):
            sizes.append((len(y), torch.is_grad_enabled()))
            return y

    training.evaluate(Seen(), losses.MeasurementConsistency(), measured(n=5), batch=2)
    training.reconstruct(Seen(), losses.MeasurementConsistency(), measured(n=5), batch=3)
    assert sizes == [(2, False), (2, False), (1, False), (3, False), (2, False)]


class Reads(TorchDispatchMode):
    """Counts how often a number is read from a device."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


POISSON, SPECKLE = noise.Poisson(0.05), noise.Gamma(5.0)
UNREAD = {  # a loss, the operator and the law of its data
    "SURE": (losses.SURE(LAW), EYE, LAW),
    "SURE of counts": (losses.SURE(POISSON), EYE, POISSON),
    "SURE of speckle": (losses.SURE(SPECKLE), EYE, SPECKLE),
    "R2R of counts": (losses.R2R(POISSON), EYE, POISSON),
    "UNSURE": (losses.UNSURE(), EYE, LAW),
    "UNSURECorrelated": (losses.UNSURECorrelated(), EYE, LAW),
    "UNSUREPoissonGaussian": (losses.UNSUREPoissonGaussian(), EYE, LAW),
    "Noise2Score": (losses.Noise2Score(LAW), EYE, LAW),
    "SSDU": (losses.SSDU(0.4), operators.Inpainting(torch.ones(8, 8).triu()), LAW),
    "ENSURE": (losses.ENSURE(LAW, 0.6), operators.Inpainting(torch.ones(8, 8).triu()), LAW),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_step_on_a_gpu_reads_no_value_back(name, monkeypatch):
    """As on a GPU, with the first and the last step looked at: ten steps read as often as four."""
    loss, A, law = UNREAD[name]
    d = simulate(0.3 + 0.5 * torch.rand(4, 1, 8, 8, generator=generator()), A, law)
    monkeypatch.setattr(training, "_on_gpu", lambda f: True)
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self, closure=None: None)  # its own count

    def reads(steps):
        with Reads() as found:
            training.fit(unet(), loss, d, steps=steps, batch=4, progress=False)
        return found.count

    reads(2)  # the first step sets the multipliers
    assert reads(4) == reads(10) > 0


def test_data_that_turn_bad_are_told_at_the_next_look(monkeypatch):
    class Turning(Measurements):
        steps = 0

        def batch(self, indices, generator=None):
            self.steps += 1
            y, A = super().batch(indices, generator)
            return (y / 0 if self.steps > 2 else y), A

    monkeypatch.setattr(training, "_on_gpu", lambda f: True)
    with pytest.raises(ValueError, match="y holds 128 NaN or infinite values; replace"):
        fit(unet(), Turning(measured().tensors[0], EYE), steps=9, every=4)


def test_losses_and_multipliers_are_kept_without_reading_them():
    history, loss = training.History(), losses.UNSURE(eta=0.1)
    with Reads() as reads:
        history.keep(torch.tensor(1.0), loss)
        history.keep(torch.tensor(2.0), loss)
    assert reads.count == 0 and history.loss == []
    loss.eta.fill_(0.7)
    assert history.read() is None and history.loss == [1.0, 2.0]
    assert history.watched["eta"] == pytest.approx([0.1, 0.1])
    history.keep(torch.tensor(float("nan")), loss)
    assert history.read() == 2


def test_select_leaves_modes_and_random_numbers_as_they_were():
    f, loss = unet(), losses.SURE(LAW)
    f.net.encode[0].eval()
    modes, state = [m.training for m in f.modules()], torch.get_rng_state()
    validation.select({"f": (f, loss), "tested": (validation.Tested(f, loss), loss)}, measured())
    with pytest.raises(KeyboardInterrupt):
        validation.select({"f": (f, loss)}, Raising(KeyboardInterrupt()))
    assert [m.training for m in f.modules()] == modes and loss.training
    assert torch.equal(torch.get_rng_state(), state)
