"""BLEU beside sacreBLEU's, of text that is tokens already."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from jaxdl.score.bleu import corpus_bleu, sentence_bleu

SMOOTHINGS = pytest.mark.parametrize(("smoothing", "k"), [("none", 1.0), ("add-k", 1.0), ("add-k", 0.3), ("exp", 1.0)])


def peer(smoothing, k, order, sentence):
    value = k if smoothing == "add-k" else None
    return BLEU(
        tokenize="none", force=True, smooth_method=smoothing, smooth_value=value, max_ngram_order=order,
        effective_order=sentence,
    )  # fmt: skip


def drawn(seed, sentences=12):
    """Sentences of few words, some empty, some as a reference has them, with one to three references each."""
    random = np.random.default_rng(seed)
    words = lambda most: random.choice(list("abcdef"), random.integers(0, most)).tolist()  # noqa: E731
    found, references = [], []
    for _ in range(sentences):
        references.append([words(14) or ["a"] for _ in range(random.integers(1, 4))])
        begin = random.choice(len(references[-1]))
        found.append([*references[-1][begin][: random.integers(0, 9)], *words(5)])
    return found, references


def as_text(found, references):
    """sacreBLEU has the first references of all sentences, then the second, …; None where there is none."""
    most = max(map(len, references))
    columns = [[" ".join(of[n]) if n < len(of) else None for of in references] for n in range(most)]
    return [" ".join(words) for words in found], columns


def assert_same(ours, theirs):
    np.testing.assert_allclose(100 * ours.score, theirs.score, atol=1e-10)
    np.testing.assert_allclose(100 * np.array(ours.precisions), theirs.precisions, atol=1e-10)
    assert ours.lengths == (theirs.sys_len, theirs.ref_len)
    np.testing.assert_allclose(ours.brevity_penalty, theirs.bp, atol=1e-12)


@SMOOTHINGS
@pytest.mark.parametrize("order", [1, 4, 6])
def test_a_corpus(smoothing, k, order):
    scores = []
    for seed in range(10):
        found, references = drawn(seed, 1 + seed)
        ours = corpus_bleu(found, references, order=order, smoothing=smoothing, k=k)
        assert_same(ours, peer(smoothing, k, order, False).corpus_score(*as_text(found, references)))
        scores.append(ours.score)
    assert max(scores) > 0.1


@SMOOTHINGS
def test_sentences(smoothing, k):
    counted = 0
    for seed in range(8):
        for found, references in zip(*drawn(seed), strict=True):
            theirs = peer(smoothing, k, 4, True).sentence_score(" ".join(found), [" ".join(of) for of in references])
            assert_same(sentence_bleu(found, references, smoothing=smoothing, k=k), theirs)
            counted += theirs.score > 0
    assert counted > 5
