"""Multi-crop on a shrunken run."""

from experiments.vision import multi_crop
from experiments.vision.multi_crop import Config
from jaxdl.train.settings import Run


def test_mirrored_digits_make_ten_crops_worse_than_five(tmp_path):
    found = multi_crop.measure(Config(shares=(0.8,), epochs=6, seeds=2), Run(tmp_path, mesh="data=1"))
    assert found["5 crops"].mean() > found["10 crops"].mean() + 0.01
    assert {of.shape for of in found.values()} == {(1, 2)}
