"""The same space for Optuna (the extra `optuna`): its samplers and pruners, our trainings."""

from typing import Any

from jaxdl.tune.spaces import Choice, Dimension, Integer, Log, OneMinusLog, Space, Trial, When, check_space


def suggest(trial: Any, space: Space) -> Trial:
    """The values that an `optuna.Trial` suggests for a space: call it in the objective of a study."""
    check_space(space)
    found: Trial = {}
    for name, dimension in space.items():
        if not isinstance(dimension, When) or found.get(dimension.name) == dimension.value:
            found[name] = _suggested(trial, name, dimension)
    return found


def _suggested(trial: Any, name: str, dimension: Dimension) -> Any:
    match dimension:
        case Choice():
            return trial.suggest_categorical(name, list(dimension.options))
        case Integer():
            return trial.suggest_int(name, dimension.low, dimension.high)
        case Log():
            return trial.suggest_float(name, dimension.low, dimension.high, log=True)
        case OneMinusLog():
            return 1 - trial.suggest_float(f"1 - {name}", 1 - dimension.high, 1 - dimension.low, log=True)
        case When():
            return _suggested(trial, name, dimension.dimension)
        case _:
            return trial.suggest_float(name, dimension.low, dimension.high)
