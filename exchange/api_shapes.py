"""What programs say to the sender's half of the exchange room and what it answers, as shapes; and the ways to its nouns. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.checking import Way
from exchange.document import KINDS, Document, Recipient
from exchange.progress import Counts, Line
from exchange.recalling import Recall
from exchange.sending import Sent
from exchange.sent_list import SentLine
from ground.directory.groups import Wanted
from ground.errors import Refused
from ground.shapes import PAGED, Flag, Listed, Maybe, Moment, Page, Record, Schema, Shape, Shown, Text, Whole, Wrong
from ground.wording import URGENCIES
from receipts.receipt import State


@dataclass(frozen=True)
class Ratio:
    """A share between 0 and 1; only answered."""

    def read(self, value: Any, field: str, wrong: Wrong) -> Any:
        """Answers are not read."""
        raise NotImplementedError

    def schema(self) -> Schema:
        """A number."""
        return {"type": "number", "minimum": 0, "maximum": 1}


# --- what is sent ---------------------------------------------------------------------------------------------------------

ONE_UNIT = Text(60, pattern=r"(unit:)?[^\s:]{1,40}", says="这里写单位代码，如 unit:620001。")
ANY_UNITS = Text(60, pattern=r"unit:[^\s:]{1,40}|group:[0-9]{1,15}", says="请写 unit:单位代码 或 group:编号。")
WARNINGS = ("nobody", "leader", "mobile", "silent", "closed")
TO: dict[str, Shape] = {"main": Listed(ANY_UNITS, 5000), "copy": Listed(ANY_UNITS, 5000), "except": Listed(ONE_UNIT, 5000)}
TIMES: dict[str, Shape] = {"sign_by": Moment(empty=True), "answer_by": Moment(empty=True)}
ACCEPTED: dict[str, Shape] = {"warnings_accepted": Listed(Text(20, choices=WARNINGS), 20)}
CONTENTS: dict[str, Shape] = {
    "kind": Text(10, choices=KINDS), "title": Text(300), "urgency": Text(20, choices=tuple(URGENCIES)), **TO, "body": Text(40),
    "attachments": Listed(Text(40, 1), 60), "series": Text(40), **TIMES, "issuer": Text(40),
    "dated": Text(10, pattern=r"(\d{4}-\d\d-\d\d)?", says="日期写成 2026-03-18 这样。"), "joint": Listed(ONE_UNIT, 20),
    "note": Text(200),
}  # fmt: skip
NEW_DOCUMENT = Record("NewDocument", {**CONTENTS, "draft": Flag(), **ACCEPTED}, need="title")
DRAFT_CHANGE = Record("DocumentDraftChange", CONTENTS)
DRAFT_SENDING = Record("DocumentSending", ACCEPTED)
REISSUE = Record("DocumentReissue", {**CONTENTS, **ACCEPTED})
RECALL_ASKED = Record("DocumentRecall", {"reason": Text(200, 1), "units": Listed(ONE_UNIT, 5000, 1)}, need="reason")
SUPPLEMENT = Record("DocumentSupplement", {**TO, **TIMES, **ACCEPTED}, need="main")
VOIDING = Record("DocumentVoiding", {"reason": Text(200, 1)}, need="reason")
CHASE = Record("DocumentChase", {"units": Listed(ONE_UNIT, 5000, 1)})
RECALL_DECISION = Record("RecallDecision", {"agree": Flag(), "reason": Text(200)}, need="agree")
LISTING: dict[str, Shape] = {"q": Text(60), "kind": Text(10, choices=KINDS), "year": Whole(2000, 2099), **PAGED}

# --- what is answered -----------------------------------------------------------------------------------------------------

TIME, MAYBE_TIME, ID = Text(30), Maybe(Text(30)), Text(40)
SENT = Shown("SentDocument", {"id": ID, "number": Text(60), "receipts": Whole(), "draft": Flag()})
HEAD: dict[str, Shape] = {
    "id": ID, "kind": Text(10), "title": Text(300), "number": Text(60), "urgency": Text(20), "sent_at": MAYBE_TIME,
    "sign_by": MAYBE_TIME, "voided_at": MAYBE_TIME,
}  # fmt: skip
LINE = Shown("DocumentLine", {**HEAD, "total": Whole(), "opened": Whole(), "signed": Whole(), "recalled": Whole()})
LINES = Page(LINE)
TO_WHOM = Shown("DocumentRecipient", {"unit": Text(40), "name": Text(), "part": Text(10), "copy_no": Whole(1)})
FILE = Shown(
    "DocumentFile",
    {"id": ID, "name": Text(), "size": Whole(), "sha256": Text(64), "media_type": Text(), "part": Text(20)},
)
DOCUMENT = Shown(
    "Document",
    {
        **HEAD, "draft": Flag(), "sender": Text(40), "sender_name": Text(), "answer_by": MAYBE_TIME, "issuer": Text(),
        "dated": Text(10), "joint": Listed(Text()), "note": Text(), "recipients": Listed(TO_WHOM, 100_000), "files": Listed(FILE),
        "corrects": Maybe(ID), "corrected_by": Listed(ID), "void_reason": Maybe(Text()), "sha256": Text(64), "sm3": Text(64),
    },
)  # fmt: skip
WHERE = Shown("DocumentUnit", {"unit": Text(40), "name": Text(), "state": Text(20), "at": TIME, "by": Maybe(Text())})
FIGURES = ("total", "arrived", "opened", "signed", "registered", "answered", "returned", "recalled")
PROGRESS = Shown(
    "DocumentProgress",
    {
        **{name: Whole() for name in FIGURES}, "rate": Ratio(), "on_time_rate": Ratio(), "numerator": Whole(), "on_time": Whole(),
        "denominator": Whole(), "units": Listed(WHERE, 100_000),
    },
)  # fmt: skip
RECALLED = Shown("DocumentRecalled", {"done": Whole(), "asked": Whole(), "left": Whole()})
SUPPLEMENTED = Shown(
    "DocumentSupplemented", {"id": ID, "number": Text(60), "batch": Whole(1), "receipts": Whole(), "had": Whole()}
)
VOIDED = Shown("DocumentVoided", {"id": ID, "number": Text(60), "voided_at": TIME, "void_reason": Text(200)})
CHASED = Shown("DocumentChased", {"at": TIME, "units": Whole(), "messages": Whole()})
RECALL = Shown(
    "Recall",
    {
        "id": ID, "document": ID, "reason": Text(200), "state": Text(20), "asked_at": TIME, "decided_at": MAYBE_TIME,
        "decision_reason": Text(200),
    },
)  # fmt: skip


class Unaccepted(Refused):
    """Something about the recipients should be looked at first: 409 with the warnings, each with its ways out."""

    code = "warnings"

    def __init__(self, warnings: Sequence[Way]) -> None:
        """Keep the warnings for the answer."""
        super().__init__("发送前请看这些提醒；照样发，请在 warnings_accepted 里写上它们的 code。")
        self.more = {"warnings": [{"code": w.kind, "units": [u.code for u in w.units], "ways": w.ways} for w in warnings]}


# --- from what is sent to nouns -------------------------------------------------------------------------------------------


def bare(code: str) -> str:
    """A unit's code with or without its `unit:`."""
    return code.removeprefix("unit:")


def wanted_of(said: Mapping[str, Any], part: str) -> Wanted:
    """Whom one of the lists means."""
    groups, units = split(said.get(part, ()))
    return Wanted(tuple(int(g) for g in groups), tuple(units), tuple(bare(code) for code in said.get("except", ())))


def split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Ids of groups and codes of units."""
    groups = [name.removeprefix("group:") for name in names if name.startswith("group:")]
    return groups, [bare(name) for name in names if not name.startswith("group:")]


def form_of(said: Mapping[str, Any]) -> dict[str, list[str]]:
    """The page's form that says the same; only what was said. `series` and `joint` are the caller's: they need the database."""
    form = {
        name: [said[name]]
        for name in ("kind", "title", "urgency", "body", "sign_by", "answer_by", "issuer", "dated", "note")
        if name in said
    }
    if "attachments" in said:
        form["attachment"] = list(said["attachments"])
    for part, prefix in (("main", ""), ("copy", "cc_")):
        if part in said:
            form[f"{prefix}group"], form[f"{prefix}unit"] = split(said[part])
        if "except" in said:
            form[f"{prefix}except"] = [bare(code) for code in said["except"]]
    return form


# --- from nouns to what is answered ---------------------------------------------------------------------------------------


def sent_json(done: Sent) -> dict[str, Any]:
    """What became of a sending."""
    return {"id": str(done.id), "number": done.number, "receipts": done.receipts, "messages": done.messages, "draft": False}


def line_json(line: SentLine) -> dict[str, Any]:
    """A line of what the unit has sent."""
    return {**line._asdict(), "id": str(line.id), "corrects": str(line.corrects) if line.corrects else None}


def document_json(
    d: Document, sender: str, recipients: Sequence[tuple[Recipient, str]], files: Sequence[Any], corrected_by: Sequence[int]
) -> dict[str, Any]:
    """A document as its sender or a receiving unit sees it."""
    return {
        "id": str(d.id), "draft": False, "kind": d.kind, "title": d.title, "number": d.number, "urgency": d.urgency,
        "sent_at": d.sent_at, "sign_by": d.sign_by, "answer_by": d.answer_by, "voided_at": d.voided_at, "sender": sender,
        "sender_name": d.sender_name, "issuer": d.issuer, "dated": d.dated, "joint": list(d.joint), "note": d.note,
        "recipients": [{"unit": code, "name": r.name, "part": r.part, "copy_no": r.copy_no} for r, code in recipients],
        "files": [{k: getattr(f, k) for k in FILE.fields} for f in files],
        "corrects": str(d.corrects) if d.corrects else None, "corrected_by": [str(id) for id in corrected_by],
        "void_reason": d.void_reason, "sha256": d.sha256, "sm3": d.sm3,
    }  # fmt: skip


def progress_json(c: Counts, lines: Sequence[Line], signers: Mapping[int, str]) -> dict[str, Any]:
    """How far it has come; every rate with both its numbers."""

    def share(part: int) -> float:
        return round(part / c.base, 4) if c.base else 0.0

    return {
        **{name: getattr(c, name) for name in FIGURES if name != "arrived"}, "arrived": c.total, "numerator": c.rated,
        "denominator": c.base, "on_time": c.on_time, "rate": share(c.rated), "on_time_rate": share(c.on_time),
        "units": [_unit_json(x, signers) for x in lines],
    }  # fmt: skip


def _unit_json(x: Line, signers: Mapping[int, str]) -> dict[str, Any]:
    at = x.answered_at or x.registered_at or x.signed_at or x.opened_at or x.arrived_at
    by = signers.get(x.unit_id) if x.signed_at else None
    return {"unit": x.code, "name": x.name, "state": State(x.state).name.lower(), "at": at, "by": by}


def recall_json(recall: Recall) -> dict[str, Any]:
    """One unit's recall."""
    kept = {k: getattr(recall, k) for k in ("reason", "state", "asked_at", "decided_at", "decision_reason")}
    return {"id": str(recall.id), "document": str(recall.document_id), **kept}
