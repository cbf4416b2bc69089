"""Training better: regularisation, initialisation, optimisers, learning rates and batches."""
