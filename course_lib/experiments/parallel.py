"""Independent runs on all cores of the CPU, or one after the other on a GPU."""

import multiprocessing
import os

import torch


def cores():
    """The cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def results(function, runs, device):
    """(run, function(run)) in the order of `runs`, as each is done; one thread a process."""
    jobs = 1 if device == "cuda" else cores()
    if jobs == 1 or len(runs) < 2:
        yield from ((run, function(run)) for run in runs)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, torch.set_num_threads, (1,)) as pool:
        yield from zip(runs, pool.imap(function, runs), strict=True)
