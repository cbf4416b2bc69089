import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from jaxdl.data import planar
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError


def fields(source):
    return source.fields["x"], source.fields["label"]


@pytest.mark.parametrize("name", planar.SETS)
def test_classes_are_balanced_the_seed_decides_and_the_form_is_the_same(name):
    make = planar.named(name)
    first, again, other = make(seed=1), make(seed=1), make(seed=2)
    assert isinstance(first, Arrays)
    x, label = fields(first)
    assert (x.shape, x.dtype, label.dtype) == ((400, 2), np.float32, np.int32)
    assert np.ptp(np.bincount(label)) <= 1
    np.testing.assert_array_equal(x, again.fields["x"])
    assert not np.array_equal(x, other.fields["x"])


def test_without_noise_each_point_lies_on_its_curve():
    x, label = fields(planar.flower(noise=0.0))
    angle = np.arctan2(x[:, 0], x[:, 1])  # the notes put the sine first; r = 4 sin 4θ in either sense of θ
    np.testing.assert_allclose(np.hypot(*x.T), np.abs(4 * np.sin(4 * angle)), atol=1e-5)
    x, label = fields(planar.circles(noise=0.0))
    np.testing.assert_allclose(np.hypot(*x.T), 1 + label, rtol=1e-6)
    x, label = fields(planar.moons(noise=0.0))
    centre = np.array([[0.0, 0.0], [1.0, 0.5]])[label]
    np.testing.assert_allclose(np.hypot(*(x - centre).T), 1, rtol=1e-6)
    assert (np.sign(x[:, 1] - centre[:, 1] + 1e-6) == 1 - 2 * label).mean() > 0.99  # one opens down, the other up
    x, label = fields(planar.spirals(noise=0.0, classes=3))
    turn = np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) - label / 3
    radius = 0.5 + 3.5 * (turn % 1)
    gap = np.abs(np.hypot(*x.T) - radius)  # at the start of an arm a turn of −1e-8 reads as a whole one
    np.testing.assert_allclose(np.minimum(gap, 3.5 - gap), 0, atol=1e-4)


def test_opposite_petals_of_the_flower_belong_to_different_classes():
    x, label = fields(planar.flower(noise=0.0))
    opposite = np.linalg.norm(x[:, None] + x[None], axis=-1).argmin(1)
    inside = np.hypot(*x.T) > 0.5  # away from the centre, where all petals meet
    assert (label != label[opposite])[inside].all()


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_noise_is_the_standard_deviation_around_the_curve(noise):
    x, label = fields(planar.circles(4000, noise))
    np.testing.assert_allclose((np.hypot(*x.T) - 1 - label).std(), noise, rtol=0.06)


def test_no_line_parts_the_flower_and_four_tanh_units_do():
    data = planar.load("flower", examples=1000, seed=0)
    line = LogisticRegression().fit(*fields(data.train))
    nets = [MLPClassifier((4,), "tanh", solver="lbfgs", max_iter=400, tol=1e-3, random_state=k) for k in range(3)]
    best = max((net.fit(*fields(data.train)) for net in nets), key=lambda net: net.score(*fields(data.dev)))
    assert 0.4 < line.score(*fields(data.test)) < 0.6
    assert best.score(*fields(data.test)) >= 0.88


def test_a_planar_set_comes_in_the_same_form_as_any_other():
    data = planar.load("three_spirals", examples=300, seed=3, fractions=(0.5, 0.2, 0.3))
    assert [np.bincount(part.fields["label"]).tolist() for part in (data.train, data.dev, data.test)] == [
        [50, 50, 50],
        [20, 20, 20],
        [30, 30, 30],
    ]
    assert (data.inputs, data.classes, data.class_names, data.shape) == ("x", 3, ("0", "1", "2"), (2,))
    raw = np.sort(planar.named("three_spirals")(300, seed=3).fields["x"], axis=0)
    whole = np.concatenate([part.fields["x"] for part in (data.train, data.dev, data.test)])
    np.testing.assert_array_equal(np.sort(whole, axis=0), raw)
    standardised = planar.load("three_spirals", standardize=True).train.fields["x"]
    np.testing.assert_allclose([standardised.mean(0), standardised.std(0)], [[0, 0], [1, 1]], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: planar.named("flowers"), "did you mean flower"),
        (lambda: planar.load("xor"), "expected one of flower, moons, circles"),
        (lambda: planar.spirals(classes=1), "give 2 classes or more"),
        (lambda: planar.moons(examples=1), "examples of each"),
        (lambda: planar.circles(noise=-0.1), "give 0 or more"),
    ],
)
def test_what_cannot_be_made_is_explained(call, message):
    with pytest.raises(InputError, match=message):
        call()
