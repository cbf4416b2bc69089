"""Irises: 150 flowers of three species by the size of their petals and sepals, as a TFDS set."""

import numpy as np

from jaxdl.data.scikit_learn import Table


class Iris(Table):
    """`x` float32 [4] in centimetres and `label`, the species: 50 of each; setosa parts from the others by a line."""

    description = "150 irises, 4 measurements, 3 species, from scikit-learn."
    homepage = "https://archive.ics.uci.edu/dataset/53"
    citation = "R. A. Fisher. The use of multiple measurements in taxonomic problems. Annals of Eugenics, 1936."
    feature_names = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
    class_names = ("setosa", "versicolor", "virginica")

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.datasets import load_iris

        return load_iris(return_X_y=True)
