"""Who reviewed a revision, and does the signature still fit? Sign-offs beside the revisions, by SSH signatures."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from toolkit.company import alone
from toolkit.errors import ParamsError, ReportError
from toolkit.reporting import archive

NAMESPACE, _HEAD, _SIGNATURE = "tandem", "head.signed", "-----BEGIN SSH SIGNATURE-----"
_NAME = re.compile(r"r[1-9][0-9]*-[1-9][0-9]*\.(json|sig)")
_FIELDS = ("company", "period", "revision", "manifest", "previous", "link", "reviewer", "date", "checklist", "comment")


@dataclass(frozen=True)
class SignOff:
    """A review of a revision. ``state``: signed; noted, where no known key signed it; void, where it does not fit."""

    revision: str
    reviewer: str
    date: str
    comment: str
    state: str
    why: str = ""
    checklist: tuple[str, ...] = ()


def sign(
    revision: archive.Revision, reviewer: str, today: date, *,
    key: Path | None = None, checked: Sequence[str] = (), comment: str = "",
) -> SignOff:  # fmt: skip
    """Sign a revision off, or note a review of it.

    Parameters
    ----------
    revision
        What was reviewed.
    reviewer
        Who, as ``params/allowed_signers`` names them.
    today
        The day of the review.
    key
        An SSH key: the private one, or the public one of a key that an agent holds. Without it the review is noted.
    checked, comment
        What was looked at, and what is to say.

    Returns
    -------
    SignOff
        As the archive has it now.

    Raises
    ------
    ReportError
        If the revision is not what was archived, is incomplete, or the key does not sign.
    ParamsError
        If ``ssh-keygen`` or the key is missing, or ``params/allowed_signers`` does not allow this reviewer the key.
    """
    pack = revision.folder.parent
    faults = [fault for fault in archive.check(pack) if f"{revision.folder}:" in fault]
    failed = revision.record.get("failed", {})
    if faults or failed:
        raise ReportError(faults[0] if faults else f"{revision.folder}: is incomplete, without {', '.join(failed)}.")
    chain = json.loads((revision.folder / "chain.json").read_text(encoding="utf-8"))
    values = [pack.parent.name, pack.name, revision.name, chain["manifest"], chain["previous"]]
    values += [archive.link_of(revision), reviewer, today.isoformat(), list(checked), comment]
    text = archive.canonical(dict(zip(_FIELDS, values, strict=True)))
    folder = pack / archive.SIGNED
    with alone(pack, ReportError(f"{pack}: a run is making this pack. Wait for its end.")):
        archive.anchor(pack)  # refuses what would refuse it afterwards
        folder.mkdir(exist_ok=True)
        numbers = [number for each, number in map(_age, _papers(folder, "*")) if each == revision.number]
        path = folder / f"{revision.name}-{max(numbers, default=0) + 1}.json"
        if key:
            signature = _signature(text, key)
            state, why = _fits(text, signature, _signers(pack), reviewer, today)
            if state != "signed":
                raise ParamsError(f"{key}: {why}. Let it be added there, or leave --key away to note the review.")
            archive.put(path.with_suffix(".sig"), signature, synced=True)  # never an instant without it
        archive.put(path, text, synced=True)
        archive.anchor(pack)
        if key:
            _sign_head(pack.parents[1], key, reviewer, today)
    return _read(path, revision)


def _signature(text: str, key: Path) -> str:
    """The armoured SSH signature of a text."""
    if not key.is_file():
        raise ParamsError(f"{key}: expected an SSH key, found no such file. Nothing was written.")
    done = _keygen("-Y", "sign", "-n", NAMESPACE, "-f", str(key), given=text)
    if done.returncode:
        raise ReportError(f"{key}: ssh-keygen does not sign with it: {_first_line(done.stderr)}. Nothing was written.")
    return done.stdout


def _keygen(*arguments: str, given: str = "") -> subprocess.CompletedProcess:
    if not shutil.which("ssh-keygen"):
        raise ParamsError("ssh-keygen: expected it on the PATH, found none. Install OpenSSH's client.")
    return subprocess.run(["ssh-keygen", *arguments], input=given, capture_output=True, text=True)


def _first_line(said: str) -> str:
    return next((line.strip().rstrip(".") for line in said.splitlines() if line.strip()), "it does not say why")


def _signers(pack: Path) -> Path:
    """Who may sign, as OpenSSH writes it: outside the archive."""
    return pack.parents[2] / "params" / "allowed_signers"


def _fits(text: str, signature: str, signers: Path, reviewer: str, day: date) -> tuple[str, str]:
    """Is a text signed, and by a key that a company allowed this reviewer on that day? If not, why."""
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(signature)
        file.flush()
        common = ["-n", NAMESPACE, "-s", file.name]
        if _keygen("-Y", "check-novalidate", *common, given=text).returncode:
            return "void", "the signature does not fit what is signed"
        at = f"verify-time={day:%Y%m%d}120000"
        allowed = ["-Y", "verify", *common, "-f", str(signers), "-I", reviewer, "-O", at]
        if not signers.is_file() or _keygen(*allowed, given=text).returncode:
            return "noted", f"its key is none that params/{signers.name} allows {reviewer}"
    return "signed", ""


def _read(path: Path, revision: archive.Revision | None) -> SignOff:
    """A sign-off in the state it is in now; ``revision`` is the one that it names, if that is whole."""
    name = path.stem.split("-")[0]
    try:
        text = path.read_text(encoding="utf-8")
        told = json.loads(text)
        said, link = [told[name] for name in ("revision", "reviewer", "date", "comment")], told["link"]
        day, checked = date.fromisoformat(told["date"]), tuple(map(str, told["checklist"]))
    except (OSError, ValueError, KeyError, TypeError):
        return SignOff(name, "", "", "", "void", "it does not read")
    if [name, *path.parts[-4:-2]] != [told.get(each) for each in ("revision", "company", "period")]:
        return SignOff(name, *said[1:], "void", "it is of another revision", checked)
    signature = path.with_suffix(".sig")
    state, why = "noted", "not signed"
    if signature.is_file():
        signed = signature.read_text("utf-8", errors="replace")
        state, why = _fits(text, signed, _signers(path.parents[1]), told["reviewer"], day)
    if state != "void" and (revision is None or link != archive.link_of(revision)):
        state, why = "void", f"{told['revision']} is not what was reviewed"
    return SignOff(*said, state, why, checked)


def sign_offs(pack: Path, faults: list[str] | None = None) -> list[SignOff]:
    """All sign-offs of a pack's revisions, the oldest first, each in the state it is in now.

    ``faults``: those that ``archive.check`` finds in the pack, where somebody has asked already.
    """
    paths = sorted(_papers(pack / archive.SIGNED, "*.json"), key=_age)
    faults = archive.check(pack) if paths and faults is None else faults or []
    found = {each.name: each for each in archive.revisions(pack)}
    whole = {name: each for name, each in found.items() if not any(f"{each.folder}:" in fault for fault in faults)}
    return [_read(path, whole.get(path.stem.split("-")[0])) for path in paths]


def _papers(folder: Path, ending: str) -> list[Path]:
    return [path for path in folder.glob(ending) if _NAME.fullmatch(path.name)]


def _age(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in path.stem[1:].split("-"))


# -- the head over all chains ------------------------------------------------------------------


def _sign_head(reports: Path, key: Path, reviewer: str, today: date) -> None:
    """Keep the head over all chains as it is now, signed: what lay in the archive on that day."""
    text = archive.canonical({"by": reviewer, "on": today.isoformat(), "heads": archive.heads(reports)})
    signature = _signature(text, key)
    with alone(reports):
        archive.put(reports / _HEAD, text + signature, synced=True)  # in one file: never one without the other


def anchored(reports: Path, pack: str, number: int, kept: Path | None = None) -> tuple[list[str], bool]:
    """What holds a revision of a pack (``company/period``) fast, in lines, and whether nothing speaks against it.

    That is the head that was signed last, or one ``kept`` elsewhere: a copy of ``head.json`` or of ``head.signed``.
    What a head lists and is not there any more is told. Without a head, or with one that does not list the revision, it
    is unanchored: who can write all of the archive could write it anew.

    Raises
    ------
    ParamsError
        If the head that was kept does not read.
    """
    own, path = archive.adrift(reports, archive.heads(reports)), kept or reports / _HEAD
    if not kept and not path.is_file():
        return ["unanchored: no head is signed, and none that was kept elsewhere is given (--head FILE)", *own], not own
    try:
        text, mark, signature = path.read_text(encoding="utf-8").partition(_SIGNATURE)
        told = json.loads(text)
        known = told.get("heads", told)
        faults = archive.adrift(reports, known)
        listed = int(known[pack]["revision"][1:]) if pack in known else 0
        by, on = told.get("by", ""), date.fromisoformat(told.get("on", "2000-01-01"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: expected a copy of reports/{archive.HEAD}, found no such file.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ParamsError(f"{path}: expected a copy of reports/{archive.HEAD}, found none that reads.") from None
    state, why = "noted", "it is not signed"
    if mark:
        signers = reports.parent / "params" / "allowed_signers"
        state, why = _fits(text, mark + signature, signers, by, on)
    head = f"the head that {by} signed on {on}" if state == "signed" else str(path)
    if state == "void" or (state == "noted" and not kept):
        said = f"unanchored: {path}: {why}"
    elif listed < number:
        up_to = f"{pack} up to r{listed}" if listed else f"nothing of {pack}"
        said = f"unanchored: {head} lists {up_to}, not r{number}"
    else:
        said = f"anchored by {head}"
    faults = list(dict.fromkeys([*faults, *own]))
    return [said, *faults], not faults and state != "void"
