"""Mini-batches: noise, progress and the partition of an epoch, on a shrunken run."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.training import mini_batches
from experiments.training.mini_batches import Config, Found, Numbered
from jaxdl.data.batches import Batches
from jaxdl.train.settings import Run

SMALL = Config(seeds=1, plans=((16, 0.3, 2), (256, 0.3, 12), (0, 0.3, 60)), high=0.5, target=0.2, timed=1)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return mini_batches.measure(SMALL, Run(tmp_path_factory.mktemp("batches"), mesh="data=1", quiet=True))


def test_a_smaller_batch_is_noisier_and_needs_fewer_epochs(found):
    small, middle, whole = found.values()
    noise = [one.noise(SMALL.high, SMALL.target)[0] for one in (small, middle, whole)]
    assert noise[0] > 1.5 * noise[1] > 3 * noise[2]
    epochs = [one.steps_to(SMALL.target)[0] / one.steps_per_epoch for one in (small, middle, whole)]
    assert 4 * epochs[0] < epochs[1] < epochs[2] / 3


def test_at_one_rate_an_update_is_worth_about_the_same_whatever_the_batch(found):
    updates = [one.steps_to(SMALL.target)[0] for one in found.values()]
    assert max(updates) < 1.5 * min(updates)


def test_the_whole_set_at_once_takes_one_update_an_epoch_and_its_cost_only_falls(found):
    *_, whole = found.values()
    assert whole.steps_per_epoch == 1
    assert (np.diff(whole.batch_cost[0]) < 0).all()


def test_the_findings_and_figures_name_every_size(found):
    told = mini_batches.findings(SMALL, found)
    for name, line in zip(found, told, strict=False):
        updates = found[name].steps_to(SMALL.target)[0]
        assert line.startswith(f"{name}: {found[name].steps_per_epoch} updates")
        assert f"cost 0.2 after {updates:.0f} updates" in line
    assert len(mini_batches.figures(SMALL, found)) == 4


@pytest.mark.parametrize(("remainder", "left_out"), [("pad", 0), ("drop", 54)])
def test_an_epoch_shows_each_example_once_or_leaves_out_the_short_batch(remainder, left_out):
    counts = mini_batches.seen(Batches(Numbered(1078), 64, remainder=remainder))
    assert (counts == 0).sum() == left_out
    assert (counts == 1).sum() == 1078 - left_out


def test_the_partition_is_told_as_it_was_counted():
    padded, dropped, large = mini_batches.partitions(1078)
    assert "17 updates an epoch, every example exactly once in both" in padded
    assert padded.endswith("the last batch has 54")
    assert "16 updates, 1024 examples once, 54 not in this epoch, 0 twice" in dropped
    assert large == "5,000,000 examples in 1,000s: 5,000 updates an epoch"


def test_steps_to_a_cost_and_the_noise_until_there_by_hand():
    costs = np.array([1.0, 0.8, 0.9, 0.6, 0.1])
    one = Found(1, 1.0, [costs], [(np.arange(1, 6), costs)])
    assert one.steps_to(0.6) == 4
    assert np.isnan(one.steps_to(0.05)).all()
    # From update 2, the first at 0.8 or less, up to update 4: 0.9 → 0.6 alone, which has no spread.
    assert one.noise(0.8, 0.6) == 0
    # From update 1 up to update 4: 0.8 → 0.9 → 0.6, changes of 0.1 and −0.3, each 0.2 from their mean.
    np.testing.assert_allclose(one.noise(1.0, 0.6), 0.2)


def test_what_never_arrives_is_said_not_to_and_is_never_first():
    costs = np.array([1.0, 0.8, 0.6])
    stuck = Found(1, 1.0, [costs, costs], [(np.arange(1, 4), costs)] * 2)
    quick = Found(1, 1.0, [costs, costs], [(np.arange(1, 4), costs / 10)] * 2)
    config = Config(high=0.7, target=0.1)
    told = mini_batches.findings(config, {"stuck": stuck, "quick": quick})
    assert told[0].startswith("stuck: 1 updates and 1000.0 ms an epoch; cost 0.1 not reached by 2 of 2 seeds")
    assert "after 1 ± 0 updates" in told[1]
    assert told[2] == "First at a cost of 0.1, by epochs: quick; by time: quick"
    assert mini_batches.verdict(config, {"stuck": stuck}) == "No batch size reaches a cost of 0.1 with every seed"
    assert np.isnan(stuck.noise(0.1, 0.01)).all()
    assert len(mini_batches.figures(config, {"stuck": stuck})) == 4
    assert not any("nan" in told for told in mini_batches.findings(replace(config, high=0.5), {"stuck": stuck}))
