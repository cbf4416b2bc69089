"""One file, one experiment: `python -m experiments` lists them."""
