"""--dry-run describes a training without one."""

import re

from jaxdl.train.dry_run import describe
from jaxdl.train.settings import Run


def test_it_names_every_parameter_shape_and_cost_and_leaves_nothing_behind(make_task, tmp_path):
    text = describe(make_task(steps=9), Run(tmp_path / "run", mesh="data=2"))
    assert re.search(r"Dense_0/kernel +6×16 +float32 +96 +384", text)
    assert re.search(r"total +195 +780", text)  # (6·16 + 16) + (16 + 16) + (16·3 + 3)
    assert "x float32[16, 6]" in text
    assert "9 steps, 3 epochs of 3" in text
    assert "devices: 2 x cpu" in text
    assert f"state: {4 * (195 + 32 + 1) + 8} bytes on every device" in text  # parameters, moments, step; and the key
    flops = int(re.search(r"a step: ([\d,]+) floating-point operations", text).group(1).replace(",", ""))
    assert flops > 2 * 3 * 8 * (6 * 16 + 16 * 3) / 2  # at least the matrix products of half the batch, forward and back
    assert not (tmp_path / "run").exists()
