"""What a run leaves behind answers `--load RUN --input …`: it translates, transcribes, and goes on with a text."""

import io
import json
from dataclasses import asdict, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.sequences import (
    VOCABULARY,
    char_language_model,
    earlier,
    lines,
    speech_ctc,
    transformer_lm,
    translation_transformer,
)
from jaxdl.data.speech import write_wav
from jaxdl.data.text import SPECIAL, Vocabulary
from jaxdl.errors import InputError
from jaxdl.train.settings import Run
from jaxdl.train.transfer import save_parameters
from jaxdl.typing import path_name

LETTERS = Vocabulary((*SPECIAL, *"abcdefgh "))
DIGITS = Vocabulary((*SPECIAL, "one", "two", "three"))
CONFIGS = {
    "translate": translation_transformer.Config(layers=1, width=8, heads=2),
    "transcribe": speech_ctc.Config(hidden=6),
    "recurrent": char_language_model.Config(embedding=4, hidden=6),
    "transformer": transformer_lm.Config(layers=1, width=8, heads=2, hidden=8, length=8),
}
TOKENS = jnp.zeros(4, jnp.int32)


def saved(directory, config, vocabulary, training, params):
    """A run directory, but for the training: its weights are drawn."""
    (directory / training).parent.mkdir(parents=True)
    described = {"experiment": type(config).__module__.removeprefix("experiments."), "config": asdict(config)}
    (directory / "config.json").write_text(json.dumps(described))
    vocabulary.save(directory / VOCABULARY)
    save_parameters(directory / training, params, {})
    return directory


def spread_out(params):
    """Larger weights, but for the embedding: what is said should depend on all that is read."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf if "embedding" in path_name(path) else 3 * leaf, params
    )


@pytest.fixture
def language(request, tmp_path):
    """(experiment, configuration that loads a run, model, parameters)."""
    experiment = {"recurrent": char_language_model, "transformer": transformer_lm}[request.param]
    config = CONFIGS[request.param]
    if request.param == "recurrent":
        model, training = experiment.network(config, len(LETTERS)), "network/0"
    else:
        model, training = experiment.network(config, LETTERS), "transformer/0"
    params = spread_out(model.init(jax.random.key(0), TOKENS)["params"])
    saved(tmp_path / "run", config, LETTERS, training, params)
    load = experiment.Config(load=tmp_path / "run", input="a bad", characters=20)
    return experiment, load, model, params


def told(experiment, config, tmp_path, seed=0):
    findings, figures = experiment.main(config, Run(tmp_path / "other", seed=seed))
    assert not figures
    return [line.split(": ", 1)[1] for line in findings]


@pytest.mark.parametrize("language", ["recurrent", "transformer"], indirect=True)
def test_a_language_model_goes_on_from_the_input(language, tmp_path):
    experiment, load, *_ = language
    [one] = told(experiment, load, tmp_path)
    assert one.startswith("a bad")
    assert 5 < len(one) <= 25
    assert told(experiment, load, tmp_path) == [one]
    assert told(experiment, load, tmp_path, seed=1) != [one]


@pytest.mark.parametrize("language", ["transformer"], indirect=True)
def test_a_transformer_sees_its_last_length_characters_and_begins_anew_from_half_of_them(language, tmp_path):
    experiment, load, model, params = language
    [text] = told(experiment, load, tmp_path)
    tokens = LETTERS.encode(text)
    first, half = 5, 4
    assert len(tokens) > first + 3 * half

    @jax.jit
    def drawn(seen, last, began, place):
        logits = model.apply({"params": params}, seen)[last]
        logits = jnp.where(jnp.arange(len(LETTERS)) < 3, -jnp.inf, logits / load.temperature)
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), began), place - began)
        return jax.random.categorical(key, logits)

    for place in range(first, len(tokens)):
        began = (place - first) // half * half + first  # where the text ended when it was begun anew
        seen = np.zeros(2 * half, np.int32)
        count = place - (began - half)
        seen[:count] = tokens[began - half : place]
        assert tokens[place] == drawn(seen, count - 1, began, place)


@pytest.mark.parametrize("language", ["recurrent", "transformer"], indirect=True)
def test_how_to_draw_is_the_command_s_and_not_the_run_s(language, tmp_path):
    experiment, load, *_ = language
    cold = replace(load, temperature=1e-6)
    assert told(experiment, cold, tmp_path) == told(experiment, cold, tmp_path, seed=1)


@pytest.mark.parametrize("language", ["recurrent", "transformer"], indirect=True)
def test_a_text_for_each_line_of_standard_input(language, tmp_path, monkeypatch):
    experiment, load, *_ = language
    monkeypatch.setattr("sys.stdin", io.StringIO("bad\n\ncab\n"))
    one, other = told(experiment, replace(load, input="-"), tmp_path)
    assert (one[:3], other[:3]) == ("bad", "cab")


@pytest.mark.parametrize("language", ["recurrent", "transformer"], indirect=True)
def test_a_sign_that_the_network_never_saw_is_told(language, tmp_path):
    experiment, load, *_ = language
    with pytest.raises(InputError, match="'X' at index 2"):
        told(experiment, replace(load, input="abX"), tmp_path)


@pytest.fixture
def recognizer(tmp_path):
    config = CONFIGS["transcribe"]
    model = speech_ctc.network(config, DIGITS)
    params = spread_out(model.init(jax.random.key(3), jnp.zeros((9, 40)), jnp.int32(9))["params"])
    return saved(tmp_path / "run", config, DIGITS, "gru/0", params)


def test_recordings_that_standard_input_names_are_transcribed_as_one_by_one(recognizer, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"{name}.wav") for name in ("long", "short")]
    for path, samples in zip(paths, (4000, 1000), strict=True):
        write_wav(path, 0.3 * rng.standard_normal(samples))
    config = speech_ctc.Config(load=recognizer)
    alone = [speech_ctc.main(replace(config, input=path), Run(tmp_path / "other"))[0][0] for path in paths]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(paths)))
    assert speech_ctc.main(replace(config, input="-"), Run(tmp_path / "other"))[0] == alone
    assert [line.split(": ")[0] for line in alone] == paths
    assert set(alone[0].split(": ")[1].split()) <= {"one", "two", "three", *SPECIAL}
    assert alone[0].split(": ")[1]


def test_what_is_no_recording_is_told(recognizer, tmp_path):
    config = speech_ctc.Config(load=recognizer, input=str(tmp_path / "nothing.wav"))
    with pytest.raises(InputError, match=r"nothing.wav can't be read as a WAV file"):
        speech_ctc.main(config, Run(tmp_path / "other"))
    write_wav(tmp_path / "short.wav", np.ones(50))
    with pytest.raises(InputError, match="50 samples is shorter than a frame of 200"):
        speech_ctc.main(replace(config, input=str(tmp_path / "short.wav")), Run(tmp_path / "other"))


def test_words_have_spaces_between_them_and_characters_only_those_that_are_said():
    assert speech_ctc.written(DIGITS, [4, 6]) == "one three"
    assert speech_ctc.written(LETTERS, [4, 12, 5]) == "a b"


def test_phrases_of_standard_input_are_translated_each(tmp_path, monkeypatch):
    config = CONFIGS["translate"]
    model = translation_transformer.network(config, DIGITS)
    params = spread_out(model.init(jax.random.key(0), TOKENS, TOKENS == 0, TOKENS)["params"])
    load = translation_transformer.Config(load=saved(tmp_path / "run", config, DIGITS, "transformer/0", params))
    monkeypatch.setattr("sys.stdin", io.StringIO("one Two\nthree\n"))
    found, figures = translation_transformer.main(replace(load, input="-"), Run(tmp_path / "other"))
    assert not figures
    assert [line.split(" is ")[0] for line in found] == ["“one Two”", "“three”"]
    assert found[0].split(" is ")[1] != found[1].split(" is ")[1]
    with pytest.raises(InputError, match="'four' at index 1"):
        translation_transformer.main(replace(load, input="one four"), Run(tmp_path / "other"))


@pytest.mark.parametrize("given", ["", "  ", "-"])
def test_nothing_to_read_is_told(given, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(InputError, match="nothing to read: expected --input TEXT"):
        lines(given)


def test_a_directory_without_a_finished_run_is_told(tmp_path):
    with pytest.raises(InputError, match="expected the directory of a finished run"):
        earlier(tmp_path, speech_ctc.Config, "gru/0")
    ours = '{"experiment": "sequences.speech_ctc", "config": {"%s": 6}}'
    (tmp_path / "config.json").write_text(ours % "hidden")
    with pytest.raises(InputError, match=r"vocabulary.json can't be read"):
        earlier(tmp_path, speech_ctc.Config, "gru/0")
    DIGITS.save(tmp_path / VOCABULARY)
    with pytest.raises(InputError, match="expected the directory of a run that has saved"):
        earlier(tmp_path, speech_ctc.Config, "gru/0")
    (tmp_path / "config.json").write_text(ours % "phrases")
    save_parameters(tmp_path / "gru", {}, {})
    with pytest.raises(InputError, match="Config has no phrases"):
        earlier(tmp_path, speech_ctc.Config, "gru")


def test_a_run_of_another_experiment_is_told_by_its_name(tmp_path):
    saved(tmp_path / "run", CONFIGS["transformer"], LETTERS, "transformer/0", {})
    load = translation_transformer.Config(load=tmp_path / "run", input="a")
    message = r"run is a run of sequences.transformer_lm: give one of sequences.translation_transformer"
    with pytest.raises(InputError, match=message):
        translation_transformer.main(load, Run(tmp_path / "other"))
