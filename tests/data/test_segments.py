"""Segments come from the chain that they are said to come from, and its probabilities are those of all its paths."""

from itertools import product

import numpy as np
import pytest

from jaxdl.data import segments
from jaxdl.data.segments import BASES, KINDS, MEAN_LENGTH, PI, A, B, filtered, smoothed
from jaxdl.errors import InputError


@pytest.fixture(scope="module")
def data():
    return segments.load(3000)


def real(part):
    return np.arange(part.fields["tokens"].shape[1]) < part.fields["length"][:, None]


def by_all_paths(bases):
    """P(z_t | x_1 … x_T) [T, K]: the shares of the paths z with that kind at t, each weighed by P(x, z)."""
    time, kinds = len(bases), range(len(KINDS))
    posterior = np.zeros((time, len(KINDS)))
    for path in product(kinds, repeat=time):
        joint = PI[path[0]] * B[path[0], :, bases[0]].mean()
        for t in range(1, time):
            joint *= A[path[t - 1], path[t]] * B[path[t], bases[t - 1], bases[t]]
        posterior[np.arange(time), path] += joint
    return posterior / posterior.sum(-1, keepdims=True)


def test_the_probabilities_of_the_kinds_are_those_of_all_paths():
    bases = np.array([1, 2, 0, 3, 0, 3])
    tokens, length = np.stack([bases + 4] * 2), np.array([6, 6], np.int32)
    np.testing.assert_allclose(smoothed(tokens, length), [by_all_paths(bases)] * 2, rtol=1e-10)
    begun = np.stack([by_all_paths(bases[: t + 1])[t] for t in range(6)])
    np.testing.assert_allclose(filtered(tokens, length), [begun] * 2, rtol=1e-10)


@pytest.mark.parametrize("posterior", [filtered, smoothed])
def test_padding_tells_nothing_of_the_kinds(posterior):
    short = posterior(np.array([[5, 6, 5]]), np.array([3]))
    long = posterior(np.array([[5, 6, 5, 0, 0]]), np.array([3]))
    np.testing.assert_allclose(short, long[:, :3], rtol=1e-10)


@pytest.mark.parametrize("posterior", [filtered, smoothed])
def test_what_is_said_to_have_probability_p_is_true_in_that_share(data, posterior):
    part = data.train
    probability = posterior(part.fields["tokens"], part.fields["length"])[real(part)]
    true = part.fields["tags"][real(part)][:, None] == np.arange(len(KINDS))
    for low in np.arange(0, 1, 0.1):
        said = (probability >= low) & (probability < low + 0.1)
        assert true[said].mean() == pytest.approx(probability[said].mean(), abs=0.02)


def test_all_of_a_sequence_tells_more_than_its_beginning_and_that_more_than_nothing(data):
    tokens, length, tags = (data.test.fields[name] for name in ("tokens", "length", "tags"))
    right = [(of(tokens, length).argmax(-1) == tags)[real(data.test)].mean() for of in (filtered, smoothed)]
    assert PI.max() + 0.1 < right[0] < right[1] - 0.05 < 0.95


def test_each_rule_is_a_distribution_and_the_shares_stay_as_they_are():
    np.testing.assert_allclose(B.sum(-1), 1)
    np.testing.assert_allclose(A.sum(-1), 1)
    np.testing.assert_allclose(PI @ A, PI)


def test_segments_are_as_long_as_they_are_said_to_be_and_bases_follow_by_their_kind_s_rule(data):
    fields, inside = data.train.fields, real(data.train)
    tags, bases = fields["tags"], fields["tokens"] - 4
    follows = inside[:, 1:]
    for kind, mean_length in enumerate(MEAN_LENGTH):
        assert (tags[inside] == kind).mean() == pytest.approx(PI[kind], abs=0.02)
        here = follows & (tags[:, :-1] == kind)
        assert (tags[:, 1:][here] != kind).mean() == pytest.approx(1 / mean_length, rel=0.1)
        of_kind = follows & (tags[:, 1:] == kind)
        for before in range(len(BASES)):
            after = bases[:, 1:][of_kind & (bases[:, :-1] == before)]
            np.testing.assert_allclose(np.bincount(after, minlength=4) / len(after), B[kind, before], atol=0.03)


def test_the_form_is_that_of_all_sequences_and_the_seed_decides(data):
    assert [len(part) for part in (data.train, data.dev, data.test)] == [1800, 600, 600]
    assert data.vocabulary.symbols[4:] == BASES
    assert data.classes == KINDS
    for part in (data.train, data.dev, data.test):
        assert part.fields["length"].min() >= 60
        assert part.fields["tokens"].shape[1] == 100
        np.testing.assert_array_equal(part.fields["tokens"] > 0, real(part))
        assert not part.fields["tags"][~real(part)].any()
    again, other = segments.load(3000), segments.load(3000, seed=1)
    np.testing.assert_array_equal(again.test.fields["tokens"], data.test.fields["tokens"])
    assert not np.array_equal(other.test.fields["tokens"], data.test.fields["tokens"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 9}, "9 sequences are too few"),
        ({"shortest": 0}, "0 to 100 bases"),
        ({"shortest": 9, "longest": 8}, "9 to 8 bases"),
    ],
)
def test_what_cannot_be_made_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        segments.load(**options)
