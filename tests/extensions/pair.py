"""An executor in a file of one's own: two runs at once, each in a worker process of its own."""

from dpflat.execution import jobs
from dpflat.execution.executor import EXECUTORS, Executor


class Pair(Executor):
    words = "two runs at once"
    at_once = 2

    def start(self, folder, store, work):
        jobs.start(folder, store, beside_others=True)


EXECUTORS.register("pair", Pair())
