"""fit: the same seed gives the same bits, also after a kill; evaluation; the history; optima."""

import errno
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import resumed
import torch
from montecarlo import generator
from resumed import run

from course_lib import losses, noise, operators, training
from course_lib.data import Pairs, simulate


def assert_same(one, two):
    """Weights, multipliers and history of two runs, bit for bit."""
    for a, b in zip(one[:2], two[:2], strict=True):
        a, b = a.state_dict(), b.state_dict()
        assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
    for name in ("loss", "held_out", "watched"):
        assert getattr(one[2], name) == getattr(two[2], name)


class Killed(Exception):
    pass


def die_at(step):
    """A run that dies ahead of this step."""

    def before(n):
        if n == step:
            raise Killed

    return before


@functools.cache
def whole(kind="UNSURE"):
    """The run that nothing interrupts."""
    return run(kind=kind)


@pytest.mark.parametrize(
    "kind, step",
    [("UNSURE", 3), ("UNSURE", 17), ("UNSURE", 35), ("SURE", 12), ("R2R", 8), ("Noise2Noise", 39)],
)
def test_a_run_that_died_goes_on_to_the_same_bits(kind, step, tmp_path):
    checkpoint = tmp_path / "c.pt"
    with pytest.raises(Killed):
        run(checkpoint, kind, before=die_at(step))
    assert not checkpoint.exists() if step < 5 else torch.load(checkpoint)["step"] == step // 5 * 5
    assert_same(run(checkpoint, kind), whole(kind))
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


def test_a_process_killed_at_any_moment_goes_on_to_the_same_bits(tmp_path):
    """SIGKILL at a moment that nobody chose: there is no bad one."""
    checkpoint = tmp_path / "c.pt"
    child = subprocess.Popen([sys.executable, resumed.__file__, checkpoint], env=environment())
    try:
        while not checkpoint.exists():
            assert child.poll() is None, "the run ended by itself"
            time.sleep(0.002)
        time.sleep(0.3 * int.from_bytes(os.urandom(1), "big") / 255)
    finally:
        child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert 5 <= torch.load(checkpoint)["step"] <= 35
    assert_same(run(checkpoint), whole())


def environment():
    root = str(Path(resumed.__file__).parent.parent)
    return os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    checkpoint = tmp_path / "c.pt"
    with pytest.raises(Killed):
        run(checkpoint, before=die_at(12))
    before = checkpoint.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="c.pt can't be written: the disk is full; make room"):
        run(checkpoint)
    monkeypatch.undo()
    assert checkpoint.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    assert_same(run(checkpoint), whole())


def test_the_seed_decides_and_nothing_else():
    torch.manual_seed(1)
    assert_same(run(), whole())
    assert run(seed=1)[2].loss != whole()[2].loss


def test_neither_progress_nor_held_out_data_nor_checkpoints_change_the_result(tmp_path):
    x = torch.rand(4, 1, 8, 8, generator=generator(9))
    held_out = simulate(x, operators.Identity(), resumed.NOISE)
    f, loss, history = run(tmp_path / "c.pt", held_out=held_out)
    assert [step for step, _ in history.held_out] == list(range(5, 41, 5))
    history.held_out = []
    assert_same((f, loss, history), whole())


def test_a_finished_run_is_not_run_again(tmp_path):
    run(tmp_path / "c.pt")
    assert_same(run(tmp_path / "c.pt", before=die_at(0)), whole())


@pytest.mark.parametrize(
    "options, told",
    [
        ({"steps": 6}, "'steps': 5"),
        ({"seed": 5}, "'seed': 0"),
        ({"lr": 1e-3}, "'lr': 0.002"),
        ({"kind": "SURE"}, "'loss': .UNSURE"),
    ],
)
def test_another_run_s_checkpoint_is_refused(tmp_path, options, told):
    run(tmp_path / "c.pt", steps=5)
    options = {"steps": 5} | options
    with pytest.raises(ValueError, match=f"is of another run, .{told}.*delete it or use its"):
        run(tmp_path / "c.pt", **options)


@pytest.mark.parametrize("name, value", [("lr", 0.0), ("lr", -1e-3), ("every", 0), ("steps", 0)])
def test_a_step_of_nothing_is_refused(name, value):
    data = simulate(torch.rand(2, 1, 4, 4), operators.Identity(), GAUSSIAN)
    options = {"steps": 3, name: value}
    with pytest.raises(ValueError, match=f"{name} is"):
        training.fit(Scale(), losses.SURE(GAUSSIAN), data, **options)


def test_what_is_not_a_checkpoint_is_refused(tmp_path):
    (tmp_path / "c.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match="not a readable checkpoint; delete it"):
        run(tmp_path / "c.pt")


class Scale(torch.nn.Module):
    """f(y) = c y: the one-weight network whose optimum every loss knows in closed form."""

    def __init__(self):
        super().__init__()
        self.c = torch.nn.Parameter(torch.tensor(0.3))

    def forward(self, y, A):
        return self.c * y


SIGMA, ALPHA = 0.5, 0.3
GAUSSIAN = noise.Gaussian(SIGMA)
OPTIMA = {  # for x ~ N(0, 1)
    "Supervised": (losses.Supervised, 1 / (1 + SIGMA**2)),
    "MeasurementConsistency": (losses.MeasurementConsistency, 1.0),
    "Noise2Noise": (losses.Noise2Noise, 1 / (1 + SIGMA**2)),
    "SURE": (lambda: losses.SURE(GAUSSIAN), 1 / (1 + SIGMA**2)),
    "R2R": (lambda: losses.R2R(GAUSSIAN, ALPHA), 1 / (1 + SIGMA**2 / (1 - ALPHA))),
}


@pytest.mark.parametrize("name", OPTIMA)
def test_training_ends_at_the_optimum_of_the_loss(name):
    make, optimum = OPTIMA[name]
    x = torch.randn(2000, 1, 4, 4, generator=generator())
    kind = Pairs if name == "Supervised" else simulate
    options = {"copies": 2} if name == "Noise2Noise" else {}
    data, f = kind(x, operators.Identity(), GAUSSIAN, **options), Scale()
    training.fit(f, make(), data, steps=300, batch=256, lr=0.02, progress=False)
    assert f.c.item() == pytest.approx(optimum, abs=0.015)


def test_evaluate_is_the_mean_loss_over_all_images_whatever_the_batch():
    x = torch.rand(10, 1, 4, 4, generator=generator())
    data, f = simulate(x, operators.Identity(), GAUSSIAN), Scale()
    loss = losses.MeasurementConsistency()
    expected = float((0.7 * data.batch(torch.arange(10))[0]).square().mean())
    for batch in (3, 10, 64):
        assert training.evaluate(f, loss, data, batch=batch) == pytest.approx(expected, rel=1e-5)


def test_evaluate_repeats_itself_and_leaves_everything_as_it_was():
    x = torch.rand(10, 1, 4, 4, generator=generator())
    data, f, loss = simulate(x, operators.Identity(), GAUSSIAN), Scale(), losses.UNSURE(eta=0.2)
    f.train(), loss.train()
    values = {training.evaluate(f, loss, data, seed=3) for _ in range(3)}
    assert len(values) == 1 and training.evaluate(f, loss, data, seed=4) not in values
    assert f.training and loss.training and float(loss.eta) == pytest.approx(0.2)
    assert f.c.grad is None


def test_equal_seeds_of_the_data_and_of_their_evaluation_stay_independent():
    """Held-out R2R on data of seed 0, evaluated with seed 0: still the risk plus its offset."""
    x, loss = torch.randn(2000, 1, 4, 4, generator=generator(7)), losses.R2R(GAUSSIAN, ALPHA)
    data, f = simulate(x, operators.Identity(), GAUSSIAN, seed=0), Scale()
    risk = 0.7**2 + 0.3**2 * SIGMA**2 / (1 - ALPHA)
    value = training.evaluate(f, loss, data, seed=0, batch=2000) - SIGMA**2 / ALPHA
    assert value == pytest.approx(risk, abs=0.04)


def test_a_held_out_loss_ranks_networks_as_their_risk_does():
    x = torch.randn(2000, 1, 4, 4, generator=generator())
    data = simulate(x, operators.Identity(), GAUSSIAN, seed=1)
    scores, f = [], Scale()
    for c in (0.2, 0.5, 0.8, 1.0):
        f.c.data.fill_(c)
        scores.append(training.evaluate(f, losses.SURE(GAUSSIAN), data))
    risks = [(1 - c) ** 2 + c**2 * SIGMA**2 for c in (0.2, 0.5, 0.8, 1.0)]
    assert scores == pytest.approx(risks, abs=0.03)
    assert sorted(range(4), key=scores.__getitem__) == sorted(range(4), key=risks.__getitem__)


def test_a_loss_that_is_no_longer_finite_stops_with_a_remedy():
    data = simulate(torch.rand(4, 1, 4, 4), operators.Identity(), GAUSSIAN)
    with pytest.raises(RuntimeError, match="the loss is .* at step .*; lower lr = 1e"):
        training.fit(Scale(), losses.SURE(GAUSSIAN), data, steps=50, lr=1e30, progress=False)


def test_the_history_remembers_every_step_and_the_multiplier_and_is_drawn():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x = torch.rand(4, 1, 8, 8, generator=generator(9))
    held_out = simulate(x, operators.Identity(), resumed.NOISE)
    f, loss, history = run(held_out=held_out)
    assert len(history.loss) == 40 == len(history.watched["eta"])
    assert history.watched["eta"][-1] == float(loss.eta) and history.seconds_per_step > 0
    assert not f.training and not loss.training

    figure, ax = plt.subplots()
    assert history.plot(ax, label="UNSURE", smooth=10) is ax
    curve, dots = ax.lines
    assert len(curve.get_xdata()) == 31 and curve.get_ydata()[-1] == pytest.approx(
        sum(history.loss[-10:]) / 10, rel=1e-6
    )
    assert list(dots.get_xdata()) == list(range(5, 41, 5))
    assert ax.get_xlabel() == "step" and "loss" in ax.get_ylabel()
    plt.close(figure)

    short = training.History(loss=[1.0, 2.0]).plot()
    assert len(short.lines) == 1
    plt.close(short.figure)
