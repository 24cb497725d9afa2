"""Units: found, opened, renamed, merged, closed *from a date*; never deleted. Old receipts go on naming them as they were."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from ground import audit, clock
from ground.db import Tx
from ground.directory import pinyin
from ground.directory import queries as q
from ground.directory.directory import Actor, Unit
from ground.directory.policy import Role
from ground.errors import FieldError, Invalid, NotFound, Refused

LEVELS = {1: "市级", 2: "县区", 3: "乡镇（街道）", 4: "村（社区）"}
RESERVED = frozenset(
    ["all", "children", "count", "import", "match", "new", "people", "search", "unreachable", "without-secretary"]
)  # our own pages
AREA = "区划"  # a unit of this kind is a branch of the tree, with no inbox


class NameThen(NamedTuple):
    """What a unit was called from a date on."""

    from_date: str
    name: str
    short_name: str
    reason: str


class Counts(NamedTuple):
    """What the operator looks at first."""

    units: int
    people: int
    without_secretary: int
    without_mobile: int


class Unreachable(NamedTuple):
    """A person whom no SMS reaches."""

    person_id: int
    name: str
    mobile: str
    why: str
    unit_code: str
    unit: str


def like(text: str) -> str:
    """`text` with LIKE's own characters made harmless (escape `\\`)."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def by_id(tx: Tx, id: int) -> Unit:
    """The unit. Raises NotFound."""
    unit = await tx.one(q.UNIT_BY_ID, Unit, id=id)
    if unit is None:
        raise NotFound("没有这个单位。")
    return unit


async def by_code(tx: Tx, code: str) -> Unit:
    """The unit with this code. Raises NotFound."""
    unit = await tx.one(q.UNIT_BY_CODE, Unit, code=code)
    if unit is None:
        raise NotFound("没有这个单位。")
    return unit


async def exactly(tx: Tx, said: str, field: str) -> Unit:
    """The unit that a form names by code, full or short name. Raises Invalid for `field` when it is none or several."""
    found = [u for u in await search(tx, said, limit=5) if said in {u.code, u.name, u.short_name}]
    by_the_code = [u for u in found if u.code == said]
    if len(by_the_code or found) != 1:
        raise Invalid.one(field, "没有对上这个单位，请填代码或全称。")
    return (by_the_code or found)[0]


async def everyone(tx: Tx, *, today: str = "") -> list[Unit]:
    """All units, or with `today` (a local date) those open then; parents before children."""
    if today:
        return await tx.all(q.UNITS_OPEN, Unit, today=today)
    return await tx.all(q.UNITS_ALL, Unit)


async def children(tx: Tx, parent: int | None) -> list[Unit]:
    """The units directly below, or the roots."""
    if parent is None:
        return await tx.all(q.UNITS_ROOTS, Unit)
    return await tx.all(q.UNITS_CHILDREN, Unit, parent=parent)


async def child_counts(tx: Tx) -> dict[int, int]:
    """How many open units each unit has directly below it."""
    return dict(await tx.all(q.CHILD_COUNTS, lambda parent, n: (int(parent), int(n))))


async def below(tx: Tx, unit: Unit) -> list[Unit]:
    """The unit itself and everything under it."""
    return await tx.all(q.UNITS_BELOW, Unit, path=f"{unit.path}%")


async def search(tx: Tx, words: str, *, limit: int = 20) -> list[Unit]:
    """Units by name, short name, pinyin, initials or code; the best first. Nothing for an empty search."""
    words = words.strip()
    if not words:
        return []
    return await tx.all(
        q.UNITS_SEARCH, Unit, exact=words, prefix=f"{like(words.lower())}%", anywhere=f"%{like(words)}%", limit=limit
    )


async def names(tx: Tx, unit: int) -> list[NameThen]:
    """Every name the unit has had, newest first."""
    return await tx.all(q.UNIT_NAMES, NameThen, unit=unit)


async def name_on(tx: Tx, unit: int, date: str) -> str:
    """The unit's full name on a local date."""
    then = await tx.value(q.UNIT_NAME_ON, unit=unit, on=date)
    if then is not None:
        return str(then)
    known = await names(tx, unit)
    return known[-1].name if known else (await by_id(tx, unit)).name


def scope(actor: Actor) -> str:
    """The path under which an actor looks after units and people: all of them for operators and security."""
    return "/" if actor.roles & {Role.OPERATOR, Role.SECURITY} else actor.unit_path


async def in_care(tx: Tx, code: str, actor: Actor) -> Unit:
    """A unit that the actor looks after. Raises NotFound, also for a unit that is not the actor's to manage."""
    unit = await tx.one(q.UNIT_BY_CODE, Unit, code=code)
    if unit is None or not unit.path.startswith(scope(actor)):
        raise NotFound("没有这个单位，或者不归您管理。")
    return unit


async def counts(tx: Tx, path: str = "/") -> Counts:
    """How many units and people there are below `path`, and how many cannot be reached."""
    if path == "/":
        found = await tx.one(q.UNIT_COUNTS, Counts)
    else:
        found = await tx.one(q.UNIT_COUNTS_BELOW, Counts, path=f"{path}%")
    assert found is not None
    return found


async def in_use(tx: Tx) -> int:
    """How many open units have an inbox."""
    return int(await tx.value(q.UNITS_IN_USE))


async def without_secretary(tx: Tx, path: str = "/") -> list[Unit]:
    """Open units below `path` in which nobody could sign."""
    return await tx.all(q.UNITS_WITHOUT_SECRETARY, Unit, path=f"{path}%")


async def unreachable(tx: Tx, path: str = "/", *, limit: int = 200) -> list[Unreachable]:
    """People in post below `path` without a working mobile number."""
    return await tx.all(q.PEOPLE_WITHOUT_MOBILE, Unreachable, path=f"{path}%", limit=limit)


async def listed(
    tx: Tx, *, words: str = "", path: str = "/", after: int = 0, limit: int = 50, closed: bool = False
) -> list[Unit]:
    """Units below `path` with an id above `after`, by id; `words` filters them as `search` does."""
    words = words.strip()
    return await tx.all(
        q.UNITS_PAGE, Unit, after=after, path=f"{path}%", closed=int(closed), all=int(not words),
        prefix=f"{like(words.lower())}%", anywhere=f"%{like(words)}%", limit=limit,
    )  # fmt: skip


async def above(tx: Tx, unit: Unit) -> list[Unit]:
    """The units above, from the top down."""
    return await tx.all(q.UNITS_ABOVE, Unit, path=unit.path)


def check(code: str, name: str, short_name: str, level: int) -> None:
    """Refuse a unit's data that cannot stand. Raises Invalid with every wrong field."""
    errors = []
    if not code or len(code) > 32 or not code.isascii() or not code.replace("-", "").isalnum() or code in RESERVED:
        errors.append(FieldError("code", "代码用数字和字母，不超过 32 位。"))
    if not name or len(name) > 200:
        errors.append(FieldError("name", "请填单位全称，不超过 200 个字。"))
    if not short_name or len(short_name) > 60:
        errors.append(FieldError("short_name", "请填单位简称，不超过 60 个字。"))
    if level not in LEVELS:
        errors.append(FieldError("level", "级别是 1 市、2 县区、3 乡镇、4 村。"))
    if errors:
        raise Invalid(errors)


class NewUnit(NamedTuple):
    """What is typed for a new unit."""

    code: str
    name: str
    short_name: str
    parent_id: int | None
    kind: str
    level: int
    duty_phone: str = ""
    sort: int = 1000


async def open_unit(tx: Tx, new: NewUnit, *, today: str, at: str, by: Actor | None = None) -> int:
    """Add a unit to the tree; its id.

    Raises:
        Invalid: the code is taken, a wrong field, a level above the parent's. NotFound: no such parent.
    """
    check(new.code, new.name, new.short_name, new.level)
    check_more(new.kind, new.duty_phone, new.sort)
    path = "/"
    if new.parent_id is not None:
        parent = await by_id(tx, new.parent_id)
        if parent.closed_on:
            raise Invalid.one("parent", "上级单位已停用，请另选一个。")
        if new.level < parent.level:
            raise Invalid.one("level", "级别不能高于上级单位。")
        path = parent.path
    made = await tx.value(
        q.UNIT_INSERT, code=new.code, name=new.name, short_name=new.short_name, parent_id=new.parent_id, path="", kind=new.kind,
        level=new.level, initials=pinyin.initials(new.short_name), pinyin=pinyin.full(new.short_name),
        duty_phone=new.duty_phone, sort=new.sort, opened_on=today,
    )  # fmt: skip
    if made is None:
        raise Invalid.one("code", "这个代码已有单位在用，请换一个。")
    unit = int(made)
    await tx.run(q.UNIT_SET_PATH, id=unit, path=f"{path}{unit}/")
    await tx.run(q.UNIT_NAME_PUT, unit=unit, from_date=today, name=new.name, short_name=new.short_name, reason="启用")
    await _note(tx, "unit_opened", unit, by, at, new.name)
    return unit


def check_more(kind: str, duty_phone: str, sort: int) -> None:
    """Refuse the lesser data that cannot stand. Raises Invalid with every wrong field."""
    errors = []
    if len(kind) > 20:
        errors.append(FieldError("kind", "性质不超过 20 个字。"))
    if len(duty_phone) > 40:
        errors.append(FieldError("duty_phone", "值班电话不超过 40 个字。"))
    if not 0 <= sort <= 999_999:
        errors.append(FieldError("sort", "排序是 0 至 999999 的整数。"))
    if errors:
        raise Invalid(errors)


async def _note(tx: Tx, act: str, unit: int, by: Actor | None, at: str, detail: str) -> None:
    person, own, address = (by.person_id, by.unit_id, by.address) if by else (0, 0, "")
    await audit.note(tx, act, f"unit:{unit}", at=at, person=person, unit=own, detail=detail, address=address)


async def change(
    tx: Tx, unit: Unit, *, short_name: str, kind: str, initials: str, duty_phone: str, sort: int, by: Actor, at: str
) -> None:
    """Correct a unit's data (not its full name: that is a renaming from a date). Raises Invalid."""
    check(unit.code, unit.name, short_name, unit.level)
    check_more(kind, duty_phone, sort)
    if initials and not (initials.isascii() and initials.isalnum() and len(initials) <= 60):
        raise Invalid.one("initials", "拼音首字母只用小写字母和数字。")
    await tx.run(
        q.UNIT_UPDATE, id=unit.id, short_name=short_name, kind=kind, initials=(initials or pinyin.initials(short_name)).lower(),
        pinyin=pinyin.full(short_name), duty_phone=duty_phone, sort=sort,
    )  # fmt: skip
    await _note(tx, "unit_changed", unit.id, by, at, short_name)


async def rename(tx: Tx, unit: Unit, name: str, short_name: str, *, on: str, today: str, by: Actor, at: str) -> None:
    """Give a unit another name from a local date on. Receipts of before keep the old one. Raises Invalid, Refused."""
    check(unit.code, name, short_name, unit.level)
    if unit.closed_on:
        raise Refused("这个单位已停用，不能更名。")
    if on > today:
        raise Invalid.one("on", "更名日期不能晚于今天。到那天再来更名。")
    if any(then.from_date > on for then in await names(tx, unit.id)):
        raise Invalid.one("on", "更名日期不能早于现在这个名称的启用日期。")
    if name == unit.name and short_name == unit.short_name:
        raise Invalid.one("name", "新名称和现在的一样。")
    await tx.run(q.UNIT_NAME_PUT, unit=unit.id, from_date=on, name=name, short_name=short_name, reason="更名")
    initials, full = pinyin.initials(short_name), pinyin.full(short_name)
    await tx.run(q.UNIT_RENAME, id=unit.id, name=name, short_name=short_name, initials=initials, pinyin=full)
    await _note(tx, "unit_renamed", unit.id, by, at, f"{unit.name} → {name} ({on})")


async def close(tx: Tx, unit: Unit, *, on: str, today: str, reason: str, into: int | None, by: Actor, at: str) -> None:
    """Close a unit from a local date, or merge it into another. Nothing of it is removed.

    Raises:
        Refused: it is closed already, still has open units below, or would be merged into itself or a closed unit.
        Invalid: no reason, a date to come.
    """
    if not reason.strip() or len(reason) > 200:
        raise Invalid.one("reason", "请写停用的原因，例如文件依据，不超过 200 个字。")
    if not unit.opened_on <= on <= today:
        raise Invalid.one("on", "停用日期要在启用日期和今天之间。")
    if any(not child.closed_on for child in await children(tx, unit.id)):
        raise Refused("下面还有在用的单位，请先停用或合并它们。")
    if into is not None:
        target = await by_id(tx, into)
        if target.id == unit.id or target.closed_on or target.kind == AREA:
            raise Refused("合并到的单位要是另一个在用的单位。")
    if await tx.run(q.UNIT_CLOSE, id=unit.id, on=on, reason=reason, into=into) != 1:
        raise Refused("这个单位已经停用了。")
    await _note(tx, "unit_merged" if into else "unit_closed", unit.id, by, at, reason)


class Toll(NamedTuple):
    """What closing a unit concerns."""

    people: int
    groups: list[str]
    open_below: int


async def toll(tx: Tx, unit: Unit) -> Toll:
    """Whom and what closing the unit would concern, as far as the directory knows."""
    staff = set(await tx.all(q.CONTACTS_OF_UNIT, lambda *c: int(c[0]), unit=unit.id))
    kept_in = await tx.all(q.UNIT_IN_GROUPS, str, unit=unit.id)
    return Toll(len(staff), kept_in, sum(not child.closed_on for child in await children(tx, unit.id)))


def today_of(at: str, zone: ZoneInfo) -> str:
    """The local date of a moment, as text."""
    return clock.local(at, zone).date().isoformat()
