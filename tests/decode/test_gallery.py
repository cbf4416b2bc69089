"""Galleries: who it is, whether it is, who is unknown; and files that come back bit for bit or not at all."""

import numpy as np
import pytest

from jaxdl.decode.gallery import Gallery, distances, load, nearest, recognise, save, verify
from jaxdl.errors import InputError, StorageError


def at(*degrees):
    """Vectors of length 1 in the plane."""
    angle = np.deg2rad(np.array(degrees, np.float32))
    return np.stack([np.cos(angle), np.sin(angle)], 1)


GALLERY = Gallery(("Ada", "Ben", "Ada", "Élodie"), at(0, 90, 40, 180))


def test_distances_are_two_less_twice_the_cosine_from_zero_to_four():
    np.testing.assert_allclose(distances(GALLERY, at(0, 180)), [[0, 2, 0.468, 4], [4, 2, 3.532, 0]], atol=1e-3)


def test_the_nearest_entry_gives_the_name_and_what_is_too_far_off_is_unknown():
    """60° are a squared distance of 1: 2 − 2 cos 60°."""
    asked = at(10, 60, 80, 240.1, 239.9, 300.1)
    assert recognise(GALLERY, asked, 1.0) == ["Ada", "Ada", "Ben", None, "Élodie", "Ada"]
    assert recognise(GALLERY, asked, 0.0) == [None] * 6


def test_what_is_exactly_at_the_threshold_is_still_accepted():
    """A quarter turn is a squared distance of 2, here without rounding."""
    known = Gallery(("Ada",), np.float32([[1, 0]]))
    assert recognise(known, np.float32([[0, 1]]), 2.0) == ["Ada"]
    assert verify(known, "Ada", np.float32([[0, 1]]), 2.0).tolist() == [True]


def test_a_distance_never_falls_below_0_by_rounding():
    """‖(.6, .8)‖² is a little more than 1 in float32."""
    same = np.float32([[0.6000001, 0.8000001]])
    assert recognise(Gallery(("Ada",), same), same, 0.0) == ["Ada"]
    assert distances(Gallery(("Ada",), same), same).min() >= 0


def test_who_it_is_said_to_be_is_held_against_every_entry_of_that_name():
    assert verify(GALLERY, "Ada", at(0, 99, 101), 1.0).tolist() == [True, True, False]
    assert verify(GALLERY, "Ben", at(0, 99, 101), 1.0).tolist() == [False, True, True]


def test_neighbours_come_nearest_first():
    rows, found = nearest(GALLERY, at(50), 3)
    assert rows.tolist() == [[2, 1, 0]]
    np.testing.assert_allclose(found, 2 - 2 * np.cos(np.deg2rad([[10, 40, 50]])), atol=1e-6)


def test_a_gallery_comes_back_bit_for_bit(tmp_path):
    save(tmp_path / "gallery.npz", GALLERY)
    back = load(tmp_path / "gallery.npz")
    assert back.names == GALLERY.names
    np.testing.assert_array_equal(back.vectors, GALLERY.vectors)
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.npz"]


def test_a_file_with_any_byte_changed_or_cut_off_is_refused_or_holds_the_same(tmp_path):
    save(tmp_path / "gallery.npz", GALLERY)
    whole, damaged = (tmp_path / "gallery.npz").read_bytes(), tmp_path / "damaged.npz"
    refused = 0
    for place in range(0, len(whole), 5):
        for spoilt in (whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]):
            damaged.write_bytes(spoilt)
            try:
                back = load(damaged)
            except InputError:
                refused += 1
            else:
                assert back.names == GALLERY.names
                np.testing.assert_array_equal(back.vectors, GALLERY.vectors)
    assert refused > len(whole) / 5


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": np.array(["a"])}, "can't be read as a gallery"),
        ({"names": np.array([{}]), "vectors": at(0)}, "can't be read as a gallery"),
        ({"names": np.array([1]), "vectors": at(0)}, r"names int64\[1\] .* expected text"),
        ({"names": np.array(["a"]), "vectors": at(0).astype(float)}, r"vectors float64\[1, 2\]: expected"),
        ({"names": np.array([], str), "vectors": at()}, "an empty gallery"),
    ],
)
def test_a_file_that_is_no_gallery_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "gallery.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "gallery.npz")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gallery((), at()), "an empty gallery"),
        (lambda: Gallery(("a",), at(0, 90)), "1 names for 2 embeddings"),
        (lambda: Gallery(("a", "b"), np.float32([[1, 0], [3, 4]])), "embedding 1 has the length 5"),
        (lambda: Gallery(("a",), np.float32([[np.nan, 0]])), "embedding 0 has the length nan"),
        (lambda: recognise(GALLERY, np.eye(3, dtype=np.float32), 1.0), "of 3 numbers for a gallery of 2"),
        (lambda: recognise(GALLERY, 2 * at(0), 1.0), "embedding 0 has the length 2"),
        (lambda: recognise(GALLERY, at(0), 4.1), "threshold 4.1: expected .* 0 to 4"),
        (lambda: recognise(GALLERY, at(0), -0.1), "threshold -0.1"),
        (lambda: verify(GALLERY, "Ada", at(0), float("nan")), "threshold nan"),
        (lambda: verify(GALLERY, "Eve", at(0), 1.0), "'Eve' is not in the gallery: expected one of Ada, Ben"),
        (lambda: nearest(GALLERY, at(0), 5), "5 neighbours in a gallery of 4"),
    ],
)
def test_what_a_gallery_cannot_answer_is_explained(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_file_that_is_not_there_and_a_place_that_takes_none_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz can't be read: No such file"):
        load(tmp_path / "none.npz")
    with pytest.raises(StorageError, match="could not write"):
        save(tmp_path / "no" / "gallery.npz", GALLERY)
