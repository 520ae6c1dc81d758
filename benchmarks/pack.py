"""How long does a pack take, from warehouse to archive, beside the papermill and nbconvert commands?

Run ``python benchmarks/pack.py [rounds]`` from the project's folder after ``toolkit sample``; some minutes. Ours and
the peers take turns, each from nothing: no frames, no archive. Peers: for each notebook the commands ``papermill`` and
``jupyter nbconvert``, one after the other, once making their frames as they ask for them (the same work as ours) and
once given the frames that ours made (less than ours does). And what one more notebook costs that computes nothing.
"""

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

HOME, PERIOD, MORE = Path.cwd(), "2026Q2", 20
BIN = Path(sys.executable).parent
HEAD = 'company: str = "sample"  # whose data\nperiod: str = "2026Q2"  # which period\n'


def project(folder: Path, notebooks: Path) -> Path:
    """A project with the sample company's warehouse, params and some notebooks; no frames, no archive."""
    (folder / "data" / "sample").mkdir(parents=True)
    for path in (HOME / "data" / "sample").glob("*"):
        if path.name not in ("frames", "spill", "raw"):
            (folder / "data" / "sample" / path.name).symlink_to(path)
    for name, place in {"docs": HOME / "docs", "notebooks": notebooks}.items():
        (folder / name).symlink_to(place)
    shutil.copytree(HOME / "params" / "sample", folder / "params" / "sample")
    if notebooks.parent != HOME:  # the blocks of base.yaml are of notebooks that are not there
        base = folder / "params" / "sample" / "base.yaml"
        base.write_text(re.split(r"^(?!company)\w+:", base.read_text(), flags=re.MULTILINE)[0])
        for path in base.parent.glob("20*.yaml"):
            path.write_text("")
    return folder


def empty(folder: Path, count: int) -> Path:
    """A folder of notebooks that compute nothing."""
    (folder / "docs").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    code = {"cell_type": "code", "execution_count": None, "outputs": [], "metadata": {}}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for number in range(count):
        cells = [
            {"cell_type": "markdown", "metadata": {}, "source": "# Nothing", "id": "a"},
            code | {"metadata": {"tags": ["parameters"]}, "source": HEAD, "id": "b"},
            code | {"source": "1 + 1", "id": "c"},
        ]
        document = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (folder / "notebooks" / f"empty{number}.ipynb").write_text(json.dumps(document))
    return folder / "notebooks"


def timed(command: list, **more: object) -> tuple[float, str]:
    """Seconds of a command that must succeed, and what it told."""
    start = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr[-2000:]}")
    return time.perf_counter() - start, done.stderr


def worked() -> float:
    """Seconds of processors that all commands so far took."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def ours(folder: Path) -> tuple[float, dict[str, float]]:
    """Seconds of ``toolkit run``, and from its first event until each report's frames were there."""
    seconds, told = timed([BIN / "toolkit", "--home", folder, "run", "sample", PERIOD], cwd=HOME)
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    begun = datetime.fromisoformat(events[0]["at"])
    started = [event for event in events if event.get("state") == "started"]
    return seconds, {e["report"]: (datetime.fromisoformat(e["at"]) - begun).total_seconds() for e in started}


def commands(folder: Path, revision: Path, out: Path, *, given: bool) -> tuple[float, dict[str, float]]:
    """Seconds of the commands on the notebooks of a revision, and of each notebook's cells."""
    manifest, total, cells = json.loads((revision / "manifest.json").read_text())["reports"], 0.0, {}
    for report, entry in manifest.items():
        env = os.environ | {"PYTHONPATH": str(HOME)}
        if given:
            kept = {n: str(folder / f"data/sample/frames/{digest}.parquet") for n, digest in entry["frames"].items()}
            env["TOOLKIT_FRAMES"] = json.dumps(kept)
        made = out / f"{report}.ipynb"
        run = [
            BIN / "papermill",
            "-f",
            revision / "parameters" / f"{report}.yaml",
            folder / f"notebooks/{report}.ipynb",
        ]
        total += timed([*run, made, "--cwd", folder], env=env)[0]
        total += timed([BIN / "jupyter", "nbconvert", "--to", "html", made], env=env)[0]
        metadata = [cell["metadata"].get("papermill", {}) for cell in json.loads(made.read_text())["cells"]]
        cells[report] = sum(each.get("duration") or 0.0 for each in metadata)
    return total, cells


def told(name: str, seconds: list[float]) -> str:
    """A row: median and spread."""
    return f"| {name} | {statistics.median(seconds):.1f} s | {min(seconds):.1f} to {max(seconds):.1f} s |"


def main(rounds: int) -> None:
    """Take turns, and print a table."""
    took: dict[str, list[float]] = {"ours": [], "making": [], "given": [], "few": [], "many": []}
    work: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            folder = project(Path(place) / "ours", HOME / "notebooks")
            before = worked()
            seconds, waited = ours(folder)
            took["ours"].append(seconds)
            work.append(worked() - before)
            revision, out = folder / f"reports/sample/{PERIOD}/r1", Path(place)
            seconds, cells = commands(folder, revision, out, given=True)
            took["given"].append(seconds)
            peer = project(Path(place) / "peer", HOME / "notebooks")
            took["making"].append(commands(peer, revision, out, given=False)[0])
            for name, count in (("few", 2), ("many", 2 + MORE)):
                made = project(Path(place) / name, empty(Path(place) / f"{name}-notebooks", count))
                took[name].append(ours(made)[0])
    mine = statistics.median(took["ours"])
    print("| the sample company's pack | median | spread |\n|---|---|---|")
    print(told("`toolkit run`, warehouse to archive", took["ours"]))
    print(told("`papermill` and `nbconvert`, making their frames", took["making"]))
    print(told("`papermill` and `nbconvert`, given the frames", took["given"]))
    for name in ("making", "given"):
        print(f"\n{name}: {statistics.median(took[name]) / mine:.1f} times as long as ours", end="")
    longest, half = max(cells.values()), sum(cells.values()) / 2
    bound = 1.15 * max(longest, half) + 6
    print(f"\n\nCells alone, as papermill timed them: {', '.join(f'{n} {s:.1f} s' for n, s in cells.items())}.")
    print(f"1.15 x max(longest {longest:.1f} s, half of all {half:.1f} s) + 6 s = {bound:.1f} s; ours {mine:.1f} s.")
    slowest = max(cells, key=cells.get)
    chain = waited[slowest] + cells[slowest]
    print(f"Frames are made in the same run; those of {slowest} were there after {waited[slowest]:.1f} s. With them in")
    print(f"the longest chain: 1.15 x {chain:.1f} s + 6 s = {1.15 * chain + 6:.1f} s.")
    ideal = statistics.median(work) / (os.cpu_count() or 1)
    print(f"All its work (frames, cells, pages) took {statistics.median(work):.1f} s of processors; were none of the")
    print(f"{os.cpu_count()} ever idle, {ideal:.1f} s: ours is {mine / ideal:.2f} times that.")
    one = (statistics.median(took["many"]) - statistics.median(took["few"])) / MORE
    print(f"One more notebook that computes nothing: {one:.2f} s ({2 + MORE} beside 2, two cores).")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
