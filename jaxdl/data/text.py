"""Text as numbers: words, a vocabulary, padded sequences and their batches.

A symbol is a character or a word: a text is a string (of characters) or a list of symbols, and nothing else differs.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np

from jaxdl.data.batches import Batches, BatchIterator
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError

PAD, UNK, SOS, EOS = range(4)
SPECIAL = ("<PAD>", "<UNK>", "<SOS>", "<EOS>")

# Combining marks, such as the vowels of Hindi, which `re` takes for no part of a word; further up lie none of a letter.
_MARKS = "".join(mark for mark in map(chr, range(0x20000)) if unicodedata.category(mark).startswith("M"))
_LETTERS = rf"[^\W\d_]+(?:[{_MARKS}]+[^\W\d_]*)*"
_WORD = re.compile(rf"{_LETTERS}(?:['’-]{_LETTERS})*|\d+(?:[.,]\d+)*|[^\w\s]|_")


def words(text: str) -> list[str]:
    """The words, numbers and punctuation marks of a text, in order, without the space between them, in the form NFC.

    An apostrophe or a hyphen inside a word belongs to it, a point or a comma inside a number to that, an accent or
    another combining mark to the letter before it.
    """
    return _WORD.findall(unicodedata.normalize("NFC", text))


@dataclass(frozen=True)
class Vocabulary:
    """Symbols and their numbers: symbols[i] is the symbol of token i, and the first four are `SPECIAL`.

    Raises InputError where they are not, and for a symbol that comes twice.
    """

    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.symbols[: len(SPECIAL)] != SPECIAL:
            raise InputError(f"a vocabulary begins with {', '.join(SPECIAL)}, not with {self.symbols[:4]}")
        if len(self._tokens) < len(self.symbols):
            twice = Counter(self.symbols).most_common(1)[0][0]
            raise InputError(f"the symbol {twice!r} is in the vocabulary twice: give each once")

    @classmethod
    def build(cls, texts: Iterable[Iterable[str]], minimum: int = 1, size: int | None = None) -> "Vocabulary":
        """The symbols of all texts, the most frequent first and equally frequent ones in alphabetical order.

        minimum  how often a symbol must occur
        size     of the whole vocabulary at most, the four special ones counted

        Raises InputError where no symbol is left.
        """
        counts = Counter(symbol for text in texts for symbol in text)
        frequent = sorted((-count, symbol) for symbol, count in counts.items() if count >= minimum)
        kept = tuple(symbol for _, symbol in frequent)[: None if size is None else max(size - len(SPECIAL), 0)]
        if not kept:
            what = f"minimum {minimum} and size {size} leave none of {len(counts)} symbols" if counts else "no text"
            raise InputError(f"{what}: a vocabulary needs a symbol that occurs in the texts")
        return cls(SPECIAL + kept)

    @cached_property
    def _tokens(self) -> dict[str, int]:
        return {symbol: token for token, symbol in enumerate(self.symbols)}

    def __len__(self) -> int:
        return len(self.symbols)

    def encode(self, text: Iterable[str]) -> np.ndarray:
        """The tokens int32 [T] of a text; what the vocabulary lacks is <UNK>."""
        return np.array([self._tokens.get(symbol, UNK) for symbol in text], np.int32)

    def encode_known(self, text: Iterable[str]) -> np.ndarray:
        """`encode`, but InputError names the first symbol that the vocabulary lacks, and its index."""
        symbols = list(text)
        tokens = self.encode(symbols)
        for index in np.flatnonzero(tokens == UNK):
            if symbols[index] != SPECIAL[UNK]:
                raise InputError(
                    f"{symbols[index]!r} at index {index} is not among the {len(self)} symbols of the vocabulary: "
                    "leave it out, or build the vocabulary from texts that have it"
                )
        return tokens

    def decode(self, tokens: np.ndarray | Sequence[int]) -> list[str]:
        """The symbols of tokens [T] up to the first <EOS>, less <PAD> and <SOS>. Raises what `check_tokens` raises."""
        ids = np.asarray(tokens, np.int64)
        check_tokens(ids, len(self))
        ends = np.flatnonzero(ids == EOS)
        return [self.symbols[token] for token in ids[: ends[0] if len(ends) else None] if token not in (PAD, SOS)]

    def save(self, path: str | Path) -> None:
        """Write the symbols as a JSON list, in which a newline, a space or an odd character is as good as any."""
        Path(path).write_text(json.dumps(self.symbols, indent=0), encoding="ascii")

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """What `save` wrote. Raises InputError for a file that is not there or holds something else."""
        try:
            symbols = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} can't be read as a vocabulary: {error}") from error
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            raise InputError(f"{path} is no vocabulary: expected a JSON list of symbols, as `save` writes it")
        return cls(tuple(symbols))


def check_tokens(tokens: np.ndarray, size: int) -> None:
    """Raise InputError that names the first token outside 0 … size − 1 and its index."""
    places = np.argwhere((tokens < 0) | (tokens >= size))
    if len(places):
        place = tuple(places[0].tolist())
        where = place[0] if len(place) == 1 else place
        raise InputError(f"token {tokens[place]} at index {where} is out of range: expected 0 … {size - 1}")


def pad(sequences: Sequence[np.ndarray | Sequence[int]], limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Sequences as int32 [N, T], each followed by <PAD>, and their lengths int32 [N].

    T is the limit, or without one the longest length. Raises InputError where there is no sequence, and for one longer
    than the limit.
    """
    if not len(sequences):
        raise InputError("no sequences: give at least one to pad")
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    limit = int(lengths.max()) if limit is None else limit
    too_long = np.flatnonzero(lengths > limit)
    if len(too_long):
        row = too_long[0]
        raise InputError(f"sequence {row} has {lengths[row]} symbols, {limit} at most: cut it or raise the limit")
    tokens = np.full((len(sequences), limit), PAD, np.int32)
    tokens[np.arange(limit) < lengths[:, None]] = np.concatenate([np.asarray(row, np.int32) for row in sequences])
    return tokens, lengths


@dataclass(frozen=True, eq=False)
class Sequences:
    """Train, dev and test of padded sequences, `tokens` int32 [N, T] with `length` int32 [N], the same T in all three.

    classes  the names of `label` int32 [N] or `tags` int32 [N, T]; none where there are neither
    """

    train: Arrays
    dev: Arrays
    test: Arrays
    vocabulary: Vocabulary
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pairs:
    """Train, dev and test of padded pairs: `source` int32 [N, S], `target` int32 [N, T], S and T the same in all three.

    A target begins with <SOS> and ends with <EOS>; `source_length` and `target_length` count all but <PAD>. A source
    may be features, float32 [N, S, F], as well.
    references  of "dev" and "test", row by row: the texts of which each is a right target
    """

    train: Arrays
    dev: Arrays
    test: Arrays
    vocabulary: Vocabulary
    references: dict[str, tuple[tuple[str, ...], ...]]

    @classmethod
    def build(
        cls,
        parts: Sequence[Sequence[tuple[str, tuple[str, ...]]]],
        symbols: Callable[[str], list[str]],
        size: int | None = None,
    ) -> "Pairs":
        """Of the (source, references) of train, dev and test; a target is the first reference, the vocabulary train's.

        symbols  of a text: `words`, or `list` for its characters
        size     of the vocabulary at most
        """
        rows = [(symbols(source), symbols(texts[0])) for part in parts for source, texts in part]
        vocabulary = Vocabulary.build((source + target for source, target in rows[: len(parts[0])]), size=size)
        fields = {}
        fields["source"], fields["source_length"] = pad([vocabulary.encode(source) for source, _ in rows])
        targets = [[SOS, *vocabulary.encode(target).tolist(), EOS] for _, target in rows]
        fields["target"], fields["target_length"] = pad(targets)
        places = np.split(np.arange(len(rows)), np.cumsum([len(part) for part in parts])[:-1])
        train, dev, test = (Arrays(fields).select(place) for place in places)
        references = {
            name: tuple(texts for _, texts in part) for name, part in zip(("dev", "test"), parts[1:], strict=True)
        }
        return cls(train, dev, test, vocabulary, references)


@dataclass(frozen=True, eq=False)
class Buckets:
    """Batches of examples of similar length, each example exactly once an epoch: less padding, few shapes to compile.

    The examples, ordered by `length`, are cut into `buckets` equal parts. A batch comes from one part, and its fields
    named in `cut`, [N, T, ...], end where the part's longest example does. Which examples share a batch, and the order
    of the batches, are drawn anew from (seed, epoch). A part's short last batch is filled up at mask 0.
    Otherwise as `batches.Batches`. Raises InputError for more parts than examples or than `batch_size` allows.
    """

    source: Arrays
    batch_size: int
    buckets: int = 4
    cut: tuple[str, ...] = ("tokens",)

    def __post_init__(self) -> None:
        if not 1 <= self.buckets <= len(self.source) // max(self.batch_size, 1):
            raise InputError(
                f"{self.buckets} buckets of {len(self.source)} examples for batches of {self.batch_size}: "
                "expected 1 bucket or more, each with a batch at least; give fewer buckets or a smaller batch size"
            )

    @cached_property
    def parts(self) -> tuple[Batches, ...]:
        """The batches of each bucket, the shortest examples first."""
        order = np.argsort(self.source.fields["length"], kind="stable")
        return tuple(self._part(np.sort(rows)) for rows in np.array_split(order, self.buckets))

    def _part(self, rows: np.ndarray) -> Batches:
        fields = self.source[rows]
        time = int(fields["length"].max())
        short = {name: values[:, :time] if name in self.cut else values for name, values in fields.items()}
        return Batches(Arrays(short), self.batch_size)

    @cached_property
    def steps_per_epoch(self) -> int:
        """The batches of all buckets."""
        return sum(part.steps_per_epoch for part in self.parts)

    def batch(self, step: int, seed: int, process: int = 0, processes: int = 1) -> dict[str, np.ndarray]:
        """The slice of global batch `step` that belongs to one process, with `mask` and `row`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        bucket, inside = _places(tuple(part.steps_per_epoch for part in self.parts), seed, epoch)[place].tolist()
        part = self.parts[bucket]
        return part.batch(epoch * part.steps_per_epoch + inside, seed, process, processes)

    def iterate(self, seed: int, process: int = 0, processes: int = 1) -> BatchIterator:
        """The batches of one process, for ever. Raises InputError where they can't be shared evenly."""
        self.parts[0].iterate(seed, process, processes)
        return BatchIterator(partial(self.batch, seed=seed, process=process, processes=processes))


@lru_cache(maxsize=4)
def _places(steps: tuple[int, ...], seed: int, epoch: int) -> np.ndarray:
    """[Σ steps, 2]: the bucket and the place in it of each batch of an epoch."""
    places = np.array([(bucket, inside) for bucket, count in enumerate(steps) for inside in range(count)])
    # A stream of its own: the order of the examples is drawn from [seed, epoch].
    return generator(seed, 2**63 + epoch).permutation(places)
