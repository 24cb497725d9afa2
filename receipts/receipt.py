"""What a receipt is: its states, the steps between them, and the one table that says which step is allowed when.

Five facts, each written once, each at least as high as the one before: arrived → opened → signed → registered → answered.
Side exits: returned, recalled (asked for once signed; the receiver decides), superseded. A repeat is a no-op that answers with
the first fact; a final state is final.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class State(IntEnum):
    """Where a unit's receipt stands. The numbers are stored; the five facts are in order."""

    ARRIVED = 1
    OPENED = 2
    SIGNED = 3
    REGISTERED = 4
    ANSWERED = 5
    RETURNED = 6
    RECALLED = 7
    RECALL_ASKED = 8
    SUPERSEDED = 9


class Step(StrEnum):
    """What somebody does to a receipt. The text is also the fact's name in the ledger."""

    OPEN = "opened"
    SIGN = "signed"
    REGISTER = "registered"
    ANSWER = "answered"
    RETURN = "returned"
    RECALL = "recalled"
    ASK_RECALL = "recall_asked"
    AGREE_RECALL = "recall_agreed"
    REFUSE_RECALL = "recall_refused"
    SUPERSEDE = "superseded"


class Go(NamedTuple):
    """Allowed: the receipt goes to this state."""

    state: State


class Same(NamedTuple):
    """A repeat, or a fact below one that stands: nothing changes, the first fact is the answer."""


class No(NamedTuple):
    """Not allowed; the sentence says what to do instead."""

    sentence: str


Outcome = Go | Same | No

_A, _O, _S, _R, _N = State.ARRIVED, State.OPENED, State.SIGNED, State.REGISTERED, State.ANSWERED
_BACK, _GONE, _ASKED, _OLD = State.RETURNED, State.RECALLED, State.RECALL_ASKED, State.SUPERSEDED

OPEN_FIRST = No("请先打开文件阅读，再签收。")
SIGN_FIRST = No("请先签收，再办这一步。")
IS_RETURNED = No("已经退回了。发出单位更正后会重新发来。")
IS_RECALLED = No("发出单位已经撤回，不用再办。")
IS_SUPERSEDED = No("已由更正件代替，请办更正件。")
ASK_INSTEAD = No("对方已签收，不能直接撤回。可以申请撤回，由对方同意；或另发更正通知。")
RECALL_AT_ONCE = No("对方还没有签收，可以直接撤回，不用申请。")
NOT_ASKED = No("发出单位没有申请撤回，不用决定。")
DECIDE_FIRST = No("发出单位正申请撤回，请先决定同意或不同意。")
FINAL_RECALL = No("已经退回或更正，不用撤回。")

_FIVE = (_A, _O, _S, _R, _N)
_SIGNED = (_S, _R, _N)

TABLE: dict[tuple[State, Step], Outcome] = {
    # the five facts
    (_A, Step.OPEN): Go(_O),
    **{(s, Step.OPEN): Same() for s in (_O, _S, _R, _N, _BACK, _GONE, _ASKED, _OLD)},
    (_A, Step.SIGN): OPEN_FIRST,
    (_O, Step.SIGN): Go(_S),
    **{(s, Step.SIGN): Same() for s in (*_SIGNED, _ASKED)},
    **{(s, Step.REGISTER): SIGN_FIRST for s in (_A, _O)},
    (_S, Step.REGISTER): Go(_R),
    **{(s, Step.REGISTER): Same() for s in (_R, _N)},
    **{(s, Step.ANSWER): SIGN_FIRST for s in (_A, _O)},
    **{(s, Step.ANSWER): Go(_N) for s in (_S, _R)},
    (_N, Step.ANSWER): Same(),
    **{(_ASKED, s): DECIDE_FIRST for s in (Step.REGISTER, Step.ANSWER, Step.RETURN)},
    # returned by the receiver, before or after signing
    (_A, Step.RETURN): No("请先打开文件阅读，再决定是否退回。"),
    **{(s, Step.RETURN): Go(_BACK) for s in (_O, _S, _R)},
    (_N, Step.RETURN): No("已经答复了，不能退回。有问题请另行函告发出单位。"),
    (_BACK, Step.RETURN): Same(),
    # recalled by the sender
    **{(s, Step.RECALL): Go(_GONE) for s in (_A, _O)},
    **{(s, Step.RECALL): ASK_INSTEAD for s in (*_SIGNED, _ASKED)},
    (_GONE, Step.RECALL): Same(),
    **{(s, Step.RECALL): FINAL_RECALL for s in (_BACK, _OLD)},
    **{(s, Step.ASK_RECALL): RECALL_AT_ONCE for s in (_A, _O)},
    **{(s, Step.ASK_RECALL): Go(_ASKED) for s in _SIGNED},
    **{(s, Step.ASK_RECALL): Same() for s in (_ASKED, _GONE)},
    **{(s, Step.ASK_RECALL): FINAL_RECALL for s in (_BACK, _OLD)},
    **{(s, Step.AGREE_RECALL): NOT_ASKED for s in (*_FIVE, _BACK, _OLD)},
    (_ASKED, Step.AGREE_RECALL): Go(_GONE),
    (_GONE, Step.AGREE_RECALL): Same(),
    **{(s, Step.REFUSE_RECALL): NOT_ASKED for s in (*_FIVE, _BACK, _GONE, _OLD)},
    (_ASKED, Step.REFUSE_RECALL): Go(_S),  # the ledger raises it again to the highest fact that stands
    # superseded by a corrected issue
    **{(s, Step.SUPERSEDE): Go(_OLD) for s in (*_FIVE, _BACK, _ASKED)},
    (_GONE, Step.SUPERSEDE): IS_RECALLED,
    (_OLD, Step.SUPERSEDE): Same(),
    # final states
    **{(_BACK, s): IS_RETURNED for s in (Step.SIGN, Step.REGISTER, Step.ANSWER)},
    **{(_GONE, s): IS_RECALLED for s in (Step.SIGN, Step.REGISTER, Step.ANSWER, Step.RETURN)},
    **{(_OLD, s): IS_SUPERSEDED for s in (Step.SIGN, Step.REGISTER, Step.ANSWER, Step.RETURN)},
}

STATE_WORDS = {
    State.ARRIVED: "待签收",
    State.OPENED: "已打开",
    State.SIGNED: "已签收",
    State.REGISTERED: "已登记",
    State.ANSWERED: "已答复",
    State.RETURNED: "已退回",
    State.RECALLED: "已撤回",
    State.RECALL_ASKED: "对方请求撤回",
    State.SUPERSEDED: "已更正",
}

EVIDENCE_NAMES = {  # ETSI EN 319 522-1: the names that exports use
    "arrived": "ContentConsignment",
    Step.OPEN: "ContentAccessTracking",
    Step.SIGN: "ConsignmentAcceptance",
    Step.RETURN: "ConsignmentRejection",
}


class Waits(StrEnum):
    """The next verb of a unit that has something to do with a subject."""

    SIGN = "sign"
    ANSWER = "answer"
    CONFIRM = "confirm"


class Subject(NamedTuple):
    """What units acknowledge: a notice or a document, as far as the ledger knows it."""

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


class Receipt(NamedTuple):
    """One unit's share of one subject."""

    subject_id: int
    unit_id: int
    state: int
    part: str
    waits: str | None
    due_at: str | None
    arrived_at: str
    opened_at: str | None
    signed_at: str | None
    answered_at: str | None
    sign_by: str | None  # its own times (补发); None: the subject's
    answer_by: str | None


class Fact(NamedTuple):
    """One fact of a receipt, with the names of those who did it."""

    fact: str
    at: str
    person_id: int
    person: str
    for_person: str
    how: str
    address: str
    version: int
    digest: str
    note: str


class Tally(NamedTuple):
    """A subject's counts, kept in the transaction of the facts they count; cumulative."""

    total: int
    opened: int
    signed: int
    registered: int
    answered: int
    returned: int
    recalled: int


def receipt_id(subject: int, unit: int) -> str:
    """The opaque id that URLs and the API use."""
    return f"{subject}-{unit}"
