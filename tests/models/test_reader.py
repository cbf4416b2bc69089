"""A reader knows what it reads, in order, and nothing of the padding."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data.source import Arrays
from jaxdl.data.text import Sequences, Vocabulary
from jaxdl.errors import InputError
from jaxdl.models.reader import Reader, TransformerReader, reader
from jaxdl.models.transformer import Size
from jaxdl.optim.chain import Chain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.train.sharding import spec
from jaxdl.typing import path_name

MODEL = Reader(9, 2, embedding=4, hidden=5, cell="gru")
SIZE = Size(layers=1, width=16, heads=2, hidden=16, dropout=0.0, norm="pre", limit=8)
ENCODER = TransformerReader(9, 2, SIZE)
ADAM = Chain("adam", learning_rate=2e-2)


def first_or_last(which, count=120, time=7):
    """Sequences of the symbols 4 to 8: the label, and each tag, says whether one end of the sequence is a 4 or a 5."""
    random = np.random.default_rng(0)
    tokens = random.integers(6, 9, (count, time)).astype(np.int32)
    length = random.integers(3, time + 1, count).astype(np.int32)
    label = random.integers(0, 2, count).astype(np.int32)
    tokens[np.arange(count), 0 if which == "first" else length - 1] = 4 + label
    tokens[np.arange(time) >= length[:, None]] = 0
    tags = np.broadcast_to(label[:, None], tokens.shape).copy()
    source = Arrays({"tokens": tokens, "length": length, "label": label, "tags": tags})
    vocabulary = Vocabulary.build([list("abcde")])
    return Sequences(source, source, source, vocabulary, ("four", "five"))


def logits(model, tokens, length, seed=0):
    tokens = jnp.asarray(tokens)
    params = model.init(jax.random.key(seed), tokens, jnp.int32(length))
    return model.apply(params, tokens, jnp.int32(length))


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize(("layers", "both"), [(0, False), (1, False), (2, True)])
def test_padding_changes_nothing(each, layers, both):
    model = replace(MODEL, each=each, layers=layers, both=both)
    short, long = logits(model, [4, 5, 6], 3), logits(model, [4, 5, 6, 8, 8], 3)
    np.testing.assert_allclose(short, long[:3] if each else long, atol=1e-6)


def test_padding_changes_nothing_for_a_transformer():
    short, long = logits(ENCODER, [4, 5, 6], 3), logits(ENCODER, [4, 5, 6, 8, 8], 3)
    np.testing.assert_allclose(short, long[:3], atol=1e-6)


def test_a_transformer_knows_the_order_of_what_stands_around_a_token():
    one, other = logits(ENCODER, [4, 7, 5, 6], 4), logits(ENCODER, [6, 7, 5, 4], 4)
    assert not np.allclose(one[1], other[1], atol=1e-4)


def test_a_transformer_tags_all_tokens_by_the_last(tmp_path):
    task = reader(ENCODER, first_or_last("last"), ADAM, 30, 40)
    assert fit(task, Run(tmp_path, mesh="data=1", quiet=True)).metrics["dev/accuracy"] > 0.99


@pytest.mark.parametrize(("model", "split"), [(ENCODER, 6), (replace(MODEL, both=True), 0)])
def test_tensor_splits_what_a_transformer_multiplies_in_a_layer(model, split):
    """Two kernels of attention and a bias, two dense kernels and a bias; the table of 9 symbols has no halves."""
    task = reader(model, first_or_last("last"), ADAM, 1, 40)
    leaves = jax.tree_util.tree_leaves_with_path(jax.eval_shape(task.init, jax.random.key(0))[0])
    sizes = {"data": 1, "fsdp": 1, "tensor": 2}
    assert sum(any(spec(path_name(path), leaf.shape, sizes, task.sharding)) for path, leaf in leaves) == split


def test_without_recurrent_layers_order_is_lost_and_with_them_it_counts():
    for layers, same in [(0, True), (1, False)]:
        model = replace(MODEL, layers=layers)
        assert np.allclose(logits(model, [4, 5, 6], 3), logits(model, [6, 5, 4], 3), atol=1e-6) == same


def test_one_direction_tags_without_what_follows_and_both_with_it():
    for both, same in [(False, True), (True, False)]:
        model = replace(MODEL, each=True, both=both)
        one, other = logits(model, [4, 5, 6], 3)[:2], logits(model, [4, 5, 8], 3)[:2]
        assert np.allclose(one, other, atol=1e-6) == same


@pytest.mark.parametrize("each", [False, True])
def test_gradients_are_checked(each):
    model = replace(MODEL, each=each, layers=2, both=True)
    assert check_task(reader(model, first_or_last("first"), ADAM, 1, 40), sample=20).ok


@pytest.mark.parametrize(("both", "low", "high"), [(False, 0.0, 0.9), (True, 0.99, 1.0)])
def test_only_both_directions_tag_the_first_token_by_the_last(tmp_path, both, low, high):
    model = replace(MODEL, each=True, both=both, hidden=12)
    task = reader(model, first_or_last("last"), ADAM, 30, 40, buckets=2)
    assert low <= fit(task, Run(tmp_path, mesh="data=1", quiet=True)).metrics["dev/accuracy"] <= high


def test_the_last_output_remembers_the_first_token(tmp_path):
    task = reader(replace(MODEL, hidden=12), first_or_last("first"), ADAM, 30, 40)
    assert fit(task, Run(tmp_path, mesh="data=1", quiet=True)).metrics["dev/accuracy"] > 0.99


def test_a_model_of_other_classes_than_the_data_s_is_refused():
    with pytest.raises(InputError, match="expected the same"):
        reader(replace(MODEL, classes=3), first_or_last("first"), ADAM, 1, 40)
