"""The laws of a scan over time, whatever the cell."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.layers.cells import CELLS
from jaxdl.layers.recurrence import Recurrent, bidirectional, length_mask, scan, stacked

FEATURES, HIDDEN, TIME = 3, 2, 5
LENGTHS = (5, 2, 0)


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64():
        yield


def drawn(name, seed=0, features=FEATURES):
    """Parameters of the cell, normal, none of them zero."""
    random, width = np.random.default_rng(seed), CELLS[name].parts * HIDDEN
    shapes = {"kernel": (features, width), "recurrent_kernel": (HIDDEN, width), "bias": (width,)}
    shapes |= {further: (*vectors, HIDDEN) for further, vectors in CELLS[name].further.items()}
    return {key: jnp.asarray(random.normal(size=shape)) for key, shape in shapes.items()}


def sequences(*batch, features=FEATURES):
    return jnp.asarray(np.random.default_rng(7).normal(size=(*batch, TIME, features)))


def carries(name, *batch):
    random = np.random.default_rng(8)
    return tuple(jnp.asarray(random.normal(size=(*batch, HIDDEN))) for _ in range(CELLS[name].states))


def assert_same(ours, theirs, atol=1e-12):
    jax.tree.map(partial(np.testing.assert_allclose, atol=atol), ours, theirs)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_padding_changes_neither_outputs_nor_the_last_carry_nor_gradients_whatever_it_holds(name, reverse):
    """Against each sequence alone, cut to its length; the padding is not even a number."""
    params, start = drawn(name), carries(name, len(LENGTHS))
    mask = length_mask(jnp.asarray(LENGTHS), TIME)
    x = jnp.where(mask[..., None], sequences(len(LENGTHS)), jnp.nan)
    weights = sequences(len(LENGTHS), features=HIDDEN)

    def cost(params, x, start, mask, weights):
        outputs, end = scan(CELLS[name], params, x, start, mask, reverse)
        return (outputs * weights).sum() + sum((i + 2) * state.sum() for i, state in enumerate(end)), (outputs, end)

    grads_of = jax.jit(jax.value_and_grad(cost, (0, 1, 2), has_aux=True))
    (_, (outputs, end)), (d_params, dx, d_start) = grads_of(params, x, start, mask, weights)
    total = jax.tree.map(jnp.zeros_like, params)
    for i, length in enumerate(LENGTHS):
        alone = (x[i, :length], tuple(state[i] for state in start), None, weights[i, :length])
        known, grads = grads_of(params, *alone)
        np.testing.assert_allclose(outputs[i, :length], known[1][0], atol=1e-12)
        np.testing.assert_array_equal(outputs[i, length:], 0)
        np.testing.assert_allclose(dx[i, :length], grads[1], atol=1e-12)
        np.testing.assert_array_equal(dx[i, length:], 0)
        assert_same([state[i] for state in (*end, *d_start)], [*known[1][1], *grads[2]])
        total = jax.tree.map(jnp.add, total, grads[0])
    assert_same(d_params, total)


def test_padding_may_stand_anywhere_and_one_mask_may_serve_a_whole_batch():
    params, x, mask = drawn("lstm"), sequences(3), jnp.asarray([0.0, 1, 0, 1, 1])
    outputs, end = scan(CELLS["lstm"], params, x, mask=mask)
    alone, last = scan(CELLS["lstm"], params, x[:, mask == 1])
    assert_same((outputs[:, mask == 1], end), (alone, last))
    assert not outputs[:, mask == 0].any()


@pytest.mark.parametrize("name", CELLS)
def test_a_reversed_scan_is_the_flip_of_the_scan_of_the_flipped(name):
    params, x, start = drawn(name), sequences(2), carries(name, 2)
    outputs, end = scan(CELLS[name], params, x, start, reverse=True)
    flipped, last = scan(CELLS[name], params, jnp.flip(x, 1), start)
    assert_same((outputs, end), (jnp.flip(flipped, 1), last))


def test_a_bidirectional_layer_is_both_of_its_halves_side_by_side_each_with_its_carry():
    forward = partial(scan, CELLS["gru"], drawn("gru"))
    backward = partial(scan, CELLS["lstm"], drawn("lstm"), reverse=True)
    x, starts, mask = sequences(2), (carries("gru", 2), carries("lstm", 2)), length_mask(jnp.asarray([5, 3]), TIME)
    outputs, (right, left) = bidirectional(forward, backward, x, starts, mask)
    assert_same((outputs[..., :HIDDEN], right), forward(x, starts[0], mask))
    assert_same((outputs[..., HIDDEN:], left), backward(x, starts[1], mask))


def test_a_stack_is_the_composition_of_its_layers_and_goes_on_where_it_stopped():
    names = ("gru", "lstm", "rnn")
    layers = [partial(scan, CELLS[n], drawn(n, features=f)) for n, f in zip(names, (3, 2, 2), strict=True)]
    x, y, ends = sequences(2), sequences(2), []
    for layer in layers:
        y, end = layer(y)
        ends.append(end)
    assert_same(stacked(layers, x), (y, tuple(ends)))
    first, carry = stacked(layers, x[:, :2])
    second, end = stacked(layers, x[:, 2:], carry)
    assert_same((jnp.concatenate([first, second], 1), end), (y, tuple(ends)))


@pytest.mark.parametrize("name", CELLS)
def test_many_steps_one_by_one_are_the_scan(name):
    params, x, start = drawn(name), sequences(), carries(name)
    expected = scan(CELLS[name], params, x, start)
    outputs, step = [], jax.jit(partial(scan, CELLS[name]))
    carry = start
    for t in range(TIME):
        output, carry = step(params, x[t : t + 1], carry)
        outputs.append(output[0])
    assert_same((jnp.stack(outputs), carry), expected)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_through_time_are_the_numerical_ones(name):
    mask = jnp.asarray([1.0, 1, 1, 0, 1])

    @jax.jit
    def function(params, x, start):
        return scan(CELLS[name], params, x, start, mask)

    order = 2 if name == "lstm" else 1  # an LSTM's derivatives are written by hand, twice over
    check_grads(function, (drawn(name), sequences(), carries(name)), order=order, modes=["fwd", "rev"])


@pytest.mark.parametrize("name", [name for name in CELLS if CELLS[name].additive])
def test_the_gradient_of_a_recurrent_kernel_is_one_product_that_no_scan_carries_along(name):
    params, batch = drawn(name), sequences(3)

    def cost(params):
        return jax.vmap(lambda x: scan(CELLS[name], params, x)[0].sum())(batch).sum()

    program = jax.make_jaxpr(jax.grad(cost))(params)
    scans = [step for step in program.eqns if step.primitive.name == "scan"]
    made = [value.aval.shape for step in scans for value in step.outvars]
    assert len(scans) == 2  # forth and back
    assert not [shape for shape in made if shape[-2:] == params["recurrent_kernel"].shape]


@pytest.mark.parametrize("name", CELLS)
def test_a_batch_of_any_axes_is_its_examples_mapped(name):
    params, x, start = drawn(name), sequences(2, 3), carries(name, 2, 3)
    mask = length_mask(np.array([[5, 4, 3], [2, 1, 0]]), TIME)
    one = partial(scan, CELLS[name], params)
    assert_same(one(x, start, mask), jax.vmap(jax.vmap(one))(x, start, mask))


def test_lengths_become_masks():
    np.testing.assert_array_equal(length_mask(jnp.asarray([0, 2, 3]), 3), [[0, 0, 0], [1, 1, 0], [1, 1, 1]])
    np.testing.assert_array_equal(length_mask(1, 2), [True, False])
    np.testing.assert_array_equal(jax.jit(length_mask, static_argnums=1)(jnp.asarray(2), 3), [1, 1, 0])


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32, jnp.float64])
def test_all_is_computed_in_the_dtype_of_the_input(dtype):
    layer, x = Recurrent("lstm", HIDDEN), sequences().astype(dtype)
    variables = layer.init(jax.random.key(0), x.astype(jnp.float32))
    outputs, carry = layer.apply(variables, x, carries("lstm"), jnp.ones(TIME))
    assert {leaf.dtype for leaf in (outputs, *carry)} == {jnp.dtype(dtype)}


@pytest.mark.parametrize(("name", "parameters"), [("rnn", 32_896), ("lstm", 131_584), ("gru", 98_688)])
def test_the_layer_has_as_many_parameters_as_the_cell_needs_at_128_to_128(name, parameters):
    shapes = jax.eval_shape(Recurrent(name, 128).init, jax.random.key(0), jnp.zeros((1, 128)))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == parameters


def test_the_layer_is_the_scan_with_parameters_of_its_own_and_stacks_inside_a_model():
    class Deep(nn.Module):
        @nn.compact
        def __call__(self, x, carry=None, mask=None):
            both = partial(bidirectional, Recurrent("gru", HIDDEN), Recurrent("gru", HIDDEN, reverse=True))
            return stacked([both, Recurrent("lstm", HIDDEN)], x, carry, mask)

    x, mask = sequences(2), length_mask(jnp.asarray([4, 5]), TIME)
    variables = Deep().init(jax.random.key(0), x)
    own = [variables["params"][f"Recurrent_{i}"] for i in range(3)]
    right, left = scan(CELLS["gru"], own[0], x, mask=mask), scan(CELLS["gru"], own[1], x, mask=mask, reverse=True)
    expected, end = scan(CELLS["lstm"], own[2], jnp.concatenate([right[0], left[0]], -1), mask=mask)
    assert_same(Deep().apply(variables, x, mask=mask), (expected, ((right[1], left[1]), end)))


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "gru"])
def test_recurrent_kernels_start_orthogonal_part_by_part_and_forget_gates_open(name):
    params = Recurrent(name, 8, forget_bias=2.0).init(jax.random.key(0), jnp.zeros((1, 4)))["params"]
    parts = np.split(params["recurrent_kernel"], CELLS[name].parts, 1)
    for part in parts:
        np.testing.assert_allclose(part @ part.T, np.eye(8), atol=1e-5)
    assert np.abs(parts[0] - parts[1]).max() > 0.1
    expected = np.repeat([0, 2, 0, 0] if "lstm" in name else [0, 0, 0], 8)
    np.testing.assert_array_equal(params["bias"], expected)


X = (4, TIME, FEATURES)
CARRY = (4, HIDDEN)


@pytest.mark.parametrize(
    ("x", "carry", "mask", "message"),
    [
        ((FEATURES,), None, None, r"an input \(3,\): expected \(\*batch, time, features\)"),
        ((TIME, 4), None, None, r"an input of 4 features, a kernel \(3, 8\).*expected \(4, 8\) and \(2, 8\)"),
        (X, None, (4, 6), r"a mask \(4, 6\) for an input \(4, 5, 3\): expected \(4, 5\)"),
        (X, None, (), r"a mask \(\) for an input"),
        (X, [CARRY], None, r"a carry of \[\(4, 2\)\]: expected 2 of \(4, 2\)"),
        (X, [CARRY, (4, 3)], None, r"a carry of \[\(4, 2\), \(4, 3\)\]: expected 2 of \(4, 2\)"),
        (X, [CARRY, (3, HIDDEN)], None, r"a carry of \[\(4, 2\), \(3, 2\)\]"),
    ],
)
def test_what_does_not_fit_is_refused(x, carry, mask, message):
    carry = None if carry is None else tuple(jnp.zeros(shape) for shape in carry)
    mask = None if mask is None else jnp.ones(mask)
    with pytest.raises(InputError, match=message):
        scan(CELLS["lstm"], drawn("lstm"), jnp.zeros(x), carry, mask)


def test_parameters_of_another_cell_are_refused():
    with pytest.raises(InputError, match=r"recurrent kernel \(2, 8\): expected \(3, 6\) and \(2, 6\)"):
        scan(CELLS["gru"], drawn("lstm"), sequences())


@pytest.mark.parametrize("length", [6, -1, [2, 6], [-1, 3]])
def test_a_length_that_is_not_within_the_time_axis_is_refused(length):
    with pytest.raises(InputError, match=r"length .*: expected 0 to 5, the steps that there are"):
        length_mask(length if isinstance(length, int) else jnp.asarray(length), TIME)


def test_a_stack_with_too_few_carries_is_refused():
    layers = [partial(scan, CELLS["rnn"], drawn("rnn"))] * 2
    with pytest.raises(InputError, match="1 carries for 2 layers: expected one for each"):
        stacked(layers, sequences(), [None])


@pytest.mark.parametrize(
    ("cell", "hidden", "message"),
    [
        ("ltsm", 4, "unknown cell 'ltsm': did you mean lstm"),
        ("transformer", 4, "expected one of rnn, simplified_gru, gru"),
        ("gru", 0, "hidden = 0: expected a width of 1 or more"),
    ],
)
def test_a_layer_that_can_not_be_is_refused(cell, hidden, message):
    with pytest.raises(InputError, match=message):
        Recurrent(cell, hidden)
