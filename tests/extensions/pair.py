"""An executor in a file of one's own: two runs at once, each in a worker process of its own."""

from dpflat.execution import jobs
from dpflat.execution.executor import EXECUTORS, Executor
from dpflat.runs.store import Store


class Pair(Executor):
    words = "two runs at once"
    at_once = 2

    def start(self, folder, work):
        jobs.start(folder, Store(folder.parent), beside_others=True)


EXECUTORS.register("pair", Pair())
