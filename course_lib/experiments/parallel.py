"""Independent runs at the same time: one for each core, also when they share a GPU."""

import functools
import multiprocessing
import os

import torch


def cores():
    """The cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def results(function, runs, device):
    """(run, function(run)), each as it is done, in no order; one thread a process.

    A small network leaves a GPU idle most of the time, so up to 12 processes share it.
    """
    jobs = min(cores(), 12) if device == "cuda" else cores()
    with_run = functools.partial(_with_run, function)
    if jobs == 1 or len(runs) < 2:
        yield from map(with_run, runs)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, torch.set_num_threads, (1,)) as pool:
        yield from pool.imap_unordered(with_run, runs)


def _with_run(function, run):
    return run, function(run)
