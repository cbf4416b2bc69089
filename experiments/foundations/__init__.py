"""From logistic regression to deep networks."""
