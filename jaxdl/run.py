"""From a command line to a finished run directory: `run(build, Config)` is the last line of every experiment."""

import dataclasses
import faulthandler
import importlib
import inspect
import itertools
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NoReturn, cast

import jax
import jax.numpy as jnp
import tyro

from jaxdl import flags
from jaxdl.check.columns import align
from jaxdl.errors import Diverged, InputError, Preempted, StorageError, chosen
from jaxdl.report import page
from jaxdl.report.words import number
from jaxdl.task import Task
from jaxdl.train import processes, workdir
from jaxdl.train import state as states
from jaxdl.train.dry_run import describe
from jaxdl.train.loop import Result, fit
from jaxdl.train.settings import Run
from jaxdl.train.transfer import load_parameters
from jaxdl.typing import ModelState, Params

EXIT_CODES: dict[type[BaseException], int] = {
    StorageError: 1,
    InputError: 2,
    Diverged: 3,
    Preempted: 75,
    KeyboardInterrupt: 75,
}


Build = Callable[[Any], Task]
"""build(config) -> Task: one training."""

Main = Callable[[Any, Run], tuple[Sequence[str], Mapping[str, Any]]]
"""main(config, run) -> (findings, {title: figure}): several trainings compared, or none."""


def run(
    experiment: Build | Main,
    config_type: type,
    argv: Sequence[str] | None = None,
    presets: Mapping[str, Any] = MappingProxyType({}),
) -> NoReturn:
    """Parses the command line into a configuration and the common flags, does the experiment, writes its report.

    presets  configurations by name: `--preset NAME` starts from that one, and the other flags change it

    Ends the process: 0 done, 1 crash or disk full, 2 bad input, 3 diverged, 75 preempted and saved.
    """
    code, failed = 0, None
    try:
        _run(experiment, config_type, sys.argv[1:] if argv is None else argv, presets)
    except tuple(EXIT_CODES) as error:
        failed = next(kind for kind in EXIT_CODES if isinstance(error, kind))
        code = EXIT_CODES[failed]
        print(f"{name_of(experiment)}{processes.name()}: {error or 'interrupted'}", file=sys.stderr)
    except Exception as error:
        traceback.print_exc()
        if processes.name():
            print(f"{name_of(experiment)}{processes.name()}: {type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    alone = jax.distributed.is_initialized() and failed is not Preempted  # they have saved the same step, and all leave
    if failed is StorageError or (code and alone):
        # The ordinary way out waits: for libraries' threads that can't write either, and complain at length; or for
        # the other processes, which wait for this one.
        os._exit(code)
    sys.exit(code)


def _run(experiment: Build | Main, config_type: type, argv: Sequence[str], presets: Mapping[str, Any]) -> None:
    signal.signal(signal.SIGTERM, _stop_before_training)
    faulthandler.register(signal.SIGUSR1, file=sys.__stderr__ or sys.stderr, all_threads=True)
    logging.basicConfig(format="%(message)s", level=logging.WARNING, force=True)
    logging.getLogger("absl").setLevel(logging.CRITICAL)  # Orbax logs the traceback of what it then raises
    doc = inspect.getdoc(sys.modules[experiment.__module__]) or ""
    name = name_of(experiment)
    config, settings = parse(config_type, argv, name, doc, presets)
    described = {"experiment": name, "doc": doc.partition("\n")[0], "config": plain(config)}
    settings = dataclasses.replace(settings, experiment=described)
    use_compile_cache()
    if not settings.dry_run:
        processes.start()
    if len(inspect.signature(experiment).parameters) == 2:
        if settings.dry_run:
            whole = {**described, "settings": settings.settings, "run directory": str(settings.directory)}
            print(json.dumps(whole, indent=2))
        else:
            compare(cast(Main, experiment), config, settings)
        return
    task = cast(Build, experiment)(config)
    if settings.dry_run:
        print(describe(task, settings))
        return
    print(f"run directory: {settings.directory}", flush=True)
    finish(task, fit(task, settings))


def finish(task: Task, result: Result) -> None:
    """Prints what came out and writes the report."""
    state = jax.tree.map(jnp.asarray, states.on_host(result.state._replace(opt_state=None, carry=None)))
    if not processes.is_first():
        return
    print(as_table(result.metrics))
    print("  ".join(f"{name} {number(value)}" for name, value in result.facts.items()))
    figures = task.figures(state.params, state.model_state) if task.figures else {}
    print(f"report: {page.write(result.directory, figures)}")


def as_table(metrics: Mapping[str, float]) -> str:
    """{"test/accuracy": …} as rows of sets and columns of metrics."""
    names = [key.split("/", 1) for key in metrics]
    sets, columns = dict.fromkeys(name for name, _ in names), dict.fromkeys(metric for _, metric in names)
    rows = [[name, *(f"{metrics.get(f'{name}/{metric}', float('nan')):.4f}" for metric in columns)] for name in sets]
    return align([["", *columns], *rows])


def compare(main: Main, config: Any, settings: Run) -> None:
    """Runs an experiment that has a `main`, prints its findings and writes the report."""
    loaded = getattr(config, "load", None)
    if loaded and loaded.resolve() == settings.directory.resolve():
        raise InputError(f"--workdir {loaded} is the run to be loaded, whose report this would replace: give another")
    with workdir.held(settings.directory, settings.experiment.get("experiment"), settings.fresh) as directory:
        path = directory / "config.json"
        before, described = workdir.read_json(path), {**settings.experiment, "settings": settings.settings}
        if processes.is_first():
            workdir.write_json(path, described)
        try:
            findings, figures = main(config, settings)
        except InputError:  # then the trainings that lie here are still those that it described before
            if processes.is_first():
                workdir.write_json(path, before or described)
            raise
        for finding in findings:
            print(finding)
        if processes.is_first():
            print(f"report: {page.write(directory, figures, findings)}")


def parse(
    config_type: type, argv: Sequence[str], name: str, doc: str, presets: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Any, Run]:
    """(config, run) from the command line. InputError has one line and a suggestion for anything wrong in it."""
    if presets:
        doc += f"\n\n--preset NAME starts from another configuration: {', '.join(presets)}."
    _check_workdir(argv)
    preset, argv = _preset(argv, presets)
    twice = {f.name for f in dataclasses.fields(config_type)} & {f.name for f in dataclasses.fields(Run)}
    if twice:
        raise InputError(
            f"{config_type.__name__} has {', '.join(sorted(twice))}, which every run has: choose other names"
        )
    flat = tyro.conf.arg(name="")
    groups = [("config", Annotated[config_type, flat]), ("run", Annotated[Run, flat])]
    kind = dataclasses.make_dataclass("Flags", groups)
    both = flags.parse(kind, argv, f"experiments.{name}", doc, None if preset is None else kind(preset, Run()))
    if (seeds := getattr(both.config, "seeds", 1)) < 1:
        raise InputError(f"--seeds {seeds}: expected 1 or more")
    return both.config, both.run


def _check_workdir(argv: Sequence[str]) -> None:
    """Refuses what pathlib would take for a directory here: nothing, and the address of a bucket."""
    words = [word for arg in argv for word in (arg.split("=", 1) if arg.startswith("--workdir=") else [arg])]
    for flag, value in itertools.pairwise(words):
        if flag == "--workdir" and not value:
            raise InputError("--workdir '': expected a directory, such as runs/mine")
        if flag == "--workdir" and "://" in value:
            raise InputError(f"--workdir {value}: expected a directory of this machine; mount it, and give its path")


def _preset(argv: Sequence[str], presets: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The configuration that --preset names, or None, and the other arguments."""
    words = [word for arg in argv for word in (arg.split("=", 1) if arg.startswith("--preset=") else [arg])]
    if not presets or "--preset" not in words:
        return None, list(argv)
    place = words.index("--preset")
    if place + 1 == len(words):
        raise InputError(f"--preset: expected one of {', '.join(presets)}")
    return chosen("preset", words[place + 1], presets), words[:place] + words[place + 2 :]


def finished(directory: Path) -> tuple[Task, Params, ModelState]:
    """(task, params, model_state) of an earlier run: its task built again, and its newest weights or its best.

    InputError where there is no run, for one that compared several trainings, and where nothing was saved.
    """
    try:
        described = json.loads((directory / "config.json").read_text())
        name, values = described["experiment"], described["config"]
        module = importlib.import_module(f"experiments.{name}")
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{directory}: expected the directory of a run, with its config.json") from None
    except ModuleNotFoundError as error:
        raise InputError(f"{directory}: {error.name} is not here: run it from where the experiment is") from None
    if not hasattr(module, "build") or hasattr(module, "main"):
        raise InputError(f"{directory}: {name} is no single training; expected a run of one that has a build")
    weights = load_parameters(directory)
    return module.build(flags.from_plain(module.Config, values)), *weights


def name_of(experiment: Build | Main) -> str:
    """`vision.lenet5` for experiments/vision/lenet5.py, also when it runs as `__main__`."""
    module = sys.modules[experiment.__module__]
    spec = module.__spec__
    full = spec.name if spec is not None else Path(str(module.__file__)).stem
    return full.removeprefix("experiments.")


def plain(value: Any) -> Any:
    """A configuration as JSON has it."""
    return json.loads(json.dumps(dataclasses.asdict(value), default=str))


def use_compile_cache() -> None:
    """Keeps compiled programs in the user's cache directory, so that the second start of an experiment is quick."""
    if not jax.config.values["jax_compilation_cache_dir"]:
        try:
            home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        except RuntimeError:  # a user without a home: nothing is kept
            return
        jax.config.update("jax_compilation_cache_dir", str(home / "jaxdl" / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _stop_before_training(number: int, frame: object) -> NoReturn:
    if jax.distributed.is_initialized():  # the others know nothing of it, and the ordinary way out waits for them
        print(f"SIGTERM outside training{processes.name()}; nothing is lost", file=sys.stderr, flush=True)
        os._exit(EXIT_CODES[Preempted])
    raise Preempted("SIGTERM outside training; nothing is lost")
