"""Sequences out of models: sampling."""
