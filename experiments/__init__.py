"""One file, one experiment: `python -m experiments` lists them."""

from jaxdl.train.memory import keep_freed_memory

keep_freed_memory()  # before anything imports NumPy or JAX, which start threads
