"""A checkpoint knows its run: whatever differs is told, and whatever is damaged is refused."""

import math

import pytest
import torch
from montecarlo import generator

from course_lib import data, losses, models, noise, operators, training
from course_lib._fingerprint import facts
from course_lib.checkpoint import Checkpoint

LAW = noise.Gaussian(0.1)


class Net(torch.nn.Module):
    """f(y, A) = c y, with settings of every kind beside its weight."""

    def __init__(self, first=0.3, **settings):
        super().__init__()
        self.c = torch.nn.Parameter(torch.tensor(first))
        self.bias = torch.nn.Parameter(torch.zeros(2))
        self.register_buffer("scale", torch.ones(3))
        self.register_buffer("unsaved", torch.ones(1), persistent=False)
        self.tuple, self.none, self.words, self.table = (1, 2), None, ["a", "b"], {"k": 1.0}
        self.tensor, self.act, self.nan = torch.arange(4.0), torch.nn.functional.relu, math.nan
        self.made = lambda u, weight=2.0: weight * u
        for name, value in settings.items():
            setattr(self, name, value)

    def forward(self, y, A):
        return self.c * y + 0 * self.bias.sum()


class Bare:
    """Another's data set: the protocol, and nothing else."""

    def __init__(self, own):
        self.own = own

    def __len__(self):
        return len(self.own)

    def batch(self, indices, generator=None):
        return self.own.batch(indices, generator)


def y(seed=0, n=6):
    return torch.rand(n, 1, 4, 4, generator=generator(seed))


def changed(tensor, index=-1):
    tensor = tensor.clone()
    tensor.view(-1)[index] += 1e-6
    return tensor


def masks(flip=False):
    m = torch.ones(6, 1, 4, 4)
    m[:, :, 0, 0] = 0
    m[5, 0, 3, 3] = 0 if flip else 1
    return operators.Inpainting(m)


def run(path, f=None, loss=None, d=None, **options):
    torch.manual_seed(0)
    f, loss = f or Net(), loss or losses.UNSURE(eta=0.01)
    d = d or data.Measurements(y(), operators.Identity())
    options = {"steps": 4, "every": 2, "batch": 3} | options
    history = training.fit(f, loss, d, checkpoint=path, progress=False, **options)
    return f, history


def frozen():
    f = Net()
    f.bias.requires_grad_(False)
    return f


def buffer(name):
    f = Net()
    getattr(f, name)[0] += 1e-6
    return f


def measured(y_=None, A=None, **options):
    return data.Measurements(y() if y_ is None else y_, A or operators.Identity(), **options)


def swapped():
    return y()[torch.tensor([1, 0, 2, 3, 4, 5])]


def subset(*indices):
    return torch.utils.data.Subset(measured(), list(indices))


OTHERS = {  # name: (one run, another, what is told)
    "first weight": ({}, {"f": Net(0.3001)}, "f.c"),
    "buffer": ({}, {"f": buffer("scale")}, "f.scale"),
    "buffer that is not saved": ({}, {"f": buffer("unsaved")}, "f.unsaved"),
    "frozen": ({}, {"f": frozen()}, "f.bias"),
    "tuple": ({}, {"f": Net(tuple=(1, 3))}, "f.tuple"),
    "list for a tuple": ({}, {"f": Net(tuple=[1, 2])}, "f.tuple"),
    "None": ({}, {"f": Net(none=0.5)}, "f.none"),
    "list": ({}, {"f": Net(words=["a", "c"])}, "f.words.1"),
    "longer list": ({}, {"f": Net(words=["a", "b", "c"])}, "f.words.2"),
    "long list": ({"f": Net(tuple=list(range(99)))}, {"f": Net(tuple=[*range(98), 0])}, "f.tuple"),
    "dict": ({}, {"f": Net(table={"k": 2.0})}, "f.table.k"),
    "tensor that is no buffer": ({}, {"f": Net(tensor=changed(torch.arange(4.0)))}, "f.tensor"),
    "dtype": ({}, {"f": Net(tensor=torch.arange(4.0).double())}, "f.tensor"),
    "function": ({}, {"f": Net(act=torch.nn.functional.gelu)}, "f.act"),
    "lambda": ({}, {"f": Net(made=lambda u, weight=2.0: weight + u)}, "f.made"),
    "default": ({}, {"f": Net(made=lambda u, weight=3.0: weight * u)}, "f.made.0"),
    "operator inside": ({"f": Net(tuple=masks())}, {"f": Net(tuple=masks(True))}, "f.tuple.mask"),
    "start value": ({}, {"loss": losses.UNSURE(eta=0.02)}, "loss.eta"),
    "number of the loss": ({}, {"loss": losses.UNSURE(eta=0.01, rate=0.03)}, "loss.rate"),
    "splitting": ({"loss": losses.Splitting(0.2)}, {"loss": losses.Splitting(0.5)}, "loss.p"),
    "law of the loss": (
        {"loss": losses.SURE(LAW)},
        {"loss": losses.SURE(noise.Gaussian(0.2))},
        "loss.noise.",
    ),
    "weight of a sum": (
        {"loss": losses.SURE(LAW) + 1.0 * losses.UNSURE(eta=0.01)},
        {"loss": losses.SURE(LAW) + 2.0 * losses.UNSURE(eta=0.01)},
        "loss.weights.1",
    ),
    "one value of y": ({}, {"d": measured(changed(y()))}, "data.tensors.0"),
    "order of y": ({}, {"d": measured(swapped())}, "data.tensors.0"),
    "number of y": ({}, {"d": measured(y(n=7))}, "items"),
    "operator": ({"d": measured(A=masks())}, {"d": measured(A=masks(True))}, "data.A.mask"),
    "law of the data": (
        {"d": measured(noise=noise.Gaussian(0.1))},
        {"d": measured(noise=noise.Gaussian(0.2))},
        "data.noise.",
    ),
    "crop": ({"d": measured(crop=2)}, {"d": measured(crop=3)}, "data.crop"),
    "subset": ({"d": subset(0, 1, 2)}, {"d": subset(0, 1, 3)}, "data.indices"),
    "another's data": ({"d": Bare(measured())}, {"d": Bare(measured(y(1)))}, "first batch"),
    "behind a wrapper": ({"d": Bare(measured())}, {"d": measured(y(1))}, "first batch"),
    "held out": ({"held_out": measured(y(2))}, {"held_out": measured(y(3))}, "held_out.tensors.0"),
    "held out or not": ({}, {"held_out": measured(y(2))}, "every"),
    "precision": ({}, {"precision": "bf16"}, "precision"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_run_is_told_by_what_differs(name, tmp_path):
    one, other, told = OTHERS[name]
    run(tmp_path / "c.pt", **one)
    with pytest.raises(
        ValueError, match=rf"c.pt is of another run, {{'[^}}]*{told}[^}}]*}}.*; del"
    ):
        run(tmp_path / "c.pt", **other)


def test_the_same_run_is_known_also_behind_a_wrapper_and_in_other_modes(tmp_path):
    """Of equal parts made anew, NaN among them, where each wrapper draws the same items."""
    f, history = run(tmp_path / "c.pt")
    for d in (measured(), Bare(measured()), measured(y().clone(memory_format=torch.channels_last))):
        g = Net().eval()
        again = run(tmp_path / "c.pt", f=g, d=d)[1]
        assert torch.equal(g.c, f.c) and again.loss == history.loss


def test_facts_of_a_thing_that_holds_itself_end():
    loop = [1]
    loop.append(loop)
    assert facts(loop, "loop") == {"loop": "list", "loop.0": 1}


def saved(path):
    """A small checkpoint, and a function that opens it."""
    file = Checkpoint(path, {"lr": 1.0}, {"data": 1}, None, {"net": torch.nn.Linear(2, 2)})
    file.save(step=1)
    return file.restore


def test_no_flipped_bit_and_no_cut_passes(tmp_path):
    path = tmp_path / "c.pt"
    restore = saved(path)
    assert restore()["step"] == 1
    whole, g = path.read_bytes(), generator(3)
    places = torch.randint(len(whole), (200,), generator=g).tolist()
    for place in [*places, 0, len(whole) - 1]:
        bits = bytearray(whole)
        bits[place] ^= 1 << place % 8
        path.write_bytes(bits)
        with pytest.raises(ValueError, match="not a readable checkpoint"):
            restore()
    for size in (0, 5, len(whole) - 32, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="not a readable checkpoint"):
            restore()


def test_a_checkpoint_of_a_gpu_opens_on_a_cpu(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    f, history = run(tmp_path / "c.pt")
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="CUDA"):  # as it stands, it wants its GPU
        torch.load(tmp_path / "c.pt")
    g, again = run(tmp_path / "c.pt")
    assert torch.equal(g.c, f.c) and again.loss == history.loss


@pytest.mark.parametrize(
    "place, told", [("none/c.pt", "there is no folder .*none"), (".", "a folder or device")]
)
def test_a_place_where_nothing_can_be_written_is_refused_before_the_first_step(
    place, told, tmp_path
):
    class Untouched(data.Measurements):
        def batch(self, indices, generator=None):
            raise AssertionError("a step was made")

    with pytest.raises(OSError, match=told):
        run(tmp_path / place, d=Untouched(y(), operators.Identity()))


def test_a_checkpoint_of_any_name_is_kept(tmp_path):
    for name in ("a.tmp", "sigma_0.1", "sigma_0.3", "c"):
        run(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.tmp",
        "c",
        "sigma_0.1",
        "sigma_0.3",
    ]


def test_a_network_with_dropout_goes_on_to_the_same_bits(tmp_path):
    class Dropout(Net):
        def forward(self, y, A):
            return super().forward(torch.nn.functional.dropout(y, 0.3, self.training), A)

    class Killed(Bare):
        def batch(self, indices, generator=None):
            self.drawn = getattr(self, "drawn", 0) + 1
            if self.drawn > 5:
                raise KeyboardInterrupt
            return super().batch(indices, generator)

    whole = run(None, f=Dropout(), steps=8)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "c.pt", f=Dropout(), d=Killed(measured()), steps=8)
    torch.rand(7)  # the caller's random numbers do not matter
    again = run(tmp_path / "c.pt", f=Dropout(), steps=8)
    assert torch.equal(again[0].c, whole[0].c) and again[1].loss == whole[1].loss


def test_the_course_s_networks_and_losses_are_known_again():
    """Made twice they have the same facts, from another seed others."""

    def made(seed):
        torch.manual_seed(seed)
        f = models.MoDL(models.UNet(widths=(4, 8)))
        return facts([f, losses.R2R(LAW) + losses.Splitting(0.3), masks()], "run")

    assert made(0) == made(0) != made(1)
