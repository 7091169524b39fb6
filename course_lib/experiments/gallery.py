"""Pictures of two test images for every row of a table, in one file beside its figures.

8 bits a pixel, values cut to [0, 1]; each pair of pictures is a PNG, the file a NumPy archive.
"""

import base64
import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .. import _files, metrics


def kept(x_hat, x):
    """What a result keeps of two x̂, (2, 1, H, W): their pictures, and the PSNR of each as shown."""
    return {"picture": encode(x_hat), "picture_db": metrics.psnr(x_hat.clamp(0, 1), x).tolist()}


def album(seen, results):
    """{problem: {"x": …, "y": …, method: …}}, all encoded.

    seen: {problem: {"x": x, …}}, what stands beside the methods. results: {(problem, method): one
    for each seed}, of which that of the first seed has the picture.
    """
    found = {p: {name: encode(u) for name, u in these.items()} for p, these in seen.items()}
    for (problem, method), ours in results.items():
        found[problem][method] = ours[0]["picture"]
    return found


def encode(x):
    """Two images (2, 1, H, W), one above the other, as the text of a PNG."""
    pixels, buffer = (255 * x.clamp(0, 1)).round().byte().flatten(0, 2), io.BytesIO()
    Image.fromarray(pixels.numpy()).save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def path(json_path):
    """Where the pictures of the table `json_path` are: the same name, .npz."""
    return Path(json_path).with_suffix(".npz")


def write(found, json_path):
    """Write an album beside the table, whole or not at all."""
    buffer, parts = io.BytesIO(), {}
    for problem, these in found.items():
        for name, text in these.items():
            parts[f"{problem}/{name}"] = np.frombuffer(base64.b64decode(text), np.uint8)
    np.savez(buffer, **parts)
    _files.write(path(json_path), buffer.getvalue())


def read(json_path):
    """{problem: {"x": two images (2, 1, H, W), "y": …, method: …}}, as they were written."""
    found = {}
    with np.load(path(json_path)) as parts:
        for key in parts.files:
            problem, _, name = key.partition("/")
            pixels = np.array(Image.open(io.BytesIO(parts[key].tobytes())))
            images = torch.from_numpy(pixels).float().div(255).unflatten(0, (2, 1, -1))
            found.setdefault(problem, {})[name] = images
    return found
