"""Sequences: recurrent networks, language models, word vectors."""
