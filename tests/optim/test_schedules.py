"""Laws of the learning-rate schedules: the notes' worked values, Optax as an oracle, limiting cases."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.optim import schedules

PER_EPOCH = 7  # steps
EVERY = {
    "constant": schedules.constant(0.2),
    "inverse_time": schedules.inverse_time(0.2, 1.0, PER_EPOCH),
    "exponential": schedules.exponential(0.2, 0.95, PER_EPOCH),
    "inverse_sqrt": schedules.inverse_sqrt(0.2, 0.5, PER_EPOCH),
    "staircase": schedules.staircase(0.2, 0.5, 2, PER_EPOCH),
    "table": schedules.table(0.2, [(1, 0.1), (3, 0.05)], PER_EPOCH),
    "cosine": schedules.cosine(0.2, 40, begin=5),
}


def at_epochs(schedule, epochs):
    """The rates at the first steps of some epochs."""
    return [float(schedule(epoch * PER_EPOCH)) for epoch in epochs]


def test_inverse_time_gives_the_worked_rates_at_epochs_1_to_4():
    assert at_epochs(EVERY["inverse_time"], range(5)) == pytest.approx([0.2, 0.1, 0.2 / 3, 0.05, 0.04])


def test_exponential_loses_the_same_share_every_epoch():
    assert at_epochs(EVERY["exponential"], range(4)) == pytest.approx([0.2, 0.19, 0.1805, 0.171475])


def test_inverse_sqrt_counts_epochs_from_1():
    assert at_epochs(EVERY["inverse_sqrt"], [0, 3, 8]) == pytest.approx([0.1, 0.05, 0.1 / 3])


def test_inverse_sqrt_counts_mini_batches_when_an_epoch_is_one_step():
    by_batch = schedules.inverse_sqrt(0.2, 0.5, steps_per_epoch=1)
    assert [float(by_batch(t - 1)) for t in (1, 4, 25)] == pytest.approx([0.1, 0.05, 0.02])


def test_a_staircase_goes_down_only_every_so_many_epochs():
    assert at_epochs(EVERY["staircase"], range(6)) == pytest.approx([0.2, 0.2, 0.1, 0.1, 0.05, 0.05])


def test_a_table_holds_each_rate_from_its_epoch_on():
    assert at_epochs(EVERY["table"], [0, 1, 2, 3, 9]) == pytest.approx([0.2, 0.1, 0.1, 0.05, 0.05])


@pytest.mark.parametrize("name", ["inverse_time", "exponential", "inverse_sqrt", "staircase", "table"])
def test_the_rate_does_not_change_within_an_epoch(name):
    rates = np.asarray(EVERY[name](np.arange(6 * PER_EPOCH))).reshape(6, PER_EPOCH)
    np.testing.assert_array_equal(rates, np.tile(rates[:, :1], PER_EPOCH))
    assert len(np.unique(rates)) > 1


def test_exponential_agrees_with_optax():
    theirs = optax.exponential_decay(0.2, transition_steps=PER_EPOCH, decay_rate=0.95, staircase=True)
    np.testing.assert_allclose(EVERY["exponential"](np.arange(50)), theirs(np.arange(50)), rtol=1e-6)


def test_cosine_starts_at_the_rate_is_half_in_the_middle_and_ends_at_0():
    schedule = schedules.cosine(0.2, 40)
    assert [float(schedule(t)) for t in (0, 20, 40, 60)] == pytest.approx([0.2, 0.1, 0.0, 0.0], abs=1e-8)


def test_cosine_after_a_pause_agrees_with_optax():
    theirs = optax.join_schedules([optax.constant_schedule(0.2), optax.cosine_decay_schedule(0.2, 35)], [5])
    np.testing.assert_allclose(EVERY["cosine"](np.arange(60)), theirs(np.arange(60)), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", EVERY)
def test_warm_up_rises_in_equal_parts_and_then_leaves_the_schedule_alone(name):
    steps = np.arange(50)
    plain, warmed = EVERY[name](steps), np.asarray(schedules.warmup(EVERY[name], 5)(steps))
    np.testing.assert_allclose(warmed[:5], float(plain[4]) * np.array([0.2, 0.4, 0.6, 0.8, 1.0]), rtol=1e-6)
    np.testing.assert_array_equal(warmed[5:], plain[5:])


@pytest.mark.parametrize("name", EVERY)
def test_a_warm_up_of_no_steps_is_the_schedule(name):
    np.testing.assert_array_equal(schedules.warmup(EVERY[name], 0)(np.arange(50)), EVERY[name](np.arange(50)))


def test_warm_up_before_inverse_sqrt_is_the_transformers_schedule():
    width, rise = 512, 40
    schedule = schedules.warmup(schedules.inverse_sqrt(width**-0.5, 1.0, steps_per_epoch=1), rise)
    t = np.arange(1, 200)
    np.testing.assert_allclose(schedule(t - 1), width**-0.5 * np.minimum(t**-0.5, t * rise**-1.5), rtol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_a_jitted_schedule_of_one_step_agrees_with_the_curve(name):
    schedule = schedules.warmup(EVERY[name], 3)
    one_by_one = [jax.jit(schedule)(jnp.asarray(step, jnp.int32)) for step in (0, 2, 3, 17, 39)]
    np.testing.assert_allclose(one_by_one, schedule(np.array([0, 2, 3, 17, 39])), rtol=1e-6)
