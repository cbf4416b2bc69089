"""Times beam search as one program against loops in Python: 32 sentences, 8 beams, 1,000 tokens, 20 steps.

    python -m benchmarks.beam [--quick]

(i)   a loop that keeps its hypotheses in lists and calls the jitted step for each of them
(ii)  the same, calling a jitted step for all hypotheses of a sentence at once: for information

All three search with one network, a GRU of 64 units, and find the same sentences. They take turns, and each ratio is of
two runs of one turn. About 30 s; --quick: 10.
"""

import argparse
import functools
import heapq
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders import Contender
from benchmarks.step import describe_machine, row
from benchmarks.turns import take_turns
from jaxdl.decode.beam import Beams, beam_search

SENTENCES, WIDTH, VOCABULARY, LIMIT, HIDDEN, ALPHA = 32, 8, 1000, 20, 64, 0.7
END, START = 0, 1


class Hypothesis(NamedTuple):
    """log P, the tokens, and the carry after all of them but the last."""

    log_p: float
    tokens: list[int]
    carry: np.ndarray


Found = list[tuple[float, list[int]]]
"""(score, tokens), best first."""

Read = Callable[[list[Hypothesis]], list[tuple[np.ndarray, np.ndarray]]]
"""(logits, carry) after the last token of each hypothesis."""


def gru(weights: dict[str, jax.Array], h: jax.Array, token: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(logits of the token after it, h): a GRU and a dense layer."""
    read, kept = weights["embedding"][token], h @ weights["recurrent"]
    reset, update = jnp.split(jax.nn.sigmoid(read[: 2 * HIDDEN] + kept[: 2 * HIDDEN]), 2)
    h = update * h + (1 - update) * jnp.tanh(read[2 * HIDDEN :] + reset * kept[2 * HIDDEN :])
    return h @ weights["output"], h


def network() -> tuple[Callable, jax.Array]:
    """(step, the carry that each sentence begins with). The end is unlikely: no search stops before the limit."""
    random = np.random.default_rng(0)
    shapes = {"embedding": (VOCABULARY, 3 * HIDDEN), "recurrent": (HIDDEN, 3 * HIDDEN), "output": (HIDDEN, VOCABULARY)}
    weights = {name: jnp.asarray(random.normal(size=s) / s[0] ** 0.25, jnp.float32) for name, s in shapes.items()}
    return functools.partial(gru, weights), jnp.asarray(random.normal(size=(SENTENCES, HIDDEN)), jnp.float32)


def one_program(step: Callable) -> Callable[[jax.Array], Beams]:
    """Ours: all sentences."""
    prompt = jnp.array([START])
    return jax.jit(jax.vmap(lambda carry: beam_search(step, carry, prompt, LIMIT, WIDTH, end=END, alpha=ALPHA)))


def by_hypothesis(step: Callable) -> Read:
    """One call of the jitted step for each."""
    jitted = jax.jit(step)

    def read(alive: list[Hypothesis]) -> list[tuple[np.ndarray, np.ndarray]]:
        both = [jitted(one.carry, one.tokens[-1]) for one in alive]
        return [(np.asarray(logits), np.asarray(carry)) for logits, carry in both]

    return read


def by_sentence(step: Callable) -> Read:
    """One call for all, of `WIDTH` always, so that it is compiled once."""
    jitted = jax.jit(jax.vmap(step))

    def read(alive: list[Hypothesis]) -> list[tuple[np.ndarray, np.ndarray]]:
        full = alive + [alive[0]] * (WIDTH - len(alive))
        logits, carry = jitted(np.stack([one.carry for one in full]), np.array([one.tokens[-1] for one in full]))
        return list(zip(np.asarray(logits), np.asarray(carry), strict=True))[: len(alive)]

    return read


def in_lists(read: Read, carry: np.ndarray) -> Found:
    """One sentence, by the same rules as `beam_search`. `heapq` chooses among the `WIDTH` best tokens of each."""
    alive = [Hypothesis(0.0, [START], carry)]
    ended: Found = []
    for _ in range(LIMIT):
        longer = []
        for one, (logits, after) in zip(alive, read(alive), strict=True):
            shifted = logits - logits.max()
            log_p = one.log_p + shifted - np.log(np.exp(shifted).sum())
            best = np.argpartition(-log_p, WIDTH)[:WIDTH]
            longer += [Hypothesis(float(log_p[token]), [*one.tokens, int(token)], after) for token in best]
        best_of_all = heapq.nlargest(WIDTH, longer, key=lambda one: one.log_p)
        ended += [_scored(one) for one in best_of_all if one.tokens[-1] == END]
        ended = heapq.nlargest(WIDTH, ended)
        alive = [one for one in best_of_all if one.tokens[-1] != END]
        reachable = max((one.log_p for one in alive), default=-np.inf) / LIMIT**ALPHA
        if not alive or (len(ended) == WIDTH and ended[-1][0] >= reachable):
            break
    return heapq.nlargest(WIDTH, ended + [_scored(one) for one in alive])


def all_in_lists(read: Read, carries: np.ndarray) -> list[Found]:
    """All sentences, one after the other."""
    return [in_lists(read, carry) for carry in carries]


def _scored(one: Hypothesis) -> tuple[float, list[int]]:
    tokens = one.tokens[1:]
    return one.log_p / len(tokens) ** ALPHA, tokens


def contender(search: Callable[[], Any]) -> Contender:
    """Seconds of so many searches of all sentences."""

    def block(count: int) -> float:
        began = perf_counter()
        for _ in range(count):
            jax.block_until_ready(search())
        return perf_counter() - began

    return block


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beam", description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns: a look, not a measurement")
    turns = 4 if parser.parse_args().quick else 25
    step, carries = network()
    ours, rows = one_program(step), np.asarray(carries)
    loops = {"i   a step for each hypothesis": by_hypothesis(step), "ii  a step for each sentence": by_sentence(step)}
    searches: dict[str, Callable[[], Any]] = {"ours": lambda: ours(carries)}
    for name, read in loops.items():
        searches[name] = functools.partial(all_in_lists, read, rows)
    times = take_turns({name: contender(search) for name, search in searches.items()}, 1, turns)
    print(describe_machine())
    print(f"{'':<64} {'':<3} {'min':>8} {'median':>8} {'max':>8}   bar")
    print(row(f"    {SENTENCES} sentences, {WIDTH} beams, as one program", "ms", times["ours"] * 1e3))
    for name, bar in zip(loops, ("≥ 10", ""), strict=True):
        print(row(name, "ms", times[name] * 1e3))
        print(row(f"{name} ∕ one program", "×", times[name] / times["ours"], bar))


if __name__ == "__main__":
    main()
