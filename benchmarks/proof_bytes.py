"""Are the sample's reports the same bytes in two fresh environments? And with two BLAS threads? Ten minutes.

Run ``python benchmarks/proof_bytes.py`` from the project's folder. Two clones of the last commit, each installs the
locked packages into a new environment of its own, makes the sample company and the pack of its latest period, the first
where the environment asks for one BLAS thread, the second for two (kernels are held to one). Every file of the
revision is compared but ``run.json``, which has a clock, and ``chain.json``, which has its hash. Then the second pack
is verified in kernels that may use two threads.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
TWO = (
    "import sys; from toolkit import cli; from toolkit.reporting import kernels;"
    f"kernels._KERNEL_ENVIRONMENT |= dict.fromkeys({THREADS}, '2');"
    "sys.exit(cli.main(['verify', 'sample', sys.argv[1]]))"
)


def made(folder: Path, threads: int) -> dict[str, bytes]:
    subprocess.run(["git", "clone", "-q", Path.cwd(), folder], check=True)
    subprocess.run(["make", "--quiet", ".venv/run.done"], cwd=folder, check=True, capture_output=True)
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    for arguments in (["sample"], ["run", "sample"]):
        command = [folder / ".venv" / "bin" / "toolkit", *arguments]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    (revision,) = folder.glob("reports/sample/*/r1")
    files = [path for path in revision.rglob("*") if path.is_file() and path.name not in ("run.json", "chain.json")]
    return {path.relative_to(revision).as_posix(): path.read_bytes() for path in sorted(files)}


with tempfile.TemporaryDirectory() as home:
    one, two = (made(Path(home) / f"threads-{threads}", threads) for threads in (1, 2))
    differing = [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]
    print(
        f"{len(one)} files, {sum(map(len, one.values())):,} bytes; {len(differing)} differ: {differing[:10]}",
        flush=True,
    )
    folder = Path(home) / "threads-2"
    (period,) = (path.parent.name for path in folder.glob("reports/sample/*/r1"))
    verified = subprocess.run([folder / ".venv" / "bin" / "python", "-c", TWO, period], cwd=folder)
sys.exit(bool(differing) or verified.returncode)
