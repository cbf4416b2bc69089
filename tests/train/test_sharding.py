"""Wherever parameters and rows live, training is the same; and each device holds its part and no more."""

import functools
import re
from collections import Counter
from fnmatch import fnmatch

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P

from jaxdl.data import images
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.language_model import language_model
from jaxdl.models.resnet import ResNet
from jaxdl.models.transformer import Size, TransformerLM
from jaxdl.optim.chain import Chain
from jaxdl.train import step as steps
from jaxdl.train.loop import creation
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh, share, share_of, spec
from jaxdl.typing import path_name

STEPS = 20


def transformer():
    """A layer of a language model with dropout, on random tokens."""
    tokens = np.random.default_rng(0).integers(0, 16, 800).astype(np.int32)
    size = Size(layers=1, width=16, heads=4, hidden=32, dropout=0.1, norm="pre")
    return language_model(TransformerLM(16, size), {"train": tokens}, Chain("adam"), 5.0, batch_size=16, length=8)


def resnet():
    """A residual block with batch norm, on the digits."""
    model = ResNet(10, (1,), width=4)
    return classifier(model, images.load(size=8), Chain("momentum", learning_rate=0.05), epochs=1, batch_size=16)


@pytest.fixture
def tasks(make_task):
    return {
        "mlp": functools.partial(make_task, normalized=False, optimizer=optax.adam(1e-2)),
        "resnet": resnet,
        "transformer": transformer,
    }


def trained(task, mesh, kind="jit", dtype=np.float32, steps_taken=STEPS):
    """(the losses, the last state, how many programs the step was compiled to)."""
    runner = Runner(make_mesh(mesh), kind)

    def create(key):
        state = creation(task)(key)
        return jax.tree.map(lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, state)

    runner = runner.over(jax.eval_shape(create, jax.random.key(0)), task.sharding)
    state = jax.jit(create, out_shardings=runner.placed)(jax.random.key(0))
    step = runner.bind(steps.make_step(runner.gathered(task.loss), task.optimizer), donate=True)
    losses, batches = [], task.train.iterate(0)
    for _ in range(steps_taken):
        batch = {name: x.astype(dtype) if x.dtype == np.float32 else x for name, x in next(batches).items()}
        state, metrics = step(state, batch)
        losses.append(next(metrics.rows())["loss"])
    return losses, state, step


LAYOUTS = [
    ("data=8", "jit"),
    ("data=1,fsdp=8", "jit"),
    ("data=2,fsdp=2,tensor=2", "jit"),
    ("data=8", "pmap"),
]


@pytest.mark.parametrize("name", ["mlp", "resnet", "transformer"])
def test_every_mesh_gives_the_loss_curve_of_one_device(tasks, name):
    for dtype, nearness in ((np.float64, 1e-9), (np.float32, 1e-4)):
        with jax.enable_x64(dtype == np.float64):
            task = tasks[name]()
            alone = trained(task, "data=1", dtype=dtype)[0]
            assert alone[0] != alone[-1]
            for mesh, kind in LAYOUTS:
                losses, _, step = trained(task, mesh, kind, dtype)
                np.testing.assert_allclose(losses, alone, rtol=0, atol=nearness, err_msg=f"{mesh} {kind} {dtype}")
                if kind == "jit":  # 0 where jax has cleared its caches since
                    assert step._cache_size() <= 1, f"{mesh}: compiled more than once"


def held_by_one(tree):
    """(bytes on the first device, bytes of the whole)."""
    leaves = jax.tree.leaves(tree)
    mine = sum(x.addressable_shards[0].data.nbytes for x in leaves)
    return mine, sum(x.nbytes for x in leaves)


def test_each_device_holds_its_part_of_parameters_and_moments(tasks):
    _, state, _ = trained(tasks["transformer"](), "data=2,fsdp=4", steps_taken=2)
    for tree in (state.params, state.opt_state):
        mine, whole = held_by_one(tree)
        assert whole / 4 <= mine < 1.1 * whole / 4  # a counter of steps is whole
    for device in jax.devices():
        parts = [shard.data for shard in state.params["embedding"]["table"]["embedding"].addressable_shards]
        assert {part.shape for part in parts} == {(4, 16)}, device


def test_tensor_splits_what_the_model_s_table_names_and_only_that(tasks):
    task = tasks["transformer"]()
    _, state, _ = trained(task, "data=4,tensor=2", steps_taken=1)
    split = {path for path, x in leaves_of(state.params).items() if not x.sharding.is_fully_replicated}
    named = {path for path in leaves_of(state.params) for pattern in task.sharding if fnmatch(path, pattern)}
    assert split == named
    assert len(split) == 7


def leaves_of(tree):
    return {path_name(path): x for path, x in jax.tree_util.tree_flatten_with_path(tree)[0]}


@pytest.mark.parametrize(
    ("name", "mesh", "expected"),
    [
        ("mlp", "data=8", {"all-reduce": 1}),  # the gradients and metrics, in one
        ("mlp", "data=2,fsdp=4", {"all-gather": 3, "all-reduce": 1}),  # one for each parameter; a bias of 3 is whole
        ("mlp", "data=4,tensor=2", {"all-reduce": 1}),  # this model has no table: tensor repeats the work
        ("resnet", "data=8", {"all-reduce": 10}),  # each of 3 batch norms: the mean, the variance, two slopes in one
        ("resnet", "data=2,fsdp=4", {"all-gather": 10, "all-reduce": 10}),  # of 11 parameters the bias of 10 is whole
        ("resnet", "data=4,tensor=2", {"all-reduce": 10}),
        ("transformer", "data=8", {"all-reduce": 1}),
        ("transformer", "data=2,fsdp=4", {"all-gather": 15, "all-reduce": 1}),  # 15 parameters, and no activation
        # The gradients; 4 in the layer and one each way at the table of symbols, whose columns are logits too: their
        # largest and the sum of their exponentials.
        ("transformer", "data=4,tensor=2", {"all-reduce": 9}),
        ("transformer", "data=2,fsdp=2,tensor=2", {"all-gather": 13, "all-reduce": 9}),
    ],
)
def test_the_step_talks_as_much_as_it_must_and_no_more(tasks, name, mesh, expected):
    """docs/performance.md has these numbers as a table."""
    assert collectives(compiled_step(tasks[name](), mesh)) == expected


def test_a_state_is_never_whole_on_a_device(tasks):
    """The program that creates it makes and returns its parts alone."""
    task = tasks["mlp"]()
    like = jax.eval_shape(creation(task), jax.random.key(0))
    runner = Runner(make_mesh("data=1,fsdp=8")).over(like, task.sharding)
    shapes = jax.tree.map(lambda at, x: at.shard_shape(x.shape), runner.placed, like)
    state = jax.jit(creation(task), out_shardings=runner.placed)(jax.random.key(0))
    assert jax.tree.map(lambda x: x.addressable_data(3).shape, state) == shapes
    assert shapes.params["Dense_0"]["kernel"] == (6, 2)


def test_an_axis_of_an_array_is_split_once_and_only_evenly():
    rules = {"*inner/kernel": P(None, "tensor"), "*kernel": P("tensor", None)}
    sizes = {"data": 2, "fsdp": 2, "tensor": 2}
    assert spec("params/inner/kernel", (6, 4), sizes, rules) == P("fsdp", "tensor")
    assert spec("opt_state/0/mu/inner/kernel", (6, 4), sizes, rules) == P("fsdp", "tensor")
    assert spec("params/kernel", (6, 4), sizes, rules) == P("tensor", "fsdp")
    assert spec("params/kernel", (5, 3), sizes, rules) == P(None, None)
    assert spec("params/bias", (8, 10), sizes, rules) == P(None, "fsdp")  # the largest
    assert spec("step", (), sizes, rules) == P()
    alone = {"data": 8, "fsdp": 1, "tensor": 1}
    assert spec("params/inner/kernel", (6, 4), alone, rules) == P(None, None)


@pytest.mark.parametrize(
    "description",
    ["data=3,fsdp=-1", "data=-1,fsdp=-1", "data=2,data=2", "fsdp=0", "tensor=16", "model=2", "data=2;fsdp=2"],
)
def test_a_mesh_that_can_t_be_is_refused_with_one_that_can(description):
    with pytest.raises(InputError, match=r"mesh.*(expected|devices)"):
        make_mesh(description)


def test_what_is_not_named_of_a_mesh_is_one():
    assert make_mesh("fsdp=4").shape == {"data": 1, "fsdp": 4, "tensor": 1}
    assert make_mesh("tensor=2,data=-1").shape == {"data": 4, "fsdp": 1, "tensor": 2}


def test_pmap_knows_data_alone():
    with pytest.raises(InputError, match="use --parallel jit"):
        Runner(make_mesh("fsdp=2"), "pmap")


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ([[0], [0], [1], [1]], (0, 2)),
        ([[1], [1], [0], [0]], (1, 2)),  # the second half is ours
        ([[0, 0, 1, 1]], (0, 1)),  # the same rows for all
        ([[0, 1], [0, 1]], (0, 1)),
    ],
)
def test_a_process_feeds_the_rows_its_devices_work_on(owners, expected):
    assert share_of(0, np.array(owners)) == expected


@pytest.mark.parametrize("owners", [[[0], [1], [0], [1]], [[1], [0], [0], [1]]])
def test_rows_in_pieces_are_refused(owners):
    with pytest.raises(InputError, match="not one piece"):
        share_of(0, np.array(owners))


def test_a_single_process_feeds_all_rows():
    assert share(make_mesh("data=2,fsdp=2,tensor=2")) == (0, 1)


def compiled_step(task, mesh):
    """The text of the step's program on a mesh."""
    like = jax.eval_shape(creation(task), jax.random.key(0))
    runner = Runner(make_mesh(mesh)).over(like, task.sharding)
    state = jax.tree.map(lambda x, at: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=at), like, runner.placed)
    step = runner.bind(steps.make_step(runner.gathered(task.loss), task.optimizer), donate=True)
    return step.lower(state, next(task.train.iterate(0))).compile().as_text()


def collectives(program):
    """{name: how many} of what devices tell each other."""
    kinds = "all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute"
    return dict(Counter(re.findall(rf" ({kinds})(?:-start)?\(", program)))
