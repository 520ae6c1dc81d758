"""What is in the archive? The views beside the revisions, rebuilt from them and in no manifest."""

import html
import os
from pathlib import Path

from toolkit.reporting import archive

_CSS = Path(__file__).parent / "template" / "page.css"


def rebuild(reports: Path) -> Path:
    """Write ``reports/index.html`` and one ``index.html`` per period; returns the first."""
    rows = []
    for period in sorted(
        path for path in reports.glob("*/*") if path.is_dir() and not path.parent.name.startswith(".")
    ):
        found = archive.revisions(period)
        if not found:
            continue
        company, name = period.parent.name, period.name
        entries = []
        for revision in reversed(found):
            status = _status(revision) if revision is found[-1] else "superseded"
            links = ", ".join(
                f'<a href="{revision.name}/{html.escape(report)}.html">{html.escape(report)}</a>'
                for report in sorted(revision.manifest["reports"])
            )
            cells = (revision.name, status, revision.record["finished_at"], revision.record["reason"])
            row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            entries.append(f"<tr>{row}<td>{links}</td></tr>")
        _write(period / "index.html", f"{company} · {name}", _HEADS, entries)
        newest = found[-1]
        address = f"{html.escape(company)}/{html.escape(name)}"
        links = ", ".join(
            f'<a href="{address}/{newest.name}/{html.escape(report)}.html">{html.escape(report)}</a>'
            for report in sorted(newest.manifest["reports"])
        )
        rows.append(
            f'<tr><th scope="row">{html.escape(company)}</th><td><a href="{address}/index.html">{html.escape(name)}</a>'
            f"</td><td>{newest.name}</td><td>{html.escape(_status(newest))}</td><td>{links}</td></tr>"
        )
    _write(reports / "index.html", "Reports", ("company", "period", "revision", "status", "reports"), rows)
    return reports / "index.html"


def _status(newest: archive.Revision) -> str:
    """DRAFT, or what the newest revision had to leave out and why."""
    failed = newest.record.get("failed", {}).items()
    return "; ".join(f"INCOMPLETE: {report}: {fault.splitlines()[0]}" for report, fault in sorted(failed)) or "DRAFT"


_HEADS = ("revision", "status", "finished", "reason", "reports")


def _write(path: Path, title: str, heads: tuple[str, ...], rows: list[str]) -> None:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
        f'<style>{_CSS.read_text(encoding="utf-8")}</style></head><body><div class="layout"><main>'
        f'<h1>{html.escape(title)}</h1><div class="wide" role="region" tabindex="0" aria-label="{html.escape(title)}">'
        f"<table><caption>Newest first; a draft is not signed</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div></main></div></body></html>\n"
    )
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
