"""People, posts, delegations: who may give what, and what ends when."""

import pytest

from ground import clock
from ground.config import SignIn
from ground.db import Database, Tx
from ground.directory import people, sessions, units
from ground.directory.directory import Actor
from ground.directory.people import NewPerson
from ground.errors import Forbidden, Invalid, NotFound, Refused
from tests.world import NOW, World, sign_in

pytestmark = pytest.mark.anyio


def someone(login: str = "xinren", name: str = "辛仁", role: str = "secretary", mobile: str = "") -> NewPerson:
    return NewPerson(login, name, mobile, "", role, "干事")


def admin_of(actor: Actor) -> Actor:
    """The administrator of the actor's unit, whoever that is."""
    return actor._replace(person_id=0, roles=frozenset({"unit_admin"}))


@pytest.mark.parametrize(
    ("giver", "role", "may"),
    [
        ("unit_admin", "secretary", True), ("unit_admin", "leader", True), ("unit_admin", "unit_admin", False),
        ("unit_admin", "operator", False), ("unit_admin", "supervisor", False), ("unit_admin", "security", False),
        ("operator", "unit_admin", True), ("operator", "operator", False), ("operator", "auditor", False),
        ("security", "operator", True), ("security", "auditor", True), ("secretary", "secretary", False),
    ],
)  # fmt: skip
async def test_who_may_give_which_role(db: Database, world: World, giver: str, role: str, may: bool) -> None:
    by = world.north_clerk._replace(person_id=0, roles=frozenset({giver}))

    async def act(tx: Tx) -> int:
        return await people.add(tx, someone(role=role), world.north, by=by, joined=False, at=NOW)

    if may:
        assert [p.role for p in await db.read(people.posts_of, await db.write(act))] == [role]
        return
    with pytest.raises(Forbidden):
        await db.write(act)
    with pytest.raises(NotFound):
        await db.read(people.by_login, "xinren")  # the person was not left behind


@pytest.mark.parametrize(
    ("first", "second", "joined", "allowed"),
    [
        ("auditor", "operator", True, False), ("auditor", "security", True, False), ("operator", "security", False, False),
        ("operator", "security", True, True), ("operator", "secretary", False, True), ("auditor", "leader", False, True),
    ],
)  # fmt: skip
async def test_three_administrators_are_three_people(
    db: Database, world: World, first: str, second: str, joined: bool, allowed: bool
) -> None:
    id = await db.write(people.add, someone(role=first), world.office, by=None, joined=joined, at=NOW)
    work = db.write(people.appoint, id, world.north, second, "", by=None, joined=joined, at=NOW)
    if allowed:
        await work
    else:
        with pytest.raises(Refused, match="三员分立"):
            await work


async def test_nobody_gives_a_post_to_themselves(db: Database, world: World) -> None:
    with pytest.raises(Forbidden, match="自己"):
        await db.write(
            people.appoint, world.operator.person_id, world.north, "secretary", "", by=world.operator, joined=False, at=NOW
        )


async def test_a_login_is_one_person(db: Database, world: World) -> None:
    for login, name in (("hesz", "别人"), ("HESZ", "何淑珍"), ("a", "甲"), ("甲乙", "甲")):
        with pytest.raises(Invalid) as refused:
            await db.write(people.add, someone(login, name), world.south, by=None, joined=False, at=NOW)
        assert refused.value.errors[0].field == "login"
    id = await db.write(people.add, someone("hesz", "何淑珍"), world.south, by=None, joined=False, at=NOW)
    assert id == world.north_clerk.person_id


async def test_enrolling_sets_a_first_password_for_a_new_person_only(db: Database, world: World) -> None:
    unit = await db.read(units.by_id, world.north)
    made = await db.write(people.enrol, someone(), unit, "hash-1", by=world.operator, joined=False, at=NOW)
    again = await db.write(people.enrol, someone(role="leader"), unit, "hash-2", by=world.operator, joined=False, at=NOW)
    assert made.startswith("new:")
    assert again == made.replace("new:", "known:")
    found = await db.read(sessions.secrets_of, int(made[4:]))
    assert found is not None
    assert (found.password_hash, found.must_change) == ("hash-1", 1)


async def test_an_account_with_posts_elsewhere_is_not_this_units_to_manage(db: Database, world: World) -> None:
    north, admin = await db.read(units.by_id, world.north), admin_of(world.north_clerk)
    id = await db.write(people.add, someone(), world.north, by=None, joined=False, at=NOW)
    assert (await db.read(people.in_care, id, north, admin, write=True)).id == id
    await db.write(people.appoint, id, world.south, "secretary", "", by=None, joined=False, at=NOW)
    with pytest.raises(Forbidden, match="别的岗位"):
        await db.read(people.in_care, id, north, admin, write=True)
    assert (await db.read(people.in_care, id, north, world.operator, write=True)).id == id
    await db.write(people.appoint, id, world.office, "supervisor", "", by=None, joined=False, at=NOW)
    with pytest.raises(Forbidden):  # an operator must not take over a role that they cannot give
        await db.read(people.in_care, id, north, world.operator, write=True)
    assert (await db.read(people.in_care, id, north, world.security, write=True)).id == id
    with pytest.raises(NotFound):
        await db.read(people.in_care, world.outsider.person_id, north, admin)


async def test_the_end_of_a_post_ends_the_sessions_in_that_unit(db: Database, world: World) -> None:
    token = sessions.digest(await sign_in(db, world.north_clerk))
    later = clock.after(NOW, minutes=1)

    async def actor(tx: Tx) -> object:
        return await sessions.actor_of(tx, token, now=later, idle_since=clock.after(NOW, hours=-2), address="")

    assert await db.read(actor) is not None
    post = (await db.read(people.posts_of, world.north_clerk.person_id))[0]
    with pytest.raises(NotFound):
        await db.write(people.end_post, post.id, world.south, by=world.operator, at=NOW)
    with pytest.raises(NotFound):
        await db.write(people.end_post, post.id, world.north, person=world.outsider.person_id, by=world.operator, at=NOW)
    await db.write(people.end_post, post.id, world.north, by=world.operator, at=NOW)
    assert await db.read(actor) is None
    with pytest.raises(Refused, match="已经结束"):
        await db.write(people.end_post, post.id, world.north, by=world.operator, at=NOW)
    with pytest.raises(Forbidden, match="没有岗位"):
        await sign_in(db, world.north_clerk)


async def test_a_disabled_account_is_out_at_once(db: Database, world: World) -> None:
    token = sessions.digest(await sign_in(db, world.north_clerk))
    await db.write(people.disable, world.north_clerk.person_id, by=world.operator, at=NOW)
    idle = clock.after(NOW, hours=-2)
    assert await db.read(sessions.actor_of, token, now=NOW, idle_since=idle, address="") is None
    with pytest.raises(Forbidden, match="已停用"):
        await sign_in(db, world.north_clerk)
    with pytest.raises(Refused, match="已经停用"):
        await db.write(people.disable, world.north_clerk.person_id, by=world.operator, at=NOW)
    with pytest.raises(Refused, match="自己"):
        await db.write(people.disable, world.operator.person_id, by=world.operator, at=NOW)
    await db.write(people.enable, world.north_clerk.person_id, by=world.operator, at=NOW)
    assert await sign_in(db, world.north_clerk)


async def test_a_new_mobile_forgets_that_the_old_one_was_dead(db: Database, world: World) -> None:
    async def dead(tx: Tx) -> None:
        await tx.run("UPDATE people SET mobile_bad = '停机' WHERE id = :id", id=world.north_clerk.person_id)

    await db.write(dead)
    change = {"name": "何淑珍", "email": "", "by": world.operator, "at": NOW}
    await db.write(lambda tx: people.change(tx, world.north_clerk.person_id, mobile="139 0000 3158", **change))  # type: ignore[arg-type]
    assert (await db.read(people.by_id, world.north_clerk.person_id)).mobile_bad == "停机"
    await db.write(lambda tx: people.change(tx, world.north_clerk.person_id, mobile="13911112222", **change))  # type: ignore[arg-type]
    person = await db.read(people.by_id, world.north_clerk.person_id)
    assert (person.mobile, person.mobile_bad) == ("13911112222", None)


async def test_a_delegate_acts_for_the_giver_while_it_lasts(db: Database, world: World) -> None:
    giver, taker = world.north_clerk, world.north_leader
    until = clock.after(NOW, days=2)

    async def lend(tx: Tx) -> int:
        return await people.delegate(tx, giver, taker.person_id, from_at=NOW, until_at=until, reason="出差", at=NOW)

    token = sessions.digest(await sign_in(db, taker))
    id = await db.write(lend)

    async def who(tx: Tx, now: str) -> Actor | None:
        found = await sessions.actor_of(tx, token, now=now, idle_since=clock.after(now, hours=-2), address="")
        return found[0] if found else None

    acting = await db.read(who, clock.after(NOW, minutes=5))
    assert acting is not None
    assert (acting.roles, acting.for_person) == (frozenset({"leader", "secretary"}), giver.person_id)
    with pytest.raises(NotFound):
        await db.write(people.revoke_delegation, taker, id, NOW)
    await db.write(people.revoke_delegation, giver, id, NOW)
    alone = await db.read(who, clock.after(NOW, minutes=5))
    assert alone is not None
    assert (alone.roles, alone.for_person) == (frozenset({"leader"}), 0)


async def test_a_delegation_stays_in_the_unit_and_in_reason(db: Database, world: World) -> None:
    async def lend(tx: Tx, giver: Actor, taker: int, until: str) -> int:
        return await people.delegate(tx, giver, taker, from_at=NOW, until_at=until, reason="", at=NOW)

    later = clock.after(NOW, days=2)
    with pytest.raises(Refused, match="本单位"):
        await db.write(lend, world.north_clerk, world.outsider.person_id, later)
    with pytest.raises(Refused, match="自己"):
        await db.write(lend, world.north_clerk, world.north_clerk.person_id, later)
    with pytest.raises(Invalid, match="晚于"):
        await db.write(lend, world.north_clerk, world.north_leader.person_id, NOW)
    with pytest.raises(Invalid, match="一年"):
        await db.write(lend, world.north_clerk, world.north_leader.person_id, clock.after(NOW, days=800))
    with pytest.raises(Refused, match="三员分立"):  # an operator cannot lend the role to the security officer
        await db.write(lend, world.operator, world.security.person_id, later)


def test_a_first_password_passes_the_rules_and_is_the_same_for_the_same_seed() -> None:
    made = {sessions.first_password(f"seed {n}") for n in range(200)}
    assert len(made) == 200
    for password in made:
        sessions.check_password(password, "xinren", SignIn())
    assert sessions.first_password("a") == sessions.first_password("a")
