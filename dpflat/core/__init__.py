"""What one gradient step is made of: attention with prefixes, loss, per-unit gradients, the noisy sum, randomness."""
