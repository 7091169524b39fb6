"""What the examples in docstrings find: the package's modules, torch, and a fixed seed."""

import os

import pytest

import course_lib

# One thread, as in tests/conftest.py: the examples' tensors are tiny. Read when torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def examples(request, doctest_namespace):
    """Only doctests pay for it."""
    if isinstance(request.node, pytest.DoctestItem):
        import torch

        torch.manual_seed(0)
        doctest_namespace |= {name: getattr(course_lib, name) for name in course_lib._SUBMODULES}
        doctest_namespace["torch"] = torch
