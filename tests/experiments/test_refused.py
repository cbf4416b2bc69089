"""What can't be trained, or can't be told of afterwards, is refused at once, in a line that names the flag."""

from dataclasses import replace

import pytest

from experiments.sequences import (
    char_language_model,
    date_normalization,
    debiasing,
    music_generation,
    name_generation,
    neural_language_model,
    pretrained_embeddings,
    rnn_memory,
    sentiment,
    transformer_lm,
    translation_transformer,
    word2vec,
)
from experiments.vision import (
    face_verification,
    lenet5,
    multi_crop,
    multi_task,
    one_shot,
    resnet,
    skip_connections,
    sliding_window,
    style_transfer,
    transfer_learning,
    unet,
    vgg,
    what_convnets_see,
    yolo,
)
from jaxdl.errors import InputError
from jaxdl.train.settings import Run


@pytest.mark.parametrize(
    ("experiment", "change", "message"),
    [
        (lenet5, {"epochs": -1}, "--epochs -1: expected 1 or more"),
        (vgg, {"width": 0}, "--width 0: expected 1 or more"),
        (resnet, {"crop": 1.2}, r"--crop 1.2: expected a share of each side in \(0, 1\]"),
        (yolo, {"width": 0}, "--width 0: expected 1 or more"),
        (unet, {"widths": ()}, "--widths of nothing: expected one or more"),
        (multi_crop, {"shares": (0.8, 1.5)}, r"--shares \(0.8, 1.5\): expected shares"),
        (multi_task, {"alone": (5, 10)}, "expected digits from 0 to 9"),
        (one_shot, {"minings": ("hard", "soft")}, "unknown mining 'soft'"),
        (face_verification, {"methods": ("triplets",)}, "unknown method 'triplets': did you mean triplet"),
        (skip_connections, {"depths": (8, 9)}, "ResNet-9 for small images"),
        (sliding_window, {"window": 65}, "--window 65: expected 16 pixels up to the 64 of --size"),
        (style_transfer, {"size": 1}, "--size 1: expected 5 or more"),
        (translation_transformer, {"layers": 0}, "--layers 0: expected 1 or more"),
        (translation_transformer, {"alphas": ()}, "--alphas of nothing: expected one or more"),
        (translation_transformer, {"alphas": (0.7, float("nan"))}, "--alphas 0.7 nan: expected 0 or more"),
        (transformer_lm, {"order": 0}, "--order 0: expected 1 or more"),
        (transformer_lm, {"characters": -5}, "--characters -5: expected 1 or more"),
        (rnn_memory, {"cells": ("rnn", "lstn")}, "unknown cell 'lstn': did you mean lstm"),
        (rnn_memory, {"lengths": (1, 10)}, "--lengths 1 10: expected 2 or more"),
        (date_normalization, {"input": " "}, "--input of nothing"),
        (sentiment, {"sentence": ""}, "--sentence of nothing"),
    ],
)
def test_a_flag_that_no_training_can_have_is_refused_as_it_is_read(experiment, change, message):
    with pytest.raises(InputError, match=message):
        experiment.Config(**change)


def none_trained(*args, **options):
    raise AssertionError("it is trained first")


@pytest.mark.parametrize(
    ("experiment", "change", "message"),
    [
        (char_language_model, {"temperature": 0.0}, "temperature 0.0: expected more than 0"),
        (transformer_lm, {"order": 20}, "20-grams of"),
        (music_generation, {"temperatures": (0.5, 0.0)}, "temperature 0.0: expected more than 0"),
        (name_generation, {"order": 20}, "20-grams of"),
        (neural_language_model, {"shown": ("nonesuch",)}, "'nonesuch'"),
        (word2vec, {"shown": ("nonesuch",)}, "'nonesuch'"),
        (pretrained_embeddings, {"sentences": 200, "tested": 20, "labels": (5, 900)}, "--labels 900: expected at most"),
        (unet, {"counts": (2, 1, 1), "digits": (0, 1), "seeds": 8}, "no test scene has a digit"),
        (multi_task, {"counts": (20, 1, 12), "missing": 0.95}, "--missing 0.95 leaves no scene"),
        (one_shot, {"ways": 9}, "of 9 ways: expected"),
        (transfer_learning, {"examples": (5, 1000)}, "--examples 1000: expected at most"),
        (what_convnets_see, {"layers": ("conv1_1", "conv9_1")}, "unknown layer 'conv9_1'"),
        (what_convnets_see, {"units": 40}, "--units 40: expected at most the 16 of conv1_1"),
    ],
)
def test_what_the_data_or_the_network_have_not_is_refused_before_anything_is_trained(
    experiment, change, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(experiment, "trials", none_trained)
    with pytest.raises(InputError, match=message):
        experiment.main(replace(experiment.Config(seeds=1), **change), Run(tmp_path))


def test_a_layer_that_no_painter_has_is_refused_before_one_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(style_transfer, "fit", none_trained)
    with pytest.raises(InputError, match="unknown layer 'conv1_9'"):
        style_transfer.measure(style_transfer.Config(content_layer="conv1_9"), Run(tmp_path))


def test_an_axis_of_all_pairs_would_leave_none_to_test_it():
    with pytest.raises(InputError, match="--pairs 40: expected less than 40"):
        debiasing.build(debiasing.Config(sentences=1000, pairs=40), 0)


def test_a_phrase_longer_than_the_network_reads_is_told_by_its_flag():
    phrase = " ".join(["the"] * 33)
    with pytest.raises(InputError, match="--input: a phrase of 33 words: expected 24 at most"):
        translation_transformer.encoded(translation_transformer.Config(), None, phrase)
