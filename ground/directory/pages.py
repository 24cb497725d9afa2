"""Signing in and out, and the own account: everything a person does about themselves.

/sign-in → (/sign-in/code) → session cookie → the page they wanted
/account  own data, password, one-time codes, sessions, tokens, delegations
"""

import base64
import io
import json
import re
import secrets
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import pyotp
import segno
from starlette.responses import Response
from starlette.routing import Route

from ground import clock
from ground.db import Tx
from ground.directory import group_pages, people, sessions, unit_pages, units
from ground.directory.directory import Actor, Contact, Person
from ground.directory.people import Delegation
from ground.directory.policy import Act
from ground.directory.sessions import OwnSession, OwnToken
from ground.directory.tables import clean
from ground.errors import Invalid, NotFound
from ground.visit import Flash, Visit
from ground.web import page

REMEMBER_S = 180 * 86400
PENDING_S = 300
LONGEST_PATH = 1000
TOKEN_DAYS = ("30", "90", "365")


# --- signing in -------------------------------------------------------------------------------------------------------


def local(path: str) -> str:
    """`path` when it is a path of ours, else the first page: nobody is sent to another site after signing in."""
    mine = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if mine and len(path) <= LONGEST_PATH else "/"


async def show_sign_in(visit: Visit) -> Response:
    """GET /sign-in?to=: name and password."""
    if visit.person is not None:
        return visit.go(local(visit.query("to")))
    kept = visit.house.keys.unseal("login", visit.request.cookies.get("login", "")) or ""
    fresh = "" if visit.request.cookies.get("visitor") else secrets.token_urlsafe(12)
    if fresh:  # the form's token must be made for the cookie that this answer sets
        visit.request.cookies["visitor"] = fresh
    answer = visit.render(
        "directory/sign_in.html", step="password", action=visit.house.url("sign_in"), username=kept, remember=bool(kept),
        after=visit.field("after") or visit.query("to"), units_in_use=await visit.read(units.in_use),
    )  # fmt: skip
    if fresh:
        answer.set_cookie("visitor", fresh, httponly=True, samesite="lax", secure=visit.house.secure)
    return answer


async def sign_in(visit: Visit) -> Response:
    """POST /sign-in: a session, or the question for a one-time code."""
    login, password = clean(visit.field("username")), str(visit.form.get("password", ""))
    if not login or not password:
        raise Invalid.one("password", "请填账号和密码。")
    house = visit.house
    found = await sessions.verify(house.db, login, password, visit.address, rules=house.config.sign_in, now=visit.now)
    after = local(visit.field("after"))
    if found.totp_secret is None:
        answer = await _begin(visit, found.person_id, "password", after)
    else:
        sealed = house.keys.seal("pending", json.dumps([found.person_id, after, clock.after(visit.now, seconds=PENDING_S)]))
        answer = visit.see_other("sign_in_code")
        answer.set_cookie("pending", sealed, max_age=PENDING_S, httponly=True, samesite="lax", secure=house.secure)
    if visit.field("remember"):
        kept = house.keys.seal("login", login[:64])
        answer.set_cookie("login", kept, max_age=REMEMBER_S, path="/sign-in", httponly=True, samesite="lax", secure=house.secure)
    else:
        answer.delete_cookie("login", path="/sign-in")
    return answer


async def _begin(visit: Visit, person: int, how: str, after: str) -> Response:
    """Open the session and go where they wanted."""
    rules = visit.house.config.sign_in
    agent = "".join(c for c in visit.request.headers.get("user-agent", "") if c.isprintable())
    begun = await visit.write(
        sessions.begin, person, how=how, address=visit.address, agent=agent, rules=rules, now=visit.now
    )  # fmt: skip
    answer = visit.go(after)
    answer.set_cookie(
        visit.house.cookie, begun.token, max_age=rules.session_hours * 3600, httponly=True, samesite="lax",
        secure=visit.house.secure, path="/",
    )  # fmt: skip
    answer.delete_cookie("pending")
    return answer


def _pending(visit: Visit) -> tuple[int, str] | None:
    """Who has given the right password a moment ago, and where they want to go."""
    said = visit.house.keys.unseal("pending", visit.request.cookies.get("pending", ""))
    if not said:
        return None
    person, after, until = json.loads(said)
    return (int(person), str(after)) if until > visit.now else None


async def show_code(visit: Visit) -> Response:
    """GET /sign-in/code: the question for a one-time code."""
    if _pending(visit) is None:
        return visit.see_other("sign_in")
    return visit.render("directory/sign_in.html", step="code", action=visit.house.url("sign_in_code"))


async def sign_in_code(visit: Visit) -> Response:
    """POST /sign-in/code: the session, when the code is right."""
    pending = _pending(visit)
    if pending is None:
        return visit.see_other("sign_in", flash=Flash("warn", visit.t("等得太久了，请重新登录。")))
    person, after = pending
    rules = visit.house.config.sign_in
    code = re.sub(r"\s", "", visit.field("code"))[:16]
    if not await visit.write(sessions.verify_code, person, code, address=visit.address, rules=rules, now=visit.now):
        raise Invalid.one("code", "验证码不对，或者已经用过。请填手机上现在的 6 位数字。")
    return await _begin(visit, person, "password+totp", after)


async def sign_out(visit: Visit) -> Response:
    """POST /sign-out: end this session."""
    if visit.person is not None:
        await visit.write(sessions.end, visit.token_hash, visit.person, visit.now)
    answer = visit.see_other("sign_in", flash=Flash("ok", visit.t("已退出。")))
    answer.delete_cookie(visit.house.cookie, path="/", secure=visit.house.secure, httponly=True)
    return answer


async def switch_post(visit: Visit) -> Response:
    """POST /session/post: go on in another unit."""
    unit = visit.field("post")
    if not (unit.isascii() and unit.isdigit() and len(unit) <= 15):
        raise NotFound("您在这个单位没有岗位。")
    await visit.write(sessions.switch_unit, visit.token_hash, visit.actor, int(unit), visit.now)
    return visit.go("/")


async def language(visit: Visit) -> Response:
    """GET /language?to=: the other language, then back to where they were."""
    to = "en" if visit.query("to") == "en" else "zh"
    came = urlsplit(visit.request.headers.get("referer", ""))
    same = came.netloc == visit.request.headers.get("host")
    path = local(f"{came.path}?{came.query}" if came.query else came.path) if same else "/"
    answer = visit.go(path)
    ours = visit.request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
    if ours and visit.person is not None:
        await visit.write(people.set_language, visit.person.person_id, to)
    if ours:
        answer.set_cookie("lang", to, max_age=REMEMBER_S, httponly=True, samesite="lax", secure=visit.house.secure)
    return answer


# --- the account ------------------------------------------------------------------------------------------------------


class Account(NamedTuple):
    """Everything that the account's page shows."""

    person: Person
    sessions: list[OwnSession]
    tokens: list[OwnToken]
    delegations: list[Delegation]
    colleagues: list[Contact]


async def _account(tx: Tx, actor: Actor, token_hash: str, now: str) -> Account:
    colleagues = {c.person_id: c for c in await people.contacts_of(tx, actor.unit_id) if c.person_id != actor.person_id}
    return Account(
        await people.by_id(tx, actor.person_id),
        await sessions.own_sessions(tx, actor, token_hash, now),
        [t for t in await sessions.own_tokens(tx, actor) if t.expires_at > now],
        await people.delegations(tx, actor.person_id, now),
        list(colleagues.values()),
    )


async def account(visit: Visit) -> Response:
    """GET /account: own data and everything about signing in."""
    view = await visit.read(_account, visit.actor, visit.token_hash, visit.now)
    today = units.today_of(visit.now, visit.house.zone)
    return visit.render("directory/account.html", view=view, me=visit.actor, machine=machine, days=TOKEN_DAYS, today=today)


def machine(agent: str) -> str:
    """A browser's description in two words: `Chrome, Windows`."""
    browsers = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = ("Windows", "Android", "iPhone", "Mac", "Linux")
    found = [word for mark, word in browsers if mark in agent][:1] + [s for s in systems if s in agent][:1]
    return ", ".join(found) or agent[:40]


async def account_data(visit: Visit) -> Response:
    """POST /account: own mobile, e-mail, language, keys."""
    await visit.write(
        people.change_own, visit.actor, mobile=clean(visit.field("mobile")), email=clean(visit.field("email")),
        language=visit.field("language"), keys_off=bool(visit.field("keys_off")), at=visit.now,
    )  # fmt: skip
    return visit.see_other("account", flash=Flash("ok", visit.t("已保存。")))


async def show_password(visit: Visit) -> Response:
    """GET /account/password: the first password must be changed here before anything else."""
    return visit.render("directory/password.html", first=visit.actor.must_change, rules=visit.house.config.sign_in)


async def _own_password(visit: Visit, field: str) -> None:
    """Ask for the own password; wrong tries count as at sign-in. Raises Invalid, TooMany."""
    rules, typed = visit.house.config.sign_in, str(visit.form.get(field, ""))
    try:
        found = await sessions.verify(visit.house.db, visit.actor.login, typed, visit.address, rules=rules, now=visit.now)
    except Invalid:
        raise Invalid.one(field, "现在的密码不对，请再填一次。") from None
    if found.person_id != visit.actor.person_id:
        raise Invalid.one(field, "现在的密码不对，请再填一次。")


async def password(visit: Visit) -> Response:
    """POST /account/password: another password; all other sessions end."""
    actor, new = visit.actor, str(visit.form.get("new", ""))
    if not actor.must_change:
        await _own_password(visit, "current")
    sessions.check_password(new, actor.login, visit.house.config.sign_in)
    if new != str(visit.form.get("again", "")):
        raise Invalid.one("again", "两次填的不一样，请再填一次。")
    if await sessions.right_password(await visit.read(sessions.secrets_of, actor.person_id), new):
        raise Invalid.one("new", "新密码要和现在的不一样。")
    hashed = await sessions.hash_password(new)

    async def act(tx: Tx) -> None:
        await sessions.set_password(tx, actor.person_id, hashed, must_change=False, by=actor, at=visit.now)
        await sessions.end_others(tx, actor.person_id, visit.token_hash, visit.now)

    await visit.write(act)
    flash = Flash("ok", visit.t("密码已改。别处的登录都已结束。"))
    return visit.go("/", flash=flash) if actor.must_change else visit.see_other("account", flash=flash)


# --- one-time codes ---------------------------------------------------------------------------------------------------


def _new_secret(visit: Visit) -> str:
    """The secret that this session may switch on: 20 bytes in base32, not kept anywhere until it is confirmed."""
    keys = visit.house.keys
    raw = (keys.sign("totp-1", visit.token_hash) + keys.sign("totp-2", visit.token_hash)).encode()
    return base64.b32encode(base64.urlsafe_b64decode(raw)[:20]).decode()


async def show_totp(visit: Visit) -> Response:
    """GET /account/totp: switch one-time codes on or off."""
    person = await visit.read(people.by_id, visit.actor.person_id)
    return visit.render("directory/totp.html", on=bool(person.totp), secret="" if person.totp else _new_secret(visit))


async def totp_qr(visit: Visit) -> Response:
    """GET /account/totp/qr: the secret for the telephone's camera."""
    name = visit.house.config.city.name
    issuer = f"{visit.t('送达')} {name}".strip()
    uri = pyotp.TOTP(_new_secret(visit), name=visit.actor.login, issuer=issuer).provisioning_uri()
    picture = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(picture, kind="svg", scale=5, border=4, light="#fff", xmldecl=False)
    return Response(picture.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})


async def totp(visit: Visit) -> Response:
    """POST /account/totp: on, once a code has proved that the telephone knows the secret."""
    secret = _new_secret(visit)
    step = sessions.totp_step(secret, re.sub(r"\s", "", visit.field("code"))[:16], 0, visit.now)
    if not step:
        raise Invalid.one("code", "验证码不对。请填手机上现在的 6 位数字；手机的时间要准。")
    await visit.write(sessions.set_totp, visit.actor.person_id, secret, step=step, by=visit.actor, at=visit.now)
    return visit.see_other("account", flash=Flash("ok", visit.t("两步登录已打开，下次登录要填验证码。")), anchor="safe")


async def totp_removal(visit: Visit) -> Response:
    """POST /account/totp/removal: off."""
    await _own_password(visit, "password")
    await visit.write(sessions.set_totp, visit.actor.person_id, None, by=visit.actor, at=visit.now)
    return visit.see_other("account", flash=Flash("ok", visit.t("两步登录已关闭。")), anchor="safe")


# --- sessions, tokens, delegations ------------------------------------------------------------------------------------


async def end_session(visit: Visit) -> Response:
    """POST /account/sessions/{session}/end: sign out elsewhere."""
    await visit.write(sessions.end_one, clean(visit.path("session")), visit.actor, visit.now)
    return visit.see_other("account", flash=Flash("ok", visit.t("那次登录已结束。")), anchor="sessions")


async def new_token(visit: Visit) -> Response:
    """POST /account/tokens: a token for other programs, shown once."""
    name, days = clean(visit.field("token_name")), visit.field("days")
    if not name or len(name) > 100:
        raise Invalid.one("token_name", "请写明给哪个程序用，不超过 100 个字。")
    if days not in TOKEN_DAYS:
        raise Invalid.one("days", "请选一个有效期。")
    once = visit.field("once") or secrets.token_urlsafe(16)
    token = "songda_" + visit.house.keys.sign("token", f"{visit.token_hash} {once}")

    async def act(tx: Tx) -> str:
        actor = visit.actor
        await sessions.issue_token(tx, actor.person_id, actor.unit_id, name, days=int(days), at=visit.now, token=token)
        return "made"

    await visit.write_once(act)
    said = visit.t("令牌只显示这一次，请现在抄下：{token}", token=token)
    return visit.see_other("account", flash=Flash("ok", said), anchor="tokens")


async def revoke_token(visit: Visit) -> Response:
    """POST /account/tokens/{token}/revocation: the token opens nothing any more."""
    await visit.write(sessions.revoke_token, clean(visit.path("token")), visit.actor, visit.now)
    return visit.see_other("account", flash=Flash("ok", visit.t("令牌已停用。")), anchor="tokens")


def _midnight(visit: Visit, field: str, later: int) -> str:
    """The start of a typed local date, or of the day after with `later` 1. Raises Invalid."""
    typed = visit.field(field)
    try:
        day = date.fromisoformat(typed if re.fullmatch(r"\d{4}-\d\d-\d\d", typed) else "")
        return clock.text(datetime.combine(day + timedelta(days=later), datetime.min.time(), visit.house.zone))
    except (ValueError, OverflowError):
        raise Invalid.one(field, "请填日期，例如 2026-03-18。") from None


async def new_delegation(visit: Visit) -> Response:
    """POST /account/delegations: a colleague acts for me for some days, the first and the last included."""
    taker = visit.field("taker")
    if not (taker.isascii() and taker.isdigit() and len(taker) <= 15):
        raise Invalid.one("taker", "请选一位同事。")
    from_at, until_at = _midnight(visit, "from", 0), _midnight(visit, "until", 1)
    joined = visit.house.config.city.joined_roles

    async def act(tx: Tx) -> str:
        reason = clean(visit.field("reason"))
        made = await people.delegate(
            tx, visit.actor, int(taker), from_at=from_at, until_at=until_at, reason=reason, at=visit.now, joined=joined
        )
        return str(made)

    await visit.write_once(act)
    said = visit.t("已委托。签收时会写明是代您办的。")
    return visit.see_other("account", flash=Flash("ok", said), anchor="delegations")


async def revoke_delegation(visit: Visit) -> Response:
    """POST /account/delegations/{delegation}/revocation: take it back."""
    await visit.write(people.revoke_delegation, visit.actor, visit.number("delegation"), visit.now)
    return visit.see_other("account", flash=Flash("ok", visit.t("委托已收回。")), anchor="delegations")


_mine = Act.SIGNED_IN
routes = [
    Route("/sign-in", page(show_sign_in, may=Act.PUBLIC), methods=["GET"], name="sign_in"),
    Route("/sign-in", page(sign_in, may=Act.PUBLIC, again=show_sign_in), methods=["POST"], name="sign_in"),
    Route("/sign-in/code", page(show_code, may=Act.PUBLIC), methods=["GET"], name="sign_in_code"),
    Route("/sign-in/code", page(sign_in_code, may=Act.PUBLIC, again=show_code), methods=["POST"], name="sign_in_code"),
    Route("/sign-out", page(sign_out, may=Act.PUBLIC), methods=["POST"], name="sign_out"),
    Route("/session/post", page(switch_post, may=_mine), methods=["POST"], name="session_post"),
    Route("/language", page(language, may=Act.PUBLIC), methods=["GET"], name="language"),
    Route("/account", page(account, may=_mine), methods=["GET"], name="account"),
    Route("/account", page(account_data, may=_mine, again=account), methods=["POST"], name="account"),
    Route("/account/password", page(show_password, may=_mine, first=True), methods=["GET"], name="password"),
    Route("/account/password", page(password, may=_mine, first=True, again=show_password), methods=["POST"], name="password"),
    Route("/account/totp", page(show_totp, may=_mine), methods=["GET"], name="totp"),
    Route("/account/totp", page(totp, may=_mine, again=show_totp), methods=["POST"], name="totp"),
    Route("/account/totp/qr", page(totp_qr, may=_mine, part=True), methods=["GET"], name="totp_qr"),
    Route("/account/totp/removal", page(totp_removal, may=_mine, again=show_totp), methods=["POST"], name="totp_removal"),
    Route("/account/sessions/{session}/end", page(end_session, may=_mine), methods=["POST"], name="session_end"),
    Route("/account/tokens", page(new_token, may=_mine, again=account), methods=["POST"], name="tokens"),
    Route("/account/tokens/{token}/revocation", page(revoke_token, may=_mine), methods=["POST"], name="token_revocation"),
    Route("/account/delegations", page(new_delegation, may=_mine, again=account), methods=["POST"], name="delegations"),
    Route(
        "/account/delegations/{delegation}/revocation",
        page(revoke_delegation, may=_mine),
        methods=["POST"],
        name="delegation_revocation",
    ),
    *unit_pages.routes,
    *group_pages.routes,
    unit_pages.UNIT_ROUTE,
]
