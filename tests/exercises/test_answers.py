"""All exercises, answered as students might; see answers.py, the command `course answers`."""

import answers


def test_right_answers_pass_wrong_ones_do_not_and_most_are_told_why():
    counts, faults = answers.survey(every=4)
    assert not faults, "\n".join(faults)
    told = {style: count["told"] for style, count in counts.items()}
    # told why not: no gradient (3.3.a) and no integers (3.3.b)
    for style in ("in NumPy", "float64 returned", "lists returned", "arrays returned"):
        assert told[style] == 1
    assert told["as in the lesson"] == told["with loops"] == told["in place"] == 0
    assert counts["without return"].total() == len(answers.RIGHT) == 47
    wrong = counts["wrong"]
    assert wrong.total() > 470 and wrong["told"] > 0.9 * wrong.total()
    assert {name for name, _, _ in answers.WRONG} == set(answers.RIGHT)
