"""The command line: ``toolkit <verb>``, thin; each verb does what one function of the package does."""

import argparse
import errno
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import DataError, ParamsError, ReportError, ToolkitError, first_five, nearest, several

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.company import Company, Period
    from toolkit.reporting.archive import Revision
    from toolkit.reporting.runner import Outcome


# a disk or quota that is full, a file system or folder that may not be written to, a disk that fails
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; a fault that the user can mend is one message and its exit code, no traceback."""
    options = _parser().parse_args(arguments)
    try:
        return options.verb(options) or 0
    except ToolkitError as error:
        print(f"error: {_text(error)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr)
        return 130
    except OSError as error:
        place, why = error.filename, error.strerror
        if isinstance(error, shutil.Error):  # of a folder that was copied: all that could not be
            (_, place, why), *_ = error.args[0]
            why = why.split("] ")[-1].split(": '")[0]  # of "[Errno 28] No space left on device: 'folder'"
        elif error.errno not in _OF_THE_MACHINE:
            return _unexpected()
        place = f"{place}: " if place else ""
        print(f"error: {place}{why}. Nothing half-written is archived; what was finished is kept.", file=sys.stderr)
        return 1
    except Exception:
        return _unexpected()


def _unexpected() -> int:
    """A fault of ours, told whole."""
    print(_fit(traceback.format_exc()), file=sys.stderr, end="")
    return 1


def _text(error: ToolkitError) -> str:
    return _fit("\n".join([str(error), *getattr(error, "__notes__", ())]))


def _fit(text: str) -> str:
    """A message without what must not be told, such as a driver's that quotes a password."""
    from toolkit.reporting import release

    return release.redacted(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="toolkit", description="Analysis reports that can be traced and redone.")
    parser.add_argument("--home", type=Path, default=Path(), help="folder with params/ and notebooks/ (default: here)")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    sample = verbs.add_parser("sample", help="make the sample company's raw data and admit them")
    sample.add_argument("--size", choices=["tiny", "normal"], default="normal", help="default: normal")
    sample.set_defaults(verb=_sample)

    ingest = verbs.add_parser("ingest", help="admit a company's raw files, checked, with a receipt")
    ingest.add_argument("company", help="as in params/")
    ingest.add_argument("--from", dest="raw", type=Path, required=True, help="folder with the raw files")
    ingest.set_defaults(verb=_ingest)

    check = verbs.add_parser("check", help="settings, parameters, warehouse and archive of a company; runs nothing")
    check.add_argument("company", help="as in params/")
    check.set_defaults(verb=_check)

    run = verbs.add_parser("run", help="make a period's pack: executes what changed, archives a revision")
    run.add_argument("company", help="as in params/")
    which = run.add_mutually_exclusive_group()
    which.add_argument(
        "period", nargs="*", default=[], help="such as 2026Q3, 2026-07, 2026H2 or 2026; default: the latest in params/"
    )
    which.add_argument("--all", action="store_true", help="every period in params/, the oldest first")
    run.add_argument("--only", action="append", metavar="REPORT", default=[], help="this report only; may be repeated")
    run.add_argument("--set", action="append", metavar="NAME=VALUE", default=[], help="a parameter; may be repeated")
    run.add_argument("--reason", default="", help="why there is a new revision; default: what changed")
    run.add_argument("--workers", type=int, metavar="N", help="reports that run at once; default: one a core")
    run.set_defaults(verb=_run)

    compare = verbs.add_parser("compare", help="what changed between two periods or revisions, and because of what")
    compare.add_argument("company", help="as in params/")
    compare.add_argument("old", help="a period (its newest revision) or a revision, such as 2026Q2 or 2026Q2/r1")
    compare.add_argument(
        "new", nargs="?", help="the same, or today: as made now; default: old and the revision before it"
    )
    compare.set_defaults(verb=_compare)

    verify = verbs.add_parser("verify", help="make archived reports again and say where they differ, and why")
    verify.add_argument("company", nargs="?", help="as in params/")
    verify.add_argument("revision", nargs="?", help="a period (its newest revision) or a revision, such as 2026Q3/r1")
    verify.add_argument("--head", type=Path, metavar="FILE", help="a copy of reports/head.json that was kept elsewhere")
    verify.add_argument("--at-code", action="store_true", help="with the code of the commit that it was made with")
    verify.add_argument("--page", type=Path, metavar="FILE", help="a page that was sent: which revision it is of")
    verify.set_defaults(verb=_verify)

    sign = verbs.add_parser("sign", help="sign a revision off, which clears DRAFT; without a key the review is noted")
    sign.add_argument("company", help="as in params/")
    sign.add_argument("revision", help="a period (its newest revision) or a revision, such as 2026Q3/r1")
    sign.add_argument("--reviewer", required=True, help="as in params/allowed_signers, such as an address")
    sign.add_argument("--key", type=Path, metavar="FILE", help="SSH key, private, or public if an agent holds it")
    sign.add_argument("--checked", action="append", metavar="WHAT", default=[], help="looked at; may be repeated")
    sign.add_argument("--comment", default="", help="shown with the sign-off")
    sign.set_defaults(verb=_sign)

    new = verbs.add_parser("new", help="something to begin with: a company, the next period's params, a notebook")
    kinds = new.add_subparsers(title="what", metavar="WHAT", required=True)
    period = kinds.add_parser("period", help="params of the next period, every parameter in a comment")
    period.add_argument("company", help="as in params/")
    period.add_argument("name", nargs="?", help="default: the period after the latest in params/, as long as that")
    period.set_defaults(verb=_new_period)

    notebook = kinds.add_parser("notebook", help="a notebook that runs, its METHODS, params and test")
    notebook.add_argument("name", help="of its file: small letters, digits, underscores")
    notebook.add_argument("--title", help="of its page; default: its name")
    notebook.set_defaults(verb=_new_notebook)

    company = kinds.add_parser("company", help="params of a company, from what its raw files or its warehouse hold")
    company.add_argument("name", help="small letters, digits, underscores")
    where = company.add_mutually_exclusive_group(required=True)
    where.add_argument("--from", dest="raw", type=Path, help="folder with the raw files")
    where.add_argument("--warehouse", metavar="URL", help="of a warehouse that holds the contract's tables as views")
    company.add_argument("--title", help="as reports call it; default: its name")
    company.add_argument("--zone", default="UTC", help="of its days, such as Europe/Amsterdam; default: UTC")
    company.add_argument("--currency", default="EUR", help="of its money, ISO 4217; default: EUR")
    company.set_defaults(verb=_new_company)

    lab = verbs.add_parser("lab", help="JupyterLab on a period: its notebooks with its parameters, its archive at hand")
    lab.add_argument("company", help="as in params/")
    lab.add_argument("period", nargs="?", help="as for run; default: the latest in params/")
    lab.add_argument("more", nargs=argparse.REMAINDER, help="after --: options of JupyterLab, such as -- --no-browser")
    lab.set_defaults(verb=_lab)

    listing = verbs.add_parser("list", help="what the archive holds")
    listing.add_argument("company", nargs="?", help="as in params/; default: all")
    listing.set_defaults(verb=_list)

    prune = verbs.add_parser("prune", help="what no revision needs and its size; removes it only if told to")
    prune.add_argument("company", help="as in params/")
    how = prune.add_mutually_exclusive_group()
    how.add_argument("--remove", action="store_true", help="remove it; close notebooks of the company before")
    how.add_argument("--erase", metavar="CUSTOMER_ID", help="remove a customer's rows from every kept frame instead")
    prune.set_defaults(verb=_prune)
    return parser


def document() -> str:
    """The page docs/VERBS.md: every verb with its help, its arguments and options, as ``--help`` tells them."""

    def told(parser: argparse.ArgumentParser, words: str, what: str) -> Iterator[str]:
        inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        for action in inner:
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, each in action.choices.items():
                yield from told(each, f"{words} {name}", helps[name])
        if not inner:
            yield f"## `{words}`\n\n{what[0].upper()}{what[1:]}.\n\n"
            for action in parser._actions[1:]:  # the first is --help
                name = ", ".join(action.option_strings) or action.metavar or action.dest
                kind = action.metavar or "|".join(action.choices or [action.dest.upper()])
                value = f" {kind}" if action.option_strings and action.nargs != 0 else ""
                yield f"- `{name}{value}`: {action.help}\n"
            yield "\n"

    made = "from toolkit import cli; print(cli.document(), end='')"
    head = f'# Verbs\n\nWritten by `python -c "{made}" > docs/VERBS.md`.\n\n'
    return (head + "".join(told(_parser(), "toolkit", ""))).rstrip("\n") + "\n"


def _sample(options: argparse.Namespace) -> None:
    import sample_company
    from toolkit import company, source

    found = company.load("sample", options.home)
    sample_company.write(found.data / "raw", size=options.size)
    receipt = source.ingest(found, found.data / "raw")
    print(receipt.text())


def _ingest(options: argparse.Namespace) -> None:
    from toolkit import company, source

    print(source.ingest(company.load(options.company, options.home), options.raw).text())


def _check(options: argparse.Namespace) -> None:
    from toolkit import company, lab, rules, warehouse
    from toolkit.reporting import archive, parameters

    found = company.load(options.company, options.home)
    notebooks = _notebooks(options.home, [])
    periods = _periods(found)
    for period in periods:
        parameters.resolved(found, period.name, notebooks)
    for name in rules.FILES:
        rules.declared(found, name)
    print(f"params/{found.name}: sound, {len(periods)} periods, {len(notebooks)} notebooks")
    for advice in [one for notebook in notebooks for one in lab.linted(notebook)]:
        print(advice)
    with warehouse.reading(found):
        stored = warehouse.Warehouse(found)
    missing = [name for name in warehouse.TABLES if not stored.has(name)]
    print(f"warehouse: {len(warehouse.TABLES) - len(missing)} tables; not brought: {', '.join(missing) or 'none'}")
    for name in missing:
        print(f"  {name} would bring more to {warehouse.TABLES[name].unlocks}")
    faults = [fault for path in sorted(found.reports.glob("*")) if path.is_dir() for fault in archive.check(path)]
    faults += archive.adrift(options.home / "reports", archive.heads(options.home / "reports"))
    if faults:
        raise DataError(several(faults))
    print("archive: every file is what its manifest says, every chain holds, the head lists nothing that is gone")


def _run(options: argparse.Namespace) -> None:
    from toolkit import company
    from toolkit.reporting import ledger, seal

    found = company.load(options.company, options.home)
    known = _periods(found)
    if not options.period and not known:
        raise ParamsError(f"{found.params}: no period is named and no <period>.yaml is there to tell the latest.")
    named = {name: found.period(name) for name in options.period}
    periods = sorted(named.values(), key=_age) or (known if options.all else known[-1:])
    ahead = [period for period in periods if period.start > ledger.clock()]
    if ahead:
        begins = f"{ahead[0].name} begins on {ahead[0].start:%Y-%m-%d}, which is still to come"
        raise ParamsError(f"{found.name}: {begins}. Name a period that has begun.")
    notebooks = _notebooks(options.home, options.only)
    told = {period: seal.inputs(found, period, [*options.only, "--set", *options.set]) for period in periods}
    if not all(seal.holds(found, period, told[period]) for period in periods):
        from toolkit.reporting import parameters

        for period in periods:  # before the first of them begins
            parameters.resolved(found, period.name, notebooks, options.set)
    errors = {}
    for period in periods:
        try:
            held = seal.unchanged(found, period, told[period])  # asked again: an earlier period may be new
            _print_unchanged(f"{found.name} {period.name}", held) if held else _make(options, found, period, notebooks)
        except ToolkitError as error:
            if len(periods) == 1:
                raise
            errors[period.name] = error
        else:
            seal.close(found, period, told[period])
    if errors:
        kinds = {type(error) for error in errors.values()}
        faults = [f"{name}: {_text(error)}".replace("\n", "\n     ") for name, error in errors.items()]
        raise (kinds.pop() if len(kinds) == 1 else ReportError)(several(faults))


def _make(options: argparse.Namespace, found: "Company", period: "Period", notebooks: list[Path]) -> None:
    from toolkit.reporting import runner

    asked = {"sets": options.set, "reason": options.reason, "workers": options.workers}
    with _Progress() as tell:
        stages = _stages(notebooks)
        outcome = runner.run(found, period, stages, _frames_for(found, period, stages), **asked, tell=tell)
    _print_outcome(f"{found.name} {period.name}", outcome)


def _stages(notebooks: Sequence[Path]) -> list[list[Path]]:
    """Notebooks that are executed first, and those that read what came of them."""
    from toolkit import frames

    later = [notebook for notebook in notebooks if frames.KEY_FIGURES in frames.asked_for(_source(notebook))]
    return [[notebook for notebook in notebooks if notebook not in later], later]


def _frames_for(found: "Company", period: "Period", stages: Sequence[Sequence[Path]]) -> Callable:
    """What gives the notebooks of a stage their frames, made of the company's warehouse and archive.

    What a later stage asks of the warehouse is made while the reports of the first one run.
    """
    from toolkit import frames

    folder, known, kept = found.data / "frames", frames.Known(found, period), {}

    def make(asked: Iterable[str]) -> None:
        kept.update(frames.materialise(found, period, [name for name in asked if name not in kept], folder, known))

    def frames_for(
        stage: Sequence[Path], figures: "pd.DataFrame | None"
    ) -> Iterator[tuple[str, Mapping[str, tuple[Path, str]]]]:
        names = {notebook.stem: frames.asked_for(_source(notebook)) for notebook in stage}
        if figures is not None:
            kept[frames.KEY_FIGURES] = frames.keep_key_figures(found, period, figures, folder)
        frames.checked({name for asked in names.values() for name in asked} - {frames.KEY_FIGURES})
        for report, asked in names.items():
            make(asked)
            yield report, {name: (kept[name].path, kept[name].digest) for name in asked}
        for notebook in stages[1] if figures is None else ():
            make(name for name in frames.asked_for(_source(notebook)) if name != frames.KEY_FIGURES)

    return frames_for


def _print_outcome(what: str, outcome: "Outcome") -> None:
    fresh = {"executed": outcome.executed, "resumed": outcome.resumed}
    if not any(fresh.values()):
        _print_unchanged(what, outcome.revision)
    else:
        named = (fresh | {"unchanged": outcome.unchanged}).items()
        done = [f"{how}: {', '.join(names)}" for how, names in named if names]
        print(f"{what}: {outcome.revision.name} archived; {'; '.join(done)}")
        print((outcome.revision.folder.parent / "index.html").resolve())


def _print_unchanged(what: str, revision: "Revision") -> None:
    print(f"{what}: unchanged, nothing was executed; {revision.name} holds.")
    print((revision.folder.parent / "index.html").resolve())


class _Progress:
    """Shows on stderr how a run goes: bars on a terminal, elsewhere one JSON object a line."""

    def __enter__(self) -> "_Progress":
        self.live, self.bars = sys.stderr.isatty(), {}
        self.asked = self.ended = 0
        return self

    def __exit__(self, *_: object) -> None:
        for bar in self.bars.values():
            bar.close()

    def __call__(self, event: dict) -> None:
        if not self.live:
            from toolkit.reporting import ledger

            at = ledger.clock().isoformat(timespec="milliseconds")
            with suppress(OSError):  # nobody reads it any more: no reason to end a run
                print(json.dumps({"at": at} | event), file=sys.stderr, flush=True)
        elif "why" in event:
            from tqdm import tqdm

            tqdm.write(
                f"{event.get('report', 'all reports')}: plain kernels, not warm ones: {event['why']}", sys.stderr
            )
        elif event["event"] == "asked":
            self.asked, self.ended = event["reports"], 0
        elif event["event"] == "report":
            self._draw(event["report"], event)

    def _draw(self, report: str, event: dict) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # no thread of its own
        name, state = f"{event['period']} {report}", event["state"]
        if state == "started":
            form = "{desc} |{bar}| {n_fmt}/{total_fmt} cells {elapsed}{postfix}"
            self.bars[report] = tqdm(total=event["cells"], desc=name, leave=False, bar_format=form, dynamic_ncols=True)
        elif state == "cell":
            self.bars[report].n = event["cell"]
            self.bars[report].set_postfix_str(f"section {event['section']}, {event['memory_mb']} MB")
        else:
            if report in self.bars:
                self.bars.pop(report).close()
            self.ended += 1
            seconds = f" in {event['seconds']} s" if state == "done" else ""
            tqdm.write(f"{name}: {state}{seconds} ({self.ended} of {self.asked})", file=sys.stderr)


def _compare(options: argparse.Namespace) -> None:
    from toolkit import company, frames
    from toolkit.reporting import compare, parameters

    found = company.load(options.company, options.home)
    first, before = _revision(found, options.old)
    if options.new == "today":
        period = found.period(first.folder.parent.name)
        names = set(map(parameters.notebook_of, first.manifest["reports"]))
        stages = _stages([each for each in _notebooks(options.home, []) if each.stem in names])
        with _Progress() as tell:
            made = stages, _frames_for(found, period, stages), frames.digest_of
            path = compare.restate(found, period, first, *made, tell=tell)
        print(path.resolve())
        return
    if options.new:
        second, _ = _revision(found, options.new)
    elif before:
        first, second = before, first
    else:
        raise ParamsError(f"{first.folder}: expected a revision before it, found none. Name the two to compare.")
    print(compare.write(first, second).resolve())


def _verify(options: argparse.Namespace) -> int:
    from toolkit import company, frames
    from toolkit.reporting import catalogue, verify

    if options.page:
        said, same = verify.found(options.home / "reports", options.page)
        print(said)
        return 0 if same else 1
    if not options.company or not options.revision:
        raise ParamsError("verify: expected a company and a period or revision, or --page FILE.")
    found = company.load(options.company, options.home)
    revision, _ = _revision(found, options.revision)
    if options.at_code:
        ended = verify.at_code(found, revision, options.head)
        with suppress(OSError):
            catalogue.rebuild(options.home / "reports")  # with today's code again
        return ended
    lines, anchored = verify.anchors(found, revision, options.head)
    print("\n".join(lines))
    period = found.period(revision.folder.parent.name)

    def frames_now(names: list[str]) -> dict[str, str]:
        asked = [name for name in names if name != frames.KEY_FIGURES]
        kept = frames.materialise(found, period, asked, found.data / "frames")
        return {name: each.digest for name, each in kept.items()}

    notebooks = options.home / "notebooks"
    verdicts = verify.verify(found, period, revision, notebooks, frames_now, frames.digest_of, tell=print)
    with suppress(OSError):  # of an archive that may only be read
        catalogue.rebuild(options.home / "reports")  # a sign-off may be void now
    return 0 if anchored and all(each.holds for each in verdicts) else 1


def _sign(options: argparse.Namespace) -> None:
    from toolkit import company
    from toolkit.reporting import archive, catalogue, ledger, signing

    found = company.load(options.company, options.home)
    revision, _ = _revision(found, options.revision)
    given = {"key": options.key, "checked": options.checked, "comment": options.comment}
    off = signing.sign(revision, options.reviewer, ledger.clock().astimezone(found.zone).date(), **given)
    catalogue.rebuild(options.home / "reports")
    newest, what = archive.newest(revision.folder.parent).name, f"{found.name} {revision.folder.parent.name}"
    superseded = f"; {newest} supersedes it" * (newest != off.revision)
    print(f"{what} {off.revision}: {off.state} by {off.reviewer} on {off.date}{superseded}")


def _revision(found: "Company", name: str) -> "tuple[Revision, Revision | None]":
    """The revision of that name, or the newest of the period of that name, and the one before it."""
    from toolkit.reporting import archive

    period, _, number = name.partition("/")
    there = {path.name: archive.revisions(path) for path in sorted(found.reports.glob("*")) if path.is_dir()}
    known = [f"{of}/{each.name}" for of, packs in there.items() for each in packs]
    packs = there.get(period, [])
    names = [each.name for each in packs]
    if not packs or (number and number not in names):
        raise ParamsError(
            f"{found.reports}: no revision {name!r}; there are {len(known)}: {first_five(known) or 'none'}."
            f"{nearest(name, known)}"
        )
    at = names.index(number) if number else len(names) - 1
    return packs[at], packs[at - 1] if at else None


def _new_period(options: argparse.Namespace) -> None:
    from toolkit import company
    from toolkit.reporting import parameters, runner

    found = company.load(options.company, options.home)
    known = _periods(found)
    if not options.name and not known:
        raise ParamsError(f"{found.params}: no period is named and no <period>.yaml is there to follow.")
    name = found.period(options.name or company.following(known[-1].name)).name
    notebooks = _notebooks(options.home, [])
    values = parameters.resolved(found, name, notebooks)
    lines = [
        f"# {found.settings.title}, {name}: what differs from base.yaml. Take the '# ' away before a name to set it."
    ]
    for notebook in notebooks:
        lines.append(f"\n{notebook.stem}:")
        own = next(each for report, each in values.items() if parameters.notebook_of(report) == notebook.stem)
        for parameter in parameters.declared(notebook).values():
            if parameter.name not in parameters.RESERVED and not own[parameter.name].slice:
                value = runner.yaml_line(parameter.name, own[parameter.name].value)
                lines.append(f"  # {value}  # {parameter.annotation}: {parameter.help}")
    path = found.params / f"{name}.yaml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except FileExistsError:
        raise ParamsError(f"{path}: is there already and was left as it is. Edit it, or name another period.") from None
    print(path)


def _new_notebook(options: argparse.Namespace) -> None:
    from toolkit import company, skeleton

    if not company.is_name(options.name):
        raise ParamsError(f"{options.name!r}: expected a name of small letters, digits and underscores.")
    title = options.title or options.name.replace("_", " ").capitalize()
    print(*skeleton.notebook(options.home, options.name, title), sep="\n")


def _new_company(options: argparse.Namespace) -> None:
    from toolkit import company, skeleton, warehouse
    from toolkit.contract import TABLES

    if not company.is_name(options.name):
        raise ParamsError(f"{options.name!r}: expected a name of small letters, digits and underscores.")
    settings = {"title": options.title or options.name.replace("_", " ").capitalize(), "zone": options.zone}
    settings |= {"currency": options.currency} | ({"warehouse": options.warehouse} if options.warehouse else {})
    checked = company.validated(company.Settings, settings, Path("toolkit new company"))
    if options.raw:
        files, drafts, days = skeleton.drafted(options.raw, options.zone)
    else:
        seen, days = warehouse.looked_into(company.Company(options.name, checked, options.home))
        files, drafts = skeleton.in_warehouse(seen)
    params = options.home / "params" / options.name
    print(*skeleton.write(params, settings, files, drafts), sep="\n")
    lacking = [
        name for name, table in TABLES.items() if table.required and (name not in drafts or drafts[name].lacking)
    ]
    if lacking:
        print(f"Nothing looks like {', '.join(lacking)}; {params / 'SOURCES.md'} says what is where.")
    views = [name for name, draft in drafts.items() if not (options.raw or draft.there or draft.lacking)]
    if views:
        print(f"{params / 'views.sql'} has views for {', '.join(views)}: they are run in the warehouse, not by Tandem.")
    steps = [f"export TOOLKIT_KEY_{options.name.upper()}=$(python3 -c 'import secrets; print(secrets.token_hex(32))')"]
    steps += [f"toolkit ingest {options.name} --from {options.raw}"] if options.raw else []
    steps += [f"toolkit new period {options.name} {skeleton.last_whole_quarter(days) or 'PERIOD'}"]
    steps += [f"toolkit check {options.name}", f"toolkit run {options.name}"]
    span = f" Orders run from {days[0]} to {days[1]}." if days else ""
    print(f"Read each SELECT before you believe it.{span} Then:", *steps, sep="\n  ")


def _lab(options: argparse.Namespace) -> int:
    import importlib.util
    import subprocess

    from toolkit import company, lab

    found = company.load(options.company, options.home.resolve())
    known = _periods(found)
    if not options.period and not known:
        raise ParamsError(f"{found.params}: no period is named and no <period>.yaml is there.")
    folder, said = lab.desk(found, options.period or known[-1].name)
    print(*said, folder, sep="\n")
    if importlib.util.find_spec("jupyterlab") is None:
        raise ParamsError("JupyterLab is not installed here. Run: make lab, or install the extra 'lab'.")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    place = f"--LabApp.default_url=/lab/tree/{folder.relative_to(found.home).as_posix()}"
    quiet = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    more = options.more[options.more[:1] == ["--"] :]
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={found.home}", place, *quiet, *root]
    return subprocess.run([*command, *more], check=False).returncode


def _list(options: argparse.Namespace) -> None:
    from toolkit.reporting import archive, catalogue, ledger

    folder = options.home / "reports"
    known = sorted(path.name for path in folder.glob("[a-z]*") if path.is_dir())
    if options.company not in (None, *known):
        raise ParamsError(
            f"{folder}: no company {options.company!r}; there are: {', '.join(known) or 'none'}."
            f"{nearest(options.company, known)}"
        )
    for period in sorted(folder.glob(f"{options.company or '*'}/*")):
        if period.is_dir() and not period.parent.name.startswith("."):
            name, revisions = f"{period.parent.name} {period.name}", archive.revisions(period)
            for revision in revisions:
                status = catalogue.status_of(revision, revision is revisions[-1])
                reports = ", ".join(sorted(revision.manifest["reports"]))
                print(f"{name} {revision.name}  {status}  {revision.record['reason']}  {reports}")
            for past in ledger.runs(period)[-1:]:
                if past.state not in ("archived", "unchanged"):
                    print(f"{name} {past.text()}")


def _prune(options: argparse.Namespace) -> None:
    from toolkit import company
    from toolkit.reporting import prune

    found = company.load(options.company, options.home)
    if options.erase is not None:
        _erase(found, options.erase)
        return
    sizes = prune.remove(found) if options.remove else {path: prune.size(path) for path in prune.needless(found)}
    if not sizes:
        print(f"{found.name}: everything that is kept is needed")
        return
    for path, size in sizes.items():
        print(f"{size / 1e6:10,.2f} MB  {path}")
    done = "removed" if options.remove else f"nothing was removed: toolkit prune {found.name} --remove removes it"
    print(f"{sum(sizes.values()) / 1e6:10,.2f} MB  in all, {len(sizes)} that no revision needs; {done}")


def _erase(found: "Company", customer: str) -> None:
    from toolkit import frames
    from toolkit.reporting import ledger, prune

    lost = prune.erase(found, frames.pseudonyms(found, customer), ledger.clock().astimezone(found.zone).date())
    if not lost and not frames.in_warehouse(found, customer):
        raise DataError(
            f"{found.data}: neither a kept frame nor the warehouse has a row of that customer. Give the identifier as "
            "the raw files have it, capitals and all."
        )
    if not lost:
        print("no kept frame has a row of that customer; the warehouse was not touched")
        return
    print(f"{sum(lost.values()):,} rows erased from {len(lost)} kept frames: {found.data / 'erased.jsonl'}")
    print(f"The warehouse was not touched: ingest {found.name} again from raw files without that customer.")
    print(f"What was left behind may have rows too: toolkit prune {found.name} --remove removes it.")


def _notebooks(home: Path, only: Sequence[str]) -> list[Path]:
    known = {path.stem: path for path in sorted((home / "notebooks").glob("*.ipynb"))}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ParamsError(
            several(
                f"--only {name}: no such notebook; there are: {', '.join(known)}.{nearest(name, known)}"
                for name in unknown
            )
        )
    if not known:
        raise ParamsError(f"{home / 'notebooks'}: expected notebooks, found none.")
    return [path for name, path in known.items() if not only or name in only]


def _periods(found: "Company") -> "list[Period]":
    """Periods that have a params file, the latest last."""
    return sorted((found.period(path.stem) for path in found.params.glob("[0-9]*.yaml")), key=_age)


def _age(period: "Period") -> tuple:
    return period.end, period.start


def _source(notebook: Path) -> str:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        return ""  # what is wrong with it is told with its parameters
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


if __name__ == "__main__":
    sys.exit(main())
