"""A training from its settings to its last event: forecast, phases, steps, evaluation, what is recorded."""
