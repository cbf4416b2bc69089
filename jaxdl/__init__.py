"""Every technique of the deep-learning curriculum as pure, gradient-checked JAX."""
