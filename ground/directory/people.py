"""People and their posts. A person's account and posts end; neither is deleted, and nothing that waits goes with them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ground import audit, clock
from ground.db import Tx
from ground.directory import pinyin, policy, sessions
from ground.directory import queries as q
from ground.directory.directory import Actor, Contact, Person, Post, Unit
from ground.directory.policy import Role
from ground.directory.units import AREA, like, scope
from ground.errors import FieldError, Forbidden, Invalid, NotFound, Refused
from ground.mobile import normal_mobile


class Member(NamedTuple):
    """A line of a unit's people: the person and one post."""

    person_id: int
    name: str
    login: str
    mobile: str
    mobile_bad: str | None
    email: str
    last_seen_at: str | None
    disabled_at: str | None
    post_id: int
    role: str
    position: str
    until_at: str | None
    has_password: int


class NewPerson(NamedTuple):
    """What is typed for a person and their first post."""

    login: str
    name: str
    mobile: str
    email: str
    role: str
    position: str


class Line(NamedTuple):
    """A line of the list of people: one post."""

    post_id: int
    person_id: int
    name: str
    login: str
    mobile: str
    mobile_bad: str
    last_seen_at: str | None
    unit_code: str
    unit: str
    role: str
    position: str


class Delegation(NamedTuple):
    """Who acts for whom, where and until when."""

    id: int
    from_person: int
    from_name: str
    to_person: int
    to_name: str
    unit_id: int
    unit: str
    from_at: str
    until_at: str
    reason: str


async def by_id(tx: Tx, id: int) -> Person:
    """The person. Raises NotFound."""
    person = await tx.one(q.PERSON_BY_ID, Person, id=id)
    if person is None:
        raise NotFound("没有这个人。")
    return person


async def by_login(tx: Tx, login: str) -> Person:
    """The person with this login. Raises NotFound."""
    person = await tx.one(q.PERSON_BY_LOGIN, Person, login=login)
    if person is None:
        raise NotFound("没有这个账号。")
    return person


async def of_unit(tx: Tx, unit: int) -> list[Member]:
    """Everybody who has or had a post in the unit, those in post first."""
    return await tx.all(q.PEOPLE_OF_UNIT, Member, unit=unit)


async def posts_of(tx: Tx, person: int) -> list[Post]:
    """The posts a person holds now."""
    return await tx.all(q.POSTS_OF_PERSON, Post, person=person)


async def contacts(tx: Tx, role: Role) -> list[Contact]:
    """Everybody who holds a role anywhere, by unit."""
    return await tx.all(q.CONTACTS_BY_ROLE, Contact, role=str(role))


async def contacts_of(tx: Tx, unit: int) -> list[Contact]:
    """Everybody who holds a post in the unit."""
    return await tx.all(q.CONTACTS_OF_UNIT, Contact, unit=unit)


async def contacts_by_mobile(tx: Tx, mobile: str) -> list[Contact]:
    """Whose mobile number this is, a line a post."""
    return await tx.all(q.CONTACTS_BY_MOBILE, Contact, mobile=mobile)


def check(new: NewPerson) -> NewPerson:
    """The data tidied. Raises Invalid with every wrong field."""
    errors: list[FieldError] = []
    mobile = ""
    if not re.fullmatch(r"[A-Za-z0-9._-]{2,64}", new.login):
        errors.append(FieldError("login", "账号用 2 至 64 个字母、数字、点、横线。可以用手机号。"))
    if not new.name or len(new.name) > 50:
        errors.append(FieldError("name", "请填姓名，不超过 50 个字。"))
    if new.role not in set(Role):
        errors.append(FieldError("role", "请选一个岗位。"))
    if len(new.position) > 60:
        errors.append(FieldError("position", "职务不超过 60 个字。"))
    if new.mobile:
        try:
            mobile = normal_mobile(new.mobile)
        except ValueError as wrong:
            errors.append(FieldError("mobile", str(wrong)))
    if new.email and not re.fullmatch(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}", new.email):
        errors.append(FieldError("email", "邮箱地址不完整，应当像 name@example.cn。"))
    if errors:
        raise Invalid(errors)
    return new._replace(mobile=mobile)


async def add(tx: Tx, new: NewPerson, unit: int, *, by: Actor | None, joined: bool, at: str) -> int:
    """Give a person a post in a unit; the person is made when the login is new. The person's id.

    Raises:
        Invalid: wrong fields, or the login is somebody else's. Refused: the roles clash (三员分立).
    """
    new = check(new)
    if await tx.value(q.PERSON_LOGIN_LIKE, login=new.login) is not None:
        raise Invalid.one("login", "已有一个只差大小写的账号，请换一个。")
    id = await tx.value(
        q.PERSON_INSERT, login=new.login, name=new.name, initials=pinyin.initials(new.name, surname=True),
        mobile=new.mobile, email=new.email, at=at,
    )  # fmt: skip
    if id is None:
        person = await by_login(tx, new.login)
        if person.name != new.name:
            raise Invalid.one("login", "这个账号是别人的。同一个人请填同样的姓名，另一个人请换一个账号。")
        id = person.id
    await appoint(tx, int(id), unit, new.role, new.position, by=by, joined=joined, at=at)
    return int(id)


async def enrol(tx: Tx, new: NewPerson, unit: Unit, hashed: str, *, by: Actor, joined: bool, at: str) -> str:
    """`add` with a first password for a person who is new: `new:ID`, or `known:ID` for one who has an account already."""
    if unit.closed_on or unit.kind == AREA:
        raise Refused("这个单位已停用，或者只是区划，不能加人。")
    known = await tx.one(q.PERSON_BY_LOGIN, Person, login=new.login)
    id = await add(tx, new, unit.id, by=by, joined=joined, at=at)
    if known is not None:
        return f"known:{id}"
    await sessions.set_password(tx, id, hashed, must_change=True, by=by, at=at)
    return f"new:{id}"


async def of_page(tx: Tx, *, words: str, path: str, after: int, limit: int) -> list[Line]:
    """People in post below `path`, a line a post, by post; `words`: name, initials, login or mobile."""
    words = words.strip()
    return await tx.all(
        q.PEOPLE_PAGE, Line, path=f"{path}%", after=after, all=int(not words), prefix=f"{like(words.lower())}%",
        anywhere=f"%{like(words)}%", limit=limit,
    )  # fmt: skip


async def in_care(tx: Tx, id: int, unit: Unit, by: Actor, *, write: bool = False) -> Person:
    """A person who has or had a post in `unit`, which `by` looks after.

    Raises:
        NotFound: nobody of this unit. Forbidden: with `write`, when another office looks after this account: it has posts outside
            of `by`'s units, or roles that `by` may not give (so that no administrator takes over a higher account).
    """
    if not await tx.value(q.POSTS_EVER_IN_UNIT, person=id, unit=unit.id):
        raise NotFound("没有这个人，或者不归您管理。")
    if write and not await may_manage(tx, id, by):
        raise Forbidden("这个人还有别的岗位，账号由安全管理员管理。")
    return await by_id(tx, id)


async def may_manage(tx: Tx, id: int, by: Actor) -> bool:
    """Whether the account is `by`'s to manage: all its posts are, and lie in `by`'s units."""
    if id == by.person_id:
        return False
    if await tx.value(q.POSTS_OUTSIDE, person=id, path=f"{scope(by)}%"):
        return False
    return all(may_give(by.roles, role) for role in await tx.all(q.ROLES_OF_PERSON, str, person=id))


async def appoint(tx: Tx, person: int, unit: int, role: str, position: str, *, by: Actor | None, joined: bool, at: str) -> None:
    """Give a post. Raises Refused when the person's roles would clash, Forbidden when the giver may not give this role."""
    if role not in set(Role):
        raise Invalid.one("role", "请选一个岗位。")
    held = frozenset(await tx.all(q.ROLES_OF_PERSON, str, person=person)) | {role}
    clash = policy.clash(held, joined=joined)
    if clash:
        raise Refused(clash)
    if by is not None and not may_give(by.roles, role):
        raise Forbidden("这个岗位由安全管理员分配。")
    if by is not None and by.person_id == person:
        raise Forbidden("不能给自己加岗位，请由另一位管理员操作。")
    if len(position) > 60:
        raise Invalid.one("position", "职务不超过 60 个字。")
    await tx.value(q.POST_INSERT, person=person, unit=unit, role=role, position=position, sort=100, at=at)
    await _note(tx, "post_given", person, by, at, f"{role} @{unit}")


def may_give(roles: frozenset[str], role: str) -> bool:
    """Whether somebody with `roles` may appoint to `role`: the unit's own administrator only to the unit's daily posts."""
    if Role.SECURITY in roles:
        return True
    daily = {Role.SECRETARY, Role.ORGANISER, Role.LEADER}
    if Role.OPERATOR in roles:
        return role in daily | {Role.UNIT_ADMIN}
    return Role.UNIT_ADMIN in roles and role in daily


async def end_post(tx: Tx, post_id: int, unit: int, *, by: Actor, at: str, person: int = 0) -> Post:
    """End a post in `unit` (of `person`, when given); what waits stays with the unit. Raises NotFound, Forbidden."""
    post = await tx.one(q.POST_BY_ID, Post, id=post_id)
    if post is None or post.unit_id != unit or person not in {0, post.person_id}:
        raise NotFound("没有这个岗位。")
    if not may_give(by.roles, post.role):
        raise Forbidden("这个岗位由安全管理员管理。")
    if await tx.run(q.POST_END, id=post_id, at=at) != 1:
        raise Refused("这个岗位已经结束了。")
    if not await tx.all(q.ROLES_IN_UNIT, str, person=post.person_id, unit=unit):
        await tx.run(q.SESSIONS_END_IN_UNIT, person=post.person_id, unit=unit, at=at)
    await _note(tx, "post_ended", post.person_id, by, at, f"{post.role} @{unit}")
    return post


async def change(tx: Tx, person: int, *, name: str, mobile: str, email: str, by: Actor, at: str) -> None:
    """Correct a person's data. Raises Invalid."""
    new = check(NewPerson("xx", name, mobile, email, Role.SECRETARY, ""))
    await tx.run(
        q.PERSON_UPDATE,
        id=person,
        name=new.name,
        initials=pinyin.initials(new.name, surname=True),
        mobile=new.mobile,
        email=new.email,
    )
    await _note(tx, "person_changed", person, by, at, "")


async def change_own(tx: Tx, actor: Actor, *, mobile: str, email: str, language: str, keys_off: bool, at: str) -> None:
    """Correct one's own data. Raises Invalid."""
    new = check(NewPerson("xx", actor.name, mobile, email, Role.SECRETARY, ""))
    await tx.run(
        q.PERSON_OWN, id=actor.person_id, mobile=new.mobile, email=new.email, language="en" if language == "en" else "zh",
        keys_off=int(keys_off),
    )  # fmt: skip
    await _note(tx, "person_changed", actor.person_id, actor, at, "own")


async def set_language(tx: Tx, person: int, language: str) -> None:
    """Remember the person's language."""
    await tx.run(q.PERSON_LANGUAGE, id=person, language=language)


async def in_post(tx: Tx, person: int, unit: int) -> bool:
    """Whether the person has a post in the unit now."""
    return any(post.unit_id == unit for post in await posts_of(tx, person))


async def disable(tx: Tx, person: int, *, by: Actor, at: str) -> None:
    """Close an account: no sign-in any more, everything signed stays. Raises Refused."""
    if person == by.person_id:
        raise Refused("不能停用自己的账号。")
    if await tx.run(q.PERSON_DISABLE, id=person, at=at) != 1:
        raise Refused("这个账号已经停用了。")
    await tx.run(q.SESSIONS_END_OTHERS, person=person, hash="", at=at)
    await _note(tx, "person_disabled", person, by, at, "")


async def enable(tx: Tx, person: int, *, by: Actor, at: str) -> None:
    """Open a closed account again."""
    await tx.run(q.PERSON_ENABLE, id=person)
    await _note(tx, "person_enabled", person, by, at, "")


async def delegate(
    tx: Tx, actor: Actor, taker: int, *, from_at: str, until_at: str, reason: str, at: str, joined: bool = False
) -> int:
    """Let a colleague of the same unit act for oneself for a time. Raises Invalid, Refused."""
    if until_at <= max(at, from_at):
        raise Invalid.one("until", "结束时间要晚于开始时间和现在。")
    if clock.seconds_between(from_at, until_at) > 367 * 86400:
        raise Invalid.one("until", "一次委托最长一年。")
    if len(reason) > 200:
        raise Invalid.one("reason", "事由不超过 200 个字。")
    if taker == actor.person_id:
        raise Refused("不用委托给自己。")
    if not any(c.person_id == taker for c in await contacts_of(tx, actor.unit_id)):
        raise Refused("只能委托给本单位在岗的同事。")
    lent = frozenset(await tx.all(q.ROLES_IN_UNIT, str, person=actor.person_id, unit=actor.unit_id))
    clash = policy.clash(lent | frozenset(await tx.all(q.ROLES_OF_PERSON, str, person=taker)), joined=joined)
    if clash:
        raise Refused(clash)
    id = await tx.value(
        q.DELEGATION_INSERT, giver=actor.person_id, taker=taker, unit=actor.unit_id, from_at=from_at, until_at=until_at,
        reason=reason, at=at,
    )  # fmt: skip
    await _note(tx, "delegated", taker, actor, at, f"{from_at} – {until_at}")
    return int(id)


async def delegations(tx: Tx, person: int, now: str) -> list[Delegation]:
    """Delegations given or taken that have not ended."""
    return await tx.all(q.DELEGATIONS_OF_PERSON, Delegation, person=person, now=now)


async def revoke_delegation(tx: Tx, actor: Actor, id: int, at: str) -> None:
    """Take one's own delegation back. Raises NotFound."""
    if await tx.run(q.DELEGATION_REVOKE, id=id, person=actor.person_id, at=at) != 1:
        raise NotFound("这个委托已经结束了。")
    await _note(tx, "delegation_revoked", actor.person_id, actor, at, str(id))


async def _note(tx: Tx, act: str, person: int, by: Actor | None, at: str, detail: str) -> None:
    doer, unit, address = (by.person_id, by.unit_id, by.address) if by else (0, 0, "")
    await audit.note(tx, act, f"person:{person}", at=at, person=doer, unit=unit, detail=detail, address=address)


def by_unit(people: Sequence[Contact]) -> dict[int, list[Contact]]:
    """Contacts by their unit."""
    found: dict[int, list[Contact]] = {}
    for contact in people:
        found.setdefault(contact.unit_id, []).append(contact)
    return found
