"""Transfer learning: what each way of it promises, on a shrunken run."""

import jax
import numpy as np
import pytest

from experiments.vision import transfer_learning
from experiments.vision.transfer_learning import METHODS, SOURCE, TARGET, Config
from jaxdl.train import state as states
from jaxdl.train.settings import Run
from jaxdl.train.transfer import load_parameters

SMALL = Config(seeds=1, examples=(5,), steps=60, pretraining_epochs=8)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The directory of a shrunken run, and what it found."""
    run = Run(tmp_path_factory.mktemp("transfer"), mesh="data=1", quiet=True)
    return run.directory, transfer_learning.measure(SMALL, run)


def test_what_was_learned_on_other_digits_serves_the_new_ones(measured):
    """Convolutions that never saw a 5 tell 5 to 9 apart, far better than by chance, which is right 1 time in 5."""
    found = {method: of[5][0] for method, of in measured[1].items()}
    assert min(found.values()) > 0.6, found


def test_what_does_not_learn_is_what_was_pretrained_bit_for_bit(measured):
    directory, _ = measured
    earlier = load_parameters(directory / "digits 0-4" / "0")[0]
    still = {"head alone": {"conv1", "conv2", "dense1", "dense2"}, "frozen": {"conv1", "conv2"}}
    for method in METHODS:
        later = load_parameters(directory / "5 examples" / method / "0")[0]
        same = {layer for layer in earlier if digest(earlier[layer]) == digest(later[layer])}
        assert same == still.get(method, set()), method


def digest(tree):
    return states.digest(states.leaves(tree))


def test_fine_tuning_starts_where_pretraining_ended_and_the_other_way_does_not(measured):
    directory, _ = measured
    earlier = load_parameters(directory / "digits 0-4" / "0")[0]["conv1"]["kernel"]
    for method in METHODS:
        params, _ = transfer_learning.build(SMALL, directory, method, 5, 0).init(jax.random.key(3))
        assert (params["conv1"]["kernel"] == earlier).all() == (method != "from scratch")
        assert params["output"]["kernel"].shape == (84, 5)


def test_the_two_tasks_share_no_digit_and_the_few_are_so_many_of_each():
    data = transfer_learning.load(Config(), seed=0)
    source, target = (transfer_learning.of_digits(data, digits) for digits in (SOURCE, TARGET))
    assert len(source.train) + len(target.train) == len(data.train)
    images = [{image.tobytes() for image in sets.train.fields["image"]} for sets in (source, target)]
    assert not images[0] & images[1]
    few = transfer_learning.few(target.train, 20, seed=0)
    assert np.bincount(few.fields["label"]).tolist() == [20] * 5
    assert len({image.tobytes() for image in few.fields["image"]}) == 100
