"""Weights of an earlier run come back verified, and go into another network as a whole or not at all."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models import safetensors
from jaxdl.task import EarlyStopping
from jaxdl.train import state as states
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.train.transfer import Transfer, load_parameters, merged, save_parameters, transferred


def weights(width=3, seed=0, **more):
    """A body, a normalised layer and a head, of two collections."""
    random = np.random.default_rng(seed)
    params = {
        "body": {"kernel": random.normal(size=(4, 4)), "bias": random.normal(size=4)},
        "head": {"kernel": random.normal(size=(4, width))},
        "head_bn": {"scale": random.normal(size=width)},
        **more,
    }
    state = {
        "batch_stats": {"body_bn": {"mean": random.normal(size=4)}, "head_bn": {"mean": random.normal(size=width)}}
    }
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), (params, state))


def assert_equal(found, expected):
    found, expected = states.leaves(found), states.leaves(expected)
    assert states.digest(found) == states.digest(expected)


def run_in(directory):
    return Run(directory, mesh="data=1", quiet=True, evaluate_every=2, checkpoint_every=5)


def test_a_finished_run_gives_back_its_last_weights(make_task, tmp_path):
    result = fit(make_task(), run_in(tmp_path))
    expected = (result.state.params, result.state.model_state)
    assert_equal(load_parameters(tmp_path), expected)
    assert_equal(load_parameters(tmp_path / "checkpoints"), expected)


def test_a_run_that_stopped_early_gives_back_its_best_weights(make_task, tmp_path):
    task = dataclasses.replace(make_task(), stopping=EarlyStopping("dev/loss", patience=100, goal="max"))
    result = fit(task, run_in(tmp_path))
    assert_equal(load_parameters(tmp_path), (result.state.params, result.state.model_state))


def test_no_flipped_bit_is_loaded(make_task, tmp_path):
    """Of some array it would come back silently: Orbax does not see it."""
    fit(make_task(steps=5), run_in(tmp_path))
    sound = load_parameters(tmp_path)
    random = np.random.default_rng(0)
    files = [path for path in (tmp_path / "checkpoints" / "5" / "state").rglob("*") if path.is_file()]
    for path in 4 * [path for path in files if path.stat().st_size > 1000]:
        content = path.read_bytes()
        damaged = bytearray(content)
        damaged[random.integers(len(content))] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            assert_equal(load_parameters(tmp_path), sound)
        except InputError as error:
            assert "damaged" in str(error)  # noqa: PT017 (either is right)
        path.write_bytes(content)


def test_a_manifest_that_lost_a_leaf_is_not_believed(make_task, tmp_path):
    """Else the weights would come back without it, each of the others as it was saved."""
    fit(make_task(steps=5), run_in(tmp_path))
    path = tmp_path / "checkpoints" / "5" / "manifest" / "metadata"
    manifest = json.loads(path.read_text())
    del manifest["leaves"]["params/Dense_0/bias"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="its manifest does not match its own digest"):
        load_parameters(tmp_path)


def test_a_damaged_checkpoint_is_passed_over_and_left_where_it_is(make_task, tmp_path):
    fit(make_task(steps=5), run_in(tmp_path))
    at_5 = load_parameters(tmp_path)
    fit(make_task(steps=10), run_in(tmp_path))
    newest = tmp_path / "checkpoints" / "10"
    for path in newest.rglob("*"):
        if path.is_file() and path.stat().st_size and "state" in path.parts:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 4
            path.write_bytes(content)
    before = sorted(path for path in tmp_path.rglob("*"))
    assert_equal(load_parameters(tmp_path), at_5)
    assert sorted(path for path in tmp_path.rglob("*")) == before
    (tmp_path / "checkpoints" / "5" / "manifest" / "metadata").write_text("{}")
    with pytest.raises(InputError, match=r"every checkpoint in .* is damaged: step 10 .*step 5"):
        load_parameters(tmp_path)


@pytest.mark.parametrize("name", ["absent", "."])
def test_where_no_run_has_saved_is_an_error(tmp_path, name):
    with pytest.raises(InputError, match="expected the directory of a run that has saved"):
        load_parameters(tmp_path / name)


def test_a_safetensors_file_gives_back_what_was_saved(tmp_path):
    save_parameters(tmp_path / "a.safetensors", *weights())
    assert_equal(load_parameters(tmp_path / "a.safetensors"), weights())


def test_a_file_in_other_names_is_refused(tmp_path):
    safetensors.write(tmp_path / "a", {"fc.weight": np.ones(2)})
    with pytest.raises(InputError, match="other names than params"):
        load_parameters(tmp_path / "a")


def test_equal_networks_merge_to_what_was_loaded():
    assert_equal(merged(weights(seed=0), weights(seed=1)), weights(seed=1))


def test_a_new_head_starts_anew_with_its_running_moments_and_the_rest_is_loaded():
    fresh, loaded = weights(width=5, seed=0), weights(width=3, seed=1)
    params, model_state = merged(fresh, loaded, "head*")
    assert_equal(params["head"], fresh[0]["head"])
    assert_equal(params["head_bn"], fresh[0]["head_bn"])
    assert_equal(model_state["batch_stats"]["head_bn"], fresh[1]["batch_stats"]["head_bn"])
    assert_equal(params["body"], loaded[0]["body"])
    assert_equal(model_state["batch_stats"]["body_bn"], loaded[1]["batch_stats"]["body_bn"])


def test_a_head_of_other_layers_takes_the_place_of_the_old_one():
    fresh, loaded = weights(seed=0, head2={"kernel": np.ones((3, 2))}), weights(seed=1)
    assert_equal(merged(fresh, loaded, "head*")[0]["head2"], fresh[0]["head2"])


def test_what_rows_carry_over_starts_anew_and_all_else_is_loaded():
    """A checkpoint has none among its weights, a file that was saved has."""
    params, state = weights(seed=0)
    fresh, loaded = (params, {**state, "carry": {"h": jnp.zeros(8)}}), weights(seed=1)
    assert_equal(merged(fresh, loaded), (loaded[0], {**loaded[1], "carry": {"h": jnp.zeros(8)}}))
    saved = (loaded[0], {**loaded[1], "carry": {"h": jnp.ones(4)}})
    assert_equal(merged(fresh, saved), merged(fresh, loaded))


@pytest.mark.parametrize(
    ("fresh", "loaded", "complaint"),
    [
        (weights(5), weights(3), r"params/head/kernel is float32\[4, 3\], not float32\[4, 5\]"),
        (weights(more={"bias": 1.0}), weights(), "missing params/more/bias"),
        (weights(), weights(more={"bias": 1.0}), "extra params/more/bias"),
        (weights(), jax.tree.map(lambda x: x.astype(jnp.bfloat16), weights()), r"is bfloat16\[4\], not float32\[4\]"),
    ],
)
def test_weights_of_another_network_are_refused(fresh, loaded, complaint):
    with pytest.raises(InputError, match=complaint):
        merged(fresh, loaded)


def test_the_pattern_of_the_head_must_match():
    with pytest.raises(InputError, match=r"'haed/\*': expected something like head/\*"):
        merged(weights(), weights(), "haed/*")


RATES = (("Dense_0/*", 2.0), ("*/bias", 0.5))  # what is frozen is that, whatever its rate


def test_a_transferred_task_starts_from_the_weights_and_leaves_the_frozen_alone(make_task, tmp_path):
    earlier = fit(make_task(), run_in(tmp_path / "earlier")).state
    transfer = Transfer(tmp_path / "earlier", new_head="Dense_1/*", freeze=("Dense_0/*",), rates=RATES)
    later = fit(
        transferred(make_task(steps=3), transfer), dataclasses.replace(run_in(tmp_path / "later"), seed=1)
    ).state
    assert_equal(later.params["Dense_0"], earlier.params["Dense_0"])
    assert np.abs(later.params["BatchNorm_0"]["scale"] - earlier.params["BatchNorm_0"]["scale"]).max() > 0
    assert np.abs(later.params["Dense_1"]["kernel"] - earlier.params["Dense_1"]["kernel"]).max() > 0.1


def test_a_new_head_without_weights_to_start_from_is_refused():
    with pytest.raises(InputError, match="expected init_from"):
        Transfer(new_head="output/*")


def test_without_anything_to_transfer_the_task_is_the_same(make_task):
    task = make_task()
    assert transferred(task, Transfer()) is task
