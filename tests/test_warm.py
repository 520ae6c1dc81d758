"""Is a forked kernel the process that was asked for: no more, no less, and no longer than it is wanted?"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import nbformat
import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from test_runner import Project

from conftest import ROOT
from toolkit.errors import ColdError
from toolkit.reporting import kernels, runner, warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks from a warm process are for Linux")
PROBE = """
import atexit, json, locale, os, random, signal, sys, tempfile, threading, time
import numpy
def state():
    return {
        "argv": sys.argv[1:], "file": sys.argv[0], "main": __name__, "cwd": os.getcwd(), "path": sys.path,
        "env": {n: v for n, v in os.environ.items() if n not in ("MPLCONFIGDIR", "TOOLKIT_WARM")},
        "open": sorted(f for f in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{f}")),
        "zone": time.tzname, "locale": locale.getlocale(), "hash": hash("a"), "temp": tempfile.gettempdir(),
        "leads": os.getsid(0) == os.getpgid(0) == os.getpid(), "stdin": sys.stdin.read(),
        "threads": threading.active_count(), "children": signal.getsignal(signal.SIGCHLD),
        "flags": list(sys.flags), "encodings": [sys.stdout.encoding, sys.stderr.errors],
    }
if sys.argv[1] == "state":
    json.dump(state(), open(sys.argv[2], "w"))
if sys.argv[1] == "random":
    json.dump([random.random(), numpy.random.random()], open(sys.argv[2], "w"))
if sys.argv[1] == "exit":
    atexit.register(print, "ran at the end")
    sys.exit(int(sys.argv[2]))
if sys.argv[1] == "fail":
    raise ValueError("as asked")
if sys.argv[1] == "memory":
    held = bytearray(300 * 2**20)
if sys.argv[1] == "child":
    child = os.fork() or time.sleep(600)
    open(sys.argv[2], "w").write(str(child))
if sys.argv[1] == "sleep":
    open(sys.argv[2], "w").write(str(os.getpid()))
    time.sleep(600)
"""


def gone(pid):
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def told(path):
    """What a fork wrote, once it has."""
    for _ in range(200):
        with suppress(OSError, ValueError):
            return json.loads(path.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "probe.py").write_text(PROBE)
    (tmp_path / "early.py").write_text("import tempfile\ntempfile.gettempdir()\n")
    (tmp_path / "tmp").mkdir()
    return tmp_path


@pytest.fixture
def env(place):
    return kernels.environment() | {"PYTHONPATH": f"{place}:{ROOT}", "TMPDIR": str(place)}


@pytest.fixture
def parent(env):
    made = warm.Parent(["numpy.random", "no_such_module", "early"], env | {"OF_THE_PARENT": "1"}, apart=True)
    yield made
    made.close()


@pytest.fixture
def forked(parent, env, place):
    """Forks the probe with some arguments."""

    def fork(*arguments, **more):
        with (place / "out").open("wb") as out, open(os.devnull) as nothing:
            files = [nothing.fileno(), out.fileno(), out.fileno()]
            more = {"env": env | parent.told, "cwd": str(place), "files": files} | more
            return warm.fork(parent.address, ["probe", *map(str, arguments)], **more)

    return fork


def test_a_fork_is_the_process_that_would_have_been_started(forked, parent, env, place, monkeypatch):
    env |= {"NEW": "told to this one", "TMPDIR": str(place / "tmp"), "TZ": "Europe/Paris"}
    monkeypatch.setenv("NOT_TOLD", "of the asker")
    assert forked("state", place / "warm", env=env | parent.told).wait(30) == 0
    command = [sys.executable, "-m", "probe", "state", place / "cold"]
    subprocess.run(command, env=env, cwd=place, stdin=subprocess.DEVNULL, check=True, start_new_session=True)
    cold = told(place / "cold")
    assert cold["leads"]
    assert cold["zone"] == ["CET", "CEST"]
    assert cold["main"] == "__main__"
    assert told(place / "warm") | {"argv": cold["argv"]} == cold


def test_no_two_forks_draw_the_same_numbers(forked, place):
    for name in ("one", "two"):
        assert forked("random", place / name).wait(30) == 0
    one, two = told(place / "one"), told(place / "two")
    assert one[0] != two[0]
    assert one[1] != two[1]


@pytest.mark.parametrize(("arguments", "code", "says"), [(("exit", 0), 0, "ran at the end\n"), (("exit", 3), 3, "end")])
def test_a_fork_ends_as_it_would_have(forked, place, arguments, code, says):
    assert forked(*arguments).wait(30) == code
    assert says in (place / "out").read_text()


def test_a_fork_that_fails_says_why_on_its_own_errors(forked, place):
    assert forked("fail").wait(30) == 1
    lines = (place / "out").read_text().splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: as asked"


def test_a_fork_is_killed_and_signalled_and_waited_for_as_any_process(forked, place):
    process = forked("sleep", place / "pid")
    assert told(place / "pid") == process.pid
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert process.poll() == -signal.SIGTERM
    process.kill()  # nothing, now
    other = forked("sleep", place / "other")
    other.kill()
    assert other.wait(30) == -signal.SIGKILL


def test_the_memory_of_a_fork_is_told_at_its_end(forked):
    light, heavy = forked("exit", 0), forked("memory")
    assert light.wait(30) == heavy.wait(30) == 0
    assert 280 < heavy.memory_mb - light.memory_mb < 320


def test_what_a_fork_began_ends_with_it(forked, place):
    assert forked("child", place / "child").wait(30) == 0
    assert gone(told(place / "child"))


def test_a_fork_ends_with_who_asked_for_it(parent, env, place):
    asker = (
        "import json, sys, time\nfrom toolkit.reporting import warm\naddress, env, place = json.loads(sys.argv[1])\n"
        "held = warm.fork(address, ['probe', 'sleep', place + '/pid'], env=env, cwd=place, files=[0, 1, 2])\n"
        "time.sleep(600)\n"
    )
    asked = json.dumps([parent.address, env | parent.told, str(place)])
    process = subprocess.Popen([sys.executable, "-c", asker, asked], cwd=ROOT, stdin=subprocess.DEVNULL)
    pid = told(place / "pid")
    process.kill()
    process.wait()
    assert gone(pid)


def test_a_fork_and_who_asked_for_it_may_end_at_one_instant(parent, forked, place):
    other, one = forked("sleep", place / "other"), forked("sleep", place / "one")
    told(place / "other"), told(place / "one")
    os.kill(parent.pid, signal.SIGSTOP)
    os.kill(one.pid, signal.SIGKILL)
    one._link.close()
    os.kill(parent.pid, signal.SIGCONT)
    assert gone(one.pid)
    assert forked("exit", 0).wait(30) == 0
    assert other.poll() is None


def test_who_asks_and_does_not_wait_harms_nobody(parent, forked, env, place):
    other = forked("sleep", place / "other")
    told(place / "other")
    asked = {"arguments": ["probe", "sleep", str(place / "one")], "env": env | parent.told, "cwd": str(place)}
    os.kill(parent.pid, signal.SIGSTOP)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        link.connect(parent.address)
        socket.send_fds(link, [json.dumps(asked | {"scratch": ""}).encode()], [0, 1, 2])
    os.kill(parent.pid, signal.SIGCONT)
    assert forked("exit", 0).wait(30) == 0
    assert other.poll() is None
    assert len(psutil.Process(parent.pid).children()) == 1


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_fork_ends_with_the_process_it_was_forked_from(parent, forked, place, how):
    (place / "scratch").mkdir()
    process = forked("sleep", place / "pid", scratch=str(place / "scratch"))
    told(place / "pid")
    parent.close() if how == "closed" else os.kill(parent.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert gone(process.pid)
    assert how == "killed" or not (place / "scratch").exists()
    with pytest.raises(ColdError, match="no process to fork from: (No such file or directory|Connection refused)"):
        forked("exit", 0)


def test_the_process_to_fork_from_ends_with_who_started_it(place):
    starter = (
        "import time\nfrom toolkit.reporting import kernels, warm\nparent = warm.Parent([], kernels.environment())\n"
        "print(parent.pid, parent.folder, flush=True)\ntime.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid, folder = process.stdout.readline().split()
    process.kill()
    process.wait()
    process.stdout.close()
    assert gone(int(pid))
    assert not os.path.exists(folder)


def test_a_folder_whose_path_is_too_long_for_a_socket_makes_plain_kernels(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(warm.tempfile, "tempdir", str(deep))
    with pytest.raises(ColdError, match="too long"):
        warm.Parent([], {})
    assert list(deep.iterdir()) == []
    monkeypatch.setattr(warm.tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(ColdError, match="nowhere: No such file or directory"):
        warm.Parent([], {})


def test_a_parent_that_is_closed_while_it_imports_leaves_nothing(env, place):
    (place / "slow.py").write_text("import time\ntime.sleep(1)\n")
    (place / "never.py").write_text(f"open({str(place / 'imported')!r}, 'w')\n")
    parent = warm.Parent(["slow", "never"], env)
    parent.close()
    assert not parent.folder.exists()
    assert not (place / "imported").exists()


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "LC_ALL", "OPENBLAS_NUM_THREADS", "MPLCONFIGDIR", "PYTHONPATH"])
def test_what_a_fork_cannot_be_told_is_refused(forked, env, parent, name):
    found = parent.told.get(name) or env[name]
    with pytest.raises(ColdError) as refusal:
        forked("exit", 0, env=env | parent.told | {name: "77"})
    assert str(refusal.value) == f"{name} is '77', and {found!r} in the process to fork from"
    assert forked("exit", 0).wait(30) == 0  # others are served


def test_code_that_changed_since_is_refused(env, place):
    (place / "mine.py").write_text("x = 1\n")
    parent = warm.Parent(["mine"], env)
    told = {"env": env | parent.told | {"MPLCONFIGDIR": ""}, "cwd": str(place), "files": [0, 1, 2]}
    assert warm.fork(parent.address, ["probe", "exit", "0"], **told).wait(30) == 0
    (place / "mine.py").write_text("x = 2\n")
    os.utime(place / "mine.py", ns=(1, 1))
    with pytest.raises(ColdError, match="mine.py has changed since it was imported"):
        warm.fork(parent.address, ["probe", "exit", "0"], **told)
    parent.close()


def test_a_process_with_threads_is_not_forked(env, place):
    (place / "mine.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=[600], daemon=True).start()\n"
    )
    parent = warm.Parent(["mine"], env)
    with pytest.raises(ColdError, match="the process to fork from runs threads: python"):
        warm.fork(
            parent.address, ["probe", "exit", "0"], env=env | {"MPLCONFIGDIR": ""}, cwd=str(place), files=[0, 1, 2]
        )
    parent.close()


def test_what_the_reports_import_starts_no_thread():
    """Else every kernel would be a plain one."""
    stages = [sorted((ROOT / "notebooks").glob("*.ipynb"))]
    with runner._parent(stages, pytest.fail) as parent, open(os.devnull, "w") as nothing:
        files = [nothing.fileno()] * 3
        code = "import sys; sys.exit('statsmodels.api' not in sys.modules)"
        env = kernels.environment() | parent.told
        (parent.folder / "asked.py").write_text(code)
        assert warm.fork(parent.address, ["asked"], env=env, cwd=str(parent.folder), files=files).wait(60) == 0


def test_where_nothing_can_be_forked_kernels_are_plain_and_a_run_says_so(tmp_path, monkeypatch):
    project, events = Project(tmp_path), []
    project.quick_report("growth")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        project.run("growth", tell=events.append)
    assert events[0] == {"event": "cold", "why": "kernels are forked on Linux only, this is darwin"}
    cold = (project.pack / "r1" / "manifest.json").read_bytes()
    assert [event["state"] for event in events if event["event"] == "report"][-1] == "done"
    other = Project(tmp_path / "other")
    other.quick_report("growth")
    other.run("growth", tell=events.append)
    assert (other.pack / "r1" / "manifest.json").read_bytes() == cold


def test_a_report_whose_fork_is_refused_is_made_by_a_plain_kernel(tmp_path, monkeypatch):
    project, events = Project(tmp_path), []
    project.quick_report("growth")
    monkeypatch.setattr(warm.Parent, "told", property(lambda self: {warm.ADDRESS: self.address, "LANG": "nl_NL"}))
    project.run("growth", tell=events.append)
    plain = [event for event in events if event.get("state") == "plain"]
    assert [event["why"] for event in plain] == ["LANG is 'nl_NL', and 'C.UTF-8' in the process to fork from"]
    assert (project.pack / "r1" / "growth.html").exists()


@pytest.fixture
def client(tmp_path, monkeypatch):
    """The kernel as it is installed, from a folder of its own, for any Jupyter client."""
    kernel = tmp_path / "jupyter" / "kernels" / "toolkit-warm"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_bytes((ROOT / "toolkit" / "kernel" / "kernel.json").read_bytes())
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv(warm.ADDRESS, raising=False)
    yield
    while warm.Provisioner._own:
        warm.Provisioner._own.popitem()[1].close()


ASK = "import os, sys, threading; print(os.getppid(), 'statsmodels.api' in sys.modules, threading.active_count() < 20)"


def test_any_client_has_warm_kernels_that_it_interrupts_restarts_and_ends(client, tmp_path):
    manager, session = start_new_kernel(kernel_name="toolkit-warm", startup_timeout=60, cwd=str(tmp_path))

    def ask(code):
        said = []
        session.execute_interactive(code, timeout=60, output_hook=lambda m: said.append(m["content"].get("text", "")))
        return "".join(said)

    (parent,) = warm.Provisioner._own.values()
    pid = manager.provisioner.pid
    assert ask(ASK).split() == [str(parent.pid), "True", "True"]
    assert ask("print(os.getcwd())").strip() == str(tmp_path)
    session.execute("import time; time.sleep(600)")
    time.sleep(0.5)
    manager.interrupt_kernel()
    assert session.get_shell_msg(timeout=30)["content"]["ename"] == "KeyboardInterrupt"
    time.sleep(0.5)  # what comes at once is aborted with it
    assert ask("print('on')") == "on\n"
    manager.restart_kernel(now=True)
    session.wait_for_ready(60)
    assert gone(pid)
    assert ask("print('os' in globals())") == "False\n"
    last = manager.provisioner.pid
    session.stop_channels()
    manager.shutdown_kernel()
    assert gone(last)


def test_papermill_runs_on_a_warm_kernel_by_name(client, tmp_path):
    code = nbformat.v4.new_code_cell(ASK)
    nbformat.write(nbformat.v4.new_notebook(cells=[code]), tmp_path / "in.ipynb")
    command = [sys.executable, "-m", "papermill", "-k", "toolkit-warm", tmp_path / "in.ipynb", tmp_path / "out.ipynb"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    output = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[0].outputs[0].text
    assert output.split()[1:] == ["True", "True"]


def test_a_client_that_can_fork_nothing_gets_a_plain_kernel_and_a_word(client, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv(warm.ADDRESS, str(tmp_path / "nobody"))
    manager, session = start_new_kernel(kernel_name="toolkit-warm", startup_timeout=60)
    session.stop_channels()
    manager.shutdown_kernel(now=True)
    said = "a plain kernel, not a warm one: no process to fork from: No such file or directory"
    assert said in [record.getMessage() for record in caplog.records]
