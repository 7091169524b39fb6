"""All exercises, answered as students might; see answers.py, the command `course answers`."""

import answers
import pytest
from typer.testing import CliRunner

from course_lib.cli import app


def test_right_answers_pass_wrong_ones_do_not_and_most_are_told_why():
    counts, faults = answers.survey(every=4)
    assert not faults, "\n".join(faults)
    told = {style: count["told"] for style, count in counts.items()}
    # told why not: no gradient (3.3.a, 4.3.b) and no integers (3.3.b)
    assert told["float64 returned"] == 1
    for style in ("in NumPy", "lists returned", "arrays returned"):
        assert told[style] == 2
    for style in ("as in the lesson", "with loops", "in float32", "in place"):
        assert told[style] == 0
    assert counts["without return"].total() == len(answers.RIGHT) == 61
    wrong = counts["wrong"]
    assert wrong.total() > 610 and wrong["told"] > 0.9 * wrong.total()
    assert {name for name, _, _ in answers.WRONG} == set(answers.RIGHT)


@pytest.mark.parametrize("has", ["nothing", "no tests", "answers"])
def test_the_command_runs_the_answers_of_a_clone(has, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if has != "nothing":
        (tmp_path / "book.yml").touch()
    if has == "answers":
        (tmp_path / "tests/exercises").mkdir(parents=True)
        (tmp_path / "tests/exercises/answers.py").write_text("raise SystemExit(print('47') or 0)")
    ran = CliRunner().invoke(app, "answers")
    if has == "answers":
        assert (ran.exit_code, ran.output) == (0, "47\n")
    else:
        assert ran.exit_code == 1 and "inside a clone of the course" in ran.output
        assert ran.output.count("\n") == 1
