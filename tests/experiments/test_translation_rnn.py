"""The recurrent networks read what the Transformer reads, and each form of attention is scored by both searches."""

from types import SimpleNamespace

from experiments.sequences import translation_rnn, translation_transformer
from jaxdl.train.settings import Run


def test_it_reads_the_phrases_that_the_transformer_reads():
    theirs, ours = translation_transformer.Config(), translation_rnn.Config()
    assert (ours.phrases, ours.target) == (theirs.phrases, theirs.target)


def test_each_network_is_scored_with_its_own_weights_by_both_searches(monkeypatch, tmp_path):
    """A BLEU that tells the attention of the network, the weights and the search that it was asked for."""

    def trained(builds, run, seeds):
        weights = {name: SimpleNamespace(params=float(place)) for place, name in enumerate(builds)}
        return {name: [SimpleNamespace(state=weights[name])] * seeds for name in builds}

    def bleu(model, params, data, name, width=1, alpha=0.0):
        assert (model.vocabulary, name) == (len(data.vocabulary), "test")
        return ("additive", "multiplicative", "none").index(model.attention) == params and width + alpha

    monkeypatch.setattr(translation_rnn, "trials", trained)
    monkeypatch.setattr(translation_rnn, "bleu", bleu)
    _, found = translation_rnn.measure(translation_rnn.Config(phrases=120, seeds=2), Run(tmp_path))
    for search, said in {"greedy": 1.0, "beam of 4": 4.7}.items():
        assert {name: list(of) for name, of in found[search].items()} == {
            name: [said, said] for name in ("additive", "multiplicative", "none")
        }
