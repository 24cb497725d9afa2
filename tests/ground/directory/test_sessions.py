"""Signing in and staying so: throttles, ends of sessions, one-time codes, tokens."""

import asyncio

import pyotp
import pytest

from ground import clock
from ground.config import SignIn
from ground.db import Database, Tx
from ground.directory import people, sessions
from ground.directory.directory import Actor
from ground.errors import Forbidden, Invalid, NotFound, Refused, TooMany
from tests.world import NOW, World, sign_in

pytestmark = pytest.mark.anyio

PASSWORD = "Right-horse-7"
RULES = SignIn()


@pytest.fixture(scope="module")
def hashed() -> str:
    """The hash of PASSWORD: argon2 is slow on purpose."""
    return asyncio.run(sessions.hash_password(PASSWORD))


async def give(db: Database, actor: Actor, hashed: str, at: str = NOW) -> None:
    """Let the actor sign in with PASSWORD."""
    await db.write(sessions.set_password, actor.person_id, hashed, must_change=False, by=None, at=at)


async def attempt(db: Database, login: str, password: str, *, address: str = "10.0.0.1", now: str = NOW) -> sessions.Secrets:
    return await sessions.verify(db, login, password, address, rules=RULES, now=now)


async def actor_at(db: Database, token: str, now: str) -> Actor | None:
    idle = clock.after(now, minutes=-RULES.idle_minutes)
    found = await db.read(sessions.actor_of, sessions.digest(token), now=now, idle_since=idle, address="")
    return found[0] if found else None


async def test_login_or_mobile_with_the_password_lets_in(db: Database, world: World, hashed: str) -> None:
    await give(db, world.north_clerk, hashed)
    for login in ("hesz", "13900003158"):
        assert (await attempt(db, login, PASSWORD)).person_id == world.north_clerk.person_id
    for login, password in (("hesz", "wrong"), ("nobody", PASSWORD), ("gaoming", PASSWORD), ("", PASSWORD)):
        with pytest.raises(Invalid, match="账号或密码不对"):
            await attempt(db, login, password)


async def test_two_people_with_one_mobile_each_get_in(db: Database, world: World, hashed: str) -> None:
    other = await sessions.hash_password("Other-horse-8")
    await give(db, world.north_clerk, hashed)
    await give(db, world.outsider, other)

    async def share(tx: Tx) -> None:
        await people.change_own(tx, world.outsider, mobile="13900003158", email="", language="zh", keys_off=False, at=NOW)

    await db.write(share)
    assert (await attempt(db, "13900003158", PASSWORD)).person_id == world.north_clerk.person_id
    assert (await attempt(db, "13900003158", "Other-horse-8")).person_id == world.outsider.person_id


async def test_wrong_passwords_rest_the_account_however_it_is_named(db: Database, world: World, hashed: str) -> None:
    await give(db, world.north_clerk, hashed)
    for n in range(RULES.tries):
        with pytest.raises(Invalid):
            await attempt(db, ("hesz", "13900003158")[n % 2], "wrong", address=f"10.0.1.{n}")
    for login in ("hesz", "13900003158"):
        with pytest.raises(TooMany) as resting:
            await attempt(db, login, PASSWORD, address="10.9.9.9")
        assert resting.value.wait_s == RULES.lock_minutes * 60
    later = clock.after(NOW, minutes=RULES.lock_minutes, seconds=1)
    assert (await attempt(db, "hesz", PASSWORD, now=later)).person_id == world.north_clerk.person_id


async def test_wrong_passwords_rest_the_address_for_every_account(db: Database, world: World, hashed: str) -> None:
    await give(db, world.north_clerk, hashed)

    async def many(tx: Tx) -> None:
        for n in range(RULES.address_tries):
            await sessions.count_wrong(tx, f"guess{n}", [], "10.0.0.7", RULES, NOW)

    await db.write(many)
    with pytest.raises(TooMany):
        await attempt(db, "hesz", PASSWORD, address="10.0.0.7")
    assert (await attempt(db, "hesz", PASSWORD, address="10.0.0.8")).person_id == world.north_clerk.person_id


async def test_guesses_sent_at_once_are_not_all_tried(db: Database, world: World, hashed: str) -> None:
    await give(db, world.north_clerk, hashed)
    guesses = [attempt(db, "hesz", f"guess {n}", address=f"10.1.0.{n}") for n in range(20)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    tried = sum(isinstance(a, Invalid) for a in answers)
    assert RULES.tries <= tried <= RULES.tries + 1  # two are hashed at a time
    assert sum(isinstance(a, TooMany) for a in answers) == 20 - tried


async def test_a_sign_in_forgets_the_wrong_tries(db: Database, world: World, hashed: str) -> None:
    await give(db, world.north_clerk, hashed)
    for _ in range(2):
        for _ in range(RULES.tries - 1):
            with pytest.raises(Invalid):
                await attempt(db, "hesz", "wrong")
        await attempt(db, "hesz", PASSWORD)
        await sign_in(db, world.north_clerk)


async def test_a_session_ends_when_idle_and_after_its_hours(db: Database, world: World) -> None:
    token = await sign_in(db, world.north_clerk)
    almost = clock.after(NOW, minutes=RULES.idle_minutes - 1)
    assert await actor_at(db, token, almost) is not None
    assert await actor_at(db, token, clock.after(NOW, minutes=RULES.idle_minutes + 1)) is None
    at = NOW
    for _ in range(RULES.session_hours):  # in use all the time
        at = clock.after(at, hours=1)
        await db.write(sessions.touch, sessions.digest(token), world.north_clerk.person_id, at)
    assert await actor_at(db, token, clock.after(NOW, hours=RULES.session_hours, seconds=-1)) is not None
    assert await actor_at(db, token, clock.after(NOW, hours=RULES.session_hours, seconds=1)) is None


async def test_own_sessions_are_ended_by_their_owner_only(db: Database, world: World) -> None:
    here, there = [await sign_in(db, world.north_clerk) for _ in range(2)]
    listed = await db.read(sessions.own_sessions, world.north_clerk, sessions.digest(here), NOW)
    assert sorted(s.this for s in listed) == [0, 1]
    other = next(s.public_id for s in listed if not s.this)
    with pytest.raises(NotFound):
        await db.write(sessions.end_one, other, world.outsider, NOW)
    await db.write(sessions.end_one, other, world.north_clerk, NOW)
    assert await actor_at(db, there, NOW) is None
    assert await actor_at(db, here, NOW) is not None
    assert await db.write(sessions.end_all, world.north_clerk.person_id, by=world.security, at=NOW) == 1
    assert await actor_at(db, here, NOW) is None


async def test_a_session_goes_on_only_in_units_of_ones_own(db: Database, world: World) -> None:
    token = sessions.digest(await sign_in(db, world.north_clerk))
    with pytest.raises(NotFound):
        await db.write(sessions.switch_unit, token, world.north_clerk, world.south, NOW)
    await db.write(people.appoint, world.north_clerk.person_id, world.south, "organiser", "", by=None, joined=False, at=NOW)
    await db.write(sessions.switch_unit, token, world.north_clerk, world.south, NOW)
    found = await db.read(sessions.actor_of, token, now=NOW, idle_since="", address="")
    assert found is not None
    assert (found[0].unit_id, found[0].roles) == (world.south, frozenset({"organiser"}))


async def test_a_code_opens_once_and_only_around_its_time(db: Database, world: World) -> None:
    secret = pyotp.random_base32()
    await db.write(sessions.set_totp, world.north_clerk.person_id, secret, by=world.north_clerk, at=NOW)

    async def code_is_right(code: str, now: str = NOW) -> bool:
        return await db.write(sessions.verify_code, world.north_clerk.person_id, code, address="10.0.0.1", rules=RULES, now=now)

    right = pyotp.TOTP(secret).at(int(clock.parse(NOW).timestamp()))
    assert not await code_is_right("０００００１")
    assert not await code_is_right(right, clock.after(NOW, minutes=2))
    assert await code_is_right(right)
    assert not await code_is_right(right)  # replayed
    assert not await code_is_right(right, clock.after(NOW, seconds=20))
    following = pyotp.TOTP(secret).at(int(clock.parse(NOW).timestamp()) + 60)
    assert await code_is_right(following, clock.after(NOW, seconds=60))


async def test_wrong_codes_rest_the_account_too(db: Database, world: World, hashed: str) -> None:
    await give(db, world.north_clerk, hashed)
    await db.write(sessions.set_totp, world.north_clerk.person_id, pyotp.random_base32(), by=world.north_clerk, at=NOW)
    for _ in range(RULES.tries):
        await db.write(sessions.verify_code, world.north_clerk.person_id, "abc", address="10.0.0.1", rules=RULES, now=NOW)
    with pytest.raises(TooMany):
        await db.write(sessions.verify_code, world.north_clerk.person_id, "abc", address="10.0.0.2", rules=RULES, now=NOW)
    with pytest.raises(TooMany):
        await attempt(db, "hesz", PASSWORD, address="10.0.0.2")


@pytest.mark.parametrize(("policy", "must_change"), [("mlps", True), ("asvs", False)])
async def test_an_old_password_must_be_changed_where_the_city_says_so(
    db: Database, world: World, hashed: str, policy: str, must_change: bool
) -> None:
    await give(db, world.north_clerk, hashed, at=clock.after(NOW, days=-91))
    rules = SignIn(password_policy=policy)
    begun = await db.write(
        sessions.begin, world.north_clerk.person_id, how="password", address="", agent="", rules=rules, now=NOW
    )
    assert begun.must_change is must_change
    found = await actor_at(db, begun.token, NOW)
    assert found is not None
    assert found.must_change is must_change


@pytest.mark.parametrize(
    "password", ["Short-1", "onlysmallletters", "small and space", "Hesz-horse-77", "AAAaaa11111!!!"[:3] * 5, "A1-" + "x" * 200]
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        sessions.check_password(password, "hesz", RULES)
    assert refused.value.errors[0].field == "new"


async def test_a_token_opens_until_it_is_revoked_or_its_post_ends(db: Database, world: World) -> None:
    clerk = world.north_clerk
    token = await db.write(sessions.issue_token, clerk.person_id, clerk.unit_id, "OA", days=30, at=NOW)
    digest = sessions.digest(token)
    found = await db.read(sessions.token_actor, digest, now=NOW, address="")
    assert found is not None
    assert (found.unit_id, found.roles, found.how) == (clerk.unit_id, clerk.roles, "token")
    assert await db.read(sessions.token_actor, digest, now=clock.after(NOW, days=31), address="") is None
    with pytest.raises(Refused):
        await db.write(sessions.issue_token, clerk.person_id, world.south, "OA", days=30, at=NOW)
    public = (await db.read(sessions.own_tokens, clerk))[0].public_id
    with pytest.raises(NotFound):
        await db.write(sessions.revoke_token, public, world.outsider, NOW)
    post = (await db.read(people.posts_of, clerk.person_id))[0]
    await db.write(people.end_post, post.id, clerk.unit_id, by=world.operator, at=NOW)
    assert await db.read(sessions.token_actor, digest, now=NOW, address="") is None
    await db.write(sessions.revoke_token, public, clerk, NOW)
    assert await db.read(sessions.own_tokens, clerk) == []


async def test_a_disabled_person_gets_no_session(db: Database, world: World) -> None:
    await db.write(people.disable, world.outsider.person_id, by=world.operator, at=NOW)
    with pytest.raises(Forbidden):
        await sign_in(db, world.outsider)
