"""Image captioning: a ConvNet reads the image, a recurrent decoder looks at its map word by word (Xu et al., 2015)."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.data.text import EOS, SOS
from jaxdl.decode.beam import Beams, beam_search
from jaxdl.layers.activations import relu
from jaxdl.layers.cells import CELLS
from jaxdl.layers.convolution import Conv
from jaxdl.layers.initializers import he
from jaxdl.layers.pooling import max_pool
from jaxdl.models.seq2seq import AttentiveCell, Decoding, Source
from jaxdl.models.translation import graded, stepper
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params


class Captioner(nn.Module):
    """Logits of each next word of a caption, from the words before it and what the decoder looks at in the image.

    The encoder's map has a place for every 4 × 4 pixels, and each place knows where it is. The decoder is that of
    `models.seq2seq`, with the map's places where a sentence has its words.
    """

    vocabulary: int
    channels: Sequence[int] = (16, 32, 64, 64)
    embedding: int = 16
    hidden: int = 64
    attention: str = "additive"
    cell: str = "gru"

    def setup(self) -> None:
        sizes = (5, *[3] * (len(self.channels) - 1))
        self.convolutions = [
            Conv(features, size, padding="SAME", strides=1 if number else 2, kernel_init=he)
            for number, (features, size) in enumerate(zip(self.channels, sizes, strict=True))
        ]
        self.embed = nn.Embed(self.vocabulary, self.embedding, embedding_init=nn.initializers.normal(0.3))
        self.keys = nn.Dense(self.hidden, use_bias=False)
        self.begin = [nn.Dense(self.hidden) for _ in range(CELLS[self.cell].states)]
        step = nn.scan(
            AttentiveCell, variable_broadcast="params", split_rngs={"params": False}, in_axes=(0, nn.broadcast)
        )
        self.decoder = step(self.cell, self.hidden, self.attention)
        self.output = nn.Dense(self.vocabulary)

    def __call__(self, image: Float[Array, "h w c"], target: Int[Array, " time"]) -> Float[Array, "time vocabulary"]:
        """Logits of the word after each of the target's."""
        return self.with_maps(image, target)[0]

    def with_maps(
        self, image: Float[Array, "h w c"], target: Int[Array, " time"]
    ) -> tuple[Float[Array, "time vocabulary"], Float[Array, "time high wide"]]:
        """The logits, and how much of what follows each word was read at each place."""
        _, logits, weights = self._decode(self.start(image), target)
        high, wide = (-(-side // 4) for side in image.shape[:2])
        return logits, weights.reshape(len(target), high, wide)

    def start(self, image: Float[Array, "h w c"]) -> Decoding:
        """Before the first word: the image has been read."""
        x = image
        for number, convolution in enumerate(self.convolutions):
            x = relu(convolution(x))
            if number == 1:
                x = max_pool(x, padding="SAME")
        rows, columns = (jnp.linspace(-1, 1, side, dtype=x.dtype) for side in x.shape[:2])
        where = jnp.stack(jnp.meshgrid(rows, columns, indexing="ij"), -1)
        values = jnp.concatenate([x, where], -1).reshape(-1, x.shape[-1] + 2)
        summary = values.max(0)
        carry = tuple(jnp.tanh(dense(summary)) for dense in self.begin)
        return Decoding(carry, Source(values, self.keys(values), jnp.ones(len(values), bool), summary))

    def step(self, at: Decoding, token: Int[Array, ""]) -> tuple[Float[Array, " vocabulary"], Decoding]:
        """(logits of the word after this one, where the decoder is then)."""
        at, logits, _ = self._decode(at, token[None])
        return logits[0], at

    def _decode(self, at: Decoding, tokens: Array) -> tuple[Decoding, Array, Array]:
        carry, (h, context, weights) = self.decoder(at.carry, self.embed(tokens), at.source)
        return Decoding(carry, at.source), self.output(jnp.concatenate([h, context], -1)), weights


def captioner(
    model: Captioner, train: Arrays, evaluate: Mapping[str, Arrays], optimizer: Chain, epochs: int, batch_size: int
) -> Task:
    """Trains `model` on `image`, `caption` and `caption_length`, with the true word before each.

    Metrics: `loss`, nats a word; `accuracy` of a word after the true ones before it; `exact`, the share of captions
    that greedy search finds word by word.
    """
    batches = Batches(train, batch_size)
    steps = epochs * batches.steps_per_epoch

    def init(key: Key) -> tuple[Params, ModelState]:
        image, caption = (jnp.asarray(train.fields[name][0]) for name in ("image", "caption"))
        return model.init(key, image, caption[:-1])["params"], {}

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params}, example["image"], example["caption"][:-1])

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        target = {"target": example["caption"], "target_length": example["caption_length"], "mask": example["mask"]}
        return graded(predict(params, model_state, example), target)

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        metrics = score(params, model_state, example)
        return metrics.pop("loss"), (model_state, metrics)

    return Task(
        init=init,
        loss=loss,
        optimizer=optimizer.build(steps, batches.steps_per_epoch),
        train=batches,
        steps=steps,
        score=score,
        evaluate={name: Batches(part, min(128, len(part)), shuffle=False) for name, part in evaluate.items()},
        predict=predict,
        watch=(),
    )


def captions(
    model: Captioner, params: Params, images: np.ndarray, limit: int, width: int = 1, alpha: float = 0.7
) -> Beams:
    """The best captions of each image [N, h, w, c] by beam search, [N, width, …]; width 1 is greedy."""

    def search(params: Params, image: Array) -> Beams:
        at, step = model.apply({"params": params}, image, method="start"), stepper(model, params)

        def of_hypothesis(carry: Any, token: Array) -> tuple[Array, Any]:
            logits, after = step(at._replace(carry=carry), token)
            return logits, after.carry

        return beam_search(of_hypothesis, at.carry, jnp.array([SOS]), limit, width, end=EOS, alpha=alpha)

    batch = jax.jit(lambda params, images: jax.lax.map(lambda image: search(params, image), images, batch_size=64))
    return jax.tree.map(np.asarray, batch(params, images))
