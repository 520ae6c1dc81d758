"""JupyterLab as an analyst has it: opened by ``toolkit lab``, run and saved in a browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import nbformat
import pytest

from conftest import ROOT
from toolkit import frames


def by_hand():
    """The environment of who runs a notebook by hand; which arithmetic BLAS takes is then the machine's own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    own.pop(frames.FRAMES_VARIABLE, None)
    return own


@contextmanager
def jupyterlab(home, own):
    """Its address; ``own``: a folder for its settings, so that nobody's are touched."""
    pytest.importorskip("jupyterlab", reason="no JupyterLab: make test-all installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=t"]
    server = subprocess.Popen(
        [sys.executable, "-m", "toolkit.cli", "--home", home, "lab", "sample", "2026Q3", "--", *options,
         "--ServerApp.disable_check_xsrf=True"],
        env={**by_hand(), "JUPYTER_CONFIG_DIR": str(own), "JUPYTER_DATA_DIR": str(own / "share")}, cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def run_all(tab, address, notebook, *, ends="whole"):
    """Open a notebook in JupyterLab, run all its cells and save it, as a person would; the notebook as it then is.

    ``ends``: "whole", "error" (in a cell), "interrupted" (while it runs, the kernel left as it is), or "restarted" (its
    kernel is there, and is restarted; then whole).
    """

    def kernels():
        return tab.request.get(f"{address}/api/kernels?token=t").json()

    def until(what, seconds=300):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"{notebook.stem}: waited {seconds} s in vain"
            tab.wait_for_timeout(250)

    def up():
        with suppress(Exception):  # the server is not there yet: playwright has an error of its own for that
            return tab.request.get(f"{address}/api?token=t").ok
        return False

    def cells():
        tab.keyboard.press("Control+s")
        tab.wait_for_timeout(1000)
        return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]

    def ended():
        told = cells()
        failed = any(out.output_type == "error" for cell in told for out in cell.outputs)
        return failed if ends in ("error", "interrupted") else all(cell.execution_count for cell in told)

    def idle():  # Run All is lost on a kernel that only seems idle: it must be connected too
        return any(one["execution_state"] == "idle" and one["connections"] >= 1 for one in kernels())

    def interrupt():
        return tab.request.post(f"{address}/api/kernels/{kernels()[0]['id']}/interrupt?token=t").ok

    until(up)
    if ends == "restarted":
        tab.request.post(f"{address}/api/kernels/{kernels()[0]['id']}/restart?token=t")
        tab.wait_for_timeout(2000)
    tab.goto(f"{address}/lab/tree/{notebook.relative_to(notebook.parents[3]).as_posix()}?token=t&reset")
    tab.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    until(idle)
    tab.click("text=Run >> nth=0")
    tab.click("text=Run All Cells >> nth=0")
    if ends == "interrupted":
        until(lambda: any(cell.execution_count for cell in cells()))
        until(lambda: interrupt() and ended())  # one that falls between two cells is lost: a person presses again
    until(ended)
    if ends != "interrupted":
        for one in kernels():
            tab.request.delete(f"{address}/api/kernels/{one['id']}?token=t")
    return nbformat.read(notebook, as_version=4)
