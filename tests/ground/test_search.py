"""Search against naive substring search over 2,000 real titles, on both engines: the same answers, and nobody else's."""

import csv
import random
from collections.abc import Callable

import pytest

from ground import search
from ground.db import Database, Tx
from ground.search import Found, plain, words_of
from tests.shared import shared_data

ALL = "t.subject_id > :above"


def titles() -> list[str]:
    with shared_data("titles.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:2000]
    return [f"{row['title']} {row['doc_number']}" for row in rows]


async def fill(tx: Tx, texts: list[str]) -> None:
    for n, text in enumerate(texts, 1):
        await search.put(tx, n, text)


def naive(texts: list[str], query: str) -> list[int]:
    """Every text in which all words of the query stand, newest first; small and large letters are one."""
    words = [word.lower() for word in words_of(query)]
    return [n for n in range(len(texts), 0, -1) if all(word in plain(texts[n - 1]).lower() for word in words)]


async def ids(db: Database, query: str, **more: int) -> list[int]:
    found = await db.read(search.find, query, ALL, limit=5000, above=0, **more)
    return [one.subject_id for one in found]


def questions(texts: list[str]) -> list[str]:
    """Pieces of titles, one to eight characters, two of them together, and some that stand nowhere."""
    chance = random.Random(7)
    asked = [
        "2014",
        "〔2014〕",
        "粤办函",
        "（试行）",
        "100%",
        "a_b",
        "\\",
        "%",
        "的",
        "通知",
        "号",
        "'",
        '"',
        "办公厅 2014",
        "不存在的词",
    ]
    while len(asked) < 220:
        text = chance.choice(texts)
        at = chance.randrange(len(text))
        piece = text[at : at + chance.choice((1, 2, 2, 3, 4, 8))]
        asked.append(piece if chance.random() < 0.8 else f"{piece} {chance.choice(texts)[:2]}")
    return asked


async def test_the_answers_of_naive_search(db: Database) -> None:
    texts = titles()
    await db.write(fill, texts)
    found = 0
    for query in questions(texts):
        expected = naive(texts, query) if words_of(query) else []
        assert await ids(db, query) == expected, query
        found += len(expected)
    assert found > 20_000


async def test_every_two_characters_are_found(db: Database) -> None:
    texts = titles()[:300]
    await db.write(fill, texts)
    chance = random.Random(3)
    for n, text in enumerate(texts, 1):
        at = chance.randrange(len(text) - 1)
        if len(words_of(text[at : at + 2])) == 1:
            assert n in await ids(db, text[at : at + 2]), text[at : at + 2]


@pytest.mark.parametrize(
    ("text", "query", "hit"),
    [
        ("关于ＡＩ＋政务的通知", "ai", "AI"),
        ("发展改革委\n办公厅文件", "革委办公", "革委办公"),
        ("the quick\n brown fox", "QUICK brown", "quick"),
        ("𠮷林会议", "𠮷", "𠮷"),
        ("涨幅 100% 以上", "100%", "100%"),
        ("末", "末", "末"),
    ],
)
async def test_words_as_people_type_them(db: Database, text: str, query: str, hit: str) -> None:
    await db.write(fill, [text, "别的"])
    found = await db.read(search.find, query, ALL, above=0)
    assert [(one.subject_id, one.hit) for one in found] == [(1, hit)]
    assert await db.read(search.find, "  ", ALL, above=0) == []


async def test_a_text_is_replaced_and_pages_follow(db: Database) -> None:
    await db.write(fill, ["防汛抗旱会议", "防汛演练", "防汛物资"])
    await db.write(search.put, 2, "文物保护")
    assert await ids(db, "防汛") == [3, 1]
    assert await ids(db, "演练") == []
    assert await ids(db, "文物") == [2]
    assert await ids(db, "防汛", before=3) == [1]
    assert [one.subject_id for one in await db.read(search.find, "防汛", ALL, limit=1, above=0)] == [3]
    await db.write(search.put, 3, "")
    assert await ids(db, "防汛") == [1]


async def test_what_surrounds_the_hit(db: Database) -> None:
    await db.write(fill, ["前" * 50 + "文物保护" + "后" * 50])
    (found,) = await db.read(search.find, "文物保护", ALL, above=0)
    assert found == Found(1, "前" * 30, "文物保护", "后" * 30)


async def test_only_what_the_asker_may_see(db: Database) -> None:
    await db.write(fill, ["防汛会议"] * 5)
    allowed: Callable[[int], str] = lambda n: f"t.subject_id = {n}"  # noqa: E731
    assert [one.subject_id for one in await db.read(search.find, "防汛", allowed(2))] == [2]
    assert await db.read(search.find, "防汛", "t.subject_id = 1 OR 1 = 0", before=1) == []
    assert len(await ids(db, "防汛")) == 5


async def test_a_very_long_text(db: Database) -> None:
    long = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(300_000))
    await db.write(search.put, 1, long)
    assert await ids(db, long[50_000:50_004]) == [1]
