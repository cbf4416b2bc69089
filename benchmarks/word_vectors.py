"""Words a second of skip-gram with negative sampling: the compiled step of `fit`, gensim's Word2Vec, plain NumPy.

    python -m benchmarks.word_vectors [--quick]

All train vectors of 100 numbers with a window of 5 and 5 words of noise on words that follow Zipf's law. gensim draws
the window's size from 1 to 5 for each word, so a word is 6 pairs on average, and that many are counted to a word of the
others. Contenders take turns; wall seconds, and beside them CPU seconds of all threads, which other work on the machine
disturbs less. gensim (`workers=2`) has a C loop that updates one pair at a time; ours takes the mean over a batch of
pairs, by Adam or by gradient descent. About 1 minute; --quick: half of it.
"""

import argparse
import importlib.util
from collections.abc import Callable, Iterator
from time import perf_counter, process_time

import numpy as np

from benchmarks.contenders import Contender, our_step
from benchmarks.step import describe_machine, row
from benchmarks.turns import WARM, take_turns
from jaxdl.data.source import Arrays
from jaxdl.models.word_training import skip_gram
from jaxdl.optim.chain import Chain
from jaxdl.train.memory import keep_freed_memory

DIMENSION, WINDOW, NEGATIVES = 100, 5, 5
PAIRS_A_WORD = WINDOW + 1  # the mean of 2b over b = 1 … window
BATCH = 8192
VOCABULARIES = (2_000, 20_000)
SENTENCE = 1000


class Clocked:
    """A contender that also keeps its CPU seconds a word. work(words) -> how many words it really did."""

    def __init__(self, work: Callable[[int], float]):
        self.work = work
        self.cpu: list[float] = []

    def __call__(self, count: int) -> float:
        began, busy = perf_counter(), process_time()
        done = self.work(count)
        self.cpu.append((process_time() - busy) / done)
        return (perf_counter() - began) / done * count


def zipf(vocabulary: int) -> np.ndarray:
    """P(word) ∝ 1/rank."""
    shares = 1 / np.arange(1, vocabulary + 1)
    return shares / shares.sum()


def ours(vocabulary: int, rule: str, rate: float) -> Clocked:
    """The step that `fit` compiles, on one batch again and again."""
    random, p = np.random.default_rng(0), zipf(vocabulary)
    pairs = Arrays({name: random.choice(vocabulary, BATCH, p=p).astype(np.int32) for name in ("word", "context")})
    optimizer = Chain(rule, learning_rate=rate)  # type: ignore[arg-type]
    task = skip_gram(pairs, vocabulary, optimizer, 1000, dimension=DIMENSION, batch_size=BATCH, negatives=NEGATIVES)
    step: Contender = our_step(task)

    def work(count: int) -> float:
        steps = max(1, round(count * PAIRS_A_WORD / BATCH))
        step(steps)
        return steps * BATCH / PAIRS_A_WORD

    return Clocked(work)


def gensim(vocabulary: int) -> Clocked:
    """gensim's Word2Vec, after it has counted its words."""
    from gensim.models import Word2Vec

    random = np.random.default_rng(0)
    tokens = np.concatenate([np.arange(vocabulary), random.choice(vocabulary, 200_000, p=zipf(vocabulary))])
    sentences = [row.astype(str).tolist() for row in np.array_split(tokens, len(tokens) // SENTENCE)]
    model = Word2Vec(vector_size=DIMENSION, window=WINDOW, negative=NEGATIVES, sg=1, workers=2, min_count=1, sample=0)
    model.build_vocab(sentences)
    common = sentences[-(200_000 // SENTENCE) :]

    def work(count: int) -> float:
        taken = common[: max(1, count // SENTENCE)]
        model.train(taken, total_examples=len(taken), epochs=1)
        return sum(map(len, taken))

    return Clocked(work)


def numpy_step(e: np.ndarray, theta: np.ndarray, word: np.ndarray, candidates: np.ndarray, rate: float) -> None:
    """e, θ −= rate · ∂/∂(e, θ) Σ negative sampling of words [B] with candidates [B, 1 + k], the true one first."""
    vectors, outputs = e[word], theta[candidates]
    error = 1 / (1 + np.exp(-np.einsum("bkd,bd->bk", outputs, vectors)))
    error[:, 0] -= 1
    np.add.at(e, word, -rate * np.einsum("bk,bkd->bd", error, outputs))
    np.add.at(theta, candidates, -rate * error[..., None] * vectors[:, None])


def plain_numpy(vocabulary: int, batch: int, at_most: int) -> Clocked:
    """`numpy_step` of batches of pairs, with the noise it draws; at most so many words a turn."""
    random, p = np.random.default_rng(0), zipf(vocabulary)
    noise = np.cumsum(p**0.75) / (p**0.75).sum()
    e = ((random.random((vocabulary, DIMENSION)) - 0.5) / DIMENSION).astype(np.float32)
    theta = np.zeros_like(e)
    word, context = random.choice(vocabulary, (2, batch), p=p)

    def work(count: int) -> float:
        steps = max(1, min(count, at_most) * PAIRS_A_WORD // batch)
        for _ in range(steps):
            drawn = np.searchsorted(noise, random.random((batch, NEGATIVES)))
            numpy_step(e, theta, word, np.concatenate([context[:, None], drawn], 1), 1e-4)
        return steps * batch / PAIRS_A_WORD

    return Clocked(work)


def compared(vocabulary: int, words: int, turns: int) -> Iterator[str]:
    """The rows of the table for one size of the vocabulary."""
    contenders = {
        "ours, Adam": ours(vocabulary, "adam", 1e-3),
        "ours, gradient descent": ours(vocabulary, "gd", 10.0),
        "gensim, 2 workers": gensim(vocabulary),
        f"NumPy, batches of {BATCH}": plain_numpy(vocabulary, BATCH, 3000),
        "NumPy, pair by pair": plain_numpy(vocabulary, 1, 500),
    }
    wall = take_turns(contenders, words, turns)
    cpu = {name: np.array(of.cpu[WARM:]) for name, of in contenders.items()}
    for clock, seconds in (("wall", wall), ("CPU", cpu)):
        for name, of in seconds.items():
            yield row(f"{vocabulary} words, {clock}: {name}", "k/s", 1e-3 / of)
        ours_now, numpy_now = seconds["ours, Adam"], seconds[f"NumPy, batches of {BATCH}"]
        yield row(f"{vocabulary} words, {clock}: NumPy ∕ ours", "×", numpy_now / ours_now, "≥ 5")
        yield row(f"{vocabulary} words, {clock}: ours ∕ gensim", "×", ours_now / seconds["gensim, 2 workers"], "≤ 2")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.word_vectors", description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns: a look, not a measurement")
    flags = parser.parse_args()
    if importlib.util.find_spec("gensim") is None:
        parser.error("gensim, which ours is timed against, is not installed (pip install gensim)")
    keep_freed_memory()
    print(describe_machine())
    print(f"{'':<64} {'':<3} {'min':>8} {'median':>8} {'max':>8}   bar")
    for vocabulary in VOCABULARIES:
        for line in compared(vocabulary, *((20_000, 3) if flags.quick else (30_000, 8))):
            print(line, flush=True)


if __name__ == "__main__":
    main()
