"""Does a sign-off hold exactly what was reviewed, and is it void, for all to see, when a byte of it changes?"""

import json
import os
import shutil
import subprocess
from datetime import date

import pytest
from test_archive import MANIFEST, RUN

from toolkit import company, language
from toolkit.errors import ParamsError, ReportError
from toolkit.reporting import archive, catalogue, signing

DAY = date(2026, 11, 2)
ANN, PACK = "ann@acme.example", "acme/2026Q3"


@pytest.fixture
def home(tmp_path):
    (tmp_path / "params").mkdir()
    for name in ("ann", "bob"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", tmp_path / name]
        subprocess.run(made, check=True)
    (tmp_path / "params" / "allowed_signers").write_text(f"{ANN} {(tmp_path / 'ann.pub').read_text()}")
    return tmp_path


@pytest.fixture
def pack(home):
    folder = home / "reports" / "acme" / "2026Q3"
    folder.mkdir(parents=True)
    return folder


def _commit(pack, page="<title>Cost · Acme · 2026Q3</title><h1>Cost</h1>", run=RUN):
    staging = pack / ".staging-x"
    staging.mkdir()
    (staging / "cost.html").write_text(page)
    return archive.commit(pack, staging, MANIFEST, run)


def _rewrite(path, old, new):
    path.chmod(0o644)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _status(pack):
    reports = pack.parents[1]
    page = catalogue.rebuild(reports).read_text() + (pack / "index.html").read_text()
    (said,) = {each for each in [catalogue.status_of(archive.revisions(pack)[-1])] if page.count(each) >= 2}
    return said


def test_only_a_signature_clears_draft(home, pack):
    first = _commit(pack)
    assert _status(pack) == "DRAFT"
    assert '<p class="status">DRAFT</p>' in (pack / "index.html").read_text()
    noted = signing.sign(first, "bob", DAY, comment="read it")
    assert noted == signing.SignOff("r1", "bob", "2026-11-02", "read it", "noted", "not signed")
    assert _status(pack) == "DRAFT; noted by bob on 2 November 2026"
    signed = signing.sign(first, ANN, DAY, key=home / "ann", checked=["ledger ties"], comment="fine")
    assert signed == signing.SignOff("r1", ANN, "2026-11-02", "fine", "signed", "", ("ledger ties",))
    assert _status(pack) == "noted by bob on 2 November 2026; signed by ann@acme.example on 2 November 2026"
    said = (pack / "index.html").read_text()
    assert f'<p class="status signed">{_status(pack)}</p>' in said
    assert "<li>bob: read it</li>" in said
    assert "<li>ann@acme.example: ledger ties; fine</li>" in said
    _commit(pack, "<title>Cost · Acme · 2026Q3</title><h1>Other</h1>")
    assert _status(pack) == "DRAFT"
    assert "<td>superseded; noted by bob on" in (pack / "index.html").read_text()


def test_what_is_signed_names_the_revision_its_manifest_and_the_link_before(home, pack):
    first, second = _commit(pack), _commit(pack, "<h1>b</h1>")
    signing.sign(second, ANN, DAY, key=home / "ann", checked=["ledger ties", "limits read"], comment="fine")
    statement = json.loads((pack / "signed" / "r2-1.json").read_text())
    assert statement == {
        "company": "acme",
        "period": "2026Q3",
        "revision": "r2",
        "manifest": archive.sha256((second.folder / "manifest.json").read_bytes()),
        "previous": archive.link_of(first),
        "link": archive.link_of(second),
        "reviewer": ANN,
        "date": "2026-11-02",
        "checklist": ["ledger ties", "limits read"],
        "comment": "fine",
    }
    verified = ["ssh-keygen", "-Y", "verify", "-n", "tandem", "-I", ANN, "-f", home / "params/allowed_signers"]
    with (pack / "signed" / "r2-1.json").open() as told:  # by OpenSSH alone, as an auditor would
        subprocess.run([*verified, "-s", pack / "signed" / "r2-1.sig"], stdin=told, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("tamper", "status"),
    [
        (
            lambda pack: _rewrite(pack / "r1/cost.html", "Cost</h1>", "Cist</h1>"),
            ("r1 is not what was reviewed", "cost.html"),
        ),
        (lambda pack: _rewrite(pack / "r1/run.json", "first", "worst"), ("r1 is not what was reviewed", "run.json")),
        (
            lambda pack: _rewrite(pack / "signed/r1-1.json", "fine", "good"),
            ("the signature does not fit what is signed", ""),
        ),
        (
            lambda pack: _rewrite(pack / "signed/r1-1.json", "2026-11-02", "2026-11-03"),
            ("the signature does not fit what is signed", ""),
        ),
    ],
    ids=["page", "run", "comment", "date"],
)
def test_a_changed_byte_voids_a_signature_visibly(home, pack, tamper, status):
    signing.sign(_commit(pack), ANN, DAY, key=home / "ann", comment="fine")
    assert "DRAFT" not in _status(pack)
    tamper(pack)
    why, file = status
    changed = f"CHANGED SINCE: {file} is not what was archived; " if file else ""
    assert _status(pack) == f"DRAFT; {changed}SIGNATURE OF {ANN} VOID: {why}"


def test_a_sign_off_holds_for_its_own_revision_company_and_period(home, pack):
    signing.sign(_commit(pack), ANN, DAY, key=home / "ann", comment="fine")
    _commit(pack, "<h1>b</h1>")
    for ending in ("json", "sig"):
        shutil.copy(pack / f"signed/r1-1.{ending}", pack / f"signed/r2-1.{ending}")
    (pack / "signed" / "r1-1 (copy).json").write_text("")
    told = [(each.revision, each.state, each.why) for each in signing.sign_offs(pack)]
    assert told == [("r1", "signed", ""), ("r2", "void", "it is of another revision")]
    shutil.copytree(pack / "signed", pack.with_name("2026Q4") / "signed")
    assert {each.why for each in signing.sign_offs(pack.with_name("2026Q4"))} == {"it is of another revision"}
    (pack / "signed/r1-1.sig").write_bytes(b"\xff\xfe")
    assert signing.sign_offs(pack)[0].why == "the signature does not fit what is signed"


def test_nothing_is_signed_where_the_head_lists_what_is_gone(home, pack):
    revision = _commit(pack)
    signing.sign(revision, ANN, DAY, key=home / "ann")
    (pack / "signed/r1-1.sig").unlink()
    with pytest.raises(ReportError, match=r"signed/r1-1.sig is gone, which the head lists"):
        signing.sign(revision, ANN, DAY, key=home / "ann")
    assert [path.name for path in (pack / "signed").iterdir()] == ["r1-1.json"]


def test_a_sign_off_that_does_not_read_or_is_gone_is_told(home, pack):
    signing.sign(_commit(pack), ANN, DAY, key=home / "ann")
    path = pack / "signed" / "r1-1.json"
    path.write_text("{")
    assert signing.sign_offs(pack) == [signing.SignOff("r1", "", "", "", "void", "it does not read")]
    assert _status(pack) == "DRAFT; SIGNATURE OF ? VOID: it does not read"
    with language.speaking("nl"):
        catalogue.rebuild(pack.parents[1])
        assert catalogue.status_of(archive.revisions(pack)[-1]).endswith("ONGELDIG: het is niet te lezen")
    path.unlink()
    reports = pack.parents[1]
    assert archive.adrift(reports, archive.heads(reports)) == [
        f"{pack}: signed/r1-1.json is gone, which the head lists."
    ]


def test_a_key_that_is_not_allowed_signs_nothing(home, pack):
    revision = _commit(pack)
    with pytest.raises(ParamsError) as refused:
        signing.sign(revision, ANN, DAY, key=home / "bob")
    assert str(refused.value) == (
        f"{home / 'bob'}: its key is none that params/allowed_signers allows {ANN}. "
        "Let it be added there, or leave --key away to note the review."
    )
    assert list((pack / "signed").iterdir()) == []
    with pytest.raises(ParamsError, match="nobody: expected an SSH key, found no such file. Nothing was written"):
        signing.sign(revision, ANN, DAY, key=home / "nobody")
    (home / "nobody").write_text("no key")
    with pytest.raises(ReportError, match="ssh-keygen does not sign with it: .*Nothing was written"):
        signing.sign(revision, ANN, DAY, key=home / "nobody")
    assert _status(pack) == "DRAFT"


def test_a_signature_is_noted_once_its_key_is_taken_away_or_was_not_valid_that_day(home, pack):
    signing.sign(_commit(pack), ANN, DAY, key=home / "ann")
    signers = home / "params" / "allowed_signers"
    kept = signers.read_text()
    signers.write_text(kept.replace(f"{ANN} ", f'{ANN} valid-after="20261103" '))
    why = f"its key is none that params/allowed_signers allows {ANN}"
    assert signing.sign_offs(pack)[0] == signing.SignOff("r1", ANN, "2026-11-02", "", "noted", why)
    signers.write_text(kept.replace(f"{ANN} ", f'{ANN} valid-before="20261103" '))
    assert signing.sign_offs(pack)[0].state == "signed"  # the key had not run out when it signed
    signers.unlink()
    assert signing.sign_offs(pack)[0].state == "noted"


def test_an_incomplete_or_tampered_revision_is_not_signed(home, pack):
    revision = _commit(pack, run=RUN | {"failed": {"service": "notebooks/service.ipynb failed."}})
    with pytest.raises(ReportError) as refused:
        signing.sign(revision, ANN, DAY, key=home / "ann")
    assert str(refused.value) == f"{pack}/r1: is incomplete, without service."
    second = _commit(pack)
    _rewrite(second.folder / "cost.html", "Cost</h1>", "Cist</h1>")
    with pytest.raises(ReportError) as refused:
        signing.sign(second, ANN, DAY, key=home / "ann")
    assert str(refused.value) == f"{pack}/r2: cost.html is not what was archived."


def test_a_pack_that_is_being_made_is_not_signed(home, pack):
    revision = _commit(pack)
    with company.alone(pack), pytest.raises(ReportError) as refused:
        signing.sign(revision, ANN, DAY)
    assert str(refused.value) == f"{pack}: a run is making this pack. Wait for its end."


def test_without_ssh_keygen_it_is_said(home, pack, monkeypatch):
    revision = _commit(pack)
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(ParamsError) as refused:
        signing.sign(revision, ANN, DAY, key=home / "ann")
    assert str(refused.value) == "ssh-keygen: expected it on the PATH, found none. Install OpenSSH's client."


# -- the head ----------------------------------------------------------------------------------


def test_an_archive_is_anchored_by_the_head_that_was_signed_or_kept_elsewhere(home, pack):
    reports = pack.parents[1]
    revision = _commit(pack)
    unsigned = "unanchored: no head is signed, and none that was kept elsewhere is given (--head FILE)"
    assert signing.anchored(reports, PACK, 1) == ([unsigned], True)
    signing.sign(revision, ANN, DAY, key=home / "ann")
    signed = f"anchored by the head that {ANN} signed on 2026-11-02"
    assert signing.anchored(reports, PACK, 1) == ([signed], True)
    elsewhere = home / "elsewhere.json"
    elsewhere.write_bytes((reports / "head.json").read_bytes())
    _commit(pack, "<h1>b</h1>")
    assert signing.anchored(reports, PACK, 1) == ([signed], True)  # what came since is no fault
    assert signing.anchored(reports, PACK, 1, elsewhere) == ([f"anchored by {elsewhere}"], True)
    newer = [f"un{signed.replace('anchored by', 'anchored:')} lists {PACK} up to r1, not r2"]
    assert signing.anchored(reports, PACK, 2) == (newer, True)
    elsewhere.write_text("{}")
    nothing = [f"unanchored: {elsewhere} lists nothing of {PACK}, not r2"]
    assert signing.anchored(reports, PACK, 2, elsewhere) == (nothing, True)


def test_an_archive_that_was_written_anew_is_told_by_a_signed_head_and_by_one_kept_elsewhere(home, pack):
    reports = pack.parents[1]
    signing.sign(_commit(pack), ANN, DAY, key=home / "ann")
    elsewhere = home / "elsewhere.json"
    elsewhere.write_bytes((reports / "head.json").read_bytes())
    archive.discard(pack / "r1")
    archive.discard(pack / "signed")
    (reports / "head.json").unlink()
    _commit(pack, "<h1>better</h1>")
    other = [
        f"{pack}: r1 is not the one that the head lists.",
        f"{pack}: signed/r1-1.json is gone, which the head lists.",
        f"{pack}: signed/r1-1.sig is gone, which the head lists.",
    ]
    for kept in (None, elsewhere):
        lines, holds = signing.anchored(reports, PACK, 1, kept)
        assert (lines[1:], holds) == (other, False)
    os.unlink(reports / "head.signed")
    (said,), holds = signing.anchored(reports, PACK, 1)
    assert holds
    assert said.startswith("unanchored: no head is signed")


def test_a_signed_head_that_was_edited_anchors_nothing(home, pack):
    reports = pack.parents[1]
    signing.sign(_commit(pack), ANN, DAY, key=home / "ann")
    path = reports / "head.signed"
    path.write_text(path.read_text().replace("2026-11-02", "2026-11-01"))
    said = f"unanchored: {path}: the signature does not fit what is signed"
    assert signing.anchored(reports, PACK, 1) == ([said], False)


@pytest.mark.parametrize("text", [None, "", "[]", '{"heads": 1}', '{"acme/2026Q3": {}}'])
def test_a_head_that_is_none_is_refused(home, pack, text):
    _commit(pack)
    path = home / "head.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ParamsError) as refused:
        signing.anchored(pack.parents[1], PACK, 1, path)
    found = "no such file" if text is None else "none that reads"
    assert str(refused.value) == f"{path}: expected a copy of reports/head.json, found {found}."
