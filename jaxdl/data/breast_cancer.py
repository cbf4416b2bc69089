"""Breast tumours: 569 biopsies by the shape of their cell nuclei, as a TFDS set."""

import numpy as np

from jaxdl.data.scikit_learn import Table

MEASURED = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)


class BreastCancer(Table):
    """`x` float32 [30], ten measures of the nuclei by mean, standard error and worst, and `label`: 357 are benign."""

    description = "569 breast tumours, 30 measurements of their cell nuclei, malignant or benign, from scikit-learn."
    homepage = "https://archive.ics.uci.edu/dataset/17"
    citation = "W. N. Street et al. Nuclear feature extraction for breast tumor diagnosis. IS&T/SPIE, 1993."
    feature_names = (
        *(f"mean {name}" for name in MEASURED),
        *(f"{name} error" for name in MEASURED),
        *(f"worst {name}" for name in MEASURED),
    )
    class_names = ("malignant", "benign")

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.datasets import load_breast_cancer

        return load_breast_cancer(return_X_y=True)
