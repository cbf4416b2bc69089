"""Losses of a segmentation, of one image: from the logits [h, w, classes] and the class of each pixel [h, w]."""

import jax
from jaxtyping import Array, Float, Int, Shaped

from jaxdl.losses.classification import cross_entropy
from jaxdl.typing import Example, Mean, wide

Logits = Float[Array, "h w classes"]
Segments = Int[Array, "h w"]


def pixel_cross_entropy(
    logits: Logits, segments: Segments, weights: Shaped[Array, "h w"] | None = None
) -> Float[Array, ""]:
    """The mean of `cross_entropy` over pixels, in nats: Σ w L / Σ w, and 0 where nothing weighs.

    weights  of pixels: 0 for those whose class nobody knows, more where a border must be learned. Ronneberger, Fischer
             and Brox (2015), eq. 1
    """
    nats = jax.vmap(jax.vmap(cross_entropy))(logits, segments)
    return Mean.of(nats, 1.0 if weights is None else weights).value


def soft_dice(logits: Logits, segments: Segments, smoothing: float = 1.0) -> Float[Array, ""]:
    """1 − mean over classes of (2 Σ p t + ε) / (Σ p + Σ t + ε), sums over pixels, p = softmax(logits), t one-hot.

    For p of 0 and 1 and ε = 0 it is one minus the F1 of the pixels. A class that is neither there nor said costs
    nothing, thanks to ε. Source: Milletari, Navab and Ahmadi (2016), section 3, without their squares.
    """
    both, p, t = _overlap(logits, segments)
    return 1 - ((2 * both + smoothing) / (p + t + smoothing)).mean()


def soft_iou(logits: Logits, segments: Segments, smoothing: float = 1.0) -> Float[Array, ""]:
    """1 − mean over classes of (Σ p t + ε) / (Σ p + Σ t − Σ p t + ε), as `soft_dice` has it.

    For p of 0 and 1 and ε = 0 it is one minus intersection over union. Source: Rahman and Wang (2016).
    """
    both, p, t = _overlap(logits, segments)
    return 1 - ((both + smoothing) / (p + t - both + smoothing)).mean()


def graded_pixels(logits: Logits, example: Example) -> dict[str, Mean]:
    """`loss` (cross-entropy, nats a pixel) and `accuracy` of the pixels against `segments`."""
    right = logits.argmax(-1) == example["segments"]
    return {
        "loss": Mean.of(pixel_cross_entropy(logits, example["segments"]), example["mask"]),
        "accuracy": Mean.of(right.mean(), example["mask"]),
    }


def _overlap(logits: Logits, segments: Segments) -> tuple[Array, Array, Array]:
    """(Σ p t, Σ p, Σ t) of each class, in at least float32."""
    p = jax.nn.softmax(wide(logits))
    t = jax.nn.one_hot(segments, logits.shape[-1], dtype=p.dtype)
    return (p * t).sum((0, 1)), p.sum((0, 1)), t.sum((0, 1))
