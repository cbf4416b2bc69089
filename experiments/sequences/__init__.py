"""Sequences: recurrent networks, language models, word vectors, translation, speech.

What those share that answer from a finished run, `--load RUN --input "…"`, is here.
"""

import json
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxdl import flags
from jaxdl.data.text import Vocabulary
from jaxdl.errors import InputError
from jaxdl.run import name_of
from jaxdl.train.transfer import load_parameters
from jaxdl.typing import Params

VOCABULARY = "vocabulary.json"
"""In a run directory: the symbols whose numbers its networks know."""


def lines(given: str) -> list[str]:
    """What --input gives: a text, or for “-” the lines of standard input. InputError where there is nothing in it."""
    found = sys.stdin.read().splitlines() if given == "-" else [given]
    found = [line for line in found if line.strip()]
    if not found:
        raise InputError("nothing to read: expected --input TEXT, or --input - and lines on standard input")
    return found


def earlier(directory: Path, config_type: type, training: str) -> tuple[Any, Vocabulary, Params]:
    """(configuration, vocabulary, newest weights) of one of the trainings of a finished run, such as transformer/0.

    InputError for a directory without such a run, and for a run of another experiment.
    """
    try:
        described = json.loads((directory / "config.json").read_text())
        name, values = described["experiment"], described["config"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{directory}: expected the directory of a finished run, with its config.json") from None
    if name != name_of(config_type):
        raise InputError(f"{directory} is a run of {name}: give one of {name_of(config_type)}, or start {name} with it")
    vocabulary = Vocabulary.load(directory / VOCABULARY)
    params, _ = load_parameters(directory / training)
    return flags.from_plain(config_type, values), vocabulary, jax.tree.map(jnp.asarray, params)
