"""Jobs, the processes that do them, studies and their executors."""
