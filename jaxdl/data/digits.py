"""Handwritten digits: the 1,797 scans of 8×8 that come with scikit-learn, as a TFDS set.

The test part of UCI's optical recognition of handwritten digits (Alpaydin & Kaynak, 1998): 32×32 bitmaps of 13
writers, counted in blocks of 4×4. In scikit-learn's own order.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds


class Digits(tfds.core.GeneratorBasedBuilder):
    """`image` uint8 [8, 8, 1] and `label` 0..9. A count v of 0..16 is stored as round(255 v / 16)."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "As in scikit-learn."}  # noqa: RUF012, the name is TFDS's

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="1,797 handwritten digits, 8x8 pixels, from scikit-learn.",
            homepage="https://archive.ics.uci.edu/dataset/80",
            citation="E. Alpaydin and C. Kaynak. Optical Recognition of Handwritten Digits. UCI, 1998.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Tensor(shape=(8, 8, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.round(digits.images * 255 / 16).astype(np.uint8)[..., None]
        for key, (image, label) in enumerate(zip(images, digits.target, strict=True)):
            yield key, {"image": image, "label": int(label)}
