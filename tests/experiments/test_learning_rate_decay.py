"""Learning-rate decay: a rate that ends small ends lower on noisy mini-batches, and each schedule is its name."""

import types
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.training import learning_rate_decay
from experiments.training.learning_rate_decay import Config, build, schedules
from jaxdl.errors import InputError
from jaxdl.train.settings import Run


@pytest.mark.parametrize(
    ("name", "rates"),
    [  # at the first steps of epochs 1 to 4, with ten steps an epoch and α₀ = 0.3
        ("constant", [0.3, 0.3, 0.3, 0.3]),
        ("constant, a tenth", [0.03, 0.03, 0.03, 0.03]),
        ("inverse time", [0.3, 0.15, 0.1, 0.075]),
        ("exponential", [0.3, 0.24, 0.192, 0.1536]),
        ("inverse root of epoch", [0.3, 0.3 / 2**0.5, 0.3 / 3**0.5, 0.15]),
        ("inverse root of batch", [0.6, 0.6 / 11**0.5, 0.6 / 21**0.5, 0.6 / 31**0.5]),
    ],
)
def test_each_schedule_is_what_it_is_called(name, rates):
    chain, by_batch = schedules(Config())[name]
    schedule = chain.schedule(160, 1 if by_batch else 10)
    np.testing.assert_allclose(schedule(np.arange(0, 40, 10)), rates, rtol=1e-6)


@pytest.mark.parametrize(("name", "second"), [("inverse root of epoch", 0.3), ("inverse root of batch", 0.6 / 2**0.5)])
def test_a_training_counts_epochs_or_mini_batches(name, second):
    optimizer = build(Config(epochs=4), *schedules(Config())[name], 0).optimizer
    state = optimizer.init(jnp.zeros(()))
    _, state = optimizer.update(jnp.ones(()), state, jnp.zeros(()))
    change, _ = optimizer.update(jnp.ones(()), state, jnp.zeros(()))
    np.testing.assert_allclose(-change, second, rtol=1e-6)


def test_on_noisy_batches_a_falling_rate_ends_below_the_constant_one(tmp_path):
    config = Config(seeds=1, epochs=6, only=("constant", "cosine"))
    findings, figures = learning_rate_decay.main(config, Run(tmp_path, mesh="data=1"))
    losses = {told.split(": ")[0]: float(told.split("loss ")[1].split(",")[0]) for told in findings[1:]}
    assert losses["cosine"] < 0.9 * losses["constant"]
    assert findings[1].startswith("cosine")
    assert len(figures) == 4


def test_the_inputs_are_noisy_in_training_and_as_they_are_in_scoring():
    config = Config(epochs=4)
    task = build(config, *schedules(config)["constant"], 0)
    params, model_state = task.init(jax.random.key(0))
    example = {name: jnp.asarray(rows[0]) for name, rows in next(task.train.iterate(0)).items()}
    losses = [float(task.loss(params, model_state, example, jax.random.key(key))[0].total) for key in (1, 2)]
    assert losses[0] != losses[1]
    still = build(replace(config, noise=0.0), *schedules(config)["constant"], 0)
    plain = still.loss(params, model_state, example, jax.random.key(1))[0].total
    np.testing.assert_allclose(plain, task.score(params, model_state, example)["loss"].total, rtol=1e-5)


def test_an_unknown_schedule_names_the_closest_and_two_epochs_are_enough_for_all(tmp_path):
    with pytest.raises(InputError, match="did you mean cosine"):
        learning_rate_decay.measure(Config(only=("cosin",)), Run(tmp_path))
    assert all(chain.schedule(20, 10)(19) >= 0 for chain, _ in schedules(Config(epochs=2, warmup_steps=4)).values())


def test_each_title_names_the_best_and_the_worst_by_what_it_is_about(monkeypatch):
    losses, accuracies = ({"a": np.array([one]), "b": np.array([other])} for one, other in ((0.1, 0.2), (0.8, 0.9)))
    results = {name: [types.SimpleNamespace(state=types.SimpleNamespace(step=40))] for name in losses}
    monkeypatch.setattr(learning_rate_decay, "smooth_loss", lambda result: np.ones(40))
    titles = list(learning_rate_decay.figures(Config(epochs=4, warmup_steps=4), results, losses, accuracies))
    assert titles[2:] == ["Final loss without noise: a 0.100, b 0.200", "Dev accuracy: b 0.900, a 0.800"]
