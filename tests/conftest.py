"""One thread for torch: the tests' tensors are tiny, and sums then have one order everywhere.

Being here, this file also lets the tests of every folder import `montecarlo` and `problems`.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported, by the tests that need it
