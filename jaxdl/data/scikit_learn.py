"""What the builders of scikit-learn's tables share: each is a file of its own that says what the table is."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds


class Table(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]  # TFDS is untyped
    """`x` float32 [features] and `label`, or `target` float32 where there are no classes. In scikit-learn's order."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "As in scikit-learn."}
    description: ClassVar[str]
    homepage: ClassVar[str]
    citation: ClassVar[str]
    feature_names: ClassVar[tuple[str, ...]]
    class_names: ClassVar[tuple[str, ...]] = ()

    def _info(self) -> tfds.core.DatasetInfo:
        outcome = "label" if self.class_names else "target"
        kinds = {"label": tfds.features.ClassLabel(names=self.class_names), "target": np.float32}
        x = tfds.features.Tensor(shape=(len(self.feature_names),), dtype=np.float32)
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.description,
            homepage=self.homepage,
            citation=self.citation,
            features=tfds.features.FeaturesDict({"x": x, outcome: kinds[outcome]}),
            supervised_keys=("x", outcome),
            metadata=tfds.core.MetadataDict(feature_names=list(self.feature_names)),
            disable_shuffling=True,
        )

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows [N, features] and outcomes [N], from scikit-learn, which is imported here because it takes seconds."""
        raise NotImplementedError

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for key, (x, outcome) in enumerate(zip(*self._read(), strict=True)):
            yield key, {"x": x.astype(np.float32), "label" if self.class_names else "target": outcome.item()}
