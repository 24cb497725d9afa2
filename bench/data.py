"""Fills a database through the rooms' own SQL: 1,053 units with a secretary each, and as many receipts as asked for.

Old notices are 98 % signed and answered; counters are equal to a recount.
"""

import random
import secrets
from pathlib import Path
from typing import NamedTuple

from ground import clock
from ground.clock import SystemClock
from ground.db import Tx, opened
from ground.directory import groups, people, sessions, units
from ground.directory.people import NewPerson
from ground.directory.units import NewUnit
from ground.migrating import migrate
from notices import notice as nouns
from notices import queries as notice_queries
from receipts import queries as q
from receipts.receipt import State

UNITS = 1053
INBOX = 60  # at least so many items in the inbox of the first units
QUOTA = nouns.dumps([nouns.Quota("principal", 1, 1), nouns.Quota("staff", 0, 2)])


class Filled(NamedTuple):
    """What the bench signs in with."""

    group: int
    organiser: str  # API token
    tokens: list[tuple[int, str]]  # unit id, its secretary's API token
    session: str  # a secretary's session cookie


async def _people(tx: Tx, now: str) -> Filled:
    city = await units.open_unit(tx, NewUnit("1", "云川市", "云川市", None, "区划", 1), today="2024-01-01", at=now)
    tokens, ids = [], []
    first = 0
    for n in range(UNITS):
        unit = await units.open_unit(
            tx, NewUnit(f"1{n:05}", f"云川市第{n}单位", f"第{n}单位", city, "政府", 2), today="2024-01-01", at=now
        )
        person = await people.add(
            tx, NewPerson(f"s{n}", f"文书{n}", f"139{n:08}", "", "secretary", "文书"), unit, by=None, joined=False, at=now
        )
        first = first or person
        ids.append(unit)
        tokens.append((unit, await sessions.issue_token(tx, person, unit, "bench", days=30, at=now)))
    organiser = await people.add(
        tx, NewPerson("org", "会务", "13700000000", "", "organiser", "科长"), ids[0], by=None, joined=False, at=now
    )
    await tx.run("UPDATE people SET must_change = 0")
    group = await groups.open_group(tx, "全市", owner=None, by=None, at=now)
    await groups.set_members(tx, await groups.find(tx, group, ids[0]), "全市", ids, [], by=None, at=now)
    token = await sessions.issue_token(tx, organiser, ids[0], "bench", days=30, at=now)
    session = secrets.token_urlsafe(32)
    return Filled(group, token, tokens, session)


async def _session(tx: Tx, session: str, unit: int, now: str) -> None:
    person = await tx.value("SELECT person_id FROM posts WHERE unit_id = :unit AND role = 'secretary'", unit=unit)
    await tx.run(
        "INSERT INTO sessions (token_hash, public_id, person_id, unit_id, how, created_at, seen_at, expires_at, address, agent) "
        "VALUES (:hash, :public, :person, :unit, 'password', :now, :now, :expires, '127.0.0.1', 'bench')",
        hash=sessions.digest(session), public=secrets.token_hex(6), person=person, unit=unit, now=now,
        expires=clock.after(now, hours=10),
    )  # fmt: skip


async def _notice(tx: Tx, number: int, ids: list[int], at: str, chance: random.Random) -> None:
    """One notice of the past with a receipt, an answer and its facts for every unit."""
    by = clock.after(at, hours=30)
    subject = int(
        await tx.value(
            q.SUBJECT_INSERT, kind="notice", title=f"关于召开第{number}次全市工作会议的通知", number="", urgency="normal",
            sender_unit=ids[0], sender_name="第0单位", sent_by=1, sent_at=at, sign_by=by, answer_by=by, digest="0" * 64,
        )
    )  # fmt: skip
    await tx.run(
        notice_queries.NOTICE_INSERT, id=subject, uid=f"{number}@bench", starts_at=clock.after(at, hours=48),
        ends_at=clock.after(at, hours=50), answer_by=by, place="第一会议室", seats=0, quota=QUOTA, fields="[]", details="{}",
        check_in="x",
    )  # fmt: skip
    done = [chance.random() < 0.98 for _ in ids]
    await tx.many(
        "INSERT INTO receipts (subject_id, unit_id, state, part, waits, due_at, arrived_at, opened_at, signed_at, answered_at) "
        "VALUES (:subject, :unit, :state, 'main', :waits, :due, :at, :when, :when, :when)",
        [
            {
                "subject": subject, "unit": unit, "state": State.ANSWERED if ok else State.ARRIVED,
                "waits": None if ok else "sign",
                "due": None if ok else by, "at": at, "when": at if ok else None,
            }
            for unit, ok in zip(ids, done, strict=True)
        ],
    )  # fmt: skip
    facts = [{"subject": subject, "unit": unit, "version": 1, "at": at, "digest": "0" * 64} for unit in ids]
    await tx.many(q.ARRIVED_INSERT, facts)
    await tx.many(notice_queries.ANSWER_OPEN, [{"notice": subject, "unit": unit} for unit in ids])
    await tx.run(q.TALLY_INSERT, subject=subject, total=len(ids))
    n = sum(done)
    await tx.run(q.TALLY_ADD, subject=subject, opened=n, signed=n, registered=0, answered=n, returned=0, recalled=0)


async def fill(path: Path, receipts: int) -> Filled:
    """Make the database at `path` with at least `receipts` receipts."""
    now = SystemClock().now()
    chance = random.Random(7)
    async with opened(path) as db:
        await migrate(db, SystemClock())
        filled = await db.write(_people, now)
        ids = [unit for unit, _ in filled.tokens]
        await db.write(_session, filled.session, ids[5], now)
        reach = min(UNITS, receipts // INBOX) or 1  # a small database still has a full page in the inbox that is measured
        for number in range(-(-receipts // reach)):
            at = clock.after(now, hours=-24 * 700 * (1 - number * reach / max(receipts, 1)))
            await db.write(_notice, number, ids[:reach], at, chance)
    return filled
