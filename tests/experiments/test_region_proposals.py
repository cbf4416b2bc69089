"""A short training of both: regions are found and read better than in one look."""

from experiments.vision import region_proposals
from experiments.vision.region_proposals import ONE, TWO, Config
from jaxdl.train.settings import Run


def test_after_a_short_training_regions_are_read_better_than_the_grid_reads(tmp_path):
    small = {"counts": (320, 8, 60), "size": 32, "digits": (1, 1), "width": 8, "epochs": 6, "batch_size": 16}
    config = Config(**small, proposals=4, turns=5, seeds=1)
    found, spent, _ = region_proposals.measure(config, Run(tmp_path, mesh="data=1"))
    assert found["mAP@.5, any class"][TWO][0] > 0.5
    assert found["mAP@.5"][TWO][0] > found["mAP@.5"][ONE][0] + 0.05
    assert len(spent[ONE]) == len(spent[TWO]) == 5
