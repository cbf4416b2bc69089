"""One file, one experiment: `python -m experiments` lists them."""

from jaxdl.errors import InputError
from jaxdl.train.memory import keep_freed_memory

keep_freed_memory()  # before anything imports NumPy or JAX, which start threads


def expect(config: object, least: float, *fields: str) -> None:
    """InputError, which names the flag, for a number below `least`, and for a list that is empty or holds such a one.

    For what would else be refused only after the training, or end in a traceback.
    """
    for field in fields:
        value, flag = getattr(config, field), f"--{field.replace('_', '-')}"
        several = value if isinstance(value, tuple) else (value,)
        if not several:
            raise InputError(f"{flag} of nothing: expected one or more")
        if any(isinstance(one, int | float) and not one >= least for one in several):
            raise InputError(f"{flag} {' '.join(map(str, several))}: expected {least:g} or more")
