"""What pages with a long form share: the form as it was sent, its files, the press of a button."""

import functools
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.datastructures import FormData

from ground import files
from ground.db import Tx
from ground.directory import units
from ground.directory.directory import Actor
from ground.errors import Invalid, Refused
from ground.files import File
from ground.messages.telling import Told
from ground.moments import Wall
from ground.pages import keep_upload
from ground.visit import Visit
from ground.workdays import Calendar

Form = dict[str, list[str]]
NOT_KEPT = {"csrf", "once", "draft", "version", "leave_out", "instead", "preview"}
SINGLE = "_file"  # an upload of one file travels as body_file, and is named by `body` when it is kept


@functools.cache
def _calendar() -> Calendar:
    return Calendar()


def wall(visit: Visit) -> Wall:
    """The city's clock at this request."""
    return Wall(visit.now, visit.house.zone, _calendar().is_workday)


def told(visit: Visit) -> Told:
    """How the service speaks in this house."""
    found: Told = visit.house.extra["told"]
    return found


def today(visit: Visit) -> str:
    """The local date."""
    return units.today_of(visit.now, visit.house.zone)


def form_of(visit: Visit) -> Form:
    """What was typed, by name.

    A way out of the panel has been taken: units left out (`leave_out`) have moved to the exceptions, those replaced (`instead`:
    `left out>instead`, by commas) as well, and the others are named.
    """
    form: Form = {}
    for name, value in visit.form.multi_items():
        if isinstance(value, str) and name not in NOT_KEPT:
            form.setdefault(name, []).append(value)
    instead = [pair.partition(">") for pair in visit.field("instead").split(",") if ">" in pair]
    left_out = [code for code in visit.field("leave_out").split(",") if code] + [old for old, _, _ in instead]
    if left_out:
        copies = any(name.startswith("cc_") for name in form)
        for prefix in ("", "cc_") if copies else ("",):
            form[f"{prefix}unit"] = [code for code in form.get(f"{prefix}unit", []) if code not in left_out]
            form[f"{prefix}except"] = form.get(f"{prefix}except", []) + left_out
    if instead:
        form["unit"] = list(dict.fromkeys([*form["unit"], *(new for _, _, new in instead)]))
    return form


def id_of(text: str) -> int:
    """A positive number from a hidden field or a query; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def by_script(visit: Visit) -> bool:
    """Whether the page's script asks, and not a press of a button."""
    return visit.request.headers.get("x-requested-with") == "fetch"


async def keep_files(visit: Visit) -> None:
    """Store the files that came with the form; from then on `visit.form` names them like those that went ahead.

    Raises:
        Invalid: naming the first file that was refused; the others are kept.
    """
    refused: Invalid | None = None
    kept: list[tuple[str, str]] = []
    single = [name for name in dict.fromkeys(visit.form) if name.endswith(SINGLE)]
    chosen = [("attachment", "attachments", upload) for upload in visit.uploads("files")]
    chosen += [(name.removesuffix(SINGLE),) * 2 + (upload,) for name in single for upload in visit.uploads(name)]
    for name, field, upload in chosen:
        try:
            kept.append((name, (await keep_upload(visit, upload)).id))
        except Refused as why:
            called = files.clean_name(upload.filename or "")
            refused = refused or Invalid.one(field, f"“{called}”没有存上：{why.text()}")
    await visit.form.close()
    replaced = {name for name, _ in kept if name + SINGLE in single}
    typed = [(name, value) for name, value in visit.form.multi_items() if isinstance(value, str) and name not in replaced]
    visit.form = FormData([*((n, v) for n, v in typed if n not in single), *kept])
    if refused is not None:
        raise refused


async def keep_files_again(visit: Visit) -> None:
    """The same for a form that is shown again: a file that is refused joins what was refused before."""
    try:
        await keep_files(visit)
    except Invalid as refused:
        before = visit.refused.errors if isinstance(visit.refused, Invalid) else ()
        visit.refused = Invalid([*before, *refused.errors])


async def act_once(visit: Visit, sent: FormData, act: Callable[[Tx], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Run `act` once for this press and give its answer.

    Args:
        sent: the form as it came. A second press is known by it: files that came along have new ids by now.
    """

    async def run(tx: Tx) -> str:
        return json.dumps(await act(tx))

    shown, visit.form = visit.form, sent
    try:
        answer: dict[str, Any] = json.loads(await visit.write_once(run))
        return answer
    finally:
        visit.form = shown


async def shell(visit: Visit) -> None:
    """A POST that shows a page needs what stands around it."""
    if visit.around is None:
        visit.around = await visit.read(visit.house.around, visit.actor, visit.now)


async def own_files(tx: Tx, ids: Sequence[str], actor: Actor) -> list[File]:
    """The rows of the unit's own files among `ids`."""
    found = [await files.find(tx, id) for id in ids]
    return [row for row in found if row is not None and row.unit_id == actor.unit_id]
