"""kill -9 at random points of publishing, signing up and sending: nothing acknowledged is lost, nothing is half there.

Clients publish notices to a small city and answer them over the API while the worker sends SMS to a carrier of ours; the process
is killed after a random while and started again on the same folder. After each kill this program reads the database.
"""

import asyncio
import random
import sqlite3
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from bench import data
from bench.client import Connection, as_json, bearer
from bench.data import Filled
from bench.service import Service
from tests.carrier import Carrier

CITY = 60  # units; the rest of the bench's city is left alone
CLIENTS = 6
BODY = '{"to": "{mobile}", "text": "{text}", "token": "{token}"}'  # as the carrier's double reads it


class Result(NamedTuple):
    """What the experiment came to; no kill, no acknowledged act or no message that reached the carrier is a failure too."""

    attempted: int
    acknowledged: int
    fired: int
    violations: list[str]
    sent: int
    doubled: int
    unmarked: int

    @property
    def passed(self) -> bool:
        """Whether the promise held and the experiment really tested it."""
        return (
            not self.violations
            and min(self.fired, self.acknowledged, self.sent) > 0
            and self.unmarked == 0
            and self.doubled <= self.fired
        )


class Ledger:
    """What the clients were told: acknowledged publications and answers, and how many acts were tried."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.attempted = 0
        self.notices: dict[int, int] = {}
        self.answers: dict[tuple[int, int], str] = {}


async def _client(port: int, filled: Filled, told: Ledger, seed: int, starts: str) -> None:
    """Publish, open, sign, answer, until the service is gone."""
    chance = random.Random(seed)
    connection = Connection(port)
    try:
        while True:
            if not told.notices or chance.random() < 0.25:
                await _publish(connection, filled, told, starts)
            else:
                await _answer(connection, filled, told, chance)
    except (ConnectionError, asyncio.IncompleteReadError, OSError):
        return
    finally:
        if connection._writer is not None:
            connection._writer.close()


async def _publish(connection: Connection, filled: Filled, told: Ledger, starts: str) -> None:
    told.attempted += 1
    body = {
        "title": f"关于召开第{told.attempted}次安全工作会议的通知", "place": "四楼会议室",
        "starts_at": f"{starts}T07:00:00Z", "ends_at": f"{starts}T09:00:00Z",
        "answer_by": f"{starts}T01:00:00Z", "urgency": "immediate", "invited": [f"unit:1{n:05}" for n in range(CITY)],
        "quota": [{"role": "staff", "min": 0, "max": 2}],
    }  # fmt: skip
    answer = await connection.ask("POST", "/api/v1/notices", bearer(filled.organiser), as_json(body))
    if answer.status == 201:
        told.notices[int(answer.json()["id"])] = answer.json()["receipts"]


async def _answer(connection: Connection, filled: Filled, told: Ledger, chance: random.Random) -> None:
    subject = chance.choice(list(told.notices))
    unit, token = filled.tokens[chance.randrange(CITY)]
    name = f"人{chance.randrange(10**9)}"
    people = {"people": [{"name": name, "position": "", "mobile": "", "role": "staff"}]}
    receipt = f"/api/v1/receipts/{subject}-{unit}"
    told.attempted += 1
    for path, body in ((f"{receipt}/opening", {}), (f"{receipt}/signature", {}), (f"/api/v1/notices/{subject}/answer", people)):
        answer = await connection.ask("POST", path, bearer(token), as_json(body))
        if answer.status not in (200, 201):
            return
    told.answers[subject, unit] = name


def _violations(path: Path, told: Ledger) -> list[str]:
    """Read the database as the kill left it: what was promised, and is not so."""
    connection = sqlite3.connect(path)
    wrong = [f"integrity: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    for id, receipts in told.notices.items():
        found = connection.execute("SELECT COUNT(*) FROM receipts WHERE subject_id = ?", (id,)).fetchone()[0]
        if found != receipts:
            wrong.append(f"acknowledged notice {id}: {found} receipts of {receipts}")
    for (subject, unit), name in told.answers.items():
        names = [row[0] for row in connection.execute(PEOPLE, (subject, unit))]
        if len(names) != 1:
            wrong.append(f"acknowledged answer of {unit} to {subject} ({name}): {names}")
    for sql, what in HALVES:
        wrong += [f"{what}: {row}" for row in connection.execute(sql, {"n": CITY}).fetchall()[:3]]
    connection.close()
    return wrong


PEOPLE = "SELECT name FROM attendees WHERE notice_id = ? AND unit_id = ? AND removed_at IS NULL"
HALVES = (
    ("SELECT s.id, COUNT(r.unit_id) AS n FROM subjects s LEFT JOIN receipts r ON r.subject_id = s.id "
     "WHERE s.urgency = 'immediate' GROUP BY s.id HAVING n <> :n", "half a notice (receipts)"),
    ("SELECT n.id, COUNT(a.unit_id) AS c FROM notices n JOIN subjects s ON s.id = n.id LEFT JOIN answers a ON a.notice_id = n.id "
     "WHERE s.urgency = 'immediate' GROUP BY n.id HAVING c <> :n", "half a notice (answers)"),
    ("SELECT s.id, COUNT(m.id) AS c FROM subjects s LEFT JOIN messages m ON m.subject_id = s.id AND m.purpose = 'published' "
     "WHERE s.urgency = 'immediate' GROUP BY s.id HAVING c <> :n", "half a notice (messages)"),
    ("SELECT t.subject_id FROM tallies t WHERE t.signed <> (SELECT COUNT(*) FROM receipts r WHERE r.subject_id = t.subject_id "
     "AND r.signed_at IS NOT NULL) AND :n > 0", "a count that is not so"),
    ("SELECT a.notice_id, a.unit_id FROM answers a WHERE a.people <> (SELECT COUNT(*) FROM attendees t "
     "WHERE t.notice_id = a.notice_id AND t.unit_id = a.unit_id AND t.removed_at IS NULL) AND :n > 0",
     "an answer without its people"),
)  # fmt: skip


def _sends(carrier: Carrier) -> tuple[int, int]:
    """How many texts reached a phone more often than once, and how many of those repeats are not marked 补发."""
    seen = Counter((sms.mobile, sms.text.replace("【补发】", "").replace("补发", "")) for sms in carrier.received)
    doubled = sum(n - 1 for n in seen.values())
    marked = sum("补发" in sms.text for sms in carrier.received)
    return doubled, max(0, doubled - marked)


async def run(kills: int, seed: int, *, planted: bool = False) -> Result:
    """Kill the service `kills` times; with `planted`, a service that answers before it commits."""
    chance = random.Random(seed)
    starts = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    told, wrong, fired = Ledger(), [], 0
    with tempfile.TemporaryDirectory(prefix="songda-kill-") as name:
        folder = Path(name)
        filled = await data.fill(folder / "songda.db", 0)
        async with Carrier(style="direct") as carrier:
            settings = {
                "SMS_FIRST": "http", "HTTP_GATEWAY_URL": carrier.url, "HTTP_GATEWAY_BODY": BODY, "HTTP_GATEWAY_TIMEOUT_S": "3",
                "HTTP_GATEWAY_ID_FIELD": "data.id", "OUTBOX_LEASE_S": "5",
                "OUTBOX_UNKNOWN_WAIT_S": "10", "EMAIL_TRANSPORT": "off",
            }  # fmt: skip
            for _ in range(kills):
                with Service(folder, work=True, module="tests.faults.planted" if planted else "app", **settings) as service:
                    clients = [
                        asyncio.create_task(_client(service.port, filled, told, chance.randrange(2**30), starts))
                        for _ in range(CLIENTS)
                    ]
                    await asyncio.sleep(chance.uniform(0.05, 0.9))
                    service.kill()
                    fired += 1
                    await asyncio.gather(*clients)
                wrong += _violations(folder / "songda.db", told)
                if wrong:
                    break
            doubled, unmarked = _sends(carrier)
            sent = len(carrier.received)
    return Result(told.attempted, len(told.notices) + len(told.answers), fired, wrong, sent, doubled, unmarked)
