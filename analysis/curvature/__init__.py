"""Second derivatives of the loss at the weights of a run, and the rise that noise of one step causes."""
