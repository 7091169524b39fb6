"""The packs of the scanner and the electron microscope: slices, k-space, densities, particles."""

import numpy as np

SCALE = {"brain1": 2058, "brain2": 1151}  # the value that becomes 1: the 99.9th percentile
HELD = {"mri": slice(3, None, 6), "ct": slice(4, None, 8)}  # slices of the train subject held out


def mean(image, size, axes):
    """Means over cells of equal size along the last `axes` axes, brought to `size` pixels each."""
    full = image.shape[-1]
    if size > full or full % size:
        fitting = ", ".join(str(full // k) for k in (1, 2, 4, 8))
        raise ValueError(f"size is {size}, but these come in {fitting} (means of cells).")
    k = full // size
    for axis in range(image.ndim - axes, image.ndim):
        cells = (*image.shape[:axis], size, k, *image.shape[axis + 1 :])
        image = image.reshape(cells).mean(axis + 1)
    return image


def slices(name, pack, split, size):
    """(N, size, size) in [0, 1] of one subject, and the subject and slice of each."""
    key = next(k for k in pack if k.startswith("test/" if split == "test" else "train/"))
    subject, volume = key.split("/")[1], pack[key].astype(np.float64)
    every = np.arange(len(volume))
    held, kept = every[HELD[name]], np.delete(every, HELD[name])
    numbers = {"train": kept, "validation": held, "test": every}[split]
    x = volume / SCALE[subject] if name == "mri" else (1 + volume / 1000) / 2
    x = mean(x.clip(0, 1)[numbers], size, 2)
    return x.astype(np.float32), [f"{subject}, slice {n}" for n in numbers]


def kspace(pack, split, size):
    """The centre of the phantom's k-space, (1, 4, size, size): Re and Im of two coils."""
    if split != "test":
        raise ValueError(f"split is {split!r}, but kspace is one scan, for testing: use 'test'.")
    k = pack["test/phantom"]
    if size > k.shape[-1]:
        raise ValueError(f"size is {size}, but the scan has {k.shape[-1]} lines.")
    first = k.shape[-1] // 2 - size // 2
    k = k[:, first : first + size, first : first + size]
    return np.stack([k.real, k.imag], 1).reshape(1, -1, size, size), ["phantom, two coils"]


def molecules(pack, split, size):
    """Densities (N, size, size, size) or projections (N, size, size), and their molecules."""
    stacks, sources = [], []
    for key in (k for k in pack if k.startswith(f"{split}/") and not k.endswith("/voxel")):
        stack, label = pack[key].astype(np.float64) / 255, key.split("/")[1]
        if f"{key}/voxel" in pack:  # a density
            stack = mean(stack, size, 3)[None]
            label += f", {pack[key + '/voxel'] * 64 / size:.3f} Å a voxel"
        else:
            stack = mean(stack, size, 2)
        stacks.append(stack.astype(np.float32))
        sources += [label] * len(stack)
    return np.concatenate(stacks), sources
