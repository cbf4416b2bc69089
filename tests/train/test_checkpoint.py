"""A checkpoint comes back bit for bit, or it is not used."""

import logging
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.errors import Diverged, InputError, StorageError
from jaxdl.train import state as states
from jaxdl.train.checkpoint import Checkpoints, differences
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh

CONFIG = {"config": {"width": 4}, "seed": 0}


def make_state(step=0, width=4, dtype=jnp.float32):
    """A state with every kind of leaf: matrices, scalars, NamedTuples, half precision, a random key."""

    def init(key):
        kernel = jax.random.normal(key, (3, width), dtype)
        return {"dense": {"kernel": kernel, "bias": jnp.zeros(width, dtype)}}, {"mean": jnp.ones(width, jnp.bfloat16)}

    state = states.create(init, optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1)), jax.random.key(step))
    return state._replace(step=jnp.int32(step))


def placed(devices=1):
    return Runner(make_mesh(f"data={devices}")).placed


@pytest.fixture
def saved(tmp_path):
    """A directory with checkpoints of steps 10, 20 and 30, and their digests."""
    digests = {}
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        for step in (10, 20, 30):
            state = make_state(step)
            checkpoints.save(state, {"next_batch": step}, CONFIG)
            digests[step] = states.digest(states.leaves(state))
    return tmp_path / "checkpoints", digests


def restore(directory, like=None, devices=1, config=CONFIG):
    with Checkpoints(directory) as checkpoints:
        return checkpoints.restore(jax.eval_shape(lambda: like or make_state()), placed(devices), config)


@pytest.mark.parametrize("devices", [1, 8])
def test_what_is_saved_comes_back_bit_for_bit_on_any_mesh(saved, devices):
    directory, digests = saved
    state, data = restore(directory, devices=devices)
    assert states.digest(states.leaves(state)) == digests[30]
    assert data == {"next_batch": 30}
    assert state.params["dense"]["kernel"].sharding.num_devices == devices
    assert isinstance(state.opt_state[1][0], optax.ScaleByAdamState)


def test_nothing_saved_restores_nothing(tmp_path):
    assert restore(tmp_path) is None


def test_only_the_newest_are_kept(tmp_path):
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        for step in (1, 2, 3):
            checkpoints.save(make_state(step), {}, CONFIG)
        checkpoints.wait()
        assert checkpoints.steps() == [3, 2]


def files_of(directory, step):
    return sorted(path for path in (directory / str(step)).rglob("*") if path.is_file() and path.stat().st_size)


def test_no_flipped_bit_is_restored(saved):
    """One random bit in each file of the newest checkpoint: the state is that of step 30 or of 20, never a third."""
    directory, digests = saved
    pristine = directory.parent / "pristine"
    shutil.copytree(directory, pristine)
    random = np.random.default_rng(0)
    outcomes = []
    for path in files_of(directory, 30):
        flipped = bytearray(path.read_bytes())
        flipped[random.integers(len(flipped))] ^= 1 << int(random.integers(8))
        path.write_bytes(flipped)
        state, data = restore(directory)
        outcomes.append(data["next_batch"])
        assert states.digest(states.leaves(state)) == digests[data["next_batch"]], path
        shutil.rmtree(directory)
        shutil.copytree(pristine, directory)
    assert 20 in outcomes  # at least one of them was damage


def flip_array_bit(directory, step):
    largest = max((path for path in files_of(directory, step) if "state" in path.parts), key=lambda p: p.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 16
    largest.write_bytes(data)


def truncate(directory, step):
    for path in files_of(directory, step):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(directory, step):
    shutil.rmtree(directory / str(step), ignore_errors=True)
    (directory / str(step)).mkdir()


def lose_manifest(directory, step):
    shutil.rmtree(directory / str(step) / "manifest")


def take_the_arrays_of_another_step(directory, step):
    shutil.rmtree(directory / str(step) / "state")
    shutil.copytree(directory / "10" / "state", directory / str(step) / "state")


def edit_the_manifest(directory, step):
    path = directory / str(step) / "manifest" / "metadata"
    path.write_text(path.read_text().replace('"next_batch": 30', '"next_batch": 31'))


DAMAGE = [truncate, empty, lose_manifest, flip_array_bit, take_the_arrays_of_another_step, edit_the_manifest]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_newest_is_named_and_the_one_before_is_used(saved, damage, caplog):
    directory, digests = saved
    damage(directory, 30)
    with caplog.at_level(logging.WARNING):
        state, data = restore(directory)
    assert states.digest(states.leaves(state)) == digests[20]
    assert data == {"next_batch": 20}
    assert "step 30" in caplog.text


def test_an_empty_directory_newer_than_all_is_walked_past_and_can_be_written_later(saved):
    directory, digests = saved
    empty(directory, 40)
    with Checkpoints(directory) as checkpoints:
        state, _ = checkpoints.restore(jax.eval_shape(make_state), placed(), CONFIG)
        assert states.digest(states.leaves(state)) == digests[30]
        checkpoints.save(make_state(40), {"next_batch": 40}, CONFIG)
    assert restore(directory)[1] == {"next_batch": 40}


def test_all_damaged_is_an_error_that_says_what_was_tried(saved):
    directory, _ = saved
    for step in (10, 20, 30):
        truncate(directory, step)
    with pytest.raises(InputError, match=r"step 30 .*step 20 .*step 10 .*--fresh"):
        restore(directory)


def test_a_wider_model_is_refused_with_leaves_and_fields(saved):
    with pytest.raises(InputError, match=r"params/dense/kernel is float32\[3, 4\], not float32\[3, 8\].*width 4 -> 8"):
        restore(saved[0], make_state(width=8), config={"config": {"width": 8}, "seed": 0})


def test_another_dtype_is_refused_not_cast(saved):
    with pytest.raises(InputError, match=r"params/dense/bias is float32\[4\], not bfloat16\[4\]"):
        restore(saved[0], make_state(dtype=jnp.bfloat16))


def test_missing_and_extra_leaves_are_named_and_counted(saved):
    state = make_state()
    renamed = state._replace(params={f"layer{i}": jnp.zeros(2) for i in range(20)})
    with pytest.raises(InputError, match=r"22 leaves differ: missing params/layer0;.*and 12 more"):
        restore(saved[0], renamed)


def test_other_settings_with_the_same_leaves_go_on_with_a_warning(saved, caplog):
    with caplog.at_level(logging.WARNING):
        state, _ = restore(saved[0], config={"config": {"width": 4}, "seed": 1})
    assert int(state.step) == 30
    assert "seed 0 -> 1" in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_state_that_is_not_finite_is_never_saved(tmp_path, value):
    state = make_state(5)
    state.params["dense"]["bias"] = jnp.full(4, value)
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(Diverged, match="params/dense/bias is not finite after step 5"):
            checkpoints.save(state, {}, CONFIG)
        assert checkpoints.steps() == []


def test_a_failed_write_names_the_place_and_the_free_bytes(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "checkpoints").touch()  # a file where the directory was
    with pytest.raises(StorageError, match="bytes are free"):
        checkpoints.save(make_state(), {}, CONFIG)


def test_differences_are_named_by_their_path():
    before = {"a": 1, "optimizer": {"name": "adam", "rate": 0.1}, "gone": 2}
    now = {"a": 1, "optimizer": {"name": "adam", "rate": 0.2}, "new": 3}
    assert differences(before, now) == ["gone 2 -> None", "new None -> 3", "optimizer.rate 0.1 -> 0.2"]
    assert differences(before, before) == []
