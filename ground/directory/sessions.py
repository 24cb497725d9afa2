"""Signing in and staying so: passwords, throttles, sessions, tokens.

A session is a row; the cookie holds a random token, the table its SHA-256, so a stolen table opens no door. A session can be
ended by its owner, by security, and ends by itself after some hours, or minutes without a click.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ground import audit, clock
from ground.config import SignIn
from ground.db import Database, Tx
from ground.directory import queries as q
from ground.directory.directory import Actor
from ground.errors import FieldError, Forbidden, Invalid, NotFound, Refused, TooMany

_hasher = PasswordHasher()
_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
_NOBODY = _hasher.hash("nobody has this password")
PASSWORD_DAYS = 90  # 等保三级
LONGEST_LOGIN = 64
TOKEN_DAYS = 1095
WRONG = "账号或密码不对。请再试一次；忘了密码，请本单位管理员重设。"


class Secrets(NamedTuple):
    """What is needed to check a password."""

    person_id: int
    password_hash: str | None
    password_at: str | None
    must_change: int
    totp_secret: str | None
    totp_step: int
    disabled_at: str | None


class Throttle(NamedTuple):
    """Wrong tries of an account or an address."""

    tries: int
    since: str
    locked_until: str | None


class SignedIn(NamedTuple):
    """A new session: the cookie's value is shown once."""

    token: str
    person_id: int
    must_change: bool


class OwnSession(NamedTuple):
    """One of a person's sessions, as they may see it."""

    public_id: str
    created_at: str
    seen_at: str
    address: str
    agent: str
    this: int


class OwnToken(NamedTuple):
    """One of a person's API tokens."""

    public_id: str
    name: str
    created_at: str
    expires_at: str
    used_at: str


def digest(token: str) -> str:
    """What the table keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _hashing() -> asyncio.Semaphore:
    """The queue for hashing, one a loop: two at a time, 64 MiB and 0.3 s each."""
    return _queues.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(2))


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, made in a thread, two at a time."""
    async with _hashing():
        return await asyncio.to_thread(_hasher.hash, password)


def _verified(hashed: str | None, password: str) -> bool:
    """Whether the password is right; as slow for an account that does not exist. Blocks: call it in a thread."""
    try:
        _hasher.verify(hashed or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def check_password(password: str, login: str, rules: SignIn) -> None:
    """Refuse a new password that the city's rules do not allow.

    Raises:
        Invalid: with the sentence that says what to add. `mlps`: three kinds of characters (等保三级); `asvs`: length alone.
    """
    if len(password) < rules.min_length:
        raise Invalid.one("new", f"新密码少于 {rules.min_length} 位，请再长一些。")
    if len(password) > 200:
        raise Invalid.one("new", "新密码太长，请不超过 200 位。")
    if login and login.lower() in password.lower():
        raise Invalid.one("new", "新密码里不要含账号。")
    kinds = sum(bool(re.search(kind, password)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]"))
    if rules.password_policy == "mlps" and kinds < 3:
        raise Invalid.one("new", "新密码要有大写字母、小写字母、数字、符号中的三种。")
    if len(set(password)) < 5:
        raise Invalid.one("new", "新密码里重复的字太多，请换一个。")


async def _candidates(tx: Tx, login: str, address: str, now: str) -> tuple[list[Secrets], str]:
    """Whose account or mobile number `login` is (two at most), and until when one of them or the address rests ('': nobody)."""
    found = await tx.all(q.PERSON_SECRETS, Secrets, login=login)
    return found, await _rests(tx, [*_keys(login, found), f"address:{address}"], now)


async def _rests(tx: Tx, keys: Sequence[str], now: str) -> str:
    """Until when one of `keys` rests after wrong tries, or ''."""
    found = [await tx.one(q.THROTTLE, Throttle, key=key) for key in keys]
    return max((t.locked_until for t in found if t and t.locked_until and t.locked_until > now), default="")


def _keys(login: str, found: Sequence[Secrets]) -> list[str]:
    """What counts wrong tries: the accounts meant, however they were named; else the name that nobody has."""
    return [f"account:{one.person_id}" for one in found] or [f"login:{digest(login)}"]


async def _count_wrong(tx: Tx, key: str, most: int, minutes: int, now: str) -> None:
    """One more wrong try; the `most`th within the minutes locks. One statement, so that none is lost when many come at once."""
    fresh, until = clock.after(now, minutes=-minutes), clock.after(now, minutes=minutes)
    await tx.run(q.THROTTLE_COUNT, key=key, now=now, fresh=fresh, most=most, until=until)


async def count_wrong(tx: Tx, login: str, accounts: Sequence[Secrets], address: str, rules: SignIn, now: str) -> None:
    """Note a wrong try of the accounts and of the address; lock either when it has had too many."""
    for key in _keys(login, accounts):
        await _count_wrong(tx, key, rules.tries, rules.lock_minutes, now)
    await _count_wrong(tx, f"address:{address}", rules.address_tries, rules.lock_minutes, now)
    await audit.note(tx, "sign_in_failed", f"login:{login[:64]}", at=now, address=address)


async def begin(tx: Tx, person: int, *, login: str = "", how: str, address: str, agent: str, rules: SignIn, now: str) -> SignedIn:
    """Open a session in the person's first unit. Raises Forbidden when the person has no post anywhere."""
    posts = [row[0] for row in await tx.all(q.POSTS_OF_PERSON, lambda *c: (c[2],), person=person)]
    posts = posts or [row[0] for row in await tx.all(q.DELEGATED_UNITS, lambda *c: (c[0],), person=person, now=now)]
    if not posts:
        raise Forbidden("您现在没有岗位，不能登录。请与本单位管理员联系。")
    secret = await tx.one(q.PERSON_SECRETS_BY_ID, Secrets, id=person)
    if secret is None or secret.disabled_at is not None:
        raise Forbidden("这个账号已停用。请与本单位管理员联系。")
    old = rules.password_policy == "mlps" and (secret.password_at or now) < clock.after(now, days=-PASSWORD_DAYS)
    if old and not secret.must_change:
        await tx.run(q.PERSON_MUST_CHANGE, id=person)
    token = secrets.token_urlsafe(32)
    await tx.run(
        q.SESSION_INSERT, hash=digest(token), public=secrets.token_urlsafe(9), person=person, unit=posts[0], how=how, at=now,
        expires=clock.after(now, hours=rules.session_hours), address=address, agent=agent[:200],
    )  # fmt: skip
    for key in (f"account:{person}", f"login:{digest(login)}"):
        await tx.run(q.THROTTLE_CLEAR, key=key)
    await tx.run(q.PERSON_SEEN, id=person, at=now)
    await audit.note(tx, "sign_in", f"person:{person}", at=now, person=person, unit=posts[0], detail=how, address=address)
    return SignedIn(token, person, old or bool(secret.must_change))


async def verify(db: Database, login: str, password: str, address: str, *, rules: SignIn, now: str) -> Secrets:
    """The secrets of the account whose password this is; a wrong try is counted before this returns.

    Whether the account rests is asked inside the queue for hashing, so that a thousand guesses sent at once are not all tried.

    Raises:
        TooMany: the account or the address rests after wrong tries.
        Invalid: wrong account or password (the same sentence for both).
    """
    login = login[:LONGEST_LOGIN]
    async with _hashing():
        found, rests = await db.read(_candidates, login, address, now)
        if rests:
            raise _resting(rests, now)
        tried = [one.password_hash for one in found] or [None]
        right = await asyncio.to_thread(lambda: [_verified(hashed, password[:200]) for hashed in tried])
        if any(right):
            return found[right.index(True)]
        await db.write(count_wrong, login, found, address, rules, now)
    raise Invalid([FieldError("password", WRONG)])


def _resting(until: str, now: str) -> TooMany:
    wait = max(1, int(clock.seconds_between(now, until)))
    return TooMany("试错的次数太多，请 {minutes} 分钟后再试。", wait_s=wait, minutes=(wait + 59) // 60)


async def verify_code(tx: Tx, person: int, code: str, *, address: str, rules: SignIn, now: str) -> bool:
    """Burn a right one-time code; count a wrong one like a wrong password. Whether it was right.

    Raises:
        TooMany: the account or the address rests.
    """
    found = await tx.one(q.PERSON_SECRETS_BY_ID, Secrets, id=person)
    rests = await _rests(tx, (f"account:{person}", f"address:{address}"), now)
    if rests:
        raise _resting(rests, now)
    step = totp_step(found.totp_secret, code, found.totp_step, now) if found and found.totp_secret else 0
    if step:
        await use_totp(tx, person, step)
    elif found is not None:
        await count_wrong(tx, f"person:{person}", [found], address, rules, now)
    return step > 0


def totp_step(secret: str, code: str, last_step: int, now: str) -> int:
    """The time step of a right one-time code, newer than `last_step`; 0 when it is wrong or was used before."""
    if not (code.isascii() and code.isdigit()):
        return 0
    moment = clock.parse(now)
    totp = pyotp.TOTP(secret)
    for drift in (0, -1, 1):
        step = int(moment.timestamp()) // 30 + drift
        if step > last_step and secrets.compare_digest(totp.at(step * 30), code):
            return step
    return 0


async def use_totp(tx: Tx, person: int, step: int) -> None:
    """Burn a one-time code. Raises Refused when another sign-in burned it first."""
    if await tx.run(q.PERSON_TOTP_STEP, id=person, step=step) != 1:
        raise Refused("这个验证码用过了，请等下一个。")


async def actor_of(tx: Tx, token_hash: str, *, now: str, idle_since: str, address: str) -> tuple[Actor, str] | None:
    """Whoever holds the session, in its unit, with the roles held there; and when it was last seen. None when it has ended."""
    row = await tx.one(q.SESSION_ACTOR, lambda *c: c, hash=token_hash, now=now, idle_since=idle_since)
    if row is None:
        return None
    person, name, login, unit, code, unit_name, short, path, how, seen_at, must_change, language, keys_off = row
    roles = {r for (r,) in await tx.all(q.ROLES_IN_UNIT, lambda r: (r,), person=person, unit=unit)}
    giver = await tx.value(q.DELEGATION_ACTIVE, person=person, unit=unit, now=now) or 0
    if giver:
        roles |= {r for (r,) in await tx.all(q.ROLES_IN_UNIT, lambda r: (r,), person=giver, unit=unit)}
    if not roles:  # the post has ended: sign in again, in another unit if there is one
        return None
    actor = Actor(
        person, name, login, unit, code, unit_name, short, path, frozenset(roles), how, address,
        bool(must_change), language, bool(keys_off), giver,
    )  # fmt: skip
    return actor, seen_at


async def touch(tx: Tx, token_hash: str, person: int, at: str) -> None:
    """Note that the session is in use."""
    await tx.run(q.SESSION_SEEN, hash=token_hash, at=at)
    await tx.run(q.PERSON_SEEN, id=person, at=at)


async def end(tx: Tx, token_hash: str, actor: Actor, at: str) -> None:
    """Sign out."""
    await tx.run(q.SESSION_END, hash=token_hash, at=at)
    await audit.note(tx, "sign_out", f"person:{actor.person_id}", at=at, person=actor.person_id, unit=actor.unit_id)


async def end_one(tx: Tx, public_id: str, actor: Actor, at: str) -> None:
    """End one of one's own sessions. Raises NotFound."""
    if await tx.run(q.SESSION_END_PUBLIC, public=public_id, person=actor.person_id, at=at) != 1:
        raise NotFound("这次登录已经结束了。")
    await audit.note(tx, "session_ended", f"session:{public_id}", at=at, person=actor.person_id, unit=actor.unit_id)


async def end_all(tx: Tx, person: int, *, by: Actor, at: str) -> int:
    """End all of somebody's sessions (security, or whoever manages the account); how many ended."""
    ended = await end_others(tx, person, "", at)
    note = f"{ended} sessions"
    await audit.note(
        tx, "sessions_ended", f"person:{person}", at=at, person=by.person_id, unit=by.unit_id, detail=note, address=by.address
    )
    return ended


async def end_others(tx: Tx, person: int, keep_hash: str, at: str) -> int:
    """End all of a person's sessions but the one with `keep_hash` ('' keeps none); how many ended."""
    return await tx.run(q.SESSIONS_END_OTHERS, person=person, hash=keep_hash, at=at)


async def own_sessions(tx: Tx, actor: Actor, token_hash: str, now: str) -> list[OwnSession]:
    """The person's live sessions, newest first."""
    return await tx.all(q.SESSIONS_OF_PERSON, OwnSession, person=actor.person_id, hash=token_hash, now=now)


async def switch_unit(tx: Tx, token_hash: str, actor: Actor, unit: int, now: str) -> None:
    """Go on in another unit where the person has a post, or acts for somebody. Raises NotFound."""
    own = {row[0] for row in await tx.all(q.POSTS_OF_PERSON, lambda *c: (c[2],), person=actor.person_id)}
    lent = {row[0] for row in await tx.all(q.DELEGATED_UNITS, lambda *c: (c[0],), person=actor.person_id, now=now)}
    if unit not in own | lent:
        raise NotFound("您在这个单位没有岗位。")
    await tx.run(q.SESSION_UNIT, hash=token_hash, unit=unit)


def first_password(seed: str) -> str:
    """A password to be told on the telephone, made from a secret seed: three kinds of characters, none that look alike.

    The same seed gives the same password, so that a second press of the button shows the one that was set.
    """
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    groups = []
    for _ in range(3):
        group = ""
        for alphabet in ("ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "abcdefghijkmnpqrstuvwxyz", "23456789"):
            number, at = divmod(number, len(alphabet))
            group += alphabet[at]
        groups.append(group)
    return "-".join(groups)


async def set_password(tx: Tx, person: int, hashed: str, *, must_change: bool, by: Actor | None, at: str) -> None:
    """Replace a password that has been checked and hashed."""
    await tx.run(q.PERSON_PASSWORD, id=person, hash=hashed, at=at, must_change=int(must_change))
    await audit.note(
        tx, "password", f"person:{person}", at=at, person=by.person_id if by else 0, unit=by.unit_id if by else 0,
        detail="reset" if must_change else "changed",
    )  # fmt: skip


async def secrets_of(tx: Tx, person: int) -> Secrets | None:
    """The secrets of a person by id."""
    return await tx.one(q.PERSON_SECRETS_BY_ID, Secrets, id=person)


async def right_password(found: Secrets | None, password: str) -> bool:
    """Whether the password is right (in a thread)."""
    async with _hashing():
        return await asyncio.to_thread(_verified, found.password_hash if found else None, password[:200])


async def set_totp(tx: Tx, person: int, secret: str | None, *, step: int = 0, by: Actor, at: str) -> None:
    """Switch one-time codes on (with a secret, and the step of the code that proved it) or off (None)."""
    await tx.run(q.PERSON_TOTP, id=person, secret=secret, step=step)
    act = "totp_on" if secret else "totp_off"
    await audit.note(tx, act, f"person:{person}", at=at, person=by.person_id, unit=by.unit_id, address=by.address)


async def issue_token(tx: Tx, person: int, unit: int, name: str, *, days: int, at: str, token: str = "") -> str:
    """A new API token (made here unless given) for a person in a unit; it is shown once. Raises Refused: no post there."""
    roles = await tx.all(q.ROLES_IN_UNIT, lambda r: r, person=person, unit=unit)
    if not roles:
        raise Refused("这个人在该单位没有岗位，不能发令牌。")
    if not 1 <= days <= TOKEN_DAYS:
        raise Invalid.one("days", "令牌的有效期是 1 至 1095 天。")
    token = token or f"songda_{secrets.token_urlsafe(32)}"
    await tx.run(
        q.TOKEN_INSERT, hash=digest(token), public=secrets.token_urlsafe(9), person=person, unit=unit, name=name[:100], at=at,
        expires=clock.after(at, days=days),
    )  # fmt: skip
    await audit.note(tx, "token", f"person:{person}", at=at, person=person, unit=unit, detail=f"{days} days")
    return token


async def token_actor(tx: Tx, token_hash: str, *, now: str, address: str) -> Actor | None:
    """Whoever an API token speaks for, or None."""
    row = await tx.one(q.TOKEN_ACTOR, lambda *c: c, hash=token_hash, now=now)
    if row is None:
        return None
    roles = frozenset(await tx.all(q.ROLES_IN_UNIT, lambda r: str(r), person=row[0], unit=row[3]))
    giver = await tx.value(q.DELEGATION_ACTIVE, person=row[0], unit=row[3], now=now) or 0
    if giver:
        roles |= frozenset(await tx.all(q.ROLES_IN_UNIT, lambda r: str(r), person=giver, unit=row[3]))
    if not roles:
        return None
    person, name, login, unit_id, code, unit_name, short, path = row
    return Actor(
        person, name, login, unit_id, code, unit_name, short, path, roles, "token", address, for_person=giver
    )  # fmt: skip


async def own_tokens(tx: Tx, actor: Actor) -> list[OwnToken]:
    """The person's API tokens, newest first."""
    return await tx.all(q.TOKENS_OF_PERSON, OwnToken, person=actor.person_id)


async def revoke_token(tx: Tx, public_id: str, actor: Actor, at: str) -> None:
    """Revoke one of one's own tokens. Raises NotFound."""
    if await tx.run(q.TOKEN_REVOKE, public=public_id, person=actor.person_id, at=at) != 1:
        raise NotFound("这个令牌已经停用了。")
    await audit.note(tx, "token_revoked", f"token:{public_id}", at=at, person=actor.person_id, unit=actor.unit_id)
