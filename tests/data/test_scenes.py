"""Scenes: what is known of them is what can be seen in them."""

import jax
import numpy as np
import pytest

from jaxdl.data import images, scenes
from jaxdl.data.annotations import caption
from jaxdl.data.collage import INK, Cast, Layout, strewn
from jaxdl.errors import InputError

FEW = (60, 20, 20)


@pytest.fixture(scope="module")
def data(shared_data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXDL_DATA_DIR", str(shared_data))
        return scenes.load(FEW)


def parts(data):
    return data.train, data.dev, data.test


def whole(data, name):
    return np.concatenate([part.fields[name] for part in parts(data)])


def drawn(pictures, labels, count=50, **layout):
    cast = Cast(np.asarray(pictures, np.float32), np.asarray(labels))
    return strewn(cast, count, Layout(**layout), np.random.default_rng(0))


def around(ink):
    """(x1, y1, x2, y2) of the True pixels of [H, W]."""
    y, x = np.nonzero(ink)
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def test_all_fields_have_the_shapes_and_kinds_that_are_promised(data):
    assert [len(part) for part in parts(data)] == list(FEW)
    assert (data.objects, data.classes, data.shape) == (3, 10, (48, 48, 1))
    expected = {
        "image": (np.float32, (48, 48, 1)), "boxes": (np.float32, (3, 4)), "labels": (np.int32, (3,)),
        "present": (np.bool_, (3,)), "segments": (np.int32, (48, 48)), "landmarks": (np.float32, (3, 4, 2)),
        "landmark_present": (np.bool_, (3, 4)), "caption": (np.int32, (14,)), "caption_length": (np.int32, ()),
    }  # fmt: skip
    for part in parts(data):
        assert {name: (of.dtype.type, of.shape[1:]) for name, of in part.fields.items()} == expected
    image = whole(data, "image")
    assert image.min() == 0
    assert image.max() == 1
    assert set(whole(data, "present").sum(1)) == {1, 2, 3}
    assert set(whole(data, "labels").ravel()) == set(range(10))


def test_a_box_is_that_of_its_digits_ink_and_the_segments_are_its_class():
    data = scenes.load(FEW, digits=(1, 1))
    for boxes, label, segments, image in zip(
        *(whole(data, name) for name in ("boxes", "labels", "segments", "image")), strict=True
    ):
        np.testing.assert_array_equal(boxes[0], around(segments))
        np.testing.assert_array_equal(segments, np.where(image[..., 0] >= INK, label[0] + 1, 0))


def test_the_landmarks_are_ink_on_the_four_sides_of_the_box():
    data = scenes.load(FEW, digits=(1, 1))
    points, boxes, image = (whole(data, name) for name in ("landmarks", "boxes", "image"))
    top, bottom, left, right = points[:, 0].transpose(1, 0, 2)
    x1, y1, x2, y2 = boxes[:, 0].T
    np.testing.assert_array_equal(
        [left[:, 0], top[:, 1], right[:, 0], bottom[:, 1]], [x1 + 0.5, y1 + 0.5, x2 - 0.5, y2 - 0.5]
    )
    column, row = (points[:, 0] - 0.5).astype(int).transpose(2, 0, 1)
    assert (image[np.arange(100)[:, None], row, column, 0] >= INK).all()
    darkest_above = image[np.arange(100), y1.astype(int), :, 0].max(1)
    np.testing.assert_array_equal(image[np.arange(100), row[:, 0], column[:, 0], 0], darkest_above)


def test_boxes_lie_in_the_canvas_are_as_high_as_asked_and_overlap_no_more_than_allowed():
    data = scenes.load((200, 1, 1), digits=(3, 3), scale=(0.3, 0.4), overlap=0.1)
    boxes, present = data.train.fields["boxes"], data.train.fields["present"]
    assert boxes.min() >= 0
    assert boxes.max() == 48
    low, high = boxes[..., :2], boxes[..., 2:]
    height = (high - low)[present][:, 1]
    assert 0.3 * 48 - 3 < height.min() < height.max() < 0.4 * 48 + 4
    area = (high - low).prod(-1)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        both = present[:, one] & present[:, other]
        common = np.maximum(np.minimum(high[:, one], high[:, other]) - np.maximum(low[:, one], low[:, other]), 0)
        share = (common.prod(-1) / np.maximum(np.minimum(area[:, one], area[:, other]), 1))[both]
        assert 0.05 < share.max() <= 0.1


@pytest.mark.parametrize("size", [48, 61, 100])
def test_the_largest_digits_that_are_not_refused_lie_in_the_canvas(size):
    """Their ink is up to a twentieth larger than they are, which a scale of 1 has no room for."""
    drew = 0
    for side in range(9 * size // 10, size + 1):
        try:
            fields = drawn(np.ones((1, 8, 8)), [7], 5, size=size, digits=(1, 1), scale=(side / size, side / size))
        except InputError:
            assert side > 0.94 * size
            continue
        drew = side
        for name in ("boxes", "landmarks"):
            assert 0 <= fields[name].min() < fields[name].max() <= size
    assert 0.94 * size < drew < size


def test_a_digit_without_a_place_is_left_out_and_all_that_is_absent_is_zero():
    fields = drawn(np.ones((1, 8, 8)), [7], digits=(2, 4), scale=(0.4, 0.4), overlap=0.0)
    count = fields["present"].sum(1)
    assert 1 <= count.min() < 2 < count.max()
    for name in ("boxes", "labels", "landmarks", "landmark_present"):
        assert not fields[name][~fields["present"]].any()
        assert fields[name][fields["present"]].any()


def test_there_may_be_nothing_to_see():
    data = scenes.load(FEW, digits=(0, 1))
    empty = ~whole(data, "present")[:, 0]
    assert 0.3 < empty.mean() < 0.7
    assert not whole(data, "image")[empty].any()
    assert whole(data, "image")[~empty].max((1, 2, 3)).min() > 0.5
    said = {" ".join(data.vocabulary.decode(row)) for row in whole(data, "caption")[empty]}
    assert said == {"nothing"}


def test_each_part_has_digits_of_its_own():
    """At 8 pixels a scan is neither enlarged nor changed, so it can be recognised."""
    data, digits = scenes.load(FEW, size=32, digits=(1, 1), scale=(0.25, 0.25)), images.load("digits")

    def cut(image):
        x1, y1, x2, y2 = around(image >= INK)
        return np.round(image[y1:y2, x1:x2] * 16).astype(np.uint8)

    def raw(part):
        return {
            (cut(image).shape, cut(image).tobytes())
            for image in part.fields["image"][..., 0] * digits.std + digits.mean
        }

    known = [raw(part) for part in parts(digits)]
    for number, part in enumerate(parts(data)):
        seen = {(cut(image).shape, cut(image).tobytes()) for image in part.fields["image"][..., 0]}
        assert len(seen) > 15
        assert [seen <= scans for scans in known] == [place == number for place in range(3)]


def test_enlarging_agrees_with_jaxs_bilinear_resize_away_from_the_edge():
    picture = np.random.default_rng(1).random((8, 8)).astype(np.float32)
    for side in (12, 24):
        fields = drawn([picture], [0], size=48, digits=(1, 1), scale=(side / 48, side / 48), count=20)
        expected = jax.image.resize(picture, (side, side), "bilinear")
        edge = side // 8
        expected = np.asarray(expected)[edge:-edge, edge:-edge]
        image = fields["image"][..., 0]
        views = np.lib.stride_tricks.sliding_window_view(image, expected.shape, (1, 2))
        assert np.abs(views - expected).max((-1, -2)).min((1, 2)).max() < 1e-5


def test_where_two_overlap_the_darker_is_seen():
    pictures = np.full((2, 8, 8), 0.5)
    pictures[1] = 1
    fields = drawn(pictures, [0, 1], digits=(2, 2), overlap=1.0, scale=(0.5, 0.6))
    dark = fields["image"][..., 0] > 0.5
    assert (fields["segments"][dark] == 2).all()
    mixed = np.sort(fields["labels"], 1).tolist()
    assert any(row == [0, 1] for row in mixed)
    for segments, boxes, labels in zip(fields["segments"], fields["boxes"], fields["labels"], strict=True):
        for (x1, y1, x2, y2), label in zip(boxes.astype(int), labels, strict=True):
            inside = segments[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2]
            assert (inside >= label + 1).all()


def test_clutter_adds_ink_that_belongs_to_nothing():
    bare, cluttered = scenes.load(FEW), scenes.load(FEW, clutter=4)
    for name in ("boxes", "labels", "landmarks", "caption"):
        np.testing.assert_array_equal(whole(bare, name), whole(cluttered, name))
    more = whole(cluttered, "image") - whole(bare, "image")
    assert more.min() == 0
    assert (more.max((1, 2, 3)) > 0.3).mean() > 0.95
    segments = whole(cluttered, "segments")
    lost = segments != whole(bare, "segments")
    assert not segments[lost].any()
    assert (more[..., 0][lost] > 0).all()
    quarter = (more > INK).sum((1, 2, 3)) / 4
    assert quarter.mean() < 0.3 * (0.4 * 48) ** 2


@pytest.mark.parametrize(
    ("centers", "said"),
    [
        ([], "nothing"),
        ([(3, 3)], "a three"),
        ([(9, 30), (3, 10)], "an eight above a three"),
        ([(40, 12), (3, 10)], "an eight left of a three"),
        ([(1, 30), (3, 10), (9, 20)], "an eight above a one above a three"),
        ([(9, 9), (5, 5)], "an eight above a three"),
    ],
)
def test_a_caption_orders_things_along_the_axis_they_spread_most(centers, said):
    at = np.array(centers, float).reshape(-1, 2)
    boxes = np.concatenate([at - 2, at + 2], 1)
    assert caption(boxes, ["three", "eight", "one"][: len(at)]) == said


def test_captions_are_of_their_scenes(data):
    names = np.array(data.class_names)
    for row, length, labels, present in zip(
        *(whole(data, name) for name in ("caption", "caption_length", "labels", "present")), strict=True
    ):
        words = data.vocabulary.decode(row)
        assert (row[0], row[length - 1], length) == (2, 3, len(words) + 2)
        assert not row[length:].any()
        assert sorted(word for word in words if word in names) == sorted(names[labels[present]])


def test_the_seed_decides_and_the_number_of_training_scenes_does_not_touch_the_test(data):
    again, other = scenes.load((10, 20, 20)), scenes.load(FEW, seed=1)
    for name, values in data.test.fields.items():
        np.testing.assert_array_equal(values, again.test.fields[name])
    assert not np.array_equal(data.test.fields["boxes"], other.test.fields["boxes"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": (0, 1, 1)}, "expected 1 scene or more"),
        ({"digits": (3, 1)}, "expected how many are in a scene"),
        ({"digits": (0, 0)}, "expected how many are in a scene"),
        ({"digits": (-1, 2)}, "expected how many are in a scene"),
        ({"scale": (0.5, 0.3)}, "at least 8 pixels and at most about 0.95"),
        ({"scale": (0.1, 0.3)}, "at least 8 pixels"),
        ({"scale": (0.5, 1.0)}, "at most about 0.95"),
        ({"overlap": 1.5}, "expected 0 to 1"),
        ({"clutter": -1}, "0 pieces or more"),
    ],
)
def test_what_cannot_be_drawn_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        scenes.load(**{"counts": FEW, **options})
