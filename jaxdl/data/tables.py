"""Tables, a row of features an example: the bundled ones and arrays of one's own, as train, dev and test."""

import numpy as np

from jaxdl.data import sets
from jaxdl.data.parts import Sets, statistics
from jaxdl.data.source import Arrays, check_finite, check_labels
from jaxdl.data.split import split
from jaxdl.errors import InputError


def load(
    name: str = "breast_cancer",
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    standardize: bool = True,
) -> Sets:
    """The bundled table `name`, or a prepared TFDS set of the same form, prepared as `prepared` says.

    Raises InputError for an unknown or unprepared set and one without `x` [features] and a `label` or `target`.
    """
    builder = sets.find(name)
    features = builder.info.features
    outcome = next((field for field in ("label", "target") if field in features), None)
    if outcome is None or "x" not in features or len(features["x"].shape) != 1:
        raise InputError(f"data set {name!r} has {', '.join(features)}, not a row x of features and a label or target")
    source = builder.as_data_source("train")
    records = source.__getitems__(range(len(source)))
    dtype = np.int32 if outcome == "label" else np.float32
    table = Arrays(
        {
            "x": np.stack([record["x"] for record in records]).astype(np.float32),
            outcome: np.array([record[outcome] for record in records], dtype),
        }
    )
    class_names = tuple(features["label"].names) if outcome == "label" else ()
    feature_names = tuple((builder.info.metadata or {}).get("feature_names", ()))
    return prepared(table, class_names, fractions, seed, standardize, feature_names)


def prepared(
    table: Arrays,
    class_names: tuple[str, ...] = (),
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    standardize: bool = True,
    feature_names: tuple[str, ...] = (),
) -> Sets:
    """The table's `x` [N, features] with `label`, or with `target` where there are no classes, divided and scaled.

    x = (raw − mean) / std per feature, with the mean and std of the training rows alone; one without variance in train
    becomes 0 there. With labels the division is stratified.
    Raises InputError for NaN, for a label that is no class and for fractions that can't be met.
    """
    x = table.fields["x"]
    outcome, dtype = ("label", np.int32) if class_names else ("target", np.float32)
    check_finite(x, "x", feature_names)
    if class_names:
        check_labels(table.fields["label"], len(class_names))
    else:
        check_finite(table.fields["target"], "target")
    rows = split(table.fields["label"] if class_names else len(table), fractions, seed)
    mean, std = np.zeros(x.shape[1], np.float32), np.ones(x.shape[1], np.float32)
    if standardize:
        mean, std = statistics([x[rows[0]]])
    inputs = ((x - mean) / std).astype(np.float32)
    scaled = Arrays({**table.fields, "x": inputs, outcome: table.fields[outcome].astype(dtype)})
    train, dev, test = (scaled.select(part) for part in rows)
    return Sets(
        train=train,
        dev=dev,
        test=test,
        classes=len(class_names),
        class_names=class_names,
        shape=x.shape[1:],
        mean=mean,
        std=std,
        feature_names=feature_names,
    )
