"""Are the sample's reports the same bytes in two fresh environments, the second with two BLAS threads? Ten minutes.

Run ``python benchmarks/proof_bytes.py`` from the project's folder. Two clones of the last commit, each installs the
locked packages into a new environment of its own, makes the sample company and the pack of its latest period. Every
file of the revision is compared but ``run.json``, which has a clock, and ``chain.json``, which has its hash.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

RUN = (
    "import sys; from toolkit import cli; from toolkit.reporting import kernels;"
    "names = [name for name in kernels._KERNEL_ENVIRONMENT if name.endswith('_NUM_THREADS')];"
    "kernels._KERNEL_ENVIRONMENT |= dict.fromkeys(names, sys.argv[1]);"
    "sys.exit(cli.main(['sample']) or cli.main(['run', 'sample']))"
)


def made(folder: Path, threads: int) -> dict[str, bytes]:
    subprocess.run(["git", "clone", "-q", Path.cwd(), folder], check=True)
    subprocess.run(["make", "--quiet", ".venv/run.done"], cwd=folder, check=True, capture_output=True)
    run = [folder / ".venv" / "bin" / "python", "-c", RUN, str(threads)]
    subprocess.run(run, cwd=folder, check=True, capture_output=True)
    (revision,) = folder.glob("reports/sample/*/r1")
    files = [path for path in revision.rglob("*") if path.is_file() and path.name not in ("run.json", "chain.json")]
    return {path.relative_to(revision).as_posix(): path.read_bytes() for path in sorted(files)}


with tempfile.TemporaryDirectory() as home:
    one, two = (made(Path(home) / f"threads-{threads}", threads) for threads in (1, 2))
differing = [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]
print(f"{len(one)} files, {sum(map(len, one.values())):,} bytes; {len(differing)} differ: {differing[:10]}")
sys.exit(bool(differing))
