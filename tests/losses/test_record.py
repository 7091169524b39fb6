"""What `make mutants` found, as it was recorded by that command."""

import json

from mutants import RECORD, RENAMED

ROWS, OTHER_NAMES = (json.loads(file.read_text()) for file in (RECORD, RENAMED))


def test_97_of_100_mutants_are_caught():
    caught, of = (sum(row[key] for row in ROWS.values()) for key in ("caught", "of"))
    assert caught >= 0.97 * of > 0


def test_every_detached_gradient_is_caught():
    assert all(row["detached"] == row["of detached"] for row in ROWS.values())


def test_no_test_minds_the_names_of_local_variables():
    assert len(OTHER_NAMES) >= 3
    assert all(row["failed"] == 0 < row["passed"] for row in OTHER_NAMES.values())
