"""Full-text search without a segmenter: overlapping pairs of characters in the engine's own index, candidates checked by LIKE.

    put(tx, subject, text)                        the subject's text, instead of what it was
    find(tx, query, allowed, …) → [Found]         newest first; every word of the query stands in the text

Whatever is a part of the text is found, two characters or twenty, Chinese or not; ASCII letters in either case, full-width ones
like the others. One character is found by the pairs that begin with it. Both engines give the same answer: FTS5 (`detail=none`)
holds the pairs on SQLite, a `tsvector` under GIN on PostgreSQL.
"""

import re
import string
from typing import NamedTuple

from ground.db import Tx

MOST_TEXT = 100_000
MOST_WORDS = 6
NEWEST = 2**62
AROUND = 30
_WIDE = {0xFF00 + n - 0x20: n for n in range(0x21, 0x7F) if chr(n).isalnum()}
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SAFE = {n: 0xE000 + n for n in range(128) if not chr(n).isalnum()}  # ASCII signs would part a pair in two
_END = "\ue100"
_ASCII = r"[\x21-\x7e]"
_GAP = re.compile(rf"(?<={_ASCII})\s+(?={_ASCII})|(\s+)")

TEXT = "SELECT text FROM search_texts WHERE subject_id = :subject"
PUT = """
INSERT INTO search_texts (subject_id, text) VALUES (:subject, :text)
ON CONFLICT (subject_id) DO UPDATE SET text = excluded.text"""
SQLITE_FORGET = "INSERT INTO search_index (search_index, rowid, grams) VALUES ('delete', :subject, :grams)"
SQLITE_PUT = "INSERT INTO search_index (rowid, grams) VALUES (:subject, :grams)"
POSTGRES_PUT = """
INSERT INTO search_index (subject_id, grams) VALUES (:subject, array_to_tsvector(string_to_array(:grams, ' ')))
ON CONFLICT (subject_id) DO UPDATE SET grams = excluded.grams"""
SQLITE_FIND = """
SELECT t.subject_id, t.text FROM search_index i JOIN search_texts t ON t.subject_id = i.rowid
WHERE search_index MATCH :match AND i.rowid < :before AND {words} AND {allowed} ORDER BY i.rowid DESC LIMIT :limit"""
POSTGRES_FIND = """
SELECT t.subject_id, t.text FROM search_index i JOIN search_texts t ON t.subject_id = i.subject_id
WHERE i.grams @@ CAST(CAST(:match AS TEXT) AS TSQUERY) AND i.subject_id < :before AND {words} AND {allowed}
ORDER BY i.subject_id DESC LIMIT :limit"""


class Found(NamedTuple):
    """A subject whose text holds the query: the first place of its first word, and what stands around it."""

    subject_id: int
    before: str
    hit: str
    after: str


def plain(text: str) -> str:
    """The text as it is kept: no line breaks inside Chinese (a PDF has them everywhere), letters and digits of one width."""
    text = text.replace("\0", "").translate(_WIDE)[: 2 * MOST_TEXT]
    return _GAP.sub(lambda gap: "" if gap[1] else " ", text).strip()[:MOST_TEXT]


def words_of(query: str) -> list[str]:
    """The words of a query, each as it would stand in a text."""
    return [word for word in (plain(part).translate(_LOWER) for part in query[:400].split()) if word][:MOST_WORDS]


def grams(text: str) -> list[str]:
    """Every pair of neighbouring characters once, the last character with an end."""
    safe = (text.translate(_LOWER)).translate(_SAFE) + _END
    return sorted({safe[n : n + 2] for n in range(len(safe) - 1)}) if text else []


async def text_of(tx: Tx, subject_id: int) -> str:
    """The text that a subject is found by; '' when it has none."""
    return str(await tx.value(TEXT, subject=subject_id) or "")


async def put(tx: Tx, subject: int, text: str) -> None:
    """Keep the subject's text, instead of what it was; '' finds it no more."""
    kept, had = plain(text), await tx.value(TEXT, subject=subject)
    pairs = " ".join(grams(kept))
    if tx.kind == "sqlite":
        if had:
            await tx.run(SQLITE_FORGET, subject=subject, grams=" ".join(grams(str(had))))
        await tx.run(SQLITE_PUT, subject=subject, grams=pairs)
    else:
        await tx.run(POSTGRES_PUT, subject=subject, grams=pairs)
    await tx.run(PUT, subject=subject, text=kept)


async def find(tx: Tx, query: str, allowed: str, /, *, before: int = NEWEST, limit: int = 20, **values: object) -> list[Found]:
    """Subjects whose text holds every word of `query`, newest first; none for an empty query.

    Args:
        allowed: an SQL condition on `t.subject_id`, with its own `:name` holes filled by `values`: what the asker may see. It
            is part of the query, so that nobody learns from a count or a page what others have.
    """
    words = words_of(query)
    if not words:
        return []
    lite = tx.kind == "sqlite"
    like = " AND ".join(f"t.text {'LIKE' if lite else 'ILIKE'} :word{n} ESCAPE '\\'" for n in range(len(words)))
    sql = (SQLITE_FIND if lite else POSTGRES_FIND).format(words=like, allowed=f"({allowed})")
    holes = {f"word{n}": f"%{_escaped(word)}%" for n, word in enumerate(words)}
    match = (_sqlite_match if lite else _postgres_match)(words)
    rows = await tx.all(sql, lambda *row: row, match=match, before=before, limit=limit, **holes, **values)
    return [_found(int(id), str(text), words[0]) for id, text in rows]


def _pairs(words: list[str]) -> tuple[list[str], list[str]]:
    """Pairs that must stand there, and single characters that a pair must begin with."""
    safe = [word.translate(_SAFE) for word in words]
    whole = {word[n : n + 2] for word in safe for n in range(len(word) - 1)}
    single = {word for word in safe if len(word) == 1} - {pair[0] for pair in whole}
    return sorted(whole), sorted(single)


def _sqlite_match(words: list[str]) -> str:
    whole, single = _pairs(words)
    return " AND ".join([f'"{pair}"' for pair in whole] + [f'"{one}"*' for one in single])


def _postgres_match(words: list[str]) -> str:
    whole, single = _pairs(words)
    return " & ".join([f"'{pair}'" for pair in whole] + [f"'{one}':*" for one in single])


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _found(subject: int, text: str, word: str) -> Found:
    at = max(0, text.translate(_LOWER).find(word))
    end = at + len(word)
    return Found(subject, text[max(0, at - AROUND) : at], text[at:end], text[end : end + AROUND])
