"""What changed between two revisions, or one and today, and because of what? One static page, and the same as JSON."""

import html
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit import stats
from toolkit.company import Company, Period, erased
from toolkit.errors import ReportError, several
from toolkit.language import day, number, say, speaking, word
from toolkit.present import formatted, kind_of, listed, paragraphs, table
from toolkit.reporting import archive, page, runner
from toolkit.reporting.catalogue import language_of
from toolkit.reporting.parameters import notebook_of
from toolkit.reporting.verify import TOLERANCE, alike

_BECAUSE = {"frames": "data", "code": "code", "parameters": "parameters", "environment": "environment",
            "before": "figures of the period before"}  # fmt: skip
_PARTS = {"code": {"code", "environment"}, "parameters": {"parameters"}, "data": {"data"}}  # of a change, in this order
_GIVEN = ("company", "period")  # parameters that say which revision it is
_FIGURE = ["report", "figure_id", "cohort", "segment", "channel"]
_ENDS = ("value", "low", "high")
_DRAWN = re.compile(r'<figure id="figure-([^"]+)"><img [^>]*?alt="([^"]*)" src="([^"]+)">')


def compare(old: archive.Revision, new: archive.Revision) -> dict:
    """What two revisions of a company's packs differ in.

    Returns
    -------
    dict
        ``old``, ``new`` (period, revision, day of knowledge, hash of the manifest); ``reports``: name -> ``state``
        (same, changed, added, removed), ``because`` (data, code, parameters, environment, ...: all that differs of
        what it was made of), ``frames`` and ``code`` that differ by name, ``parameters`` (parameter, old, new),
        ``confidence``;
        ``figures``: a record a key figure (report, figure_id, cohort, segment, channel, unit, old, new, change, its
        low and high between two periods, because of data, code, parameters or environment); ``tables``: a record a
        table (report, table, rows, changed, added, removed, and ``cells`` that changed: row, column, old, new). Numbers
        that are the same within ``verify.TOLERANCE`` did not change.
    """
    return _compared(old, new)[0]


def _compared(old: archive.Revision, new: archive.Revision) -> tuple[dict, dict[tuple[str, str], pd.DataFrame]]:
    """What ``compare`` tells, and the rows of both by report and table."""
    for pack in dict.fromkeys(each.folder.parent for each in (old, new)):
        archive.whole(pack)
    was, now = old.manifest["reports"], new.manifest["reports"]
    reports = {name: _report(was.get(name), now.get(name)) for name in sorted(was.keys() | now.keys())}
    sides = {"old": _named(old), "new": _named(new)}
    if _known_otherwise(sides):
        for each in reports.values():
            if each["state"] == "changed":
                each["because"] = [x for x in each["because"] if x in _BECAUSE.values()] + ["day of knowledge"]
    figures = _figures(old, new)
    for row in figures:
        reasons = reports[row["report"]]["because"] if row["change"] != 0 else []
        row["because"] = [reason for reason in reasons if reason != _BECAUSE["before"]]  # of tiles alone
    rows = {
        (report, path.stem): _joined(old.folder / path, new.folder / path)
        for report in sorted(was.keys() & now.keys())
        for path in _both(old, new, report)
    }
    tables = [{"report": report, "table": name} | _counted(each) for (report, name), each in rows.items()]
    return sides | {"reports": reports, "figures": figures, "tables": tables}, rows


def _named(revision: archive.Revision) -> dict:
    made = (revision.folder / "manifest.json").read_bytes()
    known = {"as_of": revision.manifest.get("as_of"), "manifest": archive.sha256(made)}
    return {"period": revision.folder.parent.name, "revision": revision.name} | known


def _known_otherwise(told: dict) -> bool:
    """Are both of one period, by what was known on different days?"""
    return told["old"]["period"] == told["new"]["period"] and told["old"]["as_of"] != told["new"]["as_of"]


def _report(was: dict | None, now: dict | None) -> dict:
    if was is None or now is None:
        state = "added" if was is None else "removed"
        return {"state": state, "because": [], "frames": [], "code": [], "parameters": [], "confidence": None}
    parts = {part: archive.differing(was.get(part) or {}, now.get(part) or {}) for part in _BECAUSE if part != "before"}
    parts["parameters"] = [name for name in parts["parameters"] if name not in _GIVEN]
    parts["before"] = ["before"] * (was.get("before") != now.get("before"))
    because = [said for part, said in _BECAUSE.items() if parts[part]]
    values = [{"parameter": name, "old": _value(was, name), "new": _value(now, name)} for name in parts["parameters"]]
    changed = was["recipe"] != now["recipe"]
    return {
        "state": "changed" if changed else "same",
        "because": because or ["title, period or day of knowledge"] * changed,
        "frames": parts["frames"],
        "code": parts["code"],
        "parameters": values,
        "confidence": now["parameters"].get("confidence", {}).get("value", 0.95),
    }


def _value(entry: dict, name: str) -> str:
    found = entry["parameters"].get(name)
    return f"{json.dumps(found['value'], ensure_ascii=False)} ({found['origin']})" if found else ""


def _figures(old: archive.Revision, new: archive.Revision) -> list[dict]:
    sides = [pd.read_parquet(each.folder / "figures.parquet") for each in (old, new)]
    both = sides[0].merge(sides[1], on=_FIGURE, how="outer", suffixes=("_old", "_new"), sort=True)
    chance = old.folder.parent.name != new.folder.parent.name
    rows = []
    for row in both.to_dict("records"):
        was, now = ([row[f"{end}_{side}"] for end in _ENDS] for side in ("old", "new"))
        unit = row["unit_new"] if isinstance(row["unit_new"], str) else row["unit_old"]
        change, low, high = stats.difference(now, was)
        change = 0.0 if all(map(alike, was, now)) else change
        ends = (low, high) if chance else (None, None)
        values = dict(zip(("old", "new", "change", "low", "high"), (was[0], now[0], change, *ends), strict=True))
        values = {name: None if pd.isna(value) else float(value) for name, value in values.items()}
        rows.append({name: row[name] for name in _FIGURE} | {"unit": unit} | values)
    return rows


def _both(old: archive.Revision, new: archive.Revision, report: str) -> Iterator[Path]:
    """Tables of a report that either revision has, as paths in its folder."""
    folder = Path("tables") / report
    found = {path.name for each in (old, new) for path in (each.folder / folder).glob("*.csv")}
    yield from (folder / name for name in sorted(found))


def _joined(old: Path, new: Path) -> pd.DataFrame:
    """The rows of two tables side by side, matched by their texts: columns ``<x>`` of text, ``<x>|old``, ``<x>|new``.

    ``_merge`` says where a row is from; rows of the same texts are matched in their order.
    """
    filled = [path if path.is_file() and path.read_bytes().strip() else None for path in (old, new)]
    sides = [pd.read_csv(path) if path else pd.DataFrame() for path in filled]
    columns = list(dict.fromkeys([*sides[1], *sides[0]]))
    numbers = [x for x in columns if all(x not in side or pd.api.types.is_numeric_dtype(side[x]) for side in sides)]
    texts = [x for x in columns if x not in numbers]
    for at, side in enumerate(sides):
        side = side.reindex(columns=columns)
        side[texts] = side[texts].astype("object").where(side[texts].notna(), "").astype("str")
        sides[at] = side.assign(_nth=side.groupby(texts).cumcount() if texts else range(len(side)))
    suffixes = ("|old", "|new")
    keys = [*texts, "_nth"]
    named = [side.rename(columns={x: x + end for x in numbers}) for side, end in zip(sides, suffixes, strict=True)]
    return named[1].merge(named[0], on=keys, how="outer", indicator=True, sort=False).drop(columns="_nth")


def _columns(rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The texts and the numbers of two tables that are joined."""
    numbers = [x.removesuffix("|new") for x in rows if x.endswith("|new")]
    return [x for x in rows if "|" not in x and x != "_merge"], numbers


def _counted(rows: pd.DataFrame) -> dict:
    """How many rows changed, came and went, and the cells that changed."""
    both, cells, changed = rows[rows["_merge"] == "both"], [], set()
    texts, numbers = _columns(rows)
    named = pd.Series([" · ".join(each) for each in both[texts].to_numpy()], index=both.index, dtype="str")
    for name in numbers:
        was, now = both[f"{name}|old"], both[f"{name}|new"]
        differs = ~np.isclose(*(x.astype("float64") for x in (now, was)), rtol=TOLERANCE, atol=0, equal_nan=True)
        changed |= set(both.index[differs])
        for row, *ends in zip(named[differs], was[differs], now[differs], strict=True):
            first, second = (None if pd.isna(end) else float(end) for end in ends)
            cells.append({"row": row, "column": name, "old": first, "new": second})
    counts = {
        "added": int((rows["_merge"] == "left_only").sum()),
        "removed": int((rows["_merge"] == "right_only").sum()),
    }
    return {"rows": len(rows), "changed": len(changed)} | counts | {"cells": cells}


def write(old: archive.Revision, new: archive.Revision) -> Path:
    """Write the comparison of two revisions beside the archive; returns its page."""
    return _written(*_compared(old, new), old, new)


def restate(
    company: Company, period: Period, old: archive.Revision, stages: Sequence[Sequence[Path]], frames_for: Callable,
    digest_of: Callable[[Path], str], *, tell: Callable[[dict], None] = lambda event: None,
) -> Path:  # fmt: skip
    """Write the comparison of a revision with what data, code and parameters of today give; returns its page.

    As ``compare`` tells it, and of a report that changed: ``parts`` (code, parameters, data: those that differ),
    ``not_kept`` (frames without which they cannot be told apart) and ``fault`` (why it, or a step between, did not come
    to its end; its state is then failed); of a key figure ``parts``: how much of its change each is, docs/METHODS.md
    section 0.11, nothing if that is not known. Arguments as of ``runner.run`` and ``verify``; of ``stages`` the
    revision's reports.

    Raises
    ------
    ReportError
        If no report of the revision comes to its end today.
    """
    notebooks = {notebook.stem: notebook for stage in stages for notebook in stage}
    with runner.today(company, period, stages, frames_for, tell) as (new, failed):
        gone = {report for report in old.manifest["reports"] if notebook_of(report) not in notebooks}
        failed |= {report: f"notebooks/{notebook_of(report)}.ipynb is gone." for report in gone}
        failed = {report: _fault(failed[report]) for report in sorted(failed)}
        if not new:
            raise ReportError(several(failed.values()))
        told, rows = _compared(old, new)
        for report, fault in failed.items():
            told["reports"][report] |= {"state": "failed", "fault": fault}
        for row in told["figures"]:
            row["parts"] = {}
        for report, each in told["reports"].items():
            if each["state"] == "changed":
                was, now = (side.manifest["reports"][report] for side in (old, new))
                figures = [row for row in told["figures"] if row["report"] == report]
                notebook = notebooks[notebook_of(report)]
                each |= _split(company, period, report, notebook, was, now, each["because"], figures, digest_of)
        return _written(told, rows, old, new)


def _fault(error: object) -> str:
    """What became of a report, on a line; its partial page went with its folder."""
    return str(error).splitlines()[0].split(" The partial page")[0]


def _split(
    company: Company, period: Period, report: str, notebook: Path, was: dict, now: dict, because: list[str],
    figures: list[dict], digest_of: Callable[[Path], str],
) -> dict:  # fmt: skip
    """Tell each figure's change apart by what differs, one step after the other; what hinders it, if anything does."""
    lost = erased(company)
    parts = [part for part, reasons in _PARTS.items() if reasons & set(because)]
    kept = {name: company.data / "frames" / f"{digest}.parquet" for name, digest in was["frames"].items()}
    asked = kept if len(parts) > 1 else {}  # one part alone is all of the change
    gone = [name for name, path in asked.items() if path.stem in lost or digest_of(path) != path.stem]
    told, steps = {"parts": parts, "not_kept": gone, "fault": ""}, [{_key(row): row["old"] for row in figures}]
    if gone or not parts:
        return told
    for part in parts[:-1]:  # with what the last one differs in, it is today's
        entry = was if part == "code" else was | {"parameters": now["parameters"]}
        try:
            with tempfile.TemporaryDirectory() as home:  # where the page of one that fails may go
                job = runner.remade(replace(company, home=Path(home)), period, report, notebook, entry, kept)
        except ReportError as error:
            return told | {"fault": _fault(error)}
        steps.append({_key(row): row["value"] for row in job.figures})
    steps.append({_key(row): row["new"] for row in figures})
    for row in figures:
        by = pd.Series([step.get(_key(row)) for step in steps], dtype="float64").diff().iloc[1:]
        row["parts"] = dict(zip(parts, by.tolist(), strict=True)) if by.notna().all() else {}
    return told


def _key(row: dict) -> tuple:
    return tuple(str(row[name]) for name in _FIGURE[1:])


def _written(told: dict, rows: dict, old: archive.Revision, new: archive.Revision) -> Path:
    company, folder = old.folder.parents[1].name, old.folder.parents[1] / "compared"
    folder.mkdir(exist_ok=True)
    path = folder / f"{old.folder.parent.name}-{old.name}--{new.folder.parent.name}-{new.name}.html"
    with speaking(language_of(new)):
        text = page.view(f"{company}: {_title(told)}", _body(told, rows, old, new))
    archive.put(path.with_suffix(".json"), archive.canonical(told))
    archive.put(path, text)
    return path


def _title(told: dict) -> str:
    first, second = (f"{told[side]['period']} {word(told[side]['revision'])}" for side in ("old", "new"))
    return say("From {first} to {second}", first=first, second=second)


def _body(told: dict, rows: dict, old: archive.Revision, new: archive.Revision) -> str:
    made = [(name, each["state"], *(", ".join(each[part]) for part in ("because", "frames", "code")))
            for name, each in told["reports"].items()]  # fmt: skip
    reasons = pd.DataFrame(made, columns=["report", "state", "because", "frames", "code"])
    kinds = dict.fromkeys(["report", "frames", "code"], "name") | dict.fromkeys(["state", "because"], "text")
    heads = {"because": "because of", "frames": "frames that differ", "code": "code that differs"}
    said, behind = _key_figures(told)
    moved = [each["table"] for each in told["tables"] if each["changed"] + each["added"] + each["removed"]]
    names = ", ".join(moved[:5]) + " …" * (len(moved) > 5)
    tables = say("{n} of {all} tables changed: {names}.", n=len(moved), all=len(told["tables"]), names=names)
    tables = tables if moved else say("No table changed.")
    caption = say("Why reports differ, by what they were made of")
    why = table(reasons, name="reasons", caption=caption, columns=list(reasons), heads=heads, kinds=kinds)
    parts = [paragraphs([said, tables]).html, why.html]
    if _known_otherwise(told):
        days = {side: day(told[side]["as_of"]) for side in ("old", "new")}
        parts.insert(1, paragraphs([say("Known on {new} (was {old}).", **days)]).html)
    values = [{"report": name} | row for name, each in told["reports"].items() for row in each["parameters"]]
    if values:
        kinds = dict.fromkeys(["report", "parameter", "old", "new"], "name")
        caption = say("Parameters that changed, and where they were set")
        parts.append(
            table(pd.DataFrame(values), name="parameters", caption=caption, columns=list(kinds), kinds=kinds).html
        )
    parts.append(f"<h2>{html.escape(say('Key figures'))}</h2>{behind}" if behind else "")
    for report, each in told["reports"].items():
        parts.append(f"<h2>{html.escape(report)}</h2>")
        if each["state"] == "changed":
            parts.append(_tables(told, report, rows) + _drawings(report, old, new))
        elif each["state"] == "failed":
            parts.append(paragraphs([say("Today it does not come to its end: {fault}", fault=each["fault"])]).html)
        elif each["state"] == "same":
            parts.append(paragraphs([say("Made of the same: nothing of it changed.")]).html)
        else:
            parts.append(paragraphs([say("It is in one of the two only.")]).html)
    return "".join(parts)


def _listed(reasons: list[str]) -> str:
    return ", ".join(map(word, reasons))


def _key_figures(told: dict) -> tuple[str, str]:
    """What changed of the key figures in a sentence, and their table: old and new, the change and its interval."""
    rows = pd.DataFrame([row for row in told["figures"] if (row["old"], row["new"]) != (None, None)])
    if rows.empty:
        return say("Neither keeps a key figure."), ""
    shown = rows.assign(because=rows["because"].map(_listed), unit=rows["unit"].replace("cents", "money"))
    shown["apart"] = ((rows["low"] > 0) | (rows["high"] < 0)).map({True: "yes", False: "no"})
    shown["apart"] = shown["apart"].where(rows["low"].notna(), "")
    units = rows["unit"].map(lambda unit: page.SHOWN_AS.get(unit, "rate"))
    for name in ("old", "new", "change", "low", "high"):
        how = formatted if name in ("old", "new") else page.changed
        shown[name] = [how(x, kind) for x, kind in zip(rows[name], units, strict=True)]
    points = f" {say('points')}"
    ends = zip(shown["low"].str.removesuffix(points), shown["high"].str.removesuffix(points), strict=True)
    shown["interval"] = [say("{low} to {high}", low=low, high=high) for low, high in ends]
    shown["interval"] = shown["interval"].where(rows["low"].notna(), "")
    kinds = dict.fromkeys(["old", "new", "change", "interval"], "shown") | {"because": "text", "report": "name"}
    kinds["apart"] = "text"
    columns = ["report", "figure_id", "segment", "channel", "unit", "old", "new", "change"]
    caption = say("Key figures of both; the interval of a change is of two periods only, as if they were independent")
    if "parts" in rows:
        caption = say("Key figures of both; the change is told apart in this order: code, then parameters, then data")
        for part in [part for part in _PARTS if any(part in each for each in rows["parts"])]:
            by = (each.get(part) for each in rows["parts"])
            shown[part], kinds[part] = [page.changed(x, kind) for x, kind in zip(by, units, strict=True)], "shown"
            columns.append(part)
    columns += ["interval", "apart"] * bool(rows["low"].notna().any()) + ["because"]
    heads = {"figure_id": "figure", "because": "because of", "apart": "leaves out 0"}
    moved = shown[rows["change"].fillna(1) != 0]
    caption = say("{caption}; those that did not change are left out", caption=caption)
    behind = table(moved, name="figures", caption=caption, columns=columns, heads=heads, kinds=kinds).html
    behind = behind if len(moved) else ""
    untold = list(_untold(told))
    return _told(shown, rows, told["reports"]), behind + (paragraphs(untold).html if untold else "")


def _untold(told: dict) -> Iterator[str]:
    """Why the parts of a report's changes are not told."""
    for report, each in told["reports"].items():
        slots = {"report": report, "revision": told["old"]["revision"]}
        slots["parts"] = listed(map(word, each.get("parts", [])[::-1]))
        if each.get("not_kept"):
            yield say("{report}: frames of {revision} are not kept: {parts} are not told apart.", **slots)
        elif each.get("fault") and each["state"] == "changed":
            slots["fault"] = each["fault"]
            yield say("{report}: {parts} are not told apart; with frames of {revision}, {fault}", **slots)


def _told(shown: pd.DataFrame, rows: pd.DataFrame, reports: dict) -> str:
    """How many key figures changed, and the first five: between two periods those whose interval leaves out 0."""
    measured = rows[rows["low"].notna()]
    if len(measured):
        changed = shown[shown["apart"] == "yes"]
        chance = sum(1 - reports[report]["confidence"] for report in measured["report"])
        said = say(
            "{n} of {all} changes have an interval that leaves out 0; up to {chance} would by chance alone",
            n=len(changed), all=len(measured), chance=number(chance, ".1f"),
        )  # fmt: skip
    else:
        changed = shown[rows["change"].fillna(1) != 0]
        said = say("{n} of {all} key figures changed", n=len(changed), all=len(shown))
    names = [
        f"{' '.join(filter(None, (row.figure_id, row.segment, row.channel)))} ({row.change})"
        for row in changed.head(5).itertuples()
    ]
    return f"{said}{': ' if names else ''}{'; '.join(names)}{' …' * (len(changed) > 5)}."


def _tables(told: dict, report: str, rows: dict) -> str:
    """The tables of a report that changed, row by row; the names of the others."""
    parts, same = [], []
    for each in [each for each in told["tables"] if each["report"] == report]:
        if not each["changed"] + each["added"] + each["removed"]:
            same.append(each["table"])
            continue
        caption = say("{table}: of {rows} rows {changed} changed, {added} came, {removed} went", **{
            name: each[name] for name in ("table", "rows", "changed", "added", "removed")
        })  # fmt: skip
        shown = _side_by_side(rows[report, each["table"]])
        kinds = {x: "shown" for x in shown} | dict.fromkeys(shown.attrs["texts"], "text")
        heads = {x: x.replace("_", " ") for x in shown}
        told_by = table(shown, name=each["table"], caption=caption, columns=list(shown), heads=heads, kinds=kinds)
        parts.append(f"<details><summary>{html.escape(caption)}</summary>{told_by.html}</details>")
    if same:
        parts.append(paragraphs([say("Tables without a change: {names}.", names=", ".join(same))]).html)
    return "".join(parts)


def _side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """What a reader sees of two tables: each number that changed with what it was."""
    texts, numbers = _columns(rows)
    shown = rows[texts].copy()
    for name in numbers:
        was, now = ([formatted(x, kind_of(name)) for x in rows[f"{name}|{side}"]] for side in ("old", "new"))
        shown[name] = [
            new if new == old else say("{new} (was {old})", new=new, old=old) for old, new in zip(was, now, strict=True)
        ]
    came = {"left_only": say("came"), "right_only": say("went"), "both": ""}
    shown["row"] = rows["_merge"].astype("str").map(came)
    shown.attrs["texts"] = [*texts, "row"]
    return shown


def _drawings(report: str, old: archive.Revision, new: archive.Revision) -> str:
    """The drawings of both pages side by side, those that differ."""
    pages = [_DRAWN.findall((each.folder / f"{report}.html").read_text(encoding="utf-8")) for each in (old, new)]
    was, now = ({name: (alt, image) for name, alt, image in found} for found in pages)
    pairs = []
    for name in [name for name in now if name in was and was[name] != now[name]]:
        sides = "".join(
            f'<figure><img alt="{alt}" src="{image}"><figcaption>{html.escape(name.replace("_", " "))}, '
            f"{each.folder.parent.name} {word(each.name)}</figcaption></figure>"
            for each, (alt, image) in ((old, was[name]), (new, now[name]))
        )
        pairs.append(f'<div class="pair">{sides}</div>')
    return "".join(pairs)
