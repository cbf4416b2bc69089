"""Language models, of characters or words, as a Task: trained on one long text, segment by segment."""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxdl.data.batches import Batches
from jaxdl.data.streams import Streams, scored_windows
from jaxdl.data.text import check_tokens
from jaxdl.errors import InputError
from jaxdl.layers.cells import CELLS
from jaxdl.layers.recurrence import Recurrent, stacked
from jaxdl.losses.classification import cross_entropy
from jaxdl.models.transformer import TransformerLM
from jaxdl.optim.chain import Chain
from jaxdl.task import CARRY, Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params


class LanguageModel(nn.Module):
    """P(token t+1 | tokens 1 … t) from a recurrent network that has read them.

    e_t = E[token t],    h_t = cells(e_t, h_{t−1}),    logits_t = h_t W + b

    tied     W = Eᵀ, after a dense layer from `hidden` to `embedding` where they differ (Press and Wolf, 2017)
    dropout  of what goes into and comes out of each layer, never from step to step (Zaremba et al., 2014)
    """

    vocabulary: int
    cell: str = "lstm"
    embedding: int = 64
    hidden: int = 256
    layers: int = 1
    tied: bool = False
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, tokens: Int[Array, " time"], carry: Any = None, train: bool = False
    ) -> tuple[Float[Array, "time vocabulary"], Any]:
        embed = nn.Embed(self.vocabulary, self.embedding, embedding_init=nn.initializers.normal(0.1), name="embed")
        drop = nn.Dropout(self.dropout, deterministic=not train)
        cells = [Recurrent(self.cell, self.hidden, name=f"recurrent{place + 1}") for place in range(self.layers)]
        dropping = [_after(drop, cell) for cell in cells]
        h, carry = stacked(dropping, embed(tokens), carry)
        h = drop(h)
        if not self.tied:
            return nn.Dense(self.vocabulary, name="output")(h), carry
        if self.hidden != self.embedding:
            h = nn.Dense(self.embedding, use_bias=False, name="to_embedding")(h)
        return embed.attend(h) + self.param("bias", nn.initializers.zeros, (self.vocabulary,)), carry

    def start(self, *rows: int) -> Any:
        """The carry before the first token: zeros."""
        return tuple(CELLS[self.cell].start((*rows, self.hidden)) for _ in range(self.layers))


def _after(drop: Callable[[Array], Array], layer: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, carry, mask: layer(drop(x), carry, mask)


def language_model(
    model: LanguageModel | TransformerLM,
    texts: dict[str, np.ndarray],
    optimizer: Chain,
    epochs: float | int,
    batch_size: int,
    length: int,
    context: int = 64,
) -> Task:
    """Trains on texts["train"] [N] in segments of `length`, and scores the others, each token after `context` others.

    A recurrent model is trained by truncated backpropagation: gradients end where a segment begins, the hidden state
    goes on from the segment before. A Transformer sees one segment alone.

    Metrics: `loss`, nats a token, and `bits` a token, loss / ln 2. The perplexity is exp(loss).
    InputError for tokens outside the vocabulary.
    """
    for tokens in texts.values():
        check_tokens(tokens, model.vocabulary)
    train = Streams(texts["train"], batch_size, length)
    window = 4 * context
    sets = {name: scored_windows(tokens, window, context) for name, tokens in texts.items() if name != "train"}
    steps = max(1, round(epochs * train.steps_per_epoch))

    recurrent = isinstance(model, LanguageModel)

    def init(key: Key) -> tuple[Params, ModelState]:
        params = model.init(key, jnp.zeros(1, jnp.int32))["params"]
        return params, {CARRY: model.start(batch_size)} if recurrent else {}

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        variables, tokens, rngs = {"params": params}, example["tokens"], {"dropout": key}
        if recurrent:
            before = model_state[CARRY]
            start = jax.tree.map(lambda h: jnp.where(example["begins"] == 1, 0, h), before)
            logits, after = model.apply(variables, tokens, start, True, rngs=rngs)
            model_state = {CARRY: jax.tree.map(lambda new, old: new.astype(old.dtype), after, before)}
        else:
            logits = model.apply(variables, tokens, True, rngs=rngs)
        metrics = graded(logits, example["targets"], example["mask"] * jnp.ones(length))
        return metrics.pop("loss"), (model_state, metrics)

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        said = model.apply({"params": params}, example["tokens"])
        return said[0] if recurrent else said

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        logits = predict(params, model_state, example)
        return graded(logits, example["targets"], example["mask"] * example["weight"])

    return Task(
        init=init,
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=score,
        evaluate={name: Batches(source, min(64, len(source)), shuffle=False) for name, source in sets.items()},
        predict=predict,
        sharding=getattr(model, "sharding", {}),
    )


def graded(
    logits: Float[Array, "time vocabulary"], targets: Int[Array, " time"], weight: Float[Array, " time"]
) -> dict[str, Mean]:
    """`loss`, nats a token, and `bits` a token: means over the tokens of weight 1."""
    costs = jax.vmap(cross_entropy)(logits, targets)
    return {"loss": Mean.of(costs, weight), "bits": Mean.of(costs / math.log(2), weight)}


def log_probability(model: LanguageModel, params: Params, tokens: Int[Array, " time"]) -> Float[Array, ""]:
    """log P(token 2, …, token T | token 1), in nats: Σ log P(token t+1 | tokens 1 … t); token 1 is <SOS> or the like.

    InputError for fewer than two tokens.
    """
    if len(tokens) < 2:
        raise InputError(f"a sentence of {len(tokens)} tokens: expected <SOS> and one more")
    logits, _ = model.apply({"params": params}, tokens[:-1])
    return -jax.vmap(cross_entropy)(logits, tokens[1:]).sum()


def stepper(model: LanguageModel, params: Params) -> Callable[[Any, Int[Array, ""]], tuple[Array, Any]]:
    """step(carry, token) -> (logits of the token after it, carry), as `decode` draws from."""

    def step(carry: Any, token: Int[Array, ""]) -> tuple[Array, Any]:
        logits, carry = model.apply({"params": params}, token[None], carry)
        return logits[0], carry

    return step
