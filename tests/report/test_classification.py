"""The confusion matrix counts as scikit-learn counts; the worst mistakes are mistakes, and the worst."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics

from jaxdl.report.classification import classification_figures, confusion_finding, confusion_matrix, worst_mistakes

NAMES = ["zero", "one", "two", "$three$"]


@pytest.fixture
def answers():
    rng = np.random.default_rng(3)
    return rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200)


def test_the_counts_are_those_of_scikit_learn(answers):
    labels, probabilities = answers
    said = probabilities.argmax(-1)
    np.testing.assert_array_equal(confusion_matrix(labels, said, 4), metrics.confusion_matrix(labels, said))


def test_a_class_that_never_occurs_has_an_empty_row_and_column():
    np.testing.assert_array_equal(
        confusion_matrix(np.array([0, 2]), np.array([0, 0]), 3), [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    )


def test_the_worst_mistakes_are_wrong_and_the_most_confident_come_first(answers):
    labels, probabilities = answers
    worst = worst_mistakes(labels, probabilities, 24)
    said, confidence = probabilities.argmax(-1), probabilities.max(-1)
    assert (said[worst] != labels[worst]).all()
    assert (np.diff(confidence[worst]) <= 0).all()
    left_out = np.setdiff1d(np.flatnonzero(said != labels), worst)
    assert len(worst) == 24
    assert confidence[left_out].max() <= confidence[worst].min()


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([[35, 0], [0, 35]], "none of 70 wrong"),
        ([[35, 1], [0, 35]], "1 of 71 wrong: cat is read as dog"),
        ([[35, 1], [1, 35]], "2 of 72 wrong, no two alike"),
        ([[35, 1], [4, 35]], "5 of 75 wrong; most often dog is read as cat (4 times)"),
    ],
)
def test_the_title_says_how_many_are_wrong_and_which_most_often(counts, sentence):
    assert confusion_finding(np.array(counts), ["cat", "dog"]) == sentence


def test_the_figures_show_the_counts_and_each_mistake_with_its_confidence():
    labels = np.array([0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.97, 0.03], [0.2, 0.8]], np.float32)
    images = np.random.default_rng(0).normal(size=(3, 6, 6, 1)).astype(np.float32)
    matrix, gallery = classification_figures(images, labels, probabilities, ["cat", "dog"]).items()
    assert matrix[0] == "dev: 1 of 3 wrong: dog is read as cat"
    [axes] = matrix[1].axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("said", "true")
    cells = {text.get_position(): text.get_text() for text in axes.texts[:3]}  # x: said, y: true
    assert cells == {(0.5, 0.5): "1", (0.5, 1.5): "1", (1.5, 1.5): "1"}
    assert [text.get_text() for text in axes.texts[3:]] == ["read right", "100%", "50%"]  # of cats, of dogs
    assert gallery[0] == "dev: every mistake"
    assert [axes.get_title() for axes in gallery[1].axes if axes.images] == ["true dog, said cat\nat 0.97"]


def test_each_image_is_scaled_to_its_own_range_and_colour_stays_colour():
    images = np.random.default_rng(0).normal(loc=50.0, scale=3.0, size=(2, 4, 4, 3)).astype(np.float32)
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2]], np.float32)
    figures = classification_figures(images, np.array([1, 1]), probabilities, ["a", "b"], "test")
    drawn = [
        np.asarray(axes.images[0].get_array())
        for axes in figures["test: every mistake, most confident first"].axes
        if axes.images
    ]
    assert [pixels.shape for pixels in drawn] == [(4, 4, 3)] * 2
    assert [(pixels.min(), pixels.max()) for pixels in drawn] == [(0, 1)] * 2


def test_without_mistakes_or_images_there_is_only_the_matrix():
    labels = np.array([0, 1])
    sure, wrong = np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)[::-1].copy()
    images = np.ones((2, 4, 4, 1), np.float32)
    assert list(classification_figures(images, labels, sure, ["a", "b"])) == ["dev: none of 2 wrong"]
    assert list(classification_figures(None, labels, wrong, ["a", "b"])) == ["dev: 2 of 2 wrong, no two alike"]


def test_jax_arrays_and_names_with_dollars_are_drawn_as_they_are(answers):
    labels, probabilities = map(jnp.asarray, answers)
    matrix = next(iter(classification_figures(None, labels, probabilities, NAMES).values()))
    matrix.savefig("/dev/null", format="svg")
    assert matrix.axes[0].get_yticklabels()[3].get_text() == r"\$three\$"
