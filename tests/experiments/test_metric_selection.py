"""Which metric chooses, on a shrunken run."""

from experiments.strategy import metric_selection
from experiments.strategy.metric_selection import Config
from jaxdl.train.settings import Run


def test_the_weighted_error_chooses_who_misses_less_and_a_threshold_on_recall_too(tmp_path):
    found = metric_selection.measure(Config(hidden=(2, 16), epochs=15, seeds=2), Run(tmp_path, mesh="data=1"))
    recall = {asked: of["recall"].mean() for asked, of in found.items()}
    assert recall["weighted error"] > recall["accuracy"]
    assert recall["accuracy where recall is high"] > recall["accuracy"]
    assert all("2 units" in who for who in found["smallest where recall is high"]["who"])
