"""What is said of a heat over a picture: its peak, and where that is."""

import numpy as np
import pytest

from selfgrasp.core import Heat2D, InputError

CROPPED = np.array([[8.0, 0.0, 20.0], [0.0, 8.0, 12.0]])
"""Cells of 8 px, of a crop whose top left corner is at (20, 12)."""


def test_the_peak_lies_at_the_centre_of_its_cell():
    values = np.zeros((3, 5), np.float32)
    values[1, 4], values[0, 0] = 2.5, np.nan
    heat = Heat2D(values, CROPPED)
    assert heat.peak == 2.5
    assert heat.peak_px.tolist() == [20 + 8 * 4.5, 12 + 8 * 1.5]


def test_centres_of_cells_of_one_pixel_are_centres_of_pixels():
    heat = Heat2D(np.ones((2, 3), np.float32), np.eye(2, 3))
    rows, columns = np.mgrid[:2, :3]
    assert heat.px(rows, columns)[1, 2].tolist() == [2.5, 1.5]


def test_the_similarity_is_a_cosine_where_lengths_are_known():
    values, vector = np.array([[6.0, 8.0], [np.nan, 7.0]], np.float32), np.array([3.0, 4.0])
    assert Heat2D(values, CROPPED).similarity(vector) == pytest.approx(8 / 5)
    heat = Heat2D(values, CROPPED, np.array([[1.0, 2.0], [0.0, 1.5]], np.float32))
    for one in (heat, heat.resized(2.0), heat.inside((200, 200))):
        assert one.similarity(vector) == pytest.approx(8 / (5 * 2))
    with pytest.raises(InputError, match="lengths"):
        Heat2D(values, CROPPED, np.ones((2, 3), np.float32))


@pytest.mark.parametrize(
    ("values", "affine", "message"),
    [
        (np.full((2, 2), np.nan, np.float32), CROPPED, "all NaN"),
        (np.zeros((0, 4), np.float32), CROPPED, "a value"),
        (np.zeros((2, 2), np.float32), np.ones((2, 3)), "invertible"),
        (np.zeros((1, 2, 2), np.float32), CROPPED, "shape"),
    ],
)
def test_a_heat_without_a_peak_or_a_place_is_refused(values, affine, message):
    with pytest.raises(InputError, match=message):
        Heat2D(values, affine)
