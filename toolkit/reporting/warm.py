"""How does a kernel start at once? Forked from a process that has imported the libraries and computed nothing.

``python -m toolkit.reporting.warm FD MODULE ...`` is that process: it imports, then forks for everyone who asks at the
socket FD, and ends with all its forks when its standard input does. Linux only.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.provisioning import LocalProvisioner
from traitlets import List, Unicode

from toolkit.errors import ColdError

ADDRESS = "TOOLKIT_WARM"  # the variable that tells a client whom to ask for its kernel
_FROZEN = (  # read once, when the process or a library starts: a fork cannot have them otherwise
    "PYTHONHASHSEED", "PYTHONPATH", "LC_ALL", "LANG", "MPLBACKEND", "MPLCONFIGDIR",
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip
_HARMLESS = {"jemalloc_bg_thd"}  # pyarrow's: it frees memory, and holds no lock over a fork
_LARGEST, _SET_PDEATHSIG, _SET_SUBREAPER, _WAIT = 2**20, 1, 36, 60.0


class Parent:
    """A process with modules imported, to fork from; ``close`` ends it and every fork.

    Parameters
    ----------
    modules
        What to import; a module that does not import is left to the forks.
    env
        Its environment. Hash seed, locale, threads and the like are those of every fork.
    apart
        Has it, and every fork, a folder of its own for matplotlib's settings, as ``self.env`` then says?

    Raises
    ------
    ColdError
        If this machine cannot.
    """

    def __init__(self, modules: Sequence[str], env: Mapping[str, str], *, apart: bool = False):
        if sys.platform != "linux":
            raise ColdError(f"kernels are forked on Linux only, this is {sys.platform}")
        with ExitStack() as undone:
            try:
                self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
                undone.callback(shutil.rmtree, self.folder, ignore_errors=True)
                self.address = str(self.folder / "ask")
                self.env = dict(env) | ({"MPLCONFIGDIR": str(self.folder / "mpl")} if apart else {})
                (self.folder / "mpl").mkdir()
                listening = undone.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
                listening.bind(self.address)  # a path may be too long for a socket
                listening.listen(128)  # who asks while it imports waits
                self._process = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(listening.fileno()), *modules], env=self.env,
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    pass_fds=[listening.fileno()], start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise ColdError(f"{tempfile.gettempdir()}: {error.strerror or error}") from None
            undone.pop_all()
        listening.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def told(self) -> dict[str, str]:
        """What a fork's environment must say beside the rest."""
        return {ADDRESS: self.address, "MPLCONFIGDIR": self.env.get("MPLCONFIGDIR", "")}

    def close(self) -> None:
        """End it and its forks, and remove what it kept."""
        self._process.stdin.close()
        try:
            self._process.wait(_WAIT)
        except subprocess.TimeoutExpired:  # its forks die with it
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Forked:
    """A fork, with what the standard library's ``Popen`` can say of a process; its end is told by its parent."""

    stdin = stdout = stderr = None

    def __init__(self, link: socket.socket, pid: int):
        self.pid, self.returncode, self.memory_mb = pid, None, 0.0
        self._link = link

    def poll(self) -> int | None:
        """Exit code, or minus the signal that killed it; None while it lives."""
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """The same at its end; ``TimeoutExpired`` where that does not come in time."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a fork", timeout)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._link.settimeout(timeout)
            try:
                told = json.loads(self._link.recv(_LARGEST) or b"{}")
            except (TimeoutError, BlockingIOError):
                return None
            except OSError:
                told = {}
            self.returncode = told.get("code", -signal.SIGKILL)  # else its parent was killed, and it with it
            self.memory_mb = told.get("memory_mb", 0.0)
            self._link.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal the fork, if it still lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


def fork(
    address: str, arguments: Sequence[str], *, env: Mapping[str, str], cwd: str, files: Sequence[int], scratch: str = ""
) -> Forked:
    """Run ``python -m arguments`` in a fork of the parent at an address, as leader of a session of its own.

    Parameters
    ----------
    address
        ``Parent.address``.
    arguments
        A module and its arguments.
    env, cwd
        All of its environment, and its working folder.
    files
        File descriptors of standard input, output and error.
    scratch
        A folder that goes with the parent, if it ends before the fork does.

    Raises
    ------
    ColdError
        If there is no parent, or a fork of it would not be what was asked for.
    """
    asked = {"arguments": list(arguments), "env": dict(env), "cwd": cwd, "scratch": scratch}
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        link.settimeout(_WAIT)
        link.connect(address)
        socket.send_fds(link, [json.dumps(asked).encode()], list(files))
        told = json.loads(link.recv(_LARGEST) or b'{"refused": "the process to fork from has ended"}')
    except OSError as error:
        told = {"refused": f"no process to fork from: {error.strerror or error}"}
    if "refused" in told:
        link.close()
        raise ColdError(told["refused"])
    return Forked(link, told["pid"])


class Provisioner(LocalProvisioner):
    """Kernels for any Jupyter client, each forked from the parent that TOOLKIT_WARM names, or from the client's own.

    Where a fork is not to be had the kernel is a plain one, and the client's log says why.
    """

    modules = List(Unicode(), help="what the client's own parent imports").tag(config=True)
    _own: dict[tuple, Parent] = {}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict:
        """Fork the kernel; start it plainly where that cannot be."""
        env, cwd = kwargs.get("env") or dict(os.environ), kwargs.get("cwd") or os.getcwd()
        try:
            if not (os.path.samefile(cmd[0], sys.executable) and cmd[1:3] == ["-m", "ipykernel_launcher"]):
                raise ColdError(f"it is started by {' '.join(cmd[:3])}")
            address = env.get(ADDRESS) or self._parent(env)
            with open(os.devnull) as nothing:
                self.process = fork(address, cmd[2:], env=env, cwd=str(cwd), files=[nothing.fileno(), 1, 2])
        except ColdError as error:
            self.log.warning("a plain kernel, not a warm one: %s", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        self.cwd = cwd
        return self.connection_info

    def _parent(self, env: Mapping[str, str]) -> str:
        key = tuple(env.get(name, "") for name in _FROZEN)
        if key not in self._own:
            self._own[key] = Parent(["ipykernel.kernelapp", *self.modules], env)
            atexit.register(self._own[key].close)
        return self._own[key].address


# -- the process that is forked from -----------------------------------------------------------


def _serve(listening: socket.socket, modules: Sequence[str]) -> list[str]:
    """Import, then fork for who asks. Returns in each fork: what it is to run; the process itself never does."""
    folder = Path(listening.getsockname()).parent
    for name in modules:
        with suppress(ImportError):
            importlib.import_module(name)
        if select.select([sys.stdin], [], [], 0)[0]:  # who started us is gone already
            _end({folder})
    files = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    seen = {path: _changed(path) for path in files}
    _prctl(_SET_SUBREAPER, 1)
    gc.collect()
    gc.freeze()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = selectors.DefaultSelector()
    for one in (sys.stdin.fileno(), woken, listening):
        waiting.register(one, selectors.EVENT_READ)
    links: dict[socket.socket, int] = {}
    scratches = set()
    while True:
        for key, _ in waiting.select():
            if key.fileobj == sys.stdin.fileno():  # who started us is gone
                _end({folder, *scratches})
            elif key.fileobj == woken:
                os.read(woken, 4096)
                _reap(links, waiting)
            elif key.fileobj is listening:
                waiting.register(listening.accept()[0], selectors.EVENT_READ)
            else:
                link, told, files = key.fileobj, b"", []
                if link.fileno() < 0:  # its fork ended in this very round
                    continue
                with suppress(OSError):
                    told, files, _, _ = socket.recv_fds(link, _LARGEST, 3)
                if told and link not in links:
                    asked = json.loads(told)
                    refused = _refused(asked["env"], seen)
                    pid = 0 if refused else os.fork()
                    if not pid and not refused:
                        for one in [*(each.fileobj for each in waiting.get_map().values()), waiting]:
                            if hasattr(one, "close"):  # here: collected later, it would close what has its number then
                                one.close()
                        return _begun(asked, files)
                    with suppress(OSError):  # gone already: that is the next thing heard of it
                        link.sendall(json.dumps({"refused": refused} if refused else {"pid": pid}).encode())
                    for each in files:
                        os.close(each)
                    if not refused:
                        links[link] = pid
                        scratches |= {Path(asked["scratch"])} if asked["scratch"] else set()
                        continue
                elif link in links:  # who asked for it is gone
                    _kill(links.pop(link))
                waiting.unregister(link)
                link.close()


def _reap(links: dict[socket.socket, int], waiting: selectors.BaseSelector) -> None:
    """Tell of the forks that have ended, and leave nothing of their sessions."""
    with suppress(ChildProcessError):
        while (ended := os.wait4(-1, os.WNOHANG))[0]:
            pid, status, used = ended
            for link in [link for link, of in links.items() if of == pid]:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                told = {"code": os.waitstatus_to_exitcode(status), "memory_mb": used.ru_maxrss / 1024}
                with suppress(OSError):
                    link.sendall(json.dumps(told).encode())
                del links[link]
                waiting.unregister(link)
                link.close()


def _kill(pid: int) -> None:
    """Kill a fork and what it began; it may not lead its group yet."""
    for kill in (os.kill, os.killpg):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _end(folders: Iterable[Path]) -> None:
    """End with every fork, and whatever it began; leave nothing."""
    left = psutil.Process().children(recursive=True)
    for one in left:
        with suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(left, timeout=5)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _refused(env: Mapping[str, str], seen: Mapping[str, int]) -> str:
    """Why a fork would not be what a process started with that environment is; '' if it would."""
    for name in _FROZEN:
        if env.get(name, "") != os.environ.get(name, ""):
            return f"{name} is {env.get(name, '')!r}, and {os.environ.get(name, '')!r} in the process to fork from"
    for path, then in seen.items():
        if _changed(path) != then:
            return f"{path} has changed since it was imported"
    others = {int(task.name): (task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()}
    threads = sorted({name for task, name in others.items() if task != os.getpid()} - _HARMLESS)
    return f"the process to fork from runs threads: {', '.join(threads)}" if threads else ""


def _changed(path: str) -> int:
    """When a file was changed, in nanoseconds; -1 if it is not there."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1


def _begun(asked: dict, files: Sequence[int]) -> list[str]:
    """In a fork: become the process that was asked for."""
    parent = os.getppid()
    os.setsid()
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    tempfile.tempdir = None
    if sys.modules.get("rfc3987_syntax", ...) is None:  # as toolkit.reporting leaves it: a kernel may want it
        del sys.modules["rfc3987_syntax"]
    os.chdir(asked["cwd"])
    sys.path[0] = asked["cwd"]
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # random seeds itself
    return asked["arguments"]


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.argv[1:] = _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
