"""A recogniser knows nothing of the padding and learns by CTC; a detector hears the same in one piece and in many."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data.source import Arrays
from jaxdl.data.speech import Speech, held
from jaxdl.data.text import SPECIAL, Vocabulary
from jaxdl.decode.ctc import best_path
from jaxdl.errors import InputError
from jaxdl.models.seq2seq import Listener
from jaxdl.models.speech import Detector, Recognizer, detector, heard, listen, recognizer, transcripts, unnormalized
from jaxdl.models.translation import translator
from jaxdl.optim.chain import Chain
from jaxdl.score.edit_distance import error_rate
from jaxdl.train.loop import fit
from jaxdl.train.predictions import predictions
from jaxdl.train.settings import Run

ADAM = Chain("adam", learning_rate=2e-2)
VOCABULARY = Vocabulary((*SPECIAL, "low", "high"))
MODEL = Recognizer(len(VOCABULARY), hidden=6)
TONES = {4: 400, 5: 1600}


def tones(count=120, most=3, seed=0):
    """Sounds of one to three tones, each .1 s after a silence of .05 s; the labels are which."""
    rng = np.random.default_rng(seed)
    time = np.arange(800) / 8000
    length = rng.integers(1, most + 1, count).astype(np.int32)
    labels = rng.integers(4, 6, (count, most)).astype(np.int32)
    labels[np.arange(most) >= length[:, None]] = 0
    audio = np.zeros((count, most, 1200), np.float32)
    for label, hertz in TONES.items():
        audio[labels == label, 400:] = np.sin(2 * np.pi * hertz * time)
    audio = audio.reshape(count, -1) + 0.01 * rng.standard_normal((count, 1200 * most)).astype(np.float32)
    return Arrays({"audio": audio, "audio_length": length * 1200, "labels": labels, "label_length": length})


def triggers(count=60, seed=0):
    """The same sounds, all as long as three tones; the high ones are what a detector is to tell."""
    fields = tones(count, seed=seed).fields
    ends = np.where(fields["labels"] == 5, 1200 * np.arange(1, 4), -1).astype(np.int32)
    return Arrays({**fields, "trigger": held(ends, 43, hold=5)})


DATA = Speech(tones(), tones(40, seed=1), tones(40, seed=2), VOCABULARY)
CALLS = Speech(triggers(), triggers(20, seed=1), triggers(20, seed=2), VOCABULARY)


def test_what_stands_in_the_padding_changes_no_logit():
    features = jax.random.normal(jax.random.key(0), (20, 40))
    params = jax.jit(MODEL.init)(jax.random.key(1), features, jnp.int32(12))
    padded = jax.jit(MODEL.apply)(params, features.at[12:].set(7.0), jnp.int32(12))
    np.testing.assert_allclose(padded[:6], jax.jit(MODEL.apply)(params, features[:12], jnp.int32(12)), atol=1e-6)


@pytest.mark.parametrize(("every", "steps"), [(1, 21), (2, 10), (4, 5)])
def test_so_many_frames_make_a_step_and_what_is_left_over_is_dropped(every, steps):
    features = jnp.ones((21, 40))
    logits, _ = jax.eval_shape(replace(MODEL, every=every).init_with_output, jax.random.key(0), features, jnp.int32(21))
    assert logits.shape == (steps, len(VOCABULARY))


def test_features_are_those_of_the_sound_alone_whatever_it_is_padded_to():
    part = tones(4)
    longer = Arrays({**part.fields, "audio": np.pad(part.fields["audio"], ((0, 0), (0, 800)))})
    short, long = heard(part).fields, heard(longer).fields
    frames = short["features"].shape[1]
    np.testing.assert_array_equal(short["length"], (part.fields["audio_length"] - 200) // 80 + 1)
    np.testing.assert_allclose(long["features"][:, :frames], short["features"], atol=1e-5)
    assert not long["features"][:, frames:].any()


def test_transcripts_pair_what_is_heard_with_what_is_said():
    pairs = transcripts(DATA)
    first, said = pairs.train.fields, DATA.train.fields
    np.testing.assert_array_equal(first["source"], heard(DATA.train).fields["features"])
    np.testing.assert_array_equal(first["source_length"], heard(DATA.train).fields["length"])
    for target, labels, size in zip(first["target"], said["labels"], said["label_length"], strict=True):
        assert target.tolist() == [2, *labels[:size].tolist(), 3, *[0] * int(3 - size)]
    np.testing.assert_array_equal(first["target_length"], said["label_length"] + 2)
    names = {4: "low", 5: "high"}
    test = DATA.test.fields
    expected = tuple((" ".join(names[label] for label in labels if label),) for labels in test["labels"].tolist())
    assert pairs.references["test"] == expected


def test_gradients_of_who_attends_are_checked():
    model = Listener(len(VOCABULARY), 4, 6, every=2)
    assert check_task(translator(model, transcripts(DATA), ADAM, 1, 20), sample=12, examples=2).ok


def test_gradients_of_the_recogniser_are_checked():
    assert check_task(recognizer(MODEL, DATA, ADAM, 1, 40), sample=12, examples=2).ok


def test_gradients_of_the_detector_are_checked():
    assert check_task(detector(Detector(6), CALLS, ADAM, 1, 20), sample=12, examples=2).ok


def test_it_learns_which_tones_it_hears(tmp_path):
    task = recognizer(replace(MODEL, hidden=16), DATA, ADAM, 20, 40)
    state = fit(task, Run(tmp_path, mesh="data=1", quiet=True)).state
    test = heard(DATA.test).fields
    found = [
        best_path(logits[: size // 2])
        for logits, size in zip(predictions(task, state, test), test["length"], strict=True)
    ]
    true = [labels[:size].tolist() for labels, size in zip(test["labels"], test["label_length"], strict=True)]
    assert error_rate(true, found).rate <= 0.05


def test_the_loss_is_in_nats_a_label():
    """Utterances of one and of three labels count one and three times."""
    task = recognizer(MODEL, DATA, ADAM, 1, 40)
    params, state = task.init(jax.random.key(0))
    batch = next(task.evaluate["dev"].iterate(0))
    scored = [
        jax.jit(task.score)(params, state, {name: jnp.asarray(of[row]) for name, of in batch.items()})["loss"]
        for row in range(3)
    ]
    assert [float(one.weight) for one in scored] == DATA.dev.fields["label_length"][:3].tolist()


def test_specaugment_changes_the_training_loss_and_not_the_score():
    plain, masked = (recognizer(MODEL, DATA, ADAM, 1, 40, augment=augment) for augment in (False, True))
    params, state = plain.init(jax.random.key(0))
    example = {name: jnp.asarray(of[0]) for name, of in next(plain.train.iterate(0)).items()}
    losses = [task.loss(params, state, example, jax.random.key(3))[0].value for task in (plain, masked)]
    assert losses[0] != losses[1]
    assert plain.score(params, state, example) == masked.score(params, state, example)


def test_labels_without_room_in_their_time_are_refused_before_training():
    with pytest.raises(InputError, match="steps of time"):
        recognizer(replace(MODEL, every=15), DATA, ADAM, 1, 40)


def test_a_model_of_other_classes_than_the_vocabulary_s_is_refused():
    with pytest.raises(InputError, match="expected the same"):
        recognizer(replace(MODEL, classes=3), DATA, ADAM, 1, 40)


def test_frames_that_the_triggers_were_not_laid_out_for_are_refused():
    with pytest.raises(InputError, match="43"):
        detector(Detector(6), CALLS, ADAM, 1, 20, hop=160)


@pytest.mark.parametrize("pieces", [(20, 1, 22), (1,) * 43])
def test_a_stream_cut_anywhere_is_heard_as_the_whole(pieces):
    task = detector(Detector(6), CALLS, ADAM, 1, 20)
    params, state = task.init(jax.random.key(0))
    features = next(task.train.iterate(0))["features"][0]
    apply, carry, logits = jax.jit(Detector(6).apply), None, []
    for piece in np.split(features, np.cumsum(pieces)[:-1]):
        found, carry = apply({"params": params, **state}, jnp.asarray(piece), carry)
        logits.append(found)
    whole = task.predict(params, state, {"features": jnp.asarray(features)})
    np.testing.assert_allclose(np.concatenate(logits), whole, atol=1e-5)


def test_listening_sample_by_sample_frame_gives_what_the_whole_recording_gives():
    task = detector(Detector(6), CALLS, ADAM, 1, 20)
    params, state = task.init(jax.random.key(0))
    audio = CALLS.train.fields["audio"][0]
    whole = task.predict(params, state, {"features": jnp.asarray(unnormalized(CALLS.train).fields["features"][0])})
    step, carry = jax.jit(listen(Detector(6), {"params": params, **state})), None
    for frame in range(43):
        probability, carry = step(jnp.asarray(audio[frame * 80 : frame * 80 + 200]), carry)
        np.testing.assert_allclose(probability, 1 / (1 + np.exp(-whole[frame])), atol=1e-5)


def test_a_detector_knows_nothing_of_the_future():
    task = detector(Detector(6), CALLS, ADAM, 1, 20)
    params, state = task.init(jax.random.key(0))
    features = jnp.asarray(next(task.train.iterate(0))["features"][0])

    def at_frame_20(x):
        return Detector(6).apply({"params": params, **state}, x)[0][20]

    slopes = np.abs(jax.grad(at_frame_20)(features)).max(-1)
    assert (slopes[21:] == 0).all()
    assert (slopes[:21] > 0).all()
