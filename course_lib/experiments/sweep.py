"""One sweep for all tables: each run once, finished ones kept, the others side by side."""

import functools
import itertools
import time

import torch
from tqdm.auto import tqdm

from .. import data, device, training
from . import parallel, report
from .store import Store, beside


def sweep(one, cells, scale, seeds, json_path=None):
    """({cell: its results}, meta) of `cells`, {cell: its runs}, a run for each seed.

    A run is a tuple of words and numbers, the key under which its result is kept beside
    `json_path`: `one(*run, device)`, a dict, with the "seconds" that it took. A run of several
    cells is done once. Runs of the first seed come first. Of a list of cells the runs are
    (*cell, seed, scale).
    """
    if isinstance(cells, list):
        cells = {cell: [(*cell, seed, scale) for seed in seeds] for cell in cells}
    module, where = getattr(one, "func", one).__module__, str(device())
    store, rounds = Store(beside(json_path), module), itertools.zip_longest(*cells.values())
    runs = list(dict.fromkeys(run for some in rounds for run in some if run is not None))
    missing = [run for run in runs if run not in store]
    done = parallel.results(functools.partial(_timed, one, where), missing, where)
    for run, result in tqdm(done, total=len(missing), unit="run"):
        store.put(run, result)
        if psnr := result.get("psnr"):
            tqdm.write(f"{', '.join(map(str, run))}: {sum(psnr) / len(psnr):.2f} dB")
    seconds = sum(store[run]["seconds"] for run in runs)  # also those of earlier calls
    meta = report.meta(scale, where, seeds, seconds, store.versions(runs))
    return {cell: [store[run] for run in some] for cell, some in cells.items()}, meta


def _timed(one, where, run):
    began = time.perf_counter()
    result = one(*run, where)
    return result | {"seconds": round(time.perf_counter() - began, 2)}


def named(*found):
    """{class: loss}."""
    return {type(loss).__name__: loss for loss in found}


def measured(loss, x, A, law, seed, crop=None, copies=None):
    """What a loss is given of the images x: pairs if it needs x, else y in as many copies."""
    if loss.needs_x:
        return data.Pairs(x, A, law, seed=seed, crop=crop)
    return data.simulate(x, A, law, seed=seed, copies=copies or loss.copies, crop=crop)


def train(make, loss, measurements, where, seed, **options):
    """(f, what a row says of its training): f = make(), trained with the loss; untrained if None.

    The first weights come from `seed`; f, loss and measurements move to the device `where`.
    """
    torch.manual_seed(seed)
    f = make().to(where)
    if loss is None:
        return f, {"train_evals": 0, "test_evals": 0, "s_per_step": None}
    loss.to(where), measurements.to(where)
    spent = training.fit(f, loss, measurements, seed=seed, progress=False, **options)
    return f, {"train_evals": loss.train_evals, "test_evals": loss.test_evals,
               "s_per_step": spent.seconds_per_step}  # fmt: skip


def reconstruct(f, loss, y, A, where, seed=0, batch=4):
    """x̂ of all y, by the loss's own estimator, on the CPU; Aᵀy without a loss."""
    if loss is None:
        return A.adjoint(y)
    measurements = data.Measurements(y, A[:]).to(where)
    return training.reconstruct(f, loss, measurements, seed=seed, batch=batch).cpu()
