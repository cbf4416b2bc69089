"""The computation graph gives the worked numbers, and trains a network as autodiff does."""

import pytest

from experiments.foundations.computation_graph import EXAMPLES, Config, measure, tell, work

CONFIG = Config(seeds=2, hidden=(8,), steps=40, timings=1)


@pytest.mark.parametrize(
    ("title", "values", "gradients"),
    [
        ("J = 3(a + bc)", {"u": 6, "v": 11, "J": 33}, {"v": 3, "a": 3, "b": 6, "c": 9, "3": 11}),
        (
            "two apples at 100 with 10 % tax",
            {"apples": 200, "total": 220},
            {"apples": 1.1, "price": 2.2, "count": 110, "tax": 200},
        ),
    ],
)
def test_the_drawn_graphs_carry_the_worked_numbers(title, values, gradients):
    forward, backward = work(EXAMPLES[title])
    assert {name: forward[name] for name in values} == pytest.approx(values)
    assert {name: backward[name] for name in gradients} == pytest.approx(gradients)


@pytest.fixture(scope="module")
def measured():
    return measure(CONFIG)


def test_training_by_the_graph_follows_autodiff_to_rounding_with_as_many_operations(measured):
    assert measured["float64"].shape == measured["float32"].shape == (2, 40)
    assert measured["float64"].max() < 1e-12
    assert 1e-12 < measured["float32"].max() < 1e-5
    assert measured["accuracy"].min() > 0.7
    assert measured["flops"] == pytest.approx(1, abs=0.1)


def test_its_findings_give_the_numbers_and_every_figure_draws(measured):
    findings, figures = tell(CONFIG, measured)
    assert "J = 3(a + bc) at a = 5, b = 3, c = 2 is 33" in findings[0]
    for drawn in figures.values():
        drawn.canvas.draw()
    graphs, followed = figures.values()
    assert {"price", "100", "2.2", "count", "2", "110", "220"} <= {
        text.get_text().strip() for text in graphs.axes[1].texts
    }
    assert [len(line.get_xdata()) for line in followed.axes[0].lines] == [40, 40]
