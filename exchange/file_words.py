"""What the files of a document say: refused when they bear a mark of secrecy, kept for the search otherwise.

words = await of_files(db, store, actor, body, attachments)      before the transaction of the sending
"""

from collections.abc import Sequence
from typing import NamedTuple

from exchange.composing import own_files
from ground import reading
from ground.classified import mark_in
from ground.db import Database
from ground.directory.directory import Actor
from ground.errors import Invalid
from ground.files import Store
from ground.search import MOST_TEXT

KEPT = 64  # texts that are remembered: the same file is looked at again when a sending was refused for another reason


class Part(NamedTuple):
    """One file of a document, as far as its words matter."""

    sha256: str
    media_type: str
    name: str
    field: str  # body, attachments


class Words(NamedTuple):
    """The beginning of a file's text, and the mark of secrecy in it ('' for none)."""

    text: str
    mark: str


_known: dict[str, Words] = {}


async def of_files(db: Database, store: Store, actor: Actor, body: str, attachments: Sequence[str]) -> str:
    """The text of the unit's own files among these. Raises Invalid for a mark of secrecy in any of them."""
    rows = await db.read(own_files, [id for id in (body, *attachments) if id], actor)
    return await of_parts(store, [Part(f.sha256, f.media_type, f.name, "body" if f.id == body else "attachments") for f in rows])


async def of_parts(store: Store, parts: Sequence[Part]) -> str:
    """The text of these files. Raises Invalid for a mark of secrecy in any of them."""
    said = []
    for part in parts:
        words = await _words(store, part)
        if words.mark:
            raise Invalid.one(part.field, f"“{part.name}”里有密级标志（{words.mark}）。本网不得传送国家秘密，请按保密规定办理。")
        said.append(words.text)
    return "\n".join(said)[:MOST_TEXT]


async def _words(store: Store, part: Part) -> Words:
    if part.sha256 not in _known:
        text = await reading.text_of(store.path(part.sha256), part.media_type) or ""
        while len(_known) >= KEPT:
            _known.pop(next(iter(_known)))
        _known[part.sha256] = Words(text[:MOST_TEXT], mark_in(text))
    return _known[part.sha256]
