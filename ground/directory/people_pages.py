"""A unit's people: added, given posts, their accounts kept in order. Posts end; what waits stays with the unit."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground.db import Tx
from ground.directory import people, sessions, units
from ground.directory.directory import Actor, Person, Post, Unit
from ground.directory.people import NewPerson
from ground.directory.policy import ROLE_WORDS, Act, Role
from ground.directory.tables import clean
from ground.errors import NotFound
from ground.visit import Flash, Visit
from ground.web import page


class Card(NamedTuple):
    """A person's page."""

    unit: Unit
    person: Person
    here: list[Post]
    elsewhere: list[Post]
    may_manage: bool


def _code(visit: Visit) -> str:
    return clean(visit.path("unit"))[:40]


def roles_to_give(actor: Actor) -> list[tuple[str, str]]:
    """The roles that an actor may give, with their words."""
    return [(str(role), word) for role, word in ROLE_WORDS.items() if people.may_give(actor.roles, role)]


def _roles(visit: Visit) -> list[tuple[str, str]]:
    return [(role, visit.t(word)) for role, word in roles_to_give(visit.actor)]


def _first_password(visit: Visit, what: str) -> str:
    """The password that this press of the button sets: a second press sets, and shows, the same one."""
    once = visit.field("once") or visit.once
    return sessions.first_password(visit.house.keys.sign("first-password", f"{visit.token_hash} {once} {what}"))


def _told(visit: Visit, name: str, password: str) -> Flash:
    said = visit.t("{name}的初始密码是 {password} ，只显示这一次，请告诉本人。首次登录要改。", name=name, password=password)
    return Flash("ok", said)


async def show_new_person(visit: Visit) -> Response:
    """GET /units/{unit}/people/new: the form."""
    unit = await visit.read(units.in_care, _code(visit), visit.actor)
    return visit.render("directory/new_person.html", unit=unit, roles=_roles(visit))


async def new_person(visit: Visit) -> Response:
    """POST /units/{unit}/people/new: the initial password is shown once."""
    texts = {name: clean(visit.field(name)) for name in NewPerson._fields}
    new = people.check(NewPerson(**texts))
    password = _first_password(visit, new.login)
    hashed = await sessions.hash_password(password)
    joined = visit.house.config.city.joined_roles

    async def act(tx: Tx) -> str:
        unit = await units.in_care(tx, _code(visit), visit.actor)
        return await people.enrol(tx, new, unit, hashed, by=visit.actor, joined=joined, at=visit.now)

    made = await visit.write_once(act)
    known = Flash("ok", visit.t("{name}已有账号，岗位已加上，密码不变。", name=new.name))
    flash = _told(visit, new.name, password) if made.startswith("new:") else known
    return visit.see_other("unit", unit=_code(visit), flash=flash)


async def _card(tx: Tx, code: str, id: int, actor: Actor) -> Card:
    unit = await units.in_care(tx, code, actor)
    person = await people.in_care(tx, id, unit, actor)
    posts = await people.posts_of(tx, id)
    here = [p for p in posts if p.unit_id == unit.id]
    return Card(unit, person, here, [p for p in posts if p.unit_id != unit.id], await people.may_manage(tx, id, actor))


async def _show_card(visit: Visit, template: str) -> Response:
    view = await visit.read(_card, _code(visit), visit.number("person"), visit.actor)
    own = view.person.id == visit.actor.person_id
    giving = [r for r, _ in roles_to_give(visit.actor)]
    return visit.render(template, view=view, own=own, roles=_roles(visit), giving=giving)


async def show_person(visit: Visit) -> Response:
    """GET /units/{unit}/people/{person}: data, posts, sign-in."""
    return await _show_card(visit, "directory/person.html")


async def _manage(visit: Visit, work: Callable[[Tx, int], Awaitable[object]]) -> str:
    """Do something to the account of a person whom the actor manages; the person's name. Raises NotFound, Forbidden."""

    async def act(tx: Tx) -> str:
        unit = await units.in_care(tx, _code(visit), visit.actor)
        person = await people.in_care(tx, visit.number("person"), unit, visit.actor, write=True)
        await work(tx, person.id)
        return person.name

    return await visit.write(act)


def _back(visit: Visit, said: str) -> Response:
    return visit.see_other("person", unit=_code(visit), person=visit.path("person"), flash=Flash("ok", said))


async def person_data(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}: name, mobile, e-mail."""
    name, mobile, email = (clean(visit.field(f)) for f in ("name", "mobile", "email"))
    await _manage(
        visit, lambda tx, who: people.change(tx, who, name=name, mobile=mobile, email=email, by=visit.actor, at=visit.now)
    )
    return _back(visit, visit.t("已保存。"))


async def give_post(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}/posts: one more post in this unit."""
    role, position = visit.field("role"), clean(visit.field("position"))
    joined = visit.house.config.city.joined_roles

    async def act(tx: Tx) -> None:
        unit = await units.in_care(tx, _code(visit), visit.actor)
        person = await people.in_care(tx, visit.number("person"), unit, visit.actor)
        await people.appoint(tx, person.id, unit.id, role, position, by=visit.actor, joined=joined, at=visit.now)

    await visit.write(act)
    return _back(visit, visit.t("岗位已加上。"))


async def show_post_end(visit: Visit) -> Response:
    """GET /units/{unit}/people/{person}/posts/{post}/ending: what ends and what stays."""
    view = await visit.read(_card, _code(visit), visit.number("person"), visit.actor)
    post = next((p for p in view.here if p.id == visit.number("post")), None)
    if post is None:
        raise NotFound("没有这个岗位。")
    last = post.role == Role.SECRETARY and not await visit.read(_other_secretaries, view.unit.id, view.person.id)
    return visit.render("directory/post_end.html", view=view, post=post, last=last)


async def _other_secretaries(tx: Tx, unit: int, person: int) -> bool:
    return any(c.role == Role.SECRETARY and c.person_id != person for c in await people.contacts_of(tx, unit))


async def end_post(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}/posts/{post}/ending."""

    async def act(tx: Tx) -> None:
        unit = await units.in_care(tx, _code(visit), visit.actor)
        await people.in_care(tx, visit.number("person"), unit, visit.actor)
        await people.end_post(tx, visit.number("post"), unit.id, person=visit.number("person"), by=visit.actor, at=visit.now)

    await visit.write(act)
    return _back(visit, visit.t("岗位已结束。没办完的留在单位。"))


async def show_reset(visit: Visit) -> Response:
    """GET /units/{unit}/people/{person}/password: what will happen."""
    return await _show_card(visit, "directory/person_reset.html")


async def reset_password(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}/password: another first password, shown once; all their sessions end."""
    password = _first_password(visit, visit.path("person"))
    hashed = await sessions.hash_password(password)

    async def work(tx: Tx, id: int) -> None:
        await sessions.set_password(tx, id, hashed, must_change=True, by=visit.actor, at=visit.now)
        await sessions.end_all(tx, id, by=visit.actor, at=visit.now)

    name = await _manage(visit, work)
    return visit.see_other("person", unit=_code(visit), person=visit.path("person"), flash=_told(visit, name, password))


async def remove_totp(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}/totp/removal: for somebody whose telephone is lost."""
    await _manage(visit, lambda tx, who: sessions.set_totp(tx, who, None, by=visit.actor, at=visit.now))
    return _back(visit, visit.t("两步登录已关闭，只用密码就能登录。"))


async def end_sessions(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}/sessions/end: sign them out everywhere."""
    await _manage(visit, lambda tx, who: sessions.end_all(tx, who, by=visit.actor, at=visit.now))
    return _back(visit, visit.t("已结束这个人的全部登录。"))


async def show_disable(visit: Visit) -> Response:
    """GET /units/{unit}/people/{person}/disabling: what will happen."""
    return await _show_card(visit, "directory/person_disable.html")


async def disable(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}/disabling: no sign-in any more; everything signed stays."""
    await _manage(visit, lambda tx, who: people.disable(tx, who, by=visit.actor, at=visit.now))
    return _back(visit, visit.t("账号已停用。签过的公文不变。"))


async def enable(visit: Visit) -> Response:
    """POST /units/{unit}/people/{person}/enabling: the account opens again."""
    await _manage(visit, lambda tx, who: people.enable(tx, who, by=visit.actor, at=visit.now))
    return _back(visit, visit.t("账号已恢复，原来的密码可用。"))


_Handler = Callable[[Visit], Awaitable[Response]]
_ONE = "/units/{unit}/people/{person}"


def _get(path: str, handler: _Handler, name: str) -> Route:
    return Route(path, page(handler, may=Act.PEOPLE, here="units"), methods=["GET"], name=name)


def _post(path: str, handler: _Handler, show: _Handler, name: str) -> Route:
    return Route(path, page(handler, may=Act.PEOPLE, here="units", again=show), methods=["POST"], name=name)


routes = [
    _get("/units/{unit}/people/new", show_new_person, "person_new"),
    _post("/units/{unit}/people/new", new_person, show_new_person, "person_new"),
    _get(_ONE, show_person, "person"),
    _post(_ONE, person_data, show_person, "person"),
    _post(_ONE + "/posts", give_post, show_person, "person_posts"),
    _get(_ONE + "/posts/{post}/ending", show_post_end, "post_ending"),
    _post(_ONE + "/posts/{post}/ending", end_post, show_post_end, "post_ending"),
    _get(_ONE + "/password", show_reset, "person_password"),
    _post(_ONE + "/password", reset_password, show_reset, "person_password"),
    _post(_ONE + "/totp/removal", remove_totp, show_person, "person_totp_removal"),
    _post(_ONE + "/sessions/end", end_sessions, show_person, "person_sessions_end"),
    _get(_ONE + "/disabling", show_disable, "person_disabling"),
    _post(_ONE + "/disabling", disable, show_disable, "person_disabling"),
    _post(_ONE + "/enabling", enable, show_person, "person_enabling"),
]
