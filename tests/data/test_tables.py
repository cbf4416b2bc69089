import numpy as np
import pytest
import sklearn.datasets

from jaxdl.data import images, sets, tables
from jaxdl.data.parts import statistics
from jaxdl.data.source import Arrays
from jaxdl.data.split import split
from jaxdl.errors import InputError

READ = {
    "breast_cancer": lambda: sklearn.datasets.load_breast_cancer(),
    "iris": lambda: sklearn.datasets.load_iris(),
    "wine": lambda: sklearn.datasets.load_wine(),
    "diabetes": lambda: sklearn.datasets.load_diabetes(scaled=False),
}
ROWS = np.random.Generator(np.random.Philox(0)).normal([5.0, -2.0, 0.01], [3.0, 0.5, 1e-4], (50, 3)).astype(np.float32)
LABELS = (np.arange(50) % 2).astype(np.int32)


def parts(data):
    return data.train, data.dev, data.test


@pytest.mark.parametrize("name", READ)
def test_a_bundled_table_is_scikit_learns(name):
    read = READ[name]()
    stored = list(sets.find(name).as_data_source("train"))
    np.testing.assert_array_equal(np.stack([row["x"] for row in stored]), read.data.astype(np.float32))
    outcome = "target" if name == "diabetes" else "label"
    np.testing.assert_array_equal([row[outcome] for row in stored], read.target)
    data = tables.load(name, fractions=(0.5, 0.25, 0.25))
    assert data.feature_names == tuple(read.feature_names)
    assert data.class_names == (() if name == "diabetes" else tuple(read.target_names))
    assert data.shape == read.data.shape[1:]
    assert sum(map(len, parts(data))) == len(read.data)


def test_a_table_without_classes_has_a_target_and_is_divided_whole():
    data = tables.load("diabetes")
    assert (data.classes, data.class_names) == (0, ())
    targets = np.concatenate([part.fields["target"] for part in parts(data)])
    np.testing.assert_array_equal(np.sort(targets), np.sort(READ["diabetes"]().target))
    assert [len(part) for part in parts(data)] == [265, 89, 88]


def test_every_part_is_scaled_by_the_mean_and_std_of_the_training_rows_alone():
    raw, scaled = (tables.load("wine", standardize=flag) for flag in (False, True))
    np.testing.assert_array_equal([raw.mean, raw.std], [[0] * 13, [1] * 13])
    train = raw.train.fields["x"].astype(np.float64)
    for before, after in zip(parts(raw), parts(scaled), strict=True):
        expected = (before.fields["x"] - train.mean(0)) / train.std(0)
        np.testing.assert_allclose(after.fields["x"], expected, atol=1e-4)
        assert after.fields["x"].dtype == np.float32
    assert np.abs(scaled.test.fields["x"].mean(0)).max() > 0.05  # its own statistics would give zero


def test_other_dev_and_test_rows_leave_the_statistics_as_they_are():
    train = split(LABELS)[0]
    changed = np.where(np.isin(np.arange(50), train)[:, None], ROWS, ROWS + 1000)
    one, other = (tables.prepared(Arrays({"x": x, "label": LABELS}), ("no", "yes")) for x in (ROWS, changed))
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.std, other.std)
    assert other.test.fields["x"].min() > 100


def test_a_feature_without_variance_in_train_becomes_zero_there_and_stays_finite_elsewhere():
    x = np.array([[0.1, 7.0, 0.0]] * 10, np.float32)
    x[:, 1] += np.arange(10)
    data = tables.prepared(Arrays({"x": x, "label": LABELS[:10]}), ("no", "yes"))
    np.testing.assert_allclose(data.train.fields["x"][:, [0, 2]], 0, atol=1e-6)
    np.testing.assert_array_equal(data.std[[0, 2]], 1)
    np.testing.assert_allclose(data.train.fields["x"][:, 1].std(), 1, rtol=1e-5)
    assert np.isfinite(data.test.fields["x"]).all()


def test_what_is_constant_has_a_std_of_1_whatever_rounding_leaves_of_its_variance():
    constant = np.linspace(0.1, 9.0, 50)
    for dtype in (np.float32, np.float64):
        _, std = statistics([np.tile(constant, (700, 1)).astype(dtype)] * 2)
        np.testing.assert_array_equal(std, 1)


def test_a_table_in_float64_is_scaled_in_it_and_comes_out_in_float32():
    """float32 has no 1,000,000,001, and no two hours of a Julian date to tell apart."""
    x = np.stack([np.full(50, 1e9 + 1), 2_460_000 + 0.01 * np.arange(50)], 1)
    data = tables.prepared(Arrays({"x": x, "target": np.arange(50.0)}))
    assert not data.train.fields["x"][:, 0].any()
    assert len(np.unique(data.train.fields["x"][:, 1])) == 30
    assert {values.dtype for values in data.train.fields.values()} == {np.dtype(np.float32)}


def test_a_feature_of_tiny_scale_is_scaled_too():
    data = tables.prepared(Arrays({"x": ROWS * np.float32(1e-8), "label": LABELS}), ("no", "yes"))
    np.testing.assert_allclose(data.train.fields["x"].std(0), 1, rtol=1e-3)


def spoilt(row, column, value):
    x = ROWS.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": spoilt(17, 1, np.nan), "label": LABELS}, "x of row 17, weight, is nan"),
        ({"x": spoilt(3, 0, -np.inf), "label": LABELS}, "x of row 3, height, is -inf"),
        ({"x": ROWS, "label": np.where(np.arange(50) == 8, 2, LABELS)}, r"label 2 of row 8 is no class: give 0 … 1"),
        ({"x": ROWS, "label": LABELS - 1}, "label -1 of row 0"),
    ],
)
def test_bad_values_are_named_by_row_and_feature(table, message):
    with pytest.raises(InputError, match=message):
        tables.prepared(Arrays(table), ("no", "yes"), feature_names=("height", "weight", "age"))


def test_a_target_that_is_no_number_is_named():
    with pytest.raises(InputError, match="target of row 2 is nan"):
        tables.prepared(Arrays({"x": ROWS, "target": np.where(np.arange(50) == 2, np.nan, 1).astype(np.float32)}))


def test_a_set_that_is_no_table_is_explained():
    with pytest.raises(InputError, match="'digits' has image, label, not a row x of features"):
        tables.load("digits")
    with pytest.raises(InputError, match="'wine' has x, label, not an image"):
        images.load("wine")
    with pytest.raises(InputError, match="did you mean iris"):
        tables.load("irises")
