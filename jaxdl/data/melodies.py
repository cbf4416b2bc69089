"""Melodies made by a small grammar, which also judges those that a model makes. Made from a seed, not read.

The grammar: the name of a key, then four phrases in the form AABA. A phrase is two bars of 4/4, of known rhythms, the
second ending on a half note. It moves by at most a third within the key's range; A comes to rest on the tonic by a step
(a full cadence), B stops on the dominant (a half cadence). What is true of a melody is heard only over many notes.
"""

from collections.abc import Sequence

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.data.split import check_fractions, split
from jaxdl.data.text import Sequences, Vocabulary, pad
from jaxdl.errors import InputError

KEYS = {
    "C": ("C", "D", "E", "F", "G", "A", "B"),
    "D": ("D", "E", "F#", "G", "A", "B", "C#"),
    "F": ("F", "G", "A", "Bb", "C", "D", "E"),
    "G": ("G", "A", "B", "C", "D", "E", "F#"),
    "Bb": ("Bb", "C", "D", "Eb", "F", "G", "A"),
}
RANGE = 10  # degrees from the tonic up: an octave and a third
TONICS, DOMINANT = (0, 7), 4
OPENING = ((2, 2, 2, 2), (4, 2, 2), (2, 2, 4), (3, 1, 2, 2), (2, 1, 1, 4))  # durations of a bar, in eighths
CLOSING = ((2, 2, 4), (4, 4), (2, 1, 1, 4), (3, 1, 4))


def pitches(key: str) -> tuple[str, ...]:
    """The names of a key's degrees from its tonic in the fourth octave up: D4 E4 F#4 … for D."""
    letters = "CDEFGAB"
    start = letters.index(key[0])
    return tuple(f"{KEYS[key][degree % 7]}{4 + (start + degree) // 7}" for degree in range(RANGE))


def load(size: int = 2000, fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0) -> Sequences:
    """`size` different melodies: the key, `D major`, then notes such as `F#4:2`, the pitch and its eighths.

    Raises InputError for fewer than 10 melodies and fractions that are negative or don't sum to 1.
    """
    check_fractions(fractions)
    if size < 10:
        raise InputError(f"{size} melodies are too few for train, dev and test: give 10 or more, such as 2000")
    rng = generator(seed)
    melodies: dict[tuple[str, ...], None] = {}
    while len(melodies) < size:
        melodies[_melody(rng)] = None
    texts = list(melodies)
    rows = split(size, fractions, seed)
    vocabulary = Vocabulary.build(texts[row] for row in rows[0])
    tokens, length = pad([vocabulary.encode(text) for text in texts])
    whole = Arrays({"tokens": tokens, "length": length})
    train, dev, test = (whole.select(part) for part in rows)
    return Sequences(train, dev, test, vocabulary)


def broken_rules(melody: Sequence[str]) -> tuple[str, ...]:
    """What a sequence of symbols does not obey of `key`, `range`, `rhythm`, `form`, `steps` and `cadence`.

    key      the first symbol is a key
    range    all others are notes of that key, in its range
    rhythm   they fill eight bars, each in a rhythm that belongs there
    form     the phrases are A A B A, and B is another one
    steps    a phrase moves by at most two degrees
    cadence  A reaches the tonic by a step, B ends on the dominant

    A rule that can't be judged, for want of a key, of notes or of phrases, counts as broken. No rule broken: the empty
    tuple.
    """
    rules = ("key", "range", "rhythm", "form", "steps", "cadence")
    key = melody[0].removesuffix(" major") if melody else ""
    if key not in KEYS or melody[0] != f"{key} major":
        return rules
    degree = {pitch: place for place, pitch in enumerate(pitches(key))}
    notes = [note.split(":") for note in melody[1:]]
    if not all(len(note) == 2 and note[0] in degree and note[1].isdecimal() for note in notes):
        return rules[1:]
    phrases = _phrases([(degree[pitch], int(eighths)) for pitch, eighths in notes])
    if phrases is None:
        return rules[2:]
    first, second, third, fourth = phrases
    lines = [[place for place, _ in phrase] for phrase in phrases]
    obeyed = {
        "form": first == second == fourth != third,
        "steps": all(abs(step) <= 2 for line in lines for step in np.diff(line)),
        "cadence": all(line[-1] in TONICS and abs(line[-1] - line[-2]) == 1 for line in (lines[0], lines[1], lines[3]))
        and lines[2][-1] == DOMINANT,
    }
    return tuple(rule for rule, kept in obeyed.items() if not kept)


def _phrases(notes: list[tuple[int, int]]) -> list[list[tuple[int, int]]] | None:
    """The (degree, eighths) of four phrases, or None where they are not eight bars in rhythms that belong there."""
    bars: list[list[tuple[int, int]]] = []
    for bar in range(8):
        place = sum(map(len, bars))
        durations = tuple(eighths for _, eighths in notes[place : place + 4])
        rhythms = CLOSING if bar % 2 else OPENING
        rhythm = next((rhythm for rhythm in rhythms if durations[: len(rhythm)] == rhythm), None)
        if rhythm is None:
            return None
        bars.append(notes[place : place + len(rhythm)])
    whole = sum(map(len, bars)) == len(notes)
    return [bars[bar] + bars[bar + 1] for bar in range(0, 8, 2)] if whole else None


def _melody(rng: np.random.Generator) -> tuple[str, ...]:
    key = tuple(KEYS)[rng.integers(len(KEYS))]
    names = pitches(key)
    a, b = _phrase(rng, TONICS), _phrase(rng, (DOMINANT,))
    notes = a + a + b + a
    return (f"{key} major", *(f"{names[degree]}:{eighths}" for degree, eighths in notes))


def _phrase(rng: np.random.Generator, endings: tuple[int, ...]) -> list[tuple[int, int]]:
    """(degree, eighths) of a phrase, its degrees drawn backwards from an ending. A tonic is reached by a step."""
    rhythm = OPENING[rng.integers(len(OPENING))] + CLOSING[rng.integers(len(CLOSING))]
    degrees = [endings[rng.integers(len(endings))]]
    while len(degrees) < len(rhythm):
        reach = 1 if len(degrees) == 1 and endings == TONICS else 2
        before = [place for place in range(RANGE) if 1 <= abs(place - degrees[-1]) <= reach]
        degrees.append(before[rng.integers(len(before))])
    return list(zip(degrees[::-1], rhythm, strict=True))
