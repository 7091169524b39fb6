"""Runs side by side: a process that is killed, a run that fails, a command that is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from course_lib.experiments import parallel


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)


def work(run):
    """What a run is told to do."""
    if run == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if run == "fails":
        raise ValueError("the loss is nan")
    if run == "long":
        time.sleep(600)
    return os.getpid()


def test_a_process_killed_for_memory_is_one_sentence_and_no_endless_wait():
    began, done = time.monotonic(), []
    with pytest.raises(ChildProcessError, match="one of the 2 processes was killed, most likely"):
        for run, _ in parallel.results(work, ["short", "killed", "long"], "cpu"):
            done.append(run)
    assert time.monotonic() - began < 60 and set(done) <= {"short"}


def test_a_run_that_fails_stops_the_others():
    began = time.monotonic()
    with pytest.raises(ValueError, match="the loss is nan"):
        list(parallel.results(work, ["fails", "long"], "cpu"))
    assert time.monotonic() - began < 60


def test_the_processes_of_a_killed_command_end_too(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_parallel import parallel, work\n"
        "parallel.cores = lambda: 2\n"
        "if __name__ == '__main__':\n"
        "    for run, pid in parallel.results(work, ['short', 'long', 'long'], 'cpu'):\n"
        "        print(pid, flush=True)\n"
    )
    script = tmp_path / "table.py"
    script.write_text(code)
    command = [sys.executable, script, os.path.dirname(__file__)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        worker = int(running.stdout.readline())
        running.kill()
    for _ in range(300):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        if " Z " in f"{open(f'/proc/{worker}/stat').read()}":  # ended, and nobody asked yet
            return
        time.sleep(0.1)
    raise AssertionError("a process outlives its command")
