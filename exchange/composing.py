"""From what was typed (in a page, a draft, or by a program) to a document that is sent; with `corrects` it takes another's place.

found = await gather(tx, actor, form, setting)         what the page shows beside the form
done = await send_form(tx, actor, form, setting, …)    check everything, then send
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from exchange import checking, drafting, forms, numbering, reissuing, sending
from exchange.checking import Addressees, Panel
from exchange.document import Contents, Document
from exchange.forms import Due, Lists, Typed
from exchange.numbering import Series
from exchange.sending import Attached, Sent
from ground import files
from ground.config import Sms
from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Actor
from ground.directory.policy import Role
from ground.errors import FieldError, Invalid, NotFound
from ground.files import File
from ground.messages.telling import Told
from ground.moments import Wall


class Setting(NamedTuple):
    """What composing needs of its surroundings: the clock, working time, how the service speaks, today's local date."""

    wall: Wall
    due: Due
    told: Told
    today: str


class Numbered(NamedTuple):
    """A series on offer, and the serial that the next sending would take."""

    series: Series
    next: int


class Sheet(NamedTuple):
    """Everything that the page shows."""

    form: Typed
    at: Mapping[str, str]
    contents: Contents
    found: Addressees
    series: Sequence[Numbered]
    issuers: Sequence[str]
    body: File | None
    files: Sequence[File]
    panel: Panel
    corrects: Document | None


async def gather(tx: Tx, actor: Actor, form: Lists, setting: Setting, sms: Sms) -> Sheet:
    """The page as it stands: what was typed, understood, counted and checked. Writes nothing."""
    typed = forms.read(forms.visible(form))
    found = await checking.addressees(tx, typed.main, typed.copy, owner=actor.unit_id, today=setting.today)
    contents, missing = forms.understand(forms.read(form), setting.wall, setting.due, main=len(found.main.addressed.units))
    panel = await checking.look(
        tx, actor, found, contents, missing, accepted=typed.accepted, told=setting.told, sms=sms, now=setting.wall.now
    )
    year = int(setting.today[:4])
    series = [Numbered(s, await numbering.next_of(tx, s.id, year)) for s in await numbering.of_unit(tx, actor.unit_id)]
    if not typed.series and series:
        typed = typed._replace(series=str(series[0].series.id))
    body = await own_files(tx, [typed.body], actor) if typed.body else []
    return Sheet(
        typed, forms.times(typed, setting.wall, setting.due), contents, found, series, await issuers(tx, actor),
        body[0] if body else None, await own_files(tx, typed.attachments, actor), panel, await _corrected(tx, typed.corrects, actor),
    )  # fmt: skip


async def _corrected(tx: Tx, corrects: str, actor: Actor) -> Document | None:
    id = int(corrects) if corrects.isascii() and corrects.isdigit() and len(corrects) < 16 else 0
    return await sending.own(tx, id, actor) if id else None


async def own_files(tx: Tx, ids: Sequence[str], actor: Actor) -> list[File]:
    """The rows of the unit's own files among `ids`."""
    found = [await files.find(tx, id) for id in ids]
    return [row for row in found if row is not None and row.unit_id == actor.unit_id]


async def issuers(tx: Tx, actor: Actor) -> list[str]:
    """Who may have signed for the unit: its leaders."""
    contacts = await people.contacts_of(tx, actor.unit_id)
    return list(dict.fromkeys(c.name for c in contacts if c.role == Role.LEADER))


async def first_series(tx: Tx, actor: Actor) -> str:
    """The series that a new document is offered; '0' for none."""
    found = await numbering.of_unit(tx, actor.unit_id)
    return str(found[0].id) if found else "0"


async def send_form(tx: Tx, actor: Actor, form: Lists, setting: Setting, *, draft: int = 0, words: str = "") -> Sent:
    """Check everything that was typed, then send it.

    Args:
        draft: the draft that it comes from; one that was thrown away meanwhile does not matter.
        words: what its files say (file_words.py).
    Raises:
        Invalid: every field that cannot stand. Refused: the draft was sent by somebody else meanwhile.
    """
    typed = forms.read(form)
    found = await checking.addressees(tx, typed.main, typed.copy, owner=actor.unit_id, today=setting.today)
    contents, errors = forms.understand(typed, setting.wall, setting.due, main=len(found.main.addressed.units))
    _refuse(errors, checking.recipient_errors(found))
    try:
        draft = (await drafting.find(tx, draft, actor)).id
    except NotFound:
        draft = 0
    old = await _corrected(tx, typed.corrects, actor)
    done = await sending.send(
        tx, actor, contents, found.main.wanted, found.copy.wanted, attached=Attached(typed.body, typed.attachments),
        told=setting.told, now=setting.wall.now, today=setting.today, draft=draft, corrects=old.id if old else None, words=words,
    )  # fmt: skip
    if old is not None:
        await reissuing.supersede(tx, actor, old, done.id, now=setting.wall.now)
    return done


def _refuse(errors: Sequence[FieldError], recipients: Sequence[FieldError]) -> None:
    """Raise Invalid when anything cannot stand; what is said of the picker's lines goes before what is said of their count."""
    named = {e.field for e in recipients}
    found = [*recipients, *(e for e in errors if e.field not in named)]
    if found:
        raise Invalid(sorted(found, key=lambda e: forms.ORDER.index(e.field) if e.field in forms.ORDER else 99))
