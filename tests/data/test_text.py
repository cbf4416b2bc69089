import json

import numpy as np
import pytest

from jaxdl.data import text
from jaxdl.data.source import Arrays
from jaxdl.data.text import EOS, PAD, SOS, SPECIAL, UNK, Buckets, Vocabulary
from jaxdl.errors import InputError


def test_words_numbers_and_punctuation_are_parted_and_space_is_dropped():
    assert text.words("Don't pay €1,299.50 for a well-made\n\t“café” (x_1)!") == [
        *("Don't", "pay", "€", "1,299.50", "for", "a", "well-made", "“", "café", "”", "(", "x", "_", "1", ")", "!")
    ]
    assert text.words(" \n") == []


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("हिन्दी भाषा, don't", ["हिन्दी", "भाषा", ",", "don't"]),
        ("l'e\u0301te\u0301 d'un cafe\u0301-cre\u0300me", ["l'été", "d'un", "café-crème"]),
        ("q\u0307-q\u0307y 3 \u2764\ufe0f", ["q\u0307-q\u0307y", "3", "\u2764", "\ufe0f"]),
    ],
)
def test_a_letter_keeps_its_marks(sentence, expected):
    assert text.words(sentence) == expected


def test_a_vocabulary_has_the_special_symbols_then_the_frequent_then_the_alphabet():
    assert Vocabulary.build(["banana", "cab"]).symbols == (*SPECIAL, "a", "b", "n", "c")
    assert Vocabulary.build([["to", "be"], ["or", "not", "to", "be"]]).symbols == (*SPECIAL, "be", "to", "not", "or")
    assert tuple(map(SPECIAL.index, ("<PAD>", "<UNK>", "<SOS>", "<EOS>"))) == (PAD, UNK, SOS, EOS)


def test_rare_symbols_are_left_out_and_a_size_counts_the_special_ones():
    assert Vocabulary.build(["banana", "cab"], minimum=2).symbols == (*SPECIAL, "a", "b", "n")
    assert Vocabulary.build(["banana", "cab"], size=6).symbols == (*SPECIAL, "a", "b")
    assert len(Vocabulary.build(["banana", "cab"], size=100)) == 8


def test_known_text_survives_coding_and_the_unknown_becomes_unk():
    vocabulary = Vocabulary.build(["banana", "cab"])
    tokens = vocabulary.encode("cabana")
    assert tokens.dtype == np.int32
    assert tokens.tolist() == [7, 4, 5, 4, 6, 4]
    assert "".join(vocabulary.decode(tokens)) == "cabana"
    np.testing.assert_array_equal(vocabulary.encode_known("cabana"), tokens)
    assert vocabulary.encode("caña").tolist() == [7, 4, UNK, 4]
    assert vocabulary.decode(vocabulary.encode("caña")) == ["c", "a", "<UNK>", "a"]
    assert vocabulary.encode("").shape == (0,)


def test_asked_strictly_the_unknown_is_named_with_its_index_but_unk_itself_is_known():
    vocabulary = Vocabulary.build(["banana", "cab"])
    with pytest.raises(InputError, match="'ñ' at index 2 is not among the 8 symbols"):
        vocabulary.encode_known("caña")
    assert vocabulary.encode_known(["a", "<UNK>"]).tolist() == [4, UNK]


def test_decoding_ends_at_eos_and_shows_neither_padding_nor_start():
    vocabulary = Vocabulary.build(["ab"])
    assert vocabulary.decode([SOS, 4, PAD, 5, UNK, EOS, 4, EOS]) == ["a", "b", "<UNK>"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [([4, 6], "token 6 at index 1"), ([-1], "token -1 at index 0"), ([EOS, 9], "token 9 at index 1")],
)
def test_a_token_out_of_range_is_named_with_its_index_even_after_eos(tokens, message):
    with pytest.raises(InputError, match=f"{message} is out of range: expected 0 … 5"):
        Vocabulary.build(["ab"]).decode(tokens)


def test_a_token_out_of_range_in_a_batch_is_named_with_its_row_and_time():
    with pytest.raises(InputError, match=r"token 6 at index \(1, 0\)"):
        text.check_tokens(np.array([[0, 5], [6, 7]]), 6)
    text.check_tokens(np.array([[0, 5]]), 6)


def test_a_saved_vocabulary_comes_back_whatever_its_symbols(tmp_path):
    odd = ("\n", "\r\n", "\u2028", " ", "", '"', "\\", "é", "\ud800", "\x00")
    vocabulary = Vocabulary(SPECIAL + odd)
    vocabulary.save(tmp_path / "v.json")
    assert Vocabulary.load(tmp_path / "v.json") == vocabulary


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read as a vocabulary"),
        ("a\nb", "can't be read as a vocabulary"),
        ('{"a": 4}', "expected a JSON list of symbols"),
        ("[1, 2]", "expected a JSON list of symbols"),
        ('["a", "b"]', "a vocabulary begins with <PAD>, <UNK>, <SOS>, <EOS>"),
        (json.dumps([*SPECIAL, "a", "b", "a"]), "the symbol 'a' is in the vocabulary twice"),
    ],
)
def test_a_file_that_holds_no_vocabulary_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "v.json").write_text(content)
    with pytest.raises(InputError, match=message):
        Vocabulary.load(tmp_path / "v.json")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vocabulary.build([]), "no text: a vocabulary needs a symbol"),
        (lambda: Vocabulary.build(["", ""]), "no text"),
        (lambda: Vocabulary.build(["abc"], minimum=2), "minimum 2 and size None leave none of 3 symbols"),
        (lambda: Vocabulary.build(["abc"], size=3), "size 3 leave none"),
        (lambda: text.pad([]), "no sequences"),
        (lambda: text.pad([[1], [2, 3, 4], [5]], 2), "sequence 1 has 3 symbols, 2 at most"),
    ],
)
def test_what_cannot_be_made_is_explained(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_padding_follows_each_sequence_and_the_lengths_tell_where():
    tokens, lengths = text.pad([[5, 6, 7], [], np.array([8])])
    assert (tokens.dtype, lengths.dtype) == (np.int32, np.int32)
    np.testing.assert_array_equal(tokens, [[5, 6, 7], [PAD] * 3, [8, PAD, PAD]])
    np.testing.assert_array_equal(lengths, [3, 0, 1])
    wide, same = text.pad([[5, 6, 7], [], [8]], limit=5)
    np.testing.assert_array_equal(wide, np.pad(tokens, ((0, 0), (0, 2))))
    np.testing.assert_array_equal(same, lengths)


@pytest.fixture
def sentences():
    lengths = np.random.default_rng(0).integers(1, 40, 103)
    rows = [np.full(length, 4 + row, np.int32) for row, length in enumerate(lengths)]
    tokens, length = text.pad(rows)
    return Arrays({"tokens": tokens, "length": length, "id": np.arange(103)})


def epoch_of(buckets, epoch, seed=3):
    steps = buckets.steps_per_epoch
    return [buckets.batch(step, seed) for step in range(epoch * steps, (epoch + 1) * steps)]


def test_buckets_show_each_example_once_an_epoch_whole_and_in_few_shapes(sentences):
    buckets = Buckets(sentences, 8)
    for epoch in range(2):
        batches = epoch_of(buckets, epoch)
        real = [batch["id"][batch["mask"] == 1] for batch in batches]
        np.testing.assert_array_equal(np.sort(np.concatenate(real)), np.arange(103))
        assert {len(batch["tokens"]) for batch in batches} == {8}
        assert len({batch["tokens"].shape for batch in batches}) <= 4
        for batch in batches:
            time = batch["tokens"].shape[1]
            np.testing.assert_array_equal((batch["tokens"] == (4 + batch["id"])[:, None]).sum(1), batch["length"])
            np.testing.assert_array_equal(batch["tokens"], sentences.fields["tokens"][batch["id"], :time])


def test_buckets_hold_examples_of_similar_length_so_that_less_is_padding(sentences):
    places = sum(batch["tokens"].size for batch in epoch_of(Buckets(sentences, 2), 0))
    one = sum(batch["tokens"].size for batch in epoch_of(Buckets(sentences, 2, buckets=1), 0))
    assert places < 0.7 * one
    spread = [np.ptp(batch["length"]) for batch in epoch_of(Buckets(sentences, 8), 0)]
    assert max(spread) <= 12


def test_the_batches_of_buckets_depend_on_seed_and_epoch_alone(sentences):
    def ids(buckets, epoch, seed):
        return tuple(np.concatenate([batch["id"] for batch in epoch_of(buckets, epoch, seed)]).tolist())

    orders = {(epoch, seed): ids(Buckets(sentences, 8), epoch, seed) for epoch in (0, 1) for seed in (0, 1)}
    assert len(set(orders.values())) == 4
    again = Buckets(sentences, 8)
    assert all(ids(again, epoch, seed) == order for (epoch, seed), order in reversed(orders.items()))
    shapes = [[batch["tokens"].shape for batch in epoch_of(again, epoch)] for epoch in (0, 1)]
    assert shapes[0] != shapes[1]  # the order of the batches is drawn anew, not that of the examples alone
    together = [{frozenset(batch["id"].tolist()) for batch in epoch_of(again, epoch)} for epoch in (0, 1)]
    assert not together[0] & together[1]  # and so is which examples share one


def test_buckets_resume_from_their_state_and_share_batches_among_hosts(sentences):
    buckets = Buckets(sentences, 8)
    running = buckets.iterate(seed=5)
    first = [next(running) for _ in range(20)]
    resumed = buckets.iterate(seed=5)
    resumed.set_state({"next_batch": 7})
    hosts = [buckets.iterate(5, process, 2) for process in range(2)]
    for step, batch in enumerate(first):
        halves = [next(host)["id"] for host in hosts]
        np.testing.assert_array_equal(np.concatenate(halves), batch["id"])
        if step >= 7:
            np.testing.assert_array_equal(next(resumed)["tokens"], batch["tokens"])
    with pytest.raises(InputError, match="can't be shared by 3 processes"):
        buckets.iterate(5, 0, 3)


def test_only_the_named_fields_are_cut(sentences):
    fields = {**sentences.fields, "tags": sentences.fields["tokens"], "vector": np.zeros((103, 99))}
    batch = Buckets(Arrays(fields), 8, cut=("tokens", "tags")).batch(0, 0)
    assert batch["tags"].shape == batch["tokens"].shape
    assert batch["vector"].shape == (8, 99)


@pytest.mark.parametrize("options", [{"buckets": 0}, {"buckets": 13}, {"batch_size": 104, "buckets": 1}])
def test_buckets_too_small_for_a_batch_are_refused(sentences, options):
    with pytest.raises(InputError, match="give fewer buckets or a smaller batch size"):
        Buckets(sentences, **{"batch_size": 8, **options})


def test_pairs_share_a_vocabulary_and_their_targets_begin_and_end():
    parts = [[("ab", ("ba",)), ("abc", ("c",))], [("c", ("ab", "ba"))], [("bz", ("a", "b", "c"))]]
    pairs = text.Pairs.build(parts, list)
    a, b, c = (pairs.vocabulary.encode(letter)[0] for letter in "abc")
    np.testing.assert_array_equal(pairs.train.fields["source"], [[a, b, PAD], [a, b, c]])
    np.testing.assert_array_equal(pairs.train.fields["target"], [[SOS, b, a, EOS], [SOS, c, EOS, PAD]])
    np.testing.assert_array_equal(pairs.train.fields["source_length"], [2, 3])
    np.testing.assert_array_equal(pairs.train.fields["target_length"], [4, 3])
    np.testing.assert_array_equal(pairs.test.fields["source"], [[b, UNK, PAD]])  # the vocabulary is that of train
    np.testing.assert_array_equal(pairs.dev.fields["target"], [[SOS, a, b, EOS]])
    assert pairs.references == {"dev": (("ab", "ba"),), "test": (("a", "b", "c"),)}
