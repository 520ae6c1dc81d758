"""Servers that tests start for themselves on loopback: PostgreSQL, and a Spark cluster of one master and one worker.

Each is a child of the test process and is killed with it, however that ends.
"""

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

WAIT_S = 90
SMALL_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # small tables: compiling code well costs more than it saves
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def postgres_binaries() -> Path | None:
    """The folder of the newest PostgreSQL server installed, as Debian lays it out; else that of the one on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def missing_for(backend: str) -> str:
    """What is not installed that a backend's server or client needs; '' if nothing."""
    module = {"postgres": "psycopg", "pyspark": "pyspark"}[backend]
    if not importlib.util.find_spec(module):
        return f"no {module}: make .venv/spark.done"
    if backend == "postgres":
        return "" if postgres_binaries() else "no PostgreSQL server: apt-get install postgresql"
    return "" if shutil.which("java") else "no Java: apt-get install default-jre-headless"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _dies_with_us(signal_number: int) -> Callable[[], None]:
    def ask() -> None:  # in the child, after it has become another user: that would undo it
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal_number)

    return ask


@contextmanager
def _child(command: list[str], log: Path, end: signal.Signals, **more) -> Iterator[subprocess.Popen]:
    with log.open("w") as told:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, preexec_fn=_dies_with_us(end), **more
        )  # fmt: skip
    try:
        yield child
    finally:
        child.send_signal(end)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _until(ready: Callable[[], bool], child: subprocess.Popen, log: Path) -> None:
    for _ in range(WAIT_S * 10):
        if ready():
            return
        if child.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{child.args[0]} is not up:\n{log.read_text()[-2000:]}")


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server: its URL. Text sorts there by the rules of a language, as it does at most companies."""
    binaries, port = postgres_binaries(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="tandem-postgres-"))  # not pytest's: another user has to reach it
    server = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    try:
        if server:
            shutil.chown(folder, "postgres", "postgres")
        sort = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        subprocess.run(
            [binaries / "initdb", "-D", folder / "data", "-U", "tandem", "-A", "trust", "-E", "UTF8", "-N", *sort],
            check=True, capture_output=True, cwd=folder, **server,
        )  # fmt: skip
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command, log = [binaries / "postgres", "-D", folder / "data", *options], folder / "log"
        with _child(command, log, signal.SIGQUIT, cwd=folder, **server) as child:
            _until(lambda: _listens(port), child, log)
            yield f"postgres://tandem@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def spark(folder: Path) -> Iterator[str]:
    """A standalone Spark cluster of one master and one worker: its URL, with all that a session of ours needs."""
    home = Path(importlib.util.find_spec("pyspark").origin).parent
    port, java = free_port(), {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    environment = os.environ | java | {"SPARK_HOME": str(home), "SPARK_NO_DAEMONIZE": "1"}
    classes = "org.apache.spark.deploy"
    local = ["--host", "127.0.0.1", "--webui-port", "0"]
    log, command = folder / "master.log", [str(home / "bin" / "spark-class")]
    with ExitStack() as stack:
        master = [*command, f"{classes}.master.Master", *local, "--port", str(port)]
        child = stack.enter_context(_child(master, log, signal.SIGTERM, env=environment, cwd=folder))
        _until(lambda: _listens(port), child, log)
        log = folder / "worker.log"
        worker = [*command, f"{classes}.worker.Worker", *local, "--cores", "2", "--memory", "2g"]
        worker += ["--work-dir", str(folder / "work"), f"spark://127.0.0.1:{port}"]
        child = stack.enter_context(_child(worker, log, signal.SIGTERM, env=environment, cwd=folder))
        _until(lambda: "Successfully registered with master" in log.read_text(), child, log)
        settings = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.executor.memory": "1g",
            "spark.executor.extraJavaOptions": SMALL_JAVA,
        }
        yield f"pyspark://127.0.0.1:{port}?" + "&".join(f"{name}={quote(value)}" for name, value in settings.items())
