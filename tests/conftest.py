"""One thread for torch: the tests' tensors are tiny, and sums then have one order everywhere.

Being here, this file also lets the tests of every folder import `montecarlo` and `problems`.
"""

import torch

torch.set_num_threads(1)
