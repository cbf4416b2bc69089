"""Where the models drop: at each of the places that they name, in training alone."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from jaxdl.layers.dropout import Dropout
from jaxdl.models.efficientnet import EfficientNet, Stage
from jaxdl.models.language_model import LanguageModel
from jaxdl.models.mobilenet import Bottlenecks, MobileNetV2
from jaxdl.models.reader import Reader, TransformerReader
from jaxdl.models.seq2seq import Listener, Seq2Seq
from jaxdl.models.speech import Recognizer
from jaxdl.models.transformer import Size, Transformer, TransformerLM
from jaxdl.models.vision_transformer import VisionTransformer

SIZE = Size(layers=2, width=8, heads=2, hidden=8, dropout=0.5, limit=6)
TOKENS, REAL, LENGTH = jnp.zeros(6, jnp.int32), jnp.ones(6, bool), jnp.int32(6)
FRAMES, IMAGE = jnp.zeros((6, 3)), jnp.zeros((4, 4, 1))

MODELS = {
    "the embedding, and 2 parts of each of 2 layers": (TransformerLM(7, SIZE), (TOKENS,), 1 + 2 * 2),
    "2 embeddings, 2 parts of a layer, and 3": (Transformer(7, SIZE), (TOKENS, REAL, TOKENS), 2 + 2 * 2 + 2 * 3),
    "the patches, and 2 parts of each layer": (VisionTransformer(3, 2, SIZE), (IMAGE, 1.0), 1 + 2 * 2),
    "the embedding, and 2 parts of each layer": (TransformerReader(7, 3, SIZE), (TOKENS, LENGTH), 1 + 2 * 2),
    "the embedding and the output": (Reader(7, 3, dropout=0.5), (TOKENS, LENGTH), 2),
    "source, target and output": (Seq2Seq(7, 4, 4, dropout=0.5), (TOKENS, REAL, TOKENS), 3),
    "the frames, target and output": (Listener(7, 4, 4, dropout=0.5), (FRAMES, REAL, TOKENS), 3),
    "the frames and the output": (Recognizer(3, 4, dropout=0.5), (FRAMES, LENGTH), 2),
    "what goes into 2 layers, and the output": (LanguageModel(7, layers=2, dropout=0.5), (TOKENS, None), 3),
    "the second block, and before the last layer": (
        EfficientNet(3, (Stage(1, 3, 1, 8, 2),), stem=8, head=8), (IMAGE, 1.0), 2,
    ),
    "before the last layer": (MobileNetV2(3, (Bottlenecks(1, 8, 1, 1),), stem=8, head=8), (IMAGE, 1.0), 1),
}  # fmt: skip


@pytest.mark.parametrize("where", MODELS)
def test_dropout_drops_at_each_place_in_training_alone(where):
    model, inputs, places = MODELS[where]
    dropped = []

    def note(layer, args, kwargs, context):
        y = layer(*args, **kwargs)
        if isinstance(context.module, nn.Dropout | Dropout) and context.method_name == "__call__":
            dropped.append(y is not args[0])  # what drops nothing gives back what it was given
        return y

    def places_in(train):
        def one(*inputs):
            with nn.intercept_methods(note):
                rngs = {"params": jax.random.key(0), "dropout": jax.random.key(1)}
                return model.init_with_output(rngs, *inputs, train=train)[0]

        dropped.clear()
        over_axes = jax.vmap(jax.vmap(one, axis_name="batch"), axis_name="data")
        jax.eval_shape(over_axes, *jax.tree.map(lambda x: jnp.asarray(x)[None, None], inputs))
        return sum(dropped)

    assert (places_in(True), places_in(False)) == (places, 0)
