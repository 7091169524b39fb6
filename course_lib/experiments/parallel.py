"""Independent runs at the same time: one for each core, also when they share a GPU."""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import torch


def cores():
    """The cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def results(function, runs, device):
    """(run, function(run)), each as it is done, in no order; one thread a process.

    A small network leaves a GPU idle most of the time, so up to 12 processes share it. Raises
    ChildProcessError when one of them is killed; the others are then stopped, as they are when the
    caller stops asking.
    """
    jobs = min(cores(), 12) if device == "cuda" else cores()
    if jobs == 1 or len(runs) < 2:
        yield from ((run, function(run)) for run in runs)
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(runs)), context, _begin)
    try:
        futures = {pool.submit(function, run): run for run in runs}
        for future in as_completed(futures):
            yield futures[future], future.result()
        pool.shutdown()
    except BrokenProcessPool:
        raise ChildProcessError(
            f"one of the {jobs} processes was killed, most likely for want of memory: finished "
            "runs are kept; run the command again, on fewer cores (taskset -c 0 course …)."
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()


def _begin():
    """In each process: one thread, and no life without the one that started it."""
    torch.set_num_threads(1)
    threading.Thread(target=_follow, daemon=True).start()


def _follow():
    multiprocessing.parent_process().join()
    os._exit(1)
