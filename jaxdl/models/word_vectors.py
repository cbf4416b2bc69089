"""Models whose tables of word vectors are the result: skip-gram, CBOW, GloVe and the neural language model.

e is the table of word vectors, theta that of the outputs, a row each. Where a model takes `outputs` it gives the logits
of those rows alone: of a true word and its noise, or of the inner nodes on the way to it. None stands for all.

    cross_entropy(model.apply(variables, word), context)
    negative_sampling(model.apply(variables, word, jnp.append(context, draw_noise(key, noise, 5))))
    hierarchical_softmax(model.apply(variables, word, path[context]), code[context], known[context])
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from jaxdl.errors import InputError
from jaxdl.layers.activations import tanh
from jaxdl.layers.initializers import zeros
from jaxdl.typing import Key, Params


class SkipGram(nn.Module):
    """zⱼ = θⱼ·e_w: how much output j, a word near by, is expected beside the word w.

    words      rows of e
    dimension  of e and theta
    outputs    rows of theta: None for the words again, or words − 1 inner nodes of a tree

    InputError for a size below 1. Source: Mikolov et al. (2013), "Efficient Estimation of Word Representations in
    Vector Space".
    """

    words: int
    dimension: int
    outputs: int | None = None

    @nn.compact
    def __call__(
        self, word: Int[Array, "*batch"], outputs: Int[Array, "*batch n"] | None = None
    ) -> Float[Array, "*batch _"]:
        e, theta = _tables(self)
        return _logits(theta, e[word], outputs)


class CBOW(nn.Module):
    """zⱼ = θⱼ·mean(e_c): how much output j, the word in the middle, is expected among the words c around it.

    known = 0 leaves a context word out, such as padding; without any the mean is 0. Sizes, errors and source: as of
    `SkipGram`.
    """

    words: int
    dimension: int
    outputs: int | None = None

    @nn.compact
    def __call__(
        self,
        context: Int[Array, "*batch c"],
        outputs: Int[Array, "*batch n"] | None = None,
        known: Shaped[Array, "*batch c"] | None = None,
    ) -> Float[Array, "*batch _"]:
        e, theta = _tables(self)
        weight = jnp.ones(context.shape) if known is None else known
        total = jnp.einsum("...cd,...c->...d", e[context], weight.astype(e.dtype))
        return _logits(theta, total / jnp.maximum(weight.sum(-1, keepdims=True), 1), outputs)


class GloVe(nn.Module):
    """ẑ = θ_c·e_w + b_w + b̃_c, which `losses.embedding.glove` fits to log x[w, c].

    Source: Pennington et al. (2014), equation 7.
    """

    words: int
    dimension: int

    @nn.compact
    def __call__(self, word: Int[Array, "*batch"], context: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
        _check_sizes(words=self.words, dimension=self.dimension)
        shape = (self.words, self.dimension)
        e, theta = self.param("e", _uniform, shape), self.param("theta", _uniform, shape)
        b_e, b_theta = self.param("b_e", zeros, (self.words,)), self.param("b_theta", zeros, (self.words,))
        return (e[word] * theta[context]).sum(-1) + b_e[word] + b_theta[context]


def average_vectors(params: Params) -> Float[Array, "words dimension"]:
    """(e + θ)/2, row by row: a GloVe model's two tables play the same part. InputError where they differ in size."""
    e, theta = params["e"], params["theta"]
    if e.shape != theta.shape:
        raise InputError(f"e is {list(e.shape)} and theta {list(theta.shape)}: expected a row of each for every word")
    return (e + theta) / 2


class NeuralLanguageModel(nn.Module):
    """x = [e_w₁ … e_wₙ];  h = tanh(xH + d);  z = hU + b, the logits of the word after the n words of the context.

    InputError for a context of another length and a size below 1. Source: Bengio et al. (2003), "A Neural Probabilistic
    Language Model", equation 1 with W = 0, that is, without a direct connection.
    """

    words: int
    dimension: int
    hidden: int
    context: int = 4

    @nn.compact
    def __call__(self, context: Int[Array, "*batch n"]) -> Float[Array, "*batch words"]:
        _check_sizes(words=self.words, dimension=self.dimension, hidden=self.hidden, context=self.context)
        if context.shape[-1] != self.context:
            raise InputError(f"a context of {context.shape[-1]} words: expected {self.context}")
        e = self.param("e", _uniform, (self.words, self.dimension))
        x = e[context].reshape(*context.shape[:-1], self.context * self.dimension)
        h = tanh(nn.Dense(self.hidden, name="hidden1")(x))
        return nn.Dense(self.words, name="output")(h)


def _tables(model: SkipGram | CBOW) -> tuple[jax.Array, jax.Array]:
    """(e, theta). theta begins at zero, so that before training every output is as likely as any other."""
    outputs = model.words if model.outputs is None else model.outputs
    _check_sizes(words=model.words, dimension=model.dimension, outputs=outputs)
    e = model.param("e", _uniform, (model.words, model.dimension))
    return e, model.param("theta", zeros, (outputs, model.dimension))


def _logits(
    theta: Float[Array, "rows d"], e: Float[Array, "*batch d"], outputs: Int[Array, "*batch n"] | None
) -> Float[Array, "*batch _"]:
    """θⱼ·e of these rows j, or of all."""
    if outputs is None:
        return e @ theta.T
    return jnp.einsum("...nd,...d->...n", theta[outputs], e)


def _uniform(key: Key, shape: tuple[int, int]) -> Float[Array, "rows d"]:
    """Uniform in ±1/(2d), as word2vec and GloVe begin."""
    return jax.random.uniform(key, shape, minval=-0.5, maxval=0.5) / shape[1]


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{name} = {size}: expected 1 or more")
