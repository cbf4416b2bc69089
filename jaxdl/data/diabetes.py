"""Diabetes: how far the disease of 442 patients went in a year, to be told from ten measurements, as a TFDS set."""

import numpy as np

from jaxdl.data.scikit_learn import Table


class Diabetes(Table):
    """`x` float32 [10] as it was measured, not as scikit-learn scales it, and `target` float32, 25 to 346."""

    description = "442 diabetes patients, 10 measurements, progression of the disease, from scikit-learn."
    homepage = "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html"
    citation = "B. Efron et al. Least angle regression. Annals of Statistics, 2004."
    feature_names = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.datasets import load_diabetes

        return load_diabetes(return_X_y=True, scaled=False)
