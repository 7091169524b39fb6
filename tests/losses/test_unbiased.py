"""E[loss] = risk + offset, for every loss on every noise law and operator where it applies."""

import pytest
from problems import APPLIES, CLAIMS, PROBLEMS, assert_unbiased

CASES = [(claim, problem) for claim, problems in APPLIES.items() for problem in problems]


@pytest.mark.parametrize("claim, problem", CASES)
def test_the_loss_is_the_risk_plus_its_offset(claim, problem):
    claim, problem = CLAIMS[claim], PROBLEMS[problem]()
    assert_unbiased(claim.make(problem.noise), claim, problem)
