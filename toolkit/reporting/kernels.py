"""Did a notebook really come to its end? One fresh kernel in a process of its own, watched from outside."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from toolkit.company import Limits
from toolkit.errors import ColdError
from toolkit.reporting import warm

_KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "IPYKERNEL_CELL_NAME": "<cell>",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TQDM_DISABLE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
_PASSED_ON = ("PATH", "HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START")
_MB, _POLL_SECONDS = 2**20, 0.2
_FONTS = threading.Lock()


@dataclass(frozen=True)
class Watch:
    """How a run looks after its reports: limits of each, how many share the machine, and how it hears of them.

    ``say(state, **facts)`` is called for each cell that begins; ``stop`` is set when the run is being ended. Without
    ``parent``, a process to fork them from, kernels are plain ones.
    """

    limits: Limits
    workers: int
    say: Callable[..., None]
    parent: warm.Parent | None = None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Executed:
    """What came of a notebook: executed as far as it went, why it is not complete ('' if it is), seconds, memory."""

    notebook: Any
    fault: str
    seconds: float
    memory_mb: float


def environment() -> dict[str, str]:
    """What every kernel of a run is told by its environment, whatever the report."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | _KERNEL_ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[2])}


def execute(
    source: Path, parameters: Mapping[str, Any], frames: Mapping[str, str], watch: Watch, *, epoch: int
) -> Executed:
    """Execute a notebook in a kernel and process group of its own, and prove it complete.

    Parameters
    ----------
    source
        The notebook.
    parameters
        Its parameters, plain enough for JSON.
    frames
        Frames by name, each the path of a file: all that the kernel is told of the company's data.
    watch
        Limits, and whom to tell.
    epoch
        Seconds since 1970 that stand for "now" in whatever the notebook draws.
    """
    import nbformat

    cells = nbformat.read(source, as_version=4).cells
    watch.say("started", cells=len(cells))
    with tempfile.TemporaryDirectory(prefix="report-") as scratch:
        work = Path(scratch)
        task = {
            "notebook": str(source.resolve()),
            "output": str(work / "executed.ipynb"),
            "ipc": str(work / "k"),
            "parameters": dict(parameters),
            "parents": [os.getpid(), watch.parent.pid if watch.parent else 0],
            "output_mb": watch.limits.output_mb,
        }
        (work / "task.json").write_text(json.dumps(task), encoding="utf-8")
        variables = environment() | {
            "TOOLKIT_FRAMES": json.dumps(dict(frames)),
            "SOURCE_DATE_EPOCH": str(epoch),
            "IPYTHONDIR": str(work / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
            "TMPDIR": str(work),
        }
        started = time.monotonic()
        ended = _child(watch, cells, work, variables)
        seconds = time.monotonic() - started
        ledger = read_json(work / "ledger.json") or {}
        notebook, fault = _proof(work / "executed.ipynb", source, ended, ledger)
        return Executed(notebook, fault, seconds, ledger.get("memory_mb", 0.0))


def _begun(watch: Watch, work: Path, variables: Mapping[str, str], errors: int) -> subprocess.Popen | warm.Forked:
    """The report's own process: a fork of the run's parent, a plain one where that cannot be."""
    arguments = ["toolkit.reporting.kernels", str(work / "task.json")]
    if watch.parent:
        try:
            with open(os.devnull) as nothing:
                return warm.fork(
                    watch.parent.address, arguments, cwd=str(work), files=[nothing.fileno(), errors, errors],
                    env=dict(variables) | watch.parent.told, scratch=str(work),
                )  # fmt: skip
        except ColdError as error:
            watch.say("plain", why=str(error))
    with _FONTS:
        name, fonts = _fonts()
    (work / "mpl").mkdir(exist_ok=True)
    (work / "mpl" / name).write_bytes(fonts)
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], env=dict(variables) | {"MPLCONFIGDIR": str(work / "mpl")}, cwd=work,
        stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True,
    )  # fmt: skip


@cache
def _fonts() -> tuple[str, bytes]:
    """Name and content of matplotlib's list of fonts, made once: each report would look for all fonts anew."""
    from matplotlib import font_manager

    with tempfile.TemporaryDirectory(prefix="fonts-") as folder:
        path = Path(folder) / f"fontlist-v{font_manager.FontManager.__version__}.json"
        font_manager.json_dump(font_manager.FontManager(), path)
        return path.name, path.read_bytes()


def _child(watch: Watch, cells: Sequence[Any], work: Path, variables: dict[str, str]) -> str:
    """Run the notebook to its end or a limit; why it did not return ('' if it did).

    Where it died before its first cell, as when a kernel does not start, it is tried once more.
    """
    for _ in range(2):
        with (work / "stderr").open("wb") as errors:
            process = _begun(watch, work, variables, errors.fileno())
            try:
                over = _watched(watch, cells, process, work)
            finally:
                _end(process, work)
        ledger = read_json(work / "ledger.json") or {}
        if over or process.returncode == 0 or "cell" in ledger:
            break
    if ledger.get("flood"):
        return f"printed more than {watch.limits.output_mb:g} MB"
    if over or process.returncode == 0:
        return over
    if "kernel_exit" in ledger:
        return f"the kernel {_death(ledger['kernel_exit'])}"
    lines = [line for line in (work / "stderr").read_text("utf-8", "replace").splitlines() if line.strip()]
    return f"its process {_death(process.returncode)}" + (f": {lines[-1][:300].rstrip('.')}" if lines else "")


def _watched(watch: Watch, cells: Sequence[Any], process: subprocess.Popen | warm.Forked, work: Path) -> str:
    """Wait until a report's process ends; which limit it went over ('' if none). The ledger tells that it lives."""
    limits = watch.limits
    most = limits.memory_mb or 0.9 * psutil.virtual_memory().total / _MB / watch.workers
    begun = heard = time.monotonic()
    ledger: dict = {}
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_POLL_SECONDS)
            return ""
        if watch.stop.is_set():
            raise CancelledError
        now, before = time.monotonic(), ledger
        ledger = read_json(work / "ledger.json") or before
        heard = heard if ledger == before else now
        held = _held({process.pid, ledger.get("kernel", process.pid)})
        memory = sum(held.values()) / _MB
        if ledger.get("cell") != before.get("cell"):
            cell, section = ledger["cell"], _section(cells, ledger["cell"])
            facts = {"cell": cell, "cells": len(cells), "section": section, "memory_mb": round(memory)}
            watch.say("cell", **facts, seconds=round(now - begun, 1))
        if now - begun > limits.seconds:
            return f"timed out after {limits.seconds:g} s"
        if now - heard > limits.silent_seconds:
            return f"was silent for {limits.silent_seconds:g} s"
        if memory > most:
            return f"used more than {most:,.0f} MB of memory"
        if len(held) > limits.processes:
            return f"had more than {limits.processes} processes"


def _held(pids: Iterable[int]) -> dict[int, int]:
    """Bytes that processes and all below them hold in memory; not of those that have just ended.

    Pages that a fork shares with its parent count as its own: to tell them apart takes ten milliseconds a look.
    """
    held: dict[int, int] = {}
    for pid in pids:
        with suppress(psutil.Error):
            top = psutil.Process(pid)
            for one in [top, *top.children(recursive=True)]:
                with suppress(psutil.Error):
                    held[one.pid] = one.memory_info().rss
    return held


def _death(code: int) -> str:
    if code >= 0:
        return f"died with exit code {code}"
    likely = "likely out of memory" if -code == signal.SIGKILL else signal.strsignal(-code)
    return f"was killed by signal {-code} ({likely})"


def _end(process: subprocess.Popen | warm.Forked, work: Path) -> None:
    """Kill what is left of a run: its process, its kernel (in a session of its own) and their children.

    They are known by the run's scratch folder in their environment; forks, which show that of their parent, by session.
    """
    sessions = {process.pid, (read_json(work / "ledger.json") or {}).get("kernel")}
    for _ in range(20):  # what is being killed may just have started another
        left = [one for one in psutil.process_iter() if _belongs(one, work, sessions)]
        if not left:
            break
        for one in left:
            with suppress(psutil.Error):
                left += [child for child in one.children(recursive=True) if child not in left]
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(left, timeout=5)
    process.wait()


def _belongs(process: psutil.Process, work: Path, sessions: Set[int | None]) -> bool:
    try:
        if os.getsid(process.pid) in sessions:
            return True
        return process.environ().get("JUPYTER_RUNTIME_DIR", "").startswith(str(work))
    except (psutil.Error, OSError):
        return False


def read_json(path: Path) -> Any:
    """What a JSON file says; None if it is not there or was cut off."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _proof(executed: Path, source: Path, ended: str, ledger: dict) -> tuple[Any, str]:
    """The executed notebook and why it is not complete ('' if it is).

    Asked are how the process ended, our own ledger of the running cell, and the cells' outputs and
    execution counts; never papermill's metadata, which says ``completed`` after a killed kernel.
    """
    import nbformat

    cells = nbformat.read(source, as_version=4).cells
    if read_json(executed) is None:  # not begun, or killed while papermill wrote it
        return None, f"stopped {_place_of(cells, ledger.get('cell'))}: {ended or 'no notebook came back'}"
    notebook = nbformat.read(executed, as_version=4)
    tags = ({"papermill-error-cell-tag"}, {"papermill-error-cell-tag", "injected-parameters"})
    notebook.cells, cells = ([c for c in notebook.cells if not t & set(c.metadata.get("tags", []))] for t in tags)
    code = [(n, cell) for n, cell in enumerate(cells, 1) if cell.cell_type == "code" and cell.source.strip()]
    outputs = [(number, output) for number, cell in code for output in cell.outputs]
    for number, output in outputs:
        if output.output_type == "error":
            first = output.evalue.splitlines()[0] if output.evalue else ""
            return notebook, f"failed {_place_of(cells, number)}: {output.ename}: {first}".rstrip(": .")
    if ended:
        return notebook, f"stopped {_place_of(cells, ledger.get('cell'))}: {ended}"
    for number, output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            last = (output.text.strip().splitlines() or ["an empty line"])[-1]
            return notebook, f"wrote to stderr {_place_of(cells, number)}: {last[:200]}".rstrip(".")
    for number, cell in code:
        if cell.execution_count is None:
            return notebook, f"stopped {_place_of(cells, number)}: it was never executed"
    return notebook, ""


def clipped(notebook: Any) -> Any:
    """A notebook for a partial page: past 2 MB of outputs only the beginning of each text is kept."""
    left = 2_000_000
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        size = len(json.dumps(output))
        left -= size
        if left < 0:
            head = output.get("text", "")[:2000]
            output.clear()
            text = f"{head}\n… {size:,} bytes of output are left out here\n"
            output.update(output_type="stream", name="stdout", text=text)
    return notebook


def _place_of(cells: Sequence[Any], number: int | None) -> str:
    """``in cell 9 (section 2.3)``; cells count from 1, all kinds."""
    if number is None:
        return "before its first cell"
    section = _section(cells, number)
    return f"in cell {number}" + (f" (section {section})" if section else "")


def _section(cells: Sequence[Any], number: int) -> str:
    """Number of the section that a cell stands in; '' above the first."""
    titles = [
        line[3:].split(" ")[0]
        for cell in cells[:number]
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    return titles[-1] if titles else ""


def _perform(task: dict) -> None:
    """In the child: execute the notebook with papermill on a private IPC path, keeping the ledger."""
    import papermill
    from jupyter_client import AsyncKernelManager
    from jupyter_client.provisioning import KernelProvisionerFactory
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines
    from traitlets.config import Config

    ledger, scratch, offset = {"messages": 0}, Path(task["output"]).parent, 1
    left, noted = task["output_mb"] * _MB, time.monotonic()
    processes: list[Any] = []

    def note(**facts: Any) -> None:
        ledger.update(facts)
        (scratch / "ledger.partial").write_text(json.dumps(ledger), encoding="utf-8")
        os.replace(scratch / "ledger.partial", scratch / "ledger.json")

    def note_cell(cell: Any, cell_index: int) -> None:
        nonlocal offset
        if "injected-parameters" in cell.metadata.get("tags", []):  # papermill's own, after the parameters
            offset = 0
        note(cell=cell_index + offset)

    class Kernel(AsyncKernelManager):
        async def _async_launch_kernel(self, command: list[str], **options: Any) -> None:
            await super()._async_launch_kernel(command, **options)
            processes.append(self.provisioner.process)
            note(kernel=self.provisioner.pid)

        _launch_kernel = _async_launch_kernel

        async def _async_is_alive(self) -> bool:
            code = await self.provisioner.poll() if self.has_kernel else None
            if code is not None:
                note(kernel_exit=code)
            return self.has_kernel and code is None

        is_alive = _async_is_alive

    class Client(PapermillNotebookClient):
        def process_message(self, message: dict, *more: Any) -> Any:
            nonlocal left, noted
            left -= len(json.dumps(message["content"], ensure_ascii=False, default=str).encode("utf-8", "replace"))
            if left < 0 and message["msg_type"] != "execute_input":
                note(flood=True)
                os._exit(1)  # the notebook stays as it was before this cell; an exception would wait for its end
            ledger["messages"] += 1
            if time.monotonic() - noted > _POLL_SECONDS:
                noted = time.monotonic()
                note()
            return super().process_message(message, *more)

    class Watched(Engine):
        @classmethod
        def execute_managed_notebook(cls, manager: Any, kernel_name: str, **options: Any) -> None:
            unused = ("input_path", "execution_timeout", "log_output", "stdout_file", "stderr_file")
            options = {name: value for name, value in options.items() if name not in unused}
            start_timeout = options.pop("start_timeout")
            Client(manager, kernel_name=kernel_name, startup_timeout=start_timeout, **options).execute()

    papermill_engines.register("watched", Watched)
    note()  # that it has begun
    threading.Thread(target=_follow, args=[task["parents"], scratch], daemon=True).start()
    if warm.ADDRESS in os.environ:
        KernelProvisionerFactory.instance().default_provisioner_name = "toolkit-warm"
    papermill.execute_notebook(
        task["notebook"],
        task["output"],
        parameters=task["parameters"],
        engine_name="watched",
        kernel_name="python3",
        language="python",
        progress_bar=False,
        log_output=False,
        record_timing=False,
        request_save_on_cell_execute=True,
        start_timeout=180,
        cwd=str(scratch),
        config=Config({"KernelManager": {"transport": "ipc", "ip": task["ipc"]}}),
        kernel_manager_class=Kernel,
        on_cell_execute=note_cell,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    plain = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / _MB
    note(memory_mb=max([plain, *[each.memory_mb for each in processes if isinstance(each, warm.Forked)]]))


def _follow(parents: Sequence[int], scratch: Path) -> None:
    """End with the run that started us, even if it was killed, and leave no folder; the kernel then ends by itself."""
    while os.getppid() in parents:
        time.sleep(1)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    _perform(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
