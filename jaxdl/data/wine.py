"""Wines: 178 bottles of three growers by their chemistry, as a TFDS set."""

import numpy as np

from jaxdl.data.scikit_learn import Table


class Wine(Table):
    """`x` float32 [13], from proline in hundreds to hue below two, and `label`, the grower."""

    description = "178 wines, 13 chemical measurements, 3 growers, from scikit-learn."
    homepage = "https://archive.ics.uci.edu/dataset/109"
    citation = "M. Forina et al. PARVUS: an extendible package of programs for data exploration. Elsevier, 1988."
    feature_names = (
        "alcohol",
        "malic_acid",
        "ash",
        "alcalinity_of_ash",
        "magnesium",
        "total_phenols",
        "flavanoids",
        "nonflavanoid_phenols",
        "proanthocyanins",
        "color_intensity",
        "hue",
        "od280/od315_of_diluted_wines",
        "proline",
    )
    class_names = ("class_0", "class_1", "class_2")

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.datasets import load_wine

        return load_wine(return_X_y=True)
