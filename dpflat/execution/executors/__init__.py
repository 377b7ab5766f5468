"""The executors that come with the lab, one module each."""
