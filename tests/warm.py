"""Processes without their start: one that has loaded everything forks the others, each as new as Python would make it.

A worker takes seven processor seconds to import what it needs, and tests start a hundred. What stands in `PRELOADED` is
only imported: nothing of the lab is read, registered or computed before the fork. What this hides (imports, environment
that is read while loading, limits and flags of an interpreter) is seen by tests that ask for `real_processes`: a run, a
study, an analysis; and an interrupted command.
"""

import atexit
import contextlib
import hashlib
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRELOADED = (
    "streamlit.web.cli", "streamlit.testing.v1", "transformers.models.bert.modeling_bert", "scipy.stats",
    "dpflat.execution.run_job", "dpflat.execution.study_job", "dpflat.training.phases", "dpflat.training.experiment",
    "dpflat.training.recorder", "dpflat.training.cross_check", "dpflat.training.continuation", "analysis.worker",
    "analysis.opening", "app.report.report", "app.terminal.analyze", "plotly.graph_objects",
    "dp_accounting.pld.privacy_loss_distribution",
)  # fmt: skip
ENVIRONMENT = "DPFLAT_TEST_WARM"
STREAMS = 3
_begun, _places = [], []


def serve(address):
    """Answer each request with the id of a new process, and with its exit code once it has ended."""
    for name in PRELOADED:
        importlib.import_module(name)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    selector, asking = selectors.DefaultSelector(), {}
    for source in (listening, woken, sys.stdin.fileno()):
        selector.register(source, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listening:
                connection, _ = listening.accept()
                child = fork(connection, address)
                if child is None:
                    connection.close()
                    continue
                with contextlib.suppress(OSError):  # who asked may be gone
                    connection.sendall(f"{child}\n".encode())
                asking[child] = connection
            elif key.fileobj == woken:
                os.read(woken, 4096)
                tell_ended(asking)
            else:  # the tests are over
                return


def fork(connection, address):
    """A process that does what was asked; gives its id, or None where who asked is gone before all was said."""
    content, streams, _, _ = socket.recv_fds(connection, 1 << 20, STREAMS)
    while not content.endswith(b"\n") and (more := connection.recv(1 << 20)):
        content += more
    child = os.fork() if content.endswith(b"\n") else None
    if child == 0:
        become(json.loads(content), streams, address)
    for stream in streams:
        os.close(stream)
    return child


def tell_ended(asking):
    """Tell who asked for them which processes have ended."""
    for child in list(asking):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            connection = asking.pop(child)
            with contextlib.suppress(OSError):  # who asked may be gone
                connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            connection.close()


def become(wish, streams, address):
    """Do what a new interpreter would do with these arguments, environment, folder and streams; never comes back."""
    code = 1
    try:
        if wish["session"]:
            os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(STREAMS, 4096)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(wish["environment"], **{ENVIRONMENT: address})
        os.chdir(wish["folder"])
        encoding = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")[0] or "utf-8"
        sys.stdin, sys.stdout = os.fdopen(0, encoding=encoding), os.fdopen(1, "w", 1, encoding)
        sys.stderr = os.fdopen(2, "w", 1, encoding, "backslashreplace")
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
        time.tzset()
        install()
        compose_once()
        code = do(wish["arguments"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except KeyboardInterrupt:
        traceback.print_exc()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def do(arguments):
    """Run `-W x`, `-m module ...` or `-c code ...`."""
    while arguments[0] == "-W":
        warnings.simplefilter(arguments[1])
        arguments = arguments[2:]
    how, what, *rest = arguments
    if how == "-m":
        sys.argv = [what, *rest]
        sys.path[0] = str(Path.cwd())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*found in sys.modules", category=RuntimeWarning)
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        return 0
    sys.argv = ["-c", *rest]
    sys.path[0] = ""
    main = sys.modules["__main__"]
    exec(compile(what, "<string>", "exec"), vars(main))
    return 0


class Process:
    """As much of `subprocess.Popen` as is asked of it, by whoever starts Python through `Popen`."""

    def __init__(self, arguments, *, stdin=None, stdout=None, stderr=None, cwd=None, env=None, start_new_session=False):
        wish = {
            "arguments": [str(argument) for argument in arguments[1:]],
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "session": start_new_session,
        }
        wanted = [place for place, stream in ((1, stdout), (2, stderr)) if stream == subprocess.PIPE]
        self._said = {place: tempfile.TemporaryFile() for place in wanted}  # noqa: SIM115  read once it has ended
        streams = (stdin, self._said.get(1, stdout), self._said.get(2, stderr))
        opened = [descriptor_of(stream, place) for place, stream in enumerate(streams)]
        self._connection = connect(begin())
        socket.send_fds(self._connection, [json.dumps(wish).encode() + b"\n"], [number for number, _ in opened])
        for number, ours in opened:
            if ours:
                os.close(number)
        self._heard, self.returncode = b"", None
        while b"\n" not in self._heard:
            self._hear()
        first, self._heard = self._heard.split(b"\n", 1)
        self.pid = int(first)
        self._connection.setblocking(False)

    def _hear(self):
        heard = self._connection.recv(64)
        if not heard:
            raise RuntimeError("The process that forks has ended.")
        self._heard += heard

    def poll(self):
        """The exit code; None while it lives."""
        if self.returncode is None:
            try:
                while b"\n" not in self._heard:
                    self._hear()
            except BlockingIOError:
                return None
            self.returncode = int(self._heard)
            self._connection.close()
        return self.returncode

    def wait(self, timeout=None):
        """The exit code, once it has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("warm", timeout)
            time.sleep(0.005)
        return self.returncode

    def communicate(self, timeout=None):
        """What it wrote to the streams that were to be pipes, once it has ended."""
        self.wait(timeout)
        for file in self._said.values():
            file.seek(0)
        said = {place: file.read().decode(errors="replace") for place, file in self._said.items()}
        return said.get(1), said.get(2)

    def send_signal(self, number):
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self):
        """End it."""
        self.send_signal(signal.SIGKILL)


def descriptor_of(stream, place):
    """A file descriptor for a stream, and whether it is ours to close."""
    if stream is None:
        return place, False
    if stream == subprocess.DEVNULL:
        return os.open(os.devnull, os.O_RDWR), True
    if stream == subprocess.STDOUT:
        raise ValueError("give the file of stdout")
    return (stream if isinstance(stream, int) else stream.fileno()), False


def run(arguments, *, said="", timeout=240, **more):
    """As `subprocess.run` with captured text: `said` is its input."""
    with tempfile.TemporaryFile() as given:
        given.write(said.encode())
        given.seek(0)
        process = Process(arguments, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        try:
            out, err = process.communicate(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def run_as_asked(arguments, **_):
    """As `dpflat.execution.jobs.ask` runs it."""
    return run(arguments)


def run_new(arguments, *, said="", **more):
    """The same in a new interpreter, for tests of what is loaded."""
    return subprocess.run(arguments, input=said, capture_output=True, text=True, check=False, timeout=240, **more)


class Subprocess:
    """The module `subprocess` for `jobs`: what it starts is forked, where no test has replaced `Popen`."""

    real = {"Popen": subprocess.Popen, "run": subprocess.run}

    def __getattr__(self, name):
        if getattr(subprocess, name) is self.real.get(name):
            return {"Popen": Process, "run": run_as_asked}[name]
        return getattr(subprocess, name)


def install():
    """Let workers be forked from here on."""
    from dpflat.execution import jobs

    jobs.subprocess = Subprocess()


def connect(address):
    """A connection to the process that forks, once that has loaded everything."""
    connection, deadline = socket.socket(socket.AF_UNIX), time.monotonic() + 90
    while True:
        try:
            connection.connect(address)
        except OSError:
            if time.monotonic() > deadline or any(server.poll() is not None for server in _begun):
                raise
            time.sleep(0.05)
        else:
            return connection


def choose_place():
    """Where the processes of one session meet: the socket, and what they have composed."""
    folder = tempfile.TemporaryDirectory(prefix="warm")
    os.environ[ENVIRONMENT] = f"{folder.name}/s"
    _places.append(folder)


def begin():
    """The address of the process that forks, which the first to ask for it starts."""
    address = os.environ[ENVIRONMENT]
    with contextlib.suppress(FileExistsError):
        Path(address).with_name("begun").touch(exist_ok=False)
        command = [sys.executable, "-c", f"from tests.warm import serve; serve({address!r})"]
        _begun.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
    return address


def end():
    """End it, if it was started here, and leave nothing."""
    while _begun:
        server = _begun.pop()
        server.stdin.close()
        server.wait(timeout=20)
    while _places:
        _places.pop().cleanup()


def compose_once():
    """Compose PLD and PRV, which are the same for all runs of the same plan, once for all processes."""
    from dpflat.training import cross_check

    for name in ("pld_epsilon", "prv_epsilon"):
        setattr(cross_check, name, kept(getattr(cross_check, name)))


def kept(compute):
    """The same function, its answers kept in files."""

    def answer(*given):
        asked = hashlib.sha256(f"{compute.__name__}{given!r}".encode()).hexdigest()
        file = Path(os.environ[ENVIRONMENT]).with_name(asked)
        if not file.exists():
            draft = file.with_name(f"{asked}.{os.getpid()}")
            draft.write_text(json.dumps(compute(*given)))
            draft.replace(file)
        return json.loads(file.read_text())

    return answer
