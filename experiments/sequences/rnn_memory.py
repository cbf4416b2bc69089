"""How long a recurrent network remembers: adding and copying, gradients through time, clipping (Pascanu et al., 2013).

    python -m experiments.sequences.rnn_memory

About 110 s on two CPU cores. Finds: to add two of 50 numbers the RNN is off by 0.142 ± 0.040 squared (0.167: say 1
always), GRU and LSTM by 0.001; 49 steps back there is 5.1e-05 of the gradient at most in RNN and GRU before training,
0.28 to 0.86 in GRU and LSTM after it. Copying, the RNN beats the LSTM: 0.70 against 0.43 right over 25 steps. With its
weights doubled it diverges in 9 of 9 trainings, clipped in none (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.errors import chosen
from jaxdl.layers.cells import CELLS
from jaxdl.layers.recurrence import Recurrent
from jaxdl.losses.classification import cross_entropy
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import PALETTE, legend, panels, spread
from jaxdl.run import run
from jaxdl.task import Task
from jaxdl.train.loop import fit
from jaxdl.tune.caviar import caviar, per_trial
from jaxdl.tune.study import alive
from jaxdl.typing import Mean


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    cells: tuple[str, ...] = ("rnn", "gru", "lstm")
    lengths: tuple[int, ...] = (10, 25, 50)
    """How far the network must remember: the numbers to add from, or the steps between a symbol and its copy."""
    symbols: int = 8
    """Of the copying problem's alphabet."""
    copied: int = 4
    """Symbols to be copied."""
    hidden: int = 32
    steps: int = 800
    batch_size: int = 32
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine", clip_norm=1.0)
    gain: float = 2.0
    """Factor of the orthogonal recurrent weights of the RNN that is trained with and without clipping."""
    clipped: Chain = Chain("momentum", learning_rate=0.1, decay="cosine", clip_norm=1.0)
    scored: int = 512
    """Problems in the test set."""

    def __post_init__(self):
        expect(self, 1, "seeds", "cells", "symbols", "copied", "hidden", "steps", "batch_size", "scored")
        expect(self, 2, "lengths")
        for cell in self.cells:
            chosen("cell", cell, CELLS)


def main(config, run):
    found, ratios, clipping = measure(config, run)
    return findings(config, found, ratios, clipping), figures(config, found, ratios, clipping)


def adding(config, length, key):
    """(x [time, 2], mask [time], target [1]): numbers of [0, 1), a mark at one of each half, and the two's sum.

    The problem is the last `length` steps. Source: Le, Jaitly and Hinton (2015), section 4.1.
    """
    time = max(config.lengths)
    k_numbers, k_first, k_second = jax.random.split(key, 3)
    numbers = jax.random.uniform(k_numbers, (time,))
    first = jax.random.randint(k_first, (), time - length, time - length // 2)
    second = jax.random.randint(k_second, (), time - length // 2, time)
    marks = jnp.zeros(time).at[jnp.stack([first, second])].set(1.0)
    return jnp.stack([numbers, marks], -1), jnp.arange(time) >= time - length, (numbers * marks).sum(keepdims=True)


def copying(config, length, key):
    """(x [time, symbols + 2], mask [time], target [copied]): symbols, then blanks, then as often the sign to answer.

    A symbol is asked for `length` steps after it is seen. Source: Arjovsky, Shah and Bengio (2016), section 5.1.
    """
    time = max(config.lengths) + config.copied
    target = jax.random.randint(key, (config.copied,), 0, config.symbols)
    place = jnp.arange(time) - (time - length - config.copied)  # 0 where the first symbol stands
    seen = jnp.where(place < length, config.symbols, config.symbols + 1)
    seen = jnp.where(place < config.copied, target[jnp.clip(place, 0, config.copied - 1)], seen)
    return jax.nn.one_hot(seen, config.symbols + 2), place >= 0, target


PROBLEMS = {"adding": adding, "copying": copying}


class Network(nn.Module):
    """A recurrent layer, and a dense one at its last `answers` steps."""

    cell: str
    hidden: int
    answers: int
    outputs: int

    @nn.compact
    def __call__(self, x, mask):
        h, _ = Recurrent(self.cell, self.hidden, name="recurrent")(x, mask=mask)
        return nn.Dense(self.outputs, name="output")(h[-self.answers :])


def build(config, problem, cell, chain, gain, values):
    """The task of one seed and one length: no problem comes twice, number n is drawn from the key (seed, n)."""
    answers, outputs = (1, 1) if problem == "adding" else (config.copied, config.symbols)
    model = Network(cell, config.hidden, answers, outputs)
    seed, length = jnp.int32(values["seed"]), jnp.int32(values["length"])
    draw = partial(PROBLEMS[problem], config, length)
    unseen = config.steps * config.batch_size
    numbers = np.arange(unseen + config.scored, dtype=np.int32)

    def init(key):
        x, mask, _ = draw(key)
        params = model.init(jax.random.fold_in(key, seed), x, mask)["params"]
        params["recurrent"]["recurrent_kernel"] *= gain
        return params, {}

    def score(params, model_state, example):
        x, mask, target = draw(jax.random.fold_in(jax.random.fold_in(jax.random.key(1), seed), example["number"]))
        outputs = model.apply({"params": params}, x, mask)
        if problem == "adding":
            return {"loss": Mean.of((outputs[0] - target) ** 2, example["mask"])}
        cost, correct = jax.vmap(cross_entropy)(outputs, target), outputs.argmax(-1) == target
        return {"loss": Mean.of(cost, example["mask"]), "accuracy": Mean.of(correct, example["mask"])}

    def loss(params, model_state, example, key):
        metrics = score(params, model_state, example)
        return metrics.pop("loss"), (model_state, metrics)

    return Task(
        init=init,
        loss=loss,
        optimizer=chain.build(config.steps, config.steps),
        train=Batches(Arrays({"number": numbers[:unseen]}), config.batch_size),
        steps=config.steps,
        score=score,
        evaluate={"test": Batches(Arrays({"number": numbers[unseen:]}), config.scored, shuffle=False)},
    )


def together(config, problem, cell, chain, gain=1.0):
    """All seeds and lengths as one program: trial s · lengths + l."""
    seeds, lengths = np.divmod(np.arange(config.seeds * len(config.lengths)), len(config.lengths))
    return caviar(
        partial(build, config, problem, cell, chain, gain),
        {"seed": seeds, "length": np.array(config.lengths)[lengths]},
    )


def train(config, task, place, metric):
    """(parameters of every trial, test metric [seeds, lengths], NaN where the loss stopped being finite)."""
    result = fit(task, replace(place, checkpoint_every=task.steps, quiet=True))
    values = per_trial(result.metrics, f"test/{metric}", alive(result)).reshape(config.seeds, -1)
    print(f"{place.directory.name}: {metric} by length " + ", ".join(spread(column) for column in values.T), flush=True)
    return result.state.params, values


def measure(config, run):
    """({problem: {cell: test score [seeds, lengths]}}, {when: {cell: gradient ratios [seeds, time]}},
    {how: test error of the RNN with large weights [seeds, lengths]})."""
    found: dict = {"adding": {}, "copying": {}}
    ratios: dict = {"before training": {}, "after training": {}}
    for cell in config.cells:
        task = together(config, "adding", cell, config.optimizer)
        params, found["adding"][cell] = train(config, task, run.within(f"adding-{cell}"), "loss")
        ratios["before training"][cell] = gradient_ratios(config, cell, task.init(jax.random.key(run.seed))[0])
        ratios["after training"][cell] = gradient_ratios(config, cell, params)
        task = together(config, "copying", cell, config.optimizer)
        _, found["copying"][cell] = train(config, task, run.within(f"copying-{cell}"), "accuracy")
    clipping = {}
    for how, chain in {"clipped": config.clipped, "not clipped": replace(config.clipped, clip_norm=None)}.items():
        task = together(config, "adding", "rnn", chain, config.gain)
        _, clipping[how] = train(config, task, run.within(how.replace(" ", "-")), "loss")
    start = gradient_ratios(config, "rnn", task.init(jax.random.key(run.seed))[0])
    ratios["before training"][large(config)] = start
    return found, ratios, clipping


def large(config):
    return f"rnn, weights × {config.gain:g}"


def gradient_ratios(config, cell, params):
    """‖∂J/∂carry_{T−d}‖ / ‖∂J/∂carry_T‖ for d = 0 … T − 1 [seeds, T], medians over adding problems of full length.

    params of all trials. As J = (ŷ − y)², its ratios are those of ŷ. An LSTM's carry is a and c.
    """
    time = max(config.lengths)
    longest = slice(int(np.argmax(config.lengths)), None, len(config.lengths))
    params = jax.tree.map(lambda leaf: leaf[longest], params)
    x, _, _ = jax.vmap(partial(adding, config, time))(jax.random.split(jax.random.key(2), 64))
    nothing = CELLS[cell].start((time, config.hidden))

    def answer(params, x, nudges):
        recurrent = params["recurrent"]

        def step(carry, inputs):
            z, nudge = inputs
            return jax.tree.map(jnp.add, CELLS[cell].step(recurrent, carry, z), nudge), None

        z = x @ recurrent["kernel"] + recurrent["bias"]
        end, _ = jax.lax.scan(step, CELLS[cell].start((config.hidden,)), (z, nudges))
        return end[0] @ params["output"]["kernel"][:, 0]

    def ratio(params, x):
        slopes = jnp.concatenate(jax.grad(answer, argnums=2)(params, x, nothing), -1)
        norms = jnp.linalg.norm(slopes, axis=-1)[::-1]
        return norms / norms[0]

    return np.median(jax.jit(jax.vmap(jax.vmap(ratio, (None, 0)), (0, None)))(params, x), 1)


def findings(config, found, ratios, clipping):
    def by_length(values):
        return ", ".join(f"{length}: {finite(of)}" for length, of in zip(config.lengths, values.T, strict=True))

    told = [
        f"Adding, squared error on test by length (to say 1 always: {1 / 6:.3f}), {cell}: {by_length(values)}"
        for cell, values in found["adding"].items()
    ]
    told += [
        f"Copying, accuracy on test by distance (chance: {1 / config.symbols:.3f}), {cell}: {by_length(values)}"
        for cell, values in found["copying"].items()
    ]
    for when, of_cells in ratios.items():
        ends = ", ".join(f"{cell} {told_range(values[:, -1])}" for cell, values in of_cells.items())
        steps = max(config.lengths) - 1
        told.append(f"Gradient {steps} steps back as a multiple of that at the last step, {when}, by seed: {ends}")
    return told + [
        f"Adding, {large(config)}, {how}, squared error on test by length: {by_length(values)}"
        f"{lost(values)}" for how, values in clipping.items()
    ]  # fmt: skip


def finite(values, digits=4):
    """Mean and standard deviation of the trainings that did not diverge."""
    kept = values[~np.isnan(values)]
    return spread(kept, digits) if kept.size else "diverged"


def told_range(values):
    return f"{values.min():.1e} to {values.max():.1e}"


def lost(values):
    """How many trainings ended because the loss was no longer finite."""
    return f"; {np.isnan(values).sum()} of {values.size} diverged" if np.isnan(values).any() else ""


def figures(config, found, ratios, clipping):
    far = len(config.lengths) - 1
    finished = {f"{large(config)}, {how}": v for how, v in clipping.items() if not np.isnan(v).all()}
    errors = {**found["adding"], **finished}
    scored, (adding_axes, copying_axes) = panels(
        ["adding: squared error", "copying: accuracy"], "steps to remember", "on test", columns=2, width=280, height=280
    )
    lines(adding_axes, config.lengths, errors)
    adding_axes.set_yscale("log")
    lines(copying_axes, config.lengths, found["copying"], labelled=False)
    legend(scored)
    slopes, axes_of = panels(list(ratios), "steps back", "gradient, last step = 1", columns=2, width=280, height=280)
    for axes, of_cells in zip(axes_of, ratios.values(), strict=True):
        lines(axes, range(max(config.lengths)), of_cells, labelled=axes is axes_of[0])
        axes.set_yscale("log")
    legend(slopes)
    told = ", ".join(f"{cell} {finite(values[:, far], 3)}" for cell, values in found["adding"].items())
    kept = ", ".join(f"{cell} {np.median(values[:, -1]):.0e}" for cell, values in ratios["before training"].items())
    return {
        f"Squared error of adding over {config.lengths[far]} steps: {told}": scored,
        f"What is left of the gradient {max(config.lengths) - 1} steps back, before training: {kept}": slopes,
    }


def lines(axes, x, values, labelled=True):
    """{name: y [seeds, len(x)]}: medians, from lowest to highest shaded."""
    for shade, (name, y) in zip(PALETTE, values.items(), strict=False):
        axes.plot(x, np.median(y, 0), ".-", color=shade, label=name if labelled else None, linewidth=1.4, markersize=4)
        axes.fill_between(x, y.min(0), y.max(0), color=shade, alpha=0.15, linewidth=0)


if __name__ == "__main__":
    run(main, Config)
