"""What is wrong, and what to do about it: one line a thing, ok, warning or broken. Reads only; nothing is sent, nothing changed.

    lines = await examine(config, clock)      settings, engine, disk, database, clock, worker, backlog, people, backup, gateways

Words are Chinese, for the operator; `name` and `state` are for programs. `do` is empty when there is nothing to do.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ground import clock as time
from ground import control, migrating
from ground.checking import Reading, reading, sqlite_file
from ground.clock import Clock
from ground.config import Config
from ground.db import Tx
from ground.errors import Refused
from ground.sqlite import ENGINE_FLOOR, SAFE_ENGINES
from ground.workdays import Calendar

LATE_PULSE_S = 60
OLD_BACKLOG_S = 600
OLD_BACKUP_S = 2 * 86400
DIAL_S = 2.0
APPLIED = "SELECT number, name, sha256 FROM schema_migrations ORDER BY number"
NEWEST = "SELECT MAX(at) FROM (SELECT MAX(at) AS at FROM audit UNION ALL SELECT MAX(at) FROM pulses) AS latest"
PULSES = "SELECT name, at, note FROM pulses ORDER BY name"
WAITING = """
SELECT COUNT(*), COALESCE(MIN(not_before), '') FROM messages
WHERE state IN ('ready', 'retry_wait') AND channel <> 'screen' AND not_before <= :now"""
UNKNOWN = "SELECT COUNT(*) FROM messages WHERE state = 'unknown'"
ROLE_HOLDERS = """
SELECT o.role, COUNT(DISTINCT p.id) FROM posts o JOIN people p ON p.id = o.person_id AND p.disabled_at IS NULL
WHERE o.until_at IS NULL GROUP BY o.role"""
NO_SECRETARY = """
SELECT COUNT(*) FROM units u WHERE u.closed_on IS NULL AND u.kind <> '区划' AND NOT EXISTS (
  SELECT 1 FROM posts o JOIN people p ON p.id = o.person_id AND p.disabled_at IS NULL
  WHERE o.unit_id = u.id AND o.role = 'secretary' AND o.until_at IS NULL)"""


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


class Line(NamedTuple):
    """One thing: how it stands, what was seen, what to do."""

    name: str
    state: State
    seen: str
    do: str = ""


class Pulse(NamedTuple):
    """The last sign of life of one of the worker's loops."""

    name: str
    at: str
    note: str


async def examine(config: Config, clock: Clock) -> list[Line]:
    """Every line, in the order in which one would look."""
    lines = [*settings(config), await service(config), *engine(), *disk(config)]
    try:
        async with reading(config) as db:
            lines.append(await database(db))
            if lines[-1].state is not State.BROKEN:
                for look in LOOKS:
                    lines += await look(db, config, clock.now())
    except (Refused, sqlite3.Error) as error:
        said = error.text() if isinstance(error, Refused) else str(error)
        lines.append(Line("database", State.BROKEN, said, "还没有用过的话，先运行 songda serve；否则检查 --data 和文件权限。"))
    return [*lines, *await gateways(config), *calendar(config, clock.now())]


# --- what needs no database -----------------------------------------------------------------------------------------------


def settings(config: Config) -> list[Line]:
    """What the settings allow that a city should know of. (Wrong ones have ended the program before.)"""
    lines = [Line("settings", State.OK, f"设置可用；数据在 {config.folder}")]
    if not config.server.public_url:
        seen = "没有填 [server] public_url：短信里没有网址，运营商的回执回不来。"
        lines.append(Line("public_url", State.WARNING, seen, "填大家打开系统用的网址。"))
    elif not config.server.public_url.startswith("https://"):
        seen = "public_url 不是 https：登录信息在网上不加密。"
        lines.append(Line("public_url", State.WARNING, seen, "在前面放一个带证书的反向代理，再把网址改成 https。"))
    return lines


async def service(config: Config) -> Line:
    """Whether the service runs."""
    if sqlite_file(config) is None:
        return Line("service", State.OK, "PostgreSQL：服务是否在运行请看 /readyz")
    try:
        said = await control.ask(config.folder, "hello", {}, seconds=5)
    except (Refused, OSError) as error:
        return Line("service", State.BROKEN, f"服务在，但不答复：{error}", "看它的日志，必要时重新启动。")
    if said is None:
        return Line("service", State.WARNING, "服务没有在运行", "运行 songda serve。")
    return Line("service", State.OK, f"服务在运行（进程 {said['pid']}）")


def engine() -> list[Line]:
    """SQLite's version: too old, one with the WAL bug, or good."""
    have = sqlite3.sqlite_version_info
    if have < ENGINE_FLOOR:
        return [Line("engine", State.BROKEN, f"SQLite {sqlite3.sqlite_version} 太旧", "换 3.37 或更新的版本。")]
    safe = have >= SAFE_ENGINES[0] or any(have[:2] == fixed[:2] and have >= fixed for fixed in SAFE_ENGINES[1:])
    if safe:
        return [Line("engine", State.OK, f"SQLite {sqlite3.sqlite_version}")]
    fixed = "、".join(".".join(map(str, version)) for version in SAFE_ENGINES)
    seen = f"SQLite {sqlite3.sqlite_version}：这个版本在几个进程同时写时会损坏 WAL 文件（{fixed} 起修好）"
    return [Line("engine", State.WARNING, seen, "本服务只用一个连接写，可以照常用；不要用别的程序打开 songda.db。")]


def disk(config: Config) -> list[Line]:
    """Room for files and the database."""
    folder = next(path for path in (config.folder, *config.folder.parents) if path.exists())
    found = shutil.disk_usage(folder)
    free, least = found.free >> 20, config.files.min_free_mb
    seen = f"磁盘还剩 {free:,} MB，共 {found.total >> 20:,} MB"
    if free < least:
        return [Line("disk", State.BROKEN, f"{seen}，低于 [files] min_free_mb = {least}：不能上传", "马上腾出空间。")]
    if free < 5 * least or found.free < found.total // 20:
        return [Line("disk", State.WARNING, seen, "快满了，请清理或扩容。")]
    return [Line("disk", State.OK, seen)]


def calendar(config: Config, now: str) -> list[Line]:
    """Whether the holidays of this year and, in December, of the next are known."""
    if config.work.calendar_file and not Path(config.work.calendar_file).is_file():
        seen = f"没有节假日文件 {config.work.calendar_file}"
        return [Line("calendar", State.BROKEN, seen, "改正 [work] calendar_file，或留空用自带的表。")]
    if config.work.calendar_file:
        return [Line("calendar", State.OK, f"节假日用 {config.work.calendar_file}")]
    table, today = Calendar(), time.local(now, ZoneInfo(config.city.timezone)).date()
    for day in (today, today + timedelta(days=31)):
        table.is_workday(day)
    guessed = sorted(table.guessed_years())
    if guessed:
        seen = f"自带的表里没有 {guessed[0]} 年的节假日，按周一至周五算"
        return [Line("calendar", State.WARNING, seen, "国务院办公厅公布放假安排后，把它放进 [work] calendar_file。")]
    return [Line("calendar", State.OK, f"节假日安排到 {today.year} 年都有")]


async def gateways(config: Config) -> list[Line]:
    """Whether messages can leave: what is chosen, and whether somebody listens there. Nothing is sent."""
    return [*await _sms(config), await _mail(config)]


async def _sms(config: Config) -> list[Line]:
    lines = []
    for name in dict.fromkeys((config.sms.first, config.sms.second)):
        if name == "off" and name == config.sms.first:
            lines.append(Line("sms", State.WARNING, "短信关着，什么也不发", "在 [sms] first 里选运营商的接口。"))
        elif name == "spool":
            seen = f"没有接运营商：短信写成 {config.folder / 'spool'} 里的文件，没有人会收到"
            lines.append(Line("sms", State.WARNING, seen, "试用可以这样；正式使用请在 [sms] first 里选 kannel 或 http。"))
        elif name in ("kannel", "http"):
            own = config.kannel if name == "kannel" else config.http_gateway
            lines.append(await _dial(f"sms_{name}", own.url))
            if not own.report_secret:
                seen = f"{name} 没有 report_secret：运营商的回执和回复短信都不收"
                lines.append(Line(f"sms_{name}_reports", State.WARNING, seen, "填一个长的随机字，并告诉运营商。"))
    return lines


async def _mail(config: Config) -> Line:
    own = config.email
    if own.transport == "off":
        return Line("email", State.WARNING, "邮件关着，日程邀请不会发出", "在 [email] transport 里选 smtp。")
    if own.transport == "spool":
        seen = f"没有接邮件服务器：邮件写成 {config.folder / 'spool'} 里的文件"
        return Line("email", State.WARNING, seen, "试用可以这样；正式使用请在 [email] transport 里选 smtp。")
    return await _dial("email", f"smtp://{own.host}:{own.port}")


async def _dial(name: str, url: str) -> Line:
    """Whether somebody listens at an address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not parts.hostname:
        return Line(name, State.BROKEN, f"地址“{url}”不完整", "在设置里填完整的地址。")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), DIAL_S)
    except (OSError, TimeoutError) as error:
        seen = f"连不上 {parts.hostname}:{port}（{type(error).__name__}）"
        return Line(name, State.BROKEN, seen, "检查地址、防火墙和对方的服务；消息会留着，通了再发。")
    writer.close()
    return Line(name, State.OK, f"{parts.hostname}:{port} 接得通")


# --- what the database says -----------------------------------------------------------------------------------------------


async def database(db: Reading) -> Line:
    """Whether the tables are those of this version."""

    async def read(tx: Tx) -> list[migrating.Applied]:
        return await tx.all(APPLIED, migrating.Applied)

    applied = {a.number: a for a in await db.read(read)}
    ours = migrating.known()
    missing = [m.name for m in ours if m.number not in applied]
    changed = [m.name for m in ours if m.number in applied and applied[m.number].sha256 != m.sha256]
    if missing:
        return Line(
            "database", State.BROKEN, f"缺 {len(missing)} 个迁移：{'、'.join(missing)}", "停下服务，运行 songda migrate。"
        )
    if changed or len(applied) > len(ours):
        return Line("database", State.BROKEN, "数据库和程序不是同一个版本", "请用和数据库同一版本或更新的程序。")
    return Line("database", State.OK, f"{db.kind}，{len(applied)} 个迁移都在")


async def wall_clock(db: Reading, _config: Config, now: str) -> list[Line]:
    """A clock that was set back shows: something in the database is newer than now."""

    async def read(tx: Tx) -> str:
        return str(await tx.value(NEWEST) or "")

    newest = await db.read(read)
    ahead = time.seconds_between(now, newest) if newest else 0
    if ahead > 60:
        seen = f"机器的时钟比最后一条记录还早 {ahead:.0f} 秒"
        return [Line("clock", State.BROKEN, seen, "校准时钟（chrony 或 ntp），期限和验证码都靠它。")]
    return [Line("clock", State.OK, f"时钟 {now}")]


async def worker(db: Reading, config: Config, now: str) -> list[Line]:
    """When the worker's loops were last alive."""

    async def read(tx: Tx) -> list[Pulse]:
        return await tx.all(PULSES, Pulse)

    pulses = [pulse for pulse in await db.read(read) if pulse.name != "backup"]
    running = sqlite_file(config) is None or (await service(config)).state is State.OK
    if not running:
        return [Line("worker", State.WARNING, "服务没有在运行，短信和提醒也停着", "运行 songda serve。")]
    beat = next((pulse for pulse in pulses if pulse.name == "worker"), None)
    age = time.seconds_between(beat.at, now) if beat else -1.0
    if beat is None or age > LATE_PULSE_S:
        seen = f"发消息的循环停了{f' {age:.0f} 秒' if beat else ''}"
        return [Line("worker", State.BROKEN, seen, "看服务的日志；用了 --no-work 的话，要另有一个 songda work。")]
    ill = [f"{pulse.name}：{pulse.note}" for pulse in pulses if pulse.note]
    if ill:
        return [Line("worker", State.BROKEN, "；".join(ill), "看服务的日志。")]
    return [Line("worker", State.OK, f"发消息的循环 {max(age, 0):.0f} 秒前还在转")]


async def backlog(db: Reading, _config: Config, now: str) -> list[Line]:
    """What should have left and has not; what nobody knows the outcome of."""

    async def read(tx: Tx) -> tuple[int, str, int]:
        number, oldest = await tx.one(WAITING, lambda n, at: (int(n), str(at)), now=now) or (0, "")
        return number, oldest, int(await tx.value(UNKNOWN))

    number, oldest, unknown = await db.read(read)
    age = time.seconds_between(oldest, now) if oldest else 0
    lines = [Line("backlog", State.OK, f"等着发的消息 {number} 条")]
    if age > OLD_BACKLOG_S:
        seen = f"有 {number} 条消息等着发，最早的等了 {age / 60:.0f} 分钟"
        lines = [Line("backlog", State.WARNING, seen, "看“短信邮件”页，检查运营商接口。")]
    if unknown:
        seen = f"有 {unknown} 条消息不知道发出了没有"
        lines.append(Line("unknown", State.WARNING, seen, "在“短信邮件”页逐条决定：补发，或打电话。"))
    return lines


async def staff(db: Reading, _config: Config, _now: str) -> list[Line]:
    """The three separate administrators, and units in which nobody can sign."""

    async def read(tx: Tx) -> tuple[dict[str, int], int]:
        return dict(await tx.all(ROLE_HOLDERS, lambda role, n: (str(role), int(n)))), int(await tx.value(NO_SECRETARY))

    holders, silent = await db.read(read)
    words = {"operator": "系统管理员", "security": "安全管理员", "auditor": "审计员"}
    none = [word for role, word in words.items() if not holders.get(role)]
    lines = [Line("administrators", State.OK, "三员都有人")]
    if none:
        lines = [Line("administrators", State.WARNING, f"没有{'、'.join(none)}", "用 songda person add 或网页加人。")]
    if silent:
        seen = f"有 {silent} 个单位没有文书，收到的东西没有人能签收"
        lines.append(Line("secretaries", State.WARNING, seen, "在“单位人员”页补上。"))
    return lines


async def kept(db: Reading, config: Config, now: str) -> list[Line]:
    """When the last backup was made."""
    if sqlite_file(config) is None:
        return []

    async def read(tx: Tx) -> list[Pulse]:
        return [pulse for pulse in await tx.all(PULSES, Pulse) if pulse.name == "backup"]

    last = next(iter(await db.read(read)), None)
    if last is None:
        return [Line("backup", State.WARNING, "还没有备份过", "每天运行 songda backup 到另一块盘上。")]
    hours = time.seconds_between(last.at, now) / 3600
    state = State.WARNING if hours * 3600 > OLD_BACKUP_S else State.OK
    return [Line("backup", state, f"上次备份在 {hours:.0f} 小时前", "" if state is State.OK else "请再备份一次。")]


Look = Callable[[Reading, Config, str], Awaitable[list[Line]]]
LOOKS: tuple[Look, ...] = (wall_clock, worker, backlog, staff, kept)
