"""A loss is the mean of its entries; most have one for each entry of y, image by image."""

import pytest
import torch
from montecarlo import generator
from test_gradients import CASES, COUNTS, SIZE, THETA, network

from course_lib import losses

OTHERWISE = {"Neighbor2Neighbor": (3, 1, 3, 3)}  # one for each 2×2 cell
ALONE = [key for key in CASES if key not in ("Sum", "Supervised", "Noise2Noise")]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("key", ALONE)
def test_a_loss_is_the_mean_of_its_entries(key, training):
    make, A = CASES[key]
    y = COUNTS(A(1 + torch.rand(SIZE, generator=generator(), dtype=torch.float64)), generator(1))
    f = network(THETA, key.startswith("BlindSpot"))
    entries = make().train(training).entries(f, y, A, generator=generator(2))
    assert entries.shape == OTHERWISE.get(key, SIZE)
    assert entries.mean() == make().train(training)(f, y, A, generator=generator(2))


def test_a_wrong_image_shows_in_its_own_entries():
    """SURE of a perfect f but for the upper half of one image: a map of the error, images apart."""
    x = torch.zeros(4, 1, 32, 32)
    off = x.clone()
    off[2, 0, :16] = 0.5
    law = CASES["SURE"][0]().noise
    y, (_, A) = law(x, generator()), CASES["BlindSpotSURE"]
    entries = losses.SURE(law).eval().entries(lambda u, B: off, y, A, generator=generator(1))
    upper, lower = (part.mean((1, 2, 3)) for part in entries.split(16, 2))
    spread = 2**0.5 * law.sigma**2 / 512**0.5  # of the mean of 512 entries (y² − σ²)
    right = torch.tensor([0.0, 0.0, 0.25, 0.0])
    assert (upper - right).abs().max() < 8 * spread and lower.abs().max() < 4 * spread


def test_a_sum_and_a_loss_without_entries_say_so():
    with pytest.raises(NotImplementedError, match="Sum has no `entries`; write it"):
        (2 * losses.MeasurementConsistency()).entries(None, torch.ones(SIZE), CASES["SURE"][1])
