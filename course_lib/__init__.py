"""Learn an image reconstructor from measurements alone: the package behind the course.

The world is y = A(x) + ε. Floors, lower ones never import upper ones:

1. `operators`, `noise`, `groups`, `metrics`   linear maps A, the law of y given Ax, T_g, psnr
2. `priors`, `models`, `data`           exact signal models, networks, real images
   `symmetry`                           what a group shows of the null space of A
3. `losses`                             one risk estimator per file
4. `training`, `validation`             fit and resume; choose without ground truth
   `uncertainty`                        error bars without ground truth
   `assumptions`                        what the data say against those of a loss
5. `experiments`                        the measured tables
6. `viz`, `exercises`, `cli`            figures, checks and hints, the command line
"""

import importlib
import os

__version__ = "0.1.0"

_SUBMODULES = (
    "assumptions",
    "data",
    "exercises",
    "experiments",
    "groups",
    "losses",
    "metrics",
    "models",
    "noise",
    "operators",
    "priors",
    "symmetry",
    "training",
    "uncertainty",
    "validation",
    "viz",
)


def scale(quick, full):
    """`quick` unless the environment says COURSE_SCALE=full: one notebook, two honest sizes."""
    chosen = os.environ.get("COURSE_SCALE", "quick")
    if chosen not in ("quick", "full"):
        raise ValueError(f"COURSE_SCALE is {chosen!r}; set it to 'quick' or 'full'.")
    return full if chosen == "full" else quick


def device() -> "torch.device":  # noqa: F821
    """Where lessons and tables compute: the GPU where there is one, else the CPU.

    Networks, operators and data of one run go there with `.to(course_lib.device())`; CUDA_VISIBLE_
    DEVICES= (empty) hides the GPU.
    """
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def __getattr__(name):
    """Import a submodule when it is first used, so that `import course_lib` stays light."""
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_lib has no {name!r}; it has {', '.join(_SUBMODULES)}.")


def __dir__():
    return sorted([*globals(), *_SUBMODULES])
