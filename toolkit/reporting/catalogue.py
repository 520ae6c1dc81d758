"""What is in the archive? The views beside the revisions, rebuilt from them and in no manifest."""

import html
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from toolkit.company import alone, earlier
from toolkit.language import day, say, speaking, word
from toolkit.reporting import archive, page, signing

_FINDINGS = re.compile(r'<div class="findings"><ol>(.*?)</ol></div>', re.DOTALL)
_TITLE = re.compile(r"<title>(.*?) · (.*?) · ", re.DOTALL)
_HEADS = ("revision", "status", "finished", "reason", "reports")


def rebuild(reports: Path) -> Path:
    """Write ``reports/index.html`` and a start page for each period; returns the first.

    A start page has the headline figures with their change and trend, what each report of the newest revision answers,
    and all revisions. The first has a row for each company and period, and a field that narrows them.
    """
    with alone(reports):  # runs of other packs write their views too
        _rebuild(reports)
    return reports / "index.html"


def _rebuild(reports: Path) -> None:
    rows, languages = [], set()
    for company in sorted(path for path in reports.glob("*") if path.is_dir() and not path.name.startswith(".")):
        packs = {path.name: archive.revisions(path) for path in sorted(company.glob("*")) if path.is_dir()}
        packs = {period: found for period, found in packs.items() if found}
        trend = _trend({period: found[-1] for period, found in packs.items()})
        for period, found in reversed(packs.items()):
            languages.add(language_of(found[-1]))
            faults = archive.check(company / period)
            offs = signing.sign_offs(company / period, faults)
            with speaking(language_of(found[-1])):
                start = _start(company.name, period, found, trend, offs, faults)
                archive.put(company / period / "index.html", page.view(*start))
                rows.append(_row(company.name, period, found[-1], trend, _status(found[-1], offs, faults)))
    with speaking(languages.pop() if len(languages) == 1 else "en"):
        field = f'{html.escape(say("Show rows with"))} <input type="search">'
        body = f'<p class="filter" hidden><label>{field}</label> <span role="status"></span></p>'
        body += _table(("company", "period", "status", "reports", "headlines"), rows)
        body = body if rows else f"<p>{html.escape(say('Nothing is archived yet.'))}</p>"
        archive.put(reports / "index.html", page.view(say("Reports"), body))


def language_of(revision: archive.Revision) -> str:
    """The language of a revision's reports, where they have one."""
    entries = revision.manifest["reports"].values()
    found = {entry.get("parameters", {}).get("language", {}).get("value", "en") for entry in entries}
    return found.pop() if len(found) == 1 else "en"


def _trend(newest: dict[str, archive.Revision]) -> pd.DataFrame:
    """The headline figures of a company's periods, the earliest first: those of each newest revision."""
    parts = []
    for period, revision in newest.items():
        path = revision.folder / "figures.parquet"
        figures = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
        if "headline" in figures:
            parts.append(figures[(figures["headline"] != "") & figures["value"].notna()].assign(period=period))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["period", "headline"])


def _headlines(period: str, trend: pd.DataFrame) -> list[dict]:
    """Each headline of a period as ``page.headline`` tells it, and its line over the periods until then."""
    told, before = [], trend[trend["period"].isin(earlier(period, trend["period"]))]
    for row in trend[trend["period"] == period].to_dict("records"):
        same = before[(before["figure_id"] == row["figure_id"]) & (before["headline"] == row["headline"])]
        part = row["report"].partition(".")[2]  # of a slice
        own = pd.Series([report.partition(".")[2] == part for report in same["report"]], same.index, dtype="bool")
        same = same[own]
        shown = page.headline(row, same.to_dict("records"))
        name = shown["name"] + f" ({part})" * bool(part)
        told.append(shown | {"name": name, "line": _line([*same["value"], row["value"]])})
    return told


def _line(values: list[float]) -> str:
    """A small line of the last eight values; what it shows is told in words beside it."""
    values = values[-8:]
    if len(values) < 2:
        return ""
    low, size = min(values), (max(values) - min(values)) or 1
    points = [(4 + 92 * at / (len(values) - 1), 20 - 16 * (value - low) / size) for at, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    end = f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.5"/>'
    return f'<svg class="line" viewBox="0 0 100 24" aria-hidden="true"><polyline points="{path}"/>{end}</svg>'


def _start(
    company: str, period: str, found: list[archive.Revision], trend: pd.DataFrame, offs: list[signing.SignOff],
    faults: list[str],
) -> tuple[str, str]:  # fmt: skip
    """Title and body of a period's start page."""
    newest, answers, title = found[-1], [], company
    for report in sorted(newest.manifest["reports"]):
        path = newest.folder / f"{report}.html"
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        name, findings = _TITLE.search(text), _FINDINGS.search(text)
        address = f"{newest.name}/{html.escape(report)}.html"
        head, title = (name[1], html.unescape(name[2])) if name else (html.escape(report), title)
        said = f'<div class="findings"><ol>{findings[1]}</ol></div>' if findings else ""
        answers.append(f'<section><h2><a href="{address}">{head}</a></h2>{said}</section>')
    rows = []
    for revision in reversed(found):
        status = _status(revision, offs, faults, revision is newest)
        at, reason = revision.record["finished_at"], _reason(revision.record)
        cells = (revision.name, status, f"{day(at[:10])}, {at[11:16]} UTC", reason)
        row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        rows.append(f"<tr>{row}<td>{_links(revision, revision.name)}</td></tr>")
    states = {each.state for each in offs if each.revision == newest.name}
    settled = "signed" in states and "void" not in states
    status = html.escape(_status(newest, offs, faults))
    body = f'<p class="status{" signed" * settled}">{status}</p>{_reviews(newest, offs)}'
    body += f"{page.tiles(_headlines(period, trend))}"
    body += f'{"".join(answers)}<h2 id="revisions">{html.escape(say("Revisions"))}</h2>{_table(_HEADS, rows)}'
    body += f'<p><a href="../../index.html">{html.escape(say("All reports"))}</a></p>'
    return f"{title} · {period}", body


def _reason(record: dict) -> str:
    """Somebody's reason for a revision, and what changed of what its reports are made of."""
    parts = (part.rpartition(": ") for part in record.get("changed", record["reason"]).split("; "))
    changed = "; ".join(f"{of}{colon}{word(why)}" for of, colon, why in parts)
    return changed if record["reason"] == record.get("changed", record["reason"]) else f"{record['reason']} ({changed})"


def _row(company: str, period: str, newest: archive.Revision, trend: pd.DataFrame, status: str) -> str:
    address = f"{html.escape(company)}/{html.escape(period)}"
    told = "".join(
        f"<div>{html.escape(each['name'])} <b>{html.escape(each['value'])}</b>{each['line']}</div>"
        for each in _headlines(period, trend)
    )
    return (
        f'<tr><th scope="row">{html.escape(company)}</th><td><a href="{address}/index.html">{html.escape(period)}</a>'
        f"</td><td>{newest.name}: {html.escape(status)}</td>"
        f"<td>{_links(newest, f'{address}/{newest.name}')}</td><td>{told}</td></tr>"
    )


def _links(revision: archive.Revision, folder: str) -> str:
    names = sorted(revision.manifest["reports"])
    return ", ".join(f'<a href="{folder}/{html.escape(name)}.html">{html.escape(name)}</a>' for name in names)


def status_of(revision: archive.Revision, newest: bool = True) -> str:
    """Status of a period's newest revision, or another one."""
    faults = archive.check(revision.folder.parent)
    return _status(revision, signing.sign_offs(revision.folder.parent, faults), faults, newest)


def _status(revision: archive.Revision, offs: list[signing.SignOff], faults: list[str], newest: bool = True) -> str:
    """DRAFT until somebody signed; who did, who noted a review, what is void; or what had to be left out and why."""
    mine = [each for each in offs if each.revision == revision.name]
    own = [fault.removeprefix(f"{revision.folder}: ") for fault in faults if fault.startswith(f"{revision.folder}: ")]
    said = [say("CHANGED SINCE: {fault}", fault=fault.rstrip(".")) for fault in own[:1]]
    said += [_reviewed(each) for each in mine]
    failed = sorted(revision.record.get("failed", {}).items())
    said = [say("INCOMPLETE: {fault}", fault=f"{report}: {fault.splitlines()[0]}") for report, fault in failed] + said
    states = {each.state for each in mine}
    if not newest:
        said.insert(0, say("superseded"))
    elif not failed and ("signed" not in states or "void" in states):
        said.insert(0, say("DRAFT"))
    return "; ".join(said)


def _reviews(revision: archive.Revision, offs: list[signing.SignOff]) -> str:
    """What reviewers of a revision looked at and had to say."""
    told = [each for each in offs if each.revision == revision.name and (each.checklist or each.comment)]
    lines = []
    for each in told:
        said = "; ".join(filter(None, [*each.checklist, each.comment]))
        lines.append(f"<li>{html.escape(f'{each.reviewer}: {said}')}</li>")
    return f"<ul>{''.join(lines)}</ul>" if lines else ""


def _reviewed(each: signing.SignOff) -> str:
    if each.state == "void":
        return say("SIGNATURE OF {reviewer} VOID: {why}", reviewer=each.reviewer or "?", why=word(each.why))
    if each.state == "noted":
        return say("noted by {reviewer} on {day}", reviewer=each.reviewer, day=day(each.date))
    return say("signed by {reviewer} on {day}", reviewer=each.reviewer, day=day(each.date))


def _table(names: Iterable[str], rows: list[str]) -> str:
    caption = html.escape(say("Newest first; a draft is not signed"))
    heads = "".join(f'<th scope="col">{html.escape(say(name))}</th>' for name in names)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{caption}"><table class="stack">'
        f"<caption><span>{caption}</span></caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
