"""The recorded times beside the reference library, against their bars; `make bench` takes them."""

import sys

import pytest

from course_lib import experiments
from course_lib.experiments import bench

BARS = {"operator": 1.05, "step 8×64²": 1.02, "step 2×128²": 1.02, "step 8×256²": 1.02}
# Taken beside a build of the site, on a processor without instructions for bf16: there the default
# is float32, and the 0.65 that bf16 is meant to give is out of reach. See the closing note.
MISSED = {
    ("step 2×128²", "SURE"),
    ("step 2×128²", "Splitting"),
    ("step 8×256²", "R2R"),
    ("step 8×64² bf16", "Supervised"),
    ("step 8×256² bf16", "Supervised"),
}


@pytest.fixture(scope="module")
def table():
    return experiments.recorded("bench")


def test_every_ratio_meets_its_bar_or_is_listed_as_missed(table):
    over = {
        (row["problem"], row["method"])
        for row in table["rows"]
        if row["ratio"] > BARS.get(row["problem"], 1.0)
    }
    assert over == MISSED


def test_import_and_memory(table):
    imports, peak = table["import_s"], table["peak_mb_of_a_sure_step"]
    assert max(imports["course_lib"], imports["course_lib.noise"]) <= 0.2 < imports["deepinv"]
    assert peak["course_lib"] <= 1.01 * peak["deepinv"]  # a run scatters by some MB


def test_the_recorded_run_says_where_it_comes_from(table):
    assert {"processor", "versions", "deepinv", "seconds"} <= table["meta"].keys()


def test_a_median_of_ratios_is_that_of_neighbouring_runs(monkeypatch):
    """Ours always takes twice as long, whatever else slows both down."""
    clock, load = [0.0], iter(range(1, 1000))

    def run(cost):
        def call():
            clock[0] += cost * 0.1 * run.load

        return call

    run.load = 1
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock[0])
    ours, theirs = run(2), run(1)

    def slower():
        run.load = next(load)
        ours()

    assert bench.ratio(slower, theirs, 5)[2] == pytest.approx(2)


def test_without_the_reference_library_it_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "deepinv", None)
    with pytest.raises(ValueError, match="not installed here; `make bench` sets up"):
        bench.measure("quick")
