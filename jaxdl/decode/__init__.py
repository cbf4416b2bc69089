"""Sequences out of models: drawn, searched for, read from a CTC network."""
