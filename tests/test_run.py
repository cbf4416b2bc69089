"""The command line: what it understands, what it refuses, what it prints."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.__main__ import listing
from experiments.foundations import softmax_regression
from experiments.vision import resnet
from jaxdl import flags
from jaxdl.errors import InputError
from jaxdl.optim.chain import Chain
from jaxdl.run import as_table, finished, parse, plain, run, use_compile_cache
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.train.transfer import Transfer

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Config:
    epochs: int = 30
    optimizer: Chain = Chain("adam", learning_rate=3e-3)


def parsed(*argv):
    return parse(Config, argv, "some.experiment", "What it is.")


def test_flags_reach_the_configuration_the_optimiser_and_the_run():
    config, settings = parsed("--epochs", "3", "--optimizer.name", "gd", "--seed", "7", "--parallel", "pmap", "--fresh")
    assert config == Config(3, Chain("gd", learning_rate=3e-3))
    assert (settings.seed, settings.parallel, settings.fresh) == (7, "pmap", True)


def test_without_flags_the_experiment_s_own_defaults_stand():
    config, settings = parsed()
    assert config == Config()
    assert settings.seed == 0


def test_a_word_that_is_like_no_flag_leads_to_help():
    with pytest.raises(InputError, match=r"unknown argument --zzzz: see --help"):
        parsed("--zzzz")


def test_a_configuration_that_hides_a_common_flag_is_refused_in_one_line():
    @dataclass(frozen=True)
    class Hides:
        seed: int = 0

    with pytest.raises(InputError, match="Hides has seed, which every run has"):
        parse(Hides, [], "vision.tiny", "")


def test_a_preset_is_where_the_flags_start_from():
    presets = {"long": Config(epochs=64, optimizer=Chain("gd", learning_rate=0.5))}

    def started(*argv):
        return parse(Config, argv, "some.experiment", "", presets)[0]

    assert started("--preset", "long") == presets["long"]
    assert started("--preset=long", "--epochs", "7", "--seed", "3") == Config(7, presets["long"].optimizer)
    assert started() == Config()
    with pytest.raises(InputError, match=r"unknown preset 'lon': did you mean long\?"):
        started("--preset", "lon")
    with pytest.raises(InputError, match="--preset: expected one of long"):
        started("--preset")


def test_help_says_what_the_experiment_is(capsys):
    with pytest.raises(SystemExit) as stopped:
        parsed("--help")
    assert stopped.value.code == 0
    assert "What it is." in capsys.readouterr().out


def test_the_table_has_a_row_for_each_set_and_a_column_for_each_metric():
    rows = as_table({"dev/loss": 0.5, "dev/accuracy": 0.875, "test/loss": 0.25}).splitlines()
    assert [row.split() for row in rows] == [
        ["loss", "accuracy"],
        ["dev", "0.5000", "0.8750"],
        ["test", "0.2500", "nan"],
    ]
    assert as_table({}) == ""


def test_an_experiment_that_compares_prints_its_findings_and_puts_them_in_the_report(tmp_path, capsys):
    from matplotlib.figure import Figure

    def compare(config: Config, settings) -> tuple:
        return [f"After {config.epochs} epochs nothing was learnt."], {"an empty figure": Figure()}

    with pytest.raises(SystemExit) as stopped:
        run(compare, Config, ["--workdir", str(tmp_path), "--epochs", "5"])
    assert stopped.value.code == 0
    assert "After 5 epochs nothing was learnt." in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text()
    assert "After 5 epochs nothing was learnt." in page
    assert "an empty figure" in page
    assert json.loads((tmp_path / "config.json").read_text())["config"]["epochs"] == 5


def test_a_dry_run_of_an_experiment_that_compares_shows_its_configuration_and_does_nothing(tmp_path, capsys):
    def compare(config: Config, settings) -> tuple:
        raise AssertionError("it trains")

    with pytest.raises(SystemExit) as stopped:
        run(compare, Config, ["--workdir", str(tmp_path / "run"), "--epochs", "5", "--dry-run"])
    assert stopped.value.code == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["config"]["epochs"], shown["run directory"]) == (5, str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_comparison_leaves_another_experiment_s_run_alone(tmp_path, capsys):
    def compare(config: Config, settings) -> tuple:
        return [], {}

    (tmp_path / "lock").touch()
    (tmp_path / "config.json").write_text('{"experiment": "vision.lenet5"}')
    with pytest.raises(SystemExit) as stopped:
        run(compare, Config, ["--workdir", str(tmp_path)])
    assert stopped.value.code == 2
    assert "is of vision.lenet5, not of" in capsys.readouterr().err
    assert (tmp_path / "config.json").read_text() == '{"experiment": "vision.lenet5"}'
    with pytest.raises(SystemExit) as stopped:
        run(compare, Config, ["--workdir", str(tmp_path), "--fresh"])
    assert stopped.value.code == 0


def test_a_comparison_that_is_refused_leaves_the_description_of_the_one_before(tmp_path, capsys):
    def compare(config: Config, settings) -> tuple:
        if config.epochs == 6:
            raise InputError("the trainings here are of another configuration")
        return [], {}

    for epochs, code in ((5, 0), (6, 2)):
        with pytest.raises(SystemExit) as stopped:
            run(compare, Config, ["--workdir", str(tmp_path), "--epochs", str(epochs)])
        assert stopped.value.code == code
    assert json.loads((tmp_path / "config.json").read_text())["config"]["epochs"] == 5


def test_an_experiment_file_without_a_docstring_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "__doc__", None)

    def compare(config: Config, settings) -> tuple:
        return [], {}

    with pytest.raises(SystemExit) as stopped:
        run(compare, Config, ["--workdir", str(tmp_path)])
    assert stopped.value.code == 0
    assert json.loads((tmp_path / "config.json").read_text())["doc"] == ""


@pytest.mark.parametrize(
    "given", [["--workdir", ""], ["--workdir="], ["--workdir", "gs://bucket/run"], ["--workdir=gs://a/b"]]
)
def test_what_is_no_directory_of_this_machine_is_refused(given):
    with pytest.raises(InputError, match=r"--workdir \S+ expected a directory"):
        parsed(*given)


@pytest.mark.parametrize("seeds", ["0", "-1"])
def test_a_comparison_over_no_seed_is_refused(seeds):
    @dataclass(frozen=True)
    class Compares:
        seeds: int = 3

    with pytest.raises(InputError, match=f"--seeds {seeds}: expected 1 or more"):
        parse(Compares, ["--seeds", seeds], "training.tiny", "")


def test_a_user_without_a_home_directory_keeps_no_compiled_programs(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        use_compile_cache()
        assert jax.config.values["jax_compilation_cache_dir"] is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_the_list_has_every_experiment_with_its_promise():
    files = {path for path in (ROOT / "experiments").glob("*/*.py") if path.name != "__init__.py"}
    assert len(listing()) == len(files)
    assert all(promise.endswith(".") for promise in listing().values())
    done = subprocess.run([sys.executable, "-m", "experiments"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "python -m experiments.vision.lenet5" in done.stdout
    assert listing()["vision.lenet5"] in done.stdout


def test_a_configuration_comes_back_from_what_json_made_of_it():
    chain = resnet.PRESETS["resnet20-cifar10"].optimizer
    config = resnet.Config(transfer=Transfer(Path("a"), rates=(("conv*", 0.1),)), optimizer=chain)
    assert flags.from_plain(resnet.Config, json.loads(json.dumps(plain(config)))) == config
    with pytest.raises(InputError, match="Config has no deepness"):
        flags.from_plain(resnet.Config, {"deepness": 3})


def test_a_finished_run_is_built_again_with_its_weights(tmp_path):
    config = softmax_regression.Config(epochs=1)
    described = {"experiment": "foundations.softmax_regression", "config": plain(config)}
    state = fit(softmax_regression.build(config), Run(tmp_path, mesh="data=1", experiment=described)).state
    task, params, _ = finished(tmp_path)
    assert task.steps == int(state.step)
    for ours, theirs in zip(jax.tree.leaves(params), jax.tree.leaves(state.params), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    (tmp_path / "config.json").write_text(json.dumps({"experiment": "training.batch_norm", "config": {}}))
    with pytest.raises(InputError, match="no single training"):
        finished(tmp_path)
