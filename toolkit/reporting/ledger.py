"""What became of each run of a pack? One line an event, appended and made durable, and the state that they prove."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from toolkit.errors import ToolkitError
from toolkit.reporting import archive

LEDGER = "ledger.jsonl"
Clock = Callable[[], datetime]


def clock() -> datetime:
    """The time now: the one place where a clock is read."""
    return datetime.now(UTC)


@dataclass
class Past:
    """A run of a pack as its events prove it.

    ``state``: archived, unchanged, failed or interrupted as it said itself at its end; running while it holds the
    pack's lock; killed if it did neither, unless the revision that it was about to archive is there.
    """

    number: int
    begun: str = ""
    state: str = ""
    revision: str = ""
    fault: str = ""
    done: list[str] = field(default_factory=list)

    def text(self) -> str:
        """What ``toolkit list`` says of it."""
        revision = f" {self.revision}" if self.revision else ""
        kept = self.done and self.state in ("killed", "interrupted")
        done = f" after {', '.join(self.done)}; the next run takes these up" if kept else ""
        fault = f": {self.fault}" if self.fault else ""
        return f"run {self.number} of {self.begun[:19]}: {self.state}{revision}{done}{fault}"


def append(folder: Path, event: dict, at: datetime) -> None:
    """Add an event to a pack's ledger: a whole line, durable when this returns.

    A line that an earlier end tore stays as it is, alone on its line. ``behind`` says that the clock was set back.
    """
    line = {"at": at.isoformat(timespec="milliseconds")} | event
    handle = os.open(folder / LEDGER, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        told = os.pread(handle, os.fstat(handle).st_size, 0)
        before = _events(told)
        if before and before[-1]["at"] > line["at"]:
            line["behind"] = before[-1]["at"]
        text = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        os.write(handle, text if told.endswith(b"\n") or not told else b"\n" + text)
        os.fsync(handle)
    finally:
        os.close(handle)


def _events(told: bytes) -> list[dict]:
    events = []
    for line in told.splitlines():
        with suppress(ValueError):
            event = json.loads(line)
            events += [event] if isinstance(event, dict) and _sound(event) else []
    return events


_TEXTS = {"archiving": ("revision", "link"), "report": ("report", "state"), "ended": ("state",)}  # of events


def _sound(event: dict) -> bool:
    """Does an event say what one of its kind says?"""
    texts = ("at", "event", *_TEXTS.get(str(event.get("event")), ()))
    return isinstance(event.get("run"), int) and all(isinstance(event.get(name), str) for name in texts)


def runs(folder: Path) -> list[Past]:
    """All runs of a pack, the oldest first, each in the state that its events and the archive prove."""
    path, found = folder / LEDGER, {}
    for event in _events(path.read_bytes()) if path.is_file() else []:
        past = found.setdefault(event["run"], Past(event["run"], event["at"]))
        if event["event"] == "report" and event["state"] in ("done", "resumed"):
            past.done.append(event["report"])
        elif event["event"] == "archiving" and _archived(folder, event):
            past.state, past.revision = "archived", event["revision"]
        elif event["event"] == "ended":
            past.state, past.fault = event["state"], event.get("fault", "")
    for past in found.values():
        last = past is list(found.values())[-1]
        past.state = past.state or ("running" if last and _held(folder) else "killed")
    return list(found.values())


def _archived(folder: Path, event: dict) -> bool:
    """Is the revision there that a run was about to archive?"""
    path = folder / event["revision"] / "chain.json"
    return path.is_file() and archive.sha256(path.read_bytes()) == event["link"]


def _held(folder: Path) -> bool:
    """Does a process hold the pack's lock?"""
    with suppress(FileNotFoundError), (folder / ".lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def kept(folder: Path, now: Clock) -> Iterator[Callable[[dict], None]]:
    """The ledger of one run: gives what its events are told to. What ends the run early is its last line."""
    number = max((past.number for past in runs(folder)), default=0) + 1

    def tell(event: dict) -> None:
        if event.get("state") != "cell":
            append(folder, {"run": number} | event, now())

    tell({"event": "begun"})
    try:
        yield tell
    except BaseException as error:
        state = "interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "failed"
        fault = type(error).__name__
        if isinstance(error, ToolkitError):
            from toolkit.reporting import release

            fault = " ".join(release.redacted(str(error)).split())
        with suppress(OSError):  # a full disk, which ended the run
            tell({"event": "ended", "state": state} | ({"fault": fault} if state == "failed" else {}))
        raise
