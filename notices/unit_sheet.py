"""What the sign-up page shows of one unit and one notice, gathered in one snapshot; for the unit itself and for 代报."""

from collections.abc import Sequence
from typing import NamedTuple

from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Actor, Contact
from ground.directory.policy import ROLE_WORDS, Role
from notices import answer_form, leaves, publishing, signups
from notices.answer_form import Filled, Row
from notices.leaves import LateChange
from notices.notice import Answer, Change, LeaveAsked, Notice, Person
from notices.publishing import Version
from notices.signups import Attendee, Known, Leave, UnitAnswer
from receipts import ledger
from receipts.ledger import SubjectFile
from receipts.receipt import Receipt, State, Subject

OFFERED = 6  # people offered for a role
ENDED = (State.RETURNED, State.RECALLED, State.SUPERSEDED, State.RECALL_ASKED)


class Sheet(NamedTuple):
    """Everything about one unit's share of one notice."""

    notice: Notice
    subject: Subject
    receipt: Receipt
    answer: UnitAnswer
    people: list[Attendee]
    leaves: list[Leave]
    late: LateChange | None
    files: list[SubjectFile]
    versions: list[Version]
    staff: list[Contact]
    known: list[Known]
    last: list[Known]
    opened: bool

    @property
    def signed(self) -> bool:
        """Whether the unit has signed."""
        return self.receipt.signed_at is not None

    @property
    def attachments(self) -> list[SubjectFile]:
        """What the notice brings along."""
        return [file for file in self.files if file.part != "minutes"]

    @property
    def unopened(self) -> list[SubjectFile]:
        """Attachments that this person has not opened."""
        return [file for file in self.files if file.part == "attachment" and not file.opened]

    @property
    def minutes(self) -> list[SubjectFile]:
        """Minutes, for those whose people came."""
        came = [a for a in self.people if a.checked_in_at] or self.people
        return [file for file in self.files if file.part == "minutes"] if came else []

    @property
    def left_out(self) -> list[Attendee]:
        """People in roles that a changed notice does not ask for any more."""
        asked = {quota.role for quota in self.notice.quota if quota.max}
        return [a for a in self.people if a.role not in asked]

    @property
    def clerk(self) -> Contact | None:
        """Whom a leader asks to answer for the unit."""
        return next((c for c in self.staff if c.role == Role.SECRETARY), None)

    def phase(self, now: str) -> str:
        """What can be done: open, late (ask for a late change), waiting (it is asked), started, cancelled, ended."""
        if self.notice.cancelled_at:
            return "cancelled"
        if self.receipt.state in ENDED:
            return "ended"
        if now >= self.notice.starts_at:
            return "started"
        if now > self.notice.answer_by:
            return "waiting" if self.late and self.late.state == "asked" else "late"
        return "open"


async def gather(tx: Tx, id: int, unit: int, actor: Actor) -> Sheet:
    """The sheet of a unit. Raises NotFound when the unit was not invited."""
    receipt = await ledger.receipt_of(tx, id, unit)
    subject = await ledger.subject_of(tx, id)
    return Sheet(
        notice=await publishing.find(tx, id),
        subject=subject,
        receipt=receipt,
        answer=await signups.answer_of(tx, id, unit),
        people=await signups.people_of(tx, id, unit),
        leaves=await signups.leaves_of(tx, id, unit),
        late=await leaves.late_of(tx, id, unit),
        files=await ledger.files_of(tx, subject, unit=unit, person=actor.person_id),
        versions=await publishing.versions(tx, id),
        staff=await people.contacts_of(tx, unit),
        known=await signups.known_people(tx, unit),
        last=await signups.last_people(tx, id, unit),
        opened=await ledger.has_opened(tx, subject, actor),
    )


def standing(sheet: Sheet) -> Answer:
    """The unit's answer as it stands: people, and leaves that were not refused."""
    coming = (Person(a.name, a.position, a.mobile, a.role, a.fields) for a in sheet.people if a.leave_id is None)
    asked = (
        LeaveAsked(x.role, x.person, x.position, x.reason, x.stand_in) for x in sheet.leaves if x.state in ("asked", "approved")
    )
    return Answer(tuple(coming), tuple(asked))


def filled(sheet: Sheet) -> Filled:
    """The form on its first showing; a refused late change comes back as it was asked."""
    refused = sheet.late is not None and sheet.late.state == "refused"
    wish = sheet.late.wish if sheet.late is not None and refused else standing(sheet)
    return answer_form.of_answer(sheet.notice, wish)


def last_people(sheet: Sheet) -> list[Person]:
    """Who came to the last meeting, in the roles of this one."""
    asked = {quota.role for quota in sheet.notice.quota if quota.max}
    return [Person(k.name, k.position, k.mobile, k.role) for k in sheet.last if k.role in asked]


def offers(sheet: Sheet) -> dict[str, list[Row]]:
    """Whom to offer for each role: those who came in it before, then the unit's own people whom it suits."""
    leaders = [_row(c) for c in sheet.staff if c.role == Role.LEADER]
    others = [_row(c) for c in sheet.staff if c.role != Role.LEADER]
    suited = {"principal": leaders, "deputy": leaders, "staff": others, "driver": []}
    found = {}
    for quota in sheet.notice.quota:
        before = [Row(k.name, k.position, k.mobile) for k in sheet.known if k.role == quota.role]
        found[quota.role] = _once([*before, *suited[quota.role]])[:OFFERED]
    return found


def stand_ins(sheet: Sheet, offered: dict[str, list[Row]]) -> list[Row]:
    """Whom to offer as a stand-in: leaders and deputies before staff."""
    ranked = [row for role in ("deputy", "principal", "staff") for row in offered.get(role, [])]
    leaders = [_row(c) for c in sheet.staff if c.role == Role.LEADER]
    return _once([*leaders, *ranked])[:OFFERED]


def _row(contact: Contact) -> Row:
    position = contact.position or ROLE_WORDS[Role(contact.role)]
    return Row(contact.name, position, contact.mobile)


def _once(rows: Sequence[Row]) -> list[Row]:
    return list({row.name: row for row in reversed(rows)}.values())[::-1]


def news(versions: Sequence[Version], since: int) -> tuple[Version, tuple[Change, ...]] | None:
    """What has changed after version `since`, each thing once from its oldest to its newest value; None for a first version.

    A unit that has confirmed the newest version is shown what that one changed.
    """
    if len(versions) < 2:
        return None
    newest = versions[0]
    later = [v for v in versions if v.version > since and v.changes] or [newest]
    merged: dict[str, Change] = {}
    for version in sorted(later, key=lambda v: v.version):
        for change in version.changes:
            before = merged.get(change.field)
            merged[change.field] = change._replace(old=before.old) if before else change
    return newest, tuple(change for change in merged.values() if change.old != change.new)
