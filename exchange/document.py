"""What an official document is, and the rules for what may be sent. Pure: no database, no clock.

A document has a kind, a title, a number from one of the sender's series, and goes to main and copy recipients. Times are UTC text,
成文日期 is a local date. Source: 党政机关公文处理工作条例 (2012), articles 8, 9 and 15; the return checklist follows the city's.
"""

import json
import re
from typing import Any, NamedTuple

from ground.errors import FieldError, Invalid
from ground.wording import CLASSIFIED, CLASSIFIED_SENTENCE, INVISIBLE, INVISIBLE_SENTENCE, URGENCIES

KINDS = ("决议", "决定", "命令", "公报", "公告", "通告", "意见", "通知", "通报", "报告", "请示", "批复", "议案", "函", "纪要")
UPWARD = frozenset({"请示", "报告"})  # to the body above; a 请示 has one main recipient and one matter
LEVEL = frozenset({"函"})  # between bodies that are not one another's superior
# Working hours to sign within, by urgency: the defaults that the page offers.
SIGN_HOURS = {"normal": 24, "urgent": 8, "immediate": 2}
RETURN_REASONS = {
    "11": "主送单位有误", "12": "缺附件或缺页", "13": "字号、日期有误", "14": "未盖章或签名失效", "15": "文种有误",
    "21": "引用的文件已失效", "22": "与现行规定不一致", "23": "不属本单位职责", "24": "一文多事", "25": "未事先会商",
    "90": "其他",
}  # fmt: skip
RETURN_GROUPS = {"1": "格式", "2": "内容", "9": "其他"}  # by the first digit of a reason's code
_ALSO_ASKS = re.compile(r"(请示|妥否|当否|可否|请批示|请予批准|请审批)")


class Contents(NamedTuple):
    """Everything that a document says besides its files and its recipients."""

    kind: str
    title: str
    urgency: str = "normal"
    series: int = 0  # 0: without a number
    issuer: str = ""
    dated: str = ""
    joint: tuple[str, ...] = ()
    note: str = ""
    sign_by: str = ""
    answer_by: str = ""
    text: str = ""  # what was written in the page, when Songda typesets the body


class Document(NamedTuple):
    """A document that was sent, joined with its subject."""

    id: int
    kind: str
    title: str
    number: str
    urgency: str
    sender_unit: int
    sender_name: str
    sent_by: int
    sent_at: str
    sign_by: str
    answer_by: str | None
    version: int
    digest: str
    closed_at: str | None
    series_id: int | None
    year: int | None
    serial: int | None
    issuer: str
    dated: str
    joint: tuple[str, ...]
    note: str
    sha256: str
    sm3: str
    corrects: int | None
    forwards: int | None
    voided_at: str | None
    void_reason: str | None

    @classmethod
    def of_row(cls, *row: Any) -> "Document":
        """A row of `queries.DOCUMENT`: the joint issuers are JSON there."""
        return cls._make((*row[:19], tuple(json.loads(row[19])), *row[20:]))


class Recipient(NamedTuple):
    """One unit that a document was sent to, as it was named then."""

    unit_id: int
    part: str  # main, copy
    name: str
    copy_no: int
    batch: int
    sent_at: str


def check_contents(new: Contents, *, now: str, today: str, main: int) -> list[FieldError]:
    """Every field that cannot stand, in the order of the page.

    Args:
        today: local date; a 成文日期 may not lie after it.
        main: how many units it is addressed to.
    """
    errors: list[FieldError] = []
    if new.kind not in KINDS:
        errors.append(FieldError("kind", "请选文种。"))
    if new.urgency not in URGENCIES:
        errors.append(FieldError("urgency", "缓急是平件、加急或特急。"))
    errors += _check_title(new.title)
    errors += _check_kind(new, main)
    errors += _check_times(new, now, today)
    for field, word, text, most in (
        ("issuer", "签发人", new.issuer, 40), ("note", "附注", new.note, 200), ("text", "正文", new.text, 100_000),
    ):  # fmt: skip
        if len(text) > most:
            errors.append(FieldError(field, f"{word}请不超过 {most} 字。"))
        elif INVISIBLE.search(text):
            errors.append(FieldError(field, INVISIBLE_SENTENCE))
        elif CLASSIFIED.search(text):
            errors.append(FieldError(field, CLASSIFIED_SENTENCE))
    if len(new.joint) > 20 or any(len(name) > 120 or INVISIBLE.search(name) for name in new.joint):
        errors.append(FieldError("joint", "联合发文的单位最多 20 个，名称不超过 120 字。"))
    return errors


def _check_title(title: str) -> list[FieldError]:
    if not title:
        return [FieldError("title", "请填标题。")]
    if len(title) > 300:
        return [FieldError("title", f"标题太长（{len(title)} 字），请不超过 300 字。")]
    if CLASSIFIED.search(title):
        return [FieldError("title", CLASSIFIED_SENTENCE)]
    if INVISIBLE.search(title):
        return [FieldError("title", INVISIBLE_SENTENCE)]
    return []


def _check_kind(new: Contents, main: int) -> list[FieldError]:
    """The rules of the kinds (articles 8 and 15)."""
    if not main:
        return [FieldError("main", "请选主送单位。")]
    if new.kind == "请示" and main > 1:
        return [FieldError("main", f"请示只能主送一个上级机关，现在是 {main} 个。请去掉其余的，或改为抄送。")]
    if new.kind == "报告" and _ALSO_ASKS.search(new.title):
        return [FieldError("title", "报告里不得夹带请示事项。请改文种为请示，或改标题。")]
    if new.kind == "请示" and not new.issuer:
        return [FieldError("issuer", "上行文要标签发人，请填。")]
    return []


def _check_times(new: Contents, now: str, today: str) -> list[FieldError]:
    errors = []
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", new.dated):
        errors.append(FieldError("dated", "请填成文日期，例如 2026-03-18。"))
    elif new.dated > today:
        errors.append(FieldError("dated", "成文日期不能晚于今天。"))
    if not new.sign_by:
        errors.append(FieldError("sign_by", "请填签收时限。"))
    elif new.sign_by <= now:
        errors.append(FieldError("sign_by", "签收时限已经过了，请改到以后。"))
    if new.answer_by and new.answer_by <= now:
        errors.append(FieldError("answer_by", "答复时限已经过了，请改到以后，或不填。"))
    elif new.answer_by and new.sign_by and new.answer_by < new.sign_by:
        errors.append(FieldError("answer_by", "答复时限不能早于签收时限。"))
    return errors


def check_return(codes: tuple[str, ...], reason: str) -> None:
    """Raises Invalid unless a document may be returned for these reasons in these words."""
    errors = []
    if not codes or any(code not in RETURN_REASONS for code in codes):
        errors.append(FieldError("codes", "请勾选退回原因。"))
    if not reason:
        errors.append(FieldError("reason", "请写明哪里有问题、请对方怎样改，会印在退文告知单上。"))
    elif len(reason) > 2000:
        errors.append(FieldError("reason", "说明请不超过 2000 字。"))
    elif INVISIBLE.search(reason):
        errors.append(FieldError("reason", INVISIBLE_SENTENCE))
    if errors:
        raise Invalid(errors)


def dumps(value: Any) -> str:
    """JSON as it is stored."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
