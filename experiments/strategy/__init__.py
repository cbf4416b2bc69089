"""Experiments on what to do next: diagnosis, error analysis, metrics and hyperparameters."""
