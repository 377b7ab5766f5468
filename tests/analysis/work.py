"""What generators of work give back."""


def result_of(work):
    """The result of work, without its heartbeats."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
