"""The doorway: a route is `page(handler, may=…)` or `api(handler, may=…)`; what every request shares happens here once.

    request → session or token → policy → form, its token, same origin → handler(visit) → answer with the security headers

A handler reads the visit, calls one action and answers. `Refused` becomes a page with its sentence (with `again=`, the same page
with what was typed still in it) or an RFC 9457 problem. A route without a policy stops the start (`check_routes`).
"""

import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ExceptionHandler

from ground import clock as clocks
from ground.db import Tx
from ground.directory import policy, sessions
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.errors import FieldError, Forbidden, Invalid, NotFound, Refused, TooMany
from ground.visit import Around, House, Visit

log = structlog.get_logger()

FORM_LIMIT = 2 * 2**20
JSON_LIMIT = 4 * 2**20


Handler = Callable[[Visit], Awaitable[Response]]
ApiHandler = Callable[[Visit], Awaitable[Any]]


# --- pages ----------------------------------------------------------------------------------------------------------------


def page(
    handler: Handler, *, may: Act, again: Handler | None = None, here: str = "", first: bool = False, part: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for people.

    Args:
        handler: reads the visit, calls one action, answers.
        may: the kind of act this is; default deny.
        again: shows the form once more, with what was typed, when the handler refuses.
        here: the navigation's key that this page lies under.
        first: may be used before the first password is changed.
        part: a fragment or JSON for the page's script: no shell around it, errors are short.
    """

    async def endpoint(request: Request) -> Response:
        house: House = request.app.state.house
        visit = Visit(request, house)
        visit.here = here
        try:
            stop = await _enter(visit, may, first=first, part=part)
            if stop is not None:
                return stop
            return await handler(visit)
        except Refused as refused:
            return await _refusal(visit, refused, again, part=part)
        except ClientDisconnect:
            return Response(status_code=400)
        finally:
            await visit.form.close()

    endpoint.may = may  # type: ignore[attr-defined]
    endpoint.__name__ = handler.__name__
    endpoint.__doc__ = handler.__doc__
    return endpoint


async def _enter(visit: Visit, may: Act, *, first: bool, part: bool) -> Response | None:
    """Session, policy, form. An answer here ends the visit before its handler."""
    request, house = visit.request, visit.house
    whole = request.method in {"GET", "HEAD"} and not part
    await _who(visit, whole=whole)
    if may not in policy.ANYONE:
        if visit.person is None:
            return _to_sign_in(visit, part=part)
        if visit.person.must_change and not first:
            return visit.see_other("password")
        if not policy.may(visit.person.roles, may):
            raise Forbidden("您的岗位不能做这件事。需要的话请与本单位管理员联系。")
    if request.method not in {"GET", "HEAD"} and may is not Act.CARRIER:
        _same_origin(request)
        visit.form = await request.form(max_files=60, max_fields=5000, max_part_size=2**20)
        token = visit.field("csrf") or request.headers.get("x-csrf-token", "")
        if not house.keys.check("csrf", visit.token_hash or request.cookies.get("visitor", ""), token):
            await _shell(visit)
            raise Refused("这一页放得太久了，内容还在。请再按一次。", code="stale_form")
    return None


async def _who(visit: Visit, *, whole: bool) -> None:
    """Find the session behind the cookie; note that it is in use, once a minute."""
    house = visit.house
    token = visit.request.cookies.get(house.cookie, "")
    if not token:
        return
    token_hash = sessions.digest(token)
    idle_since = clocks.after(visit.now, minutes=-house.config.sign_in.idle_minutes)

    async def look(tx: Tx) -> tuple[Actor, str, Around | None] | None:
        found = await sessions.actor_of(tx, token_hash, now=visit.now, idle_since=idle_since, address=visit.address)
        if found is None:
            return None
        around = await house.around(tx, found[0], visit.now) if whole else None
        return found[0], found[1], around

    found = await house.db.read(look)
    if found is None:
        return
    visit.person, seen_at, visit.around = found
    visit.token_hash = token_hash
    if clocks.seconds_between(seen_at, visit.now) > 60:
        house.later(house.db.write(sessions.touch, token_hash, visit.person.person_id, visit.now))


def _to_sign_in(visit: Visit, *, part: bool) -> Response:
    """The sign-in page, which leads back here; a script gets 401."""
    if part:
        return Response(visit.t("登录已过期，请重新登录。"), status_code=401, media_type="text/plain; charset=utf-8")
    url = visit.request.url
    back = f"{url.path}?{url.query}" if url.query else url.path
    return visit.see_other("sign_in", to=back if visit.request.method == "GET" and back != "/" else "")


def _same_origin(request: Request) -> None:
    """Refuse a form that another site sent."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        raise Forbidden("这个请求不是从本系统的页面发出的，没有执行。", code="cross_site")
    if site is None and origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("这个请求不是从本系统的页面发出的，没有执行。", code="cross_site")


async def _shell(visit: Visit) -> None:
    """Fetch what the page's shell shows, when a POST ends in a page after all."""
    person = visit.person
    if person is not None and visit.around is None:
        visit.around = await visit.house.db.read(visit.house.around, person, visit.now)


async def _refusal(visit: Visit, refused: Refused, again: Handler | None, *, part: bool) -> Response:
    """The page that says no: the same form with its contents, or a page with the sentence."""
    if part:
        answer: Response = JSONResponse(problem(visit, refused), status_code=refused.status)
    else:
        await _shell(visit)
        visit.refused = refused
        visit.status = refused.status
        if again is not None and not isinstance(refused, NotFound | Forbidden):
            try:
                return _headers(refused, await again(visit))
            except Refused as deeper:
                visit.refused = refused = deeper
        answer = visit.render("errors/problem.html", status=refused.status, message=said(visit, refused), what_to_do="", code="")
    return _headers(refused, answer)


def _headers(refused: Refused, answer: Response) -> Response:
    if isinstance(refused, TooMany):
        answer.headers["retry-after"] = str(refused.wait_s)
    return answer


def said(visit: Visit, refused: Refused) -> str:
    """The refusal's sentence in the visitor's language."""
    return visit.t(refused.sentence, **refused.holes)


# --- the JSON API ---------------------------------------------------------------------------------------------------------


def problem(visit: Visit, refused: Refused) -> dict[str, Any]:
    """RFC 9457 problem details."""
    body: dict[str, Any] = {
        "type": f"urn:songda:{refused.code}",
        "title": TITLES.get(refused.status, "Refused"),
        "status": refused.status,
        "detail": said(visit, refused),
        "code": refused.code,
    }
    if isinstance(refused, Invalid):
        body["errors"] = [{"field": e.field, "detail": visit.t(e.detail)} for e in refused.errors]
    body.update(getattr(refused, "more", {}))
    return body


TITLES = {
    400: "Bad request", 401: "Not signed in", 403: "Forbidden", 404: "Not found", 405: "Method not allowed", 409: "Conflict",
    413: "Too large", 415: "Unsupported media type",
    422: "Invalid", 429: "Too many requests", 503: "Unavailable", 507: "Disk full",
}  # fmt: skip


def api(handler: ApiHandler, *, may: Act, raw: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for programs: bearer token, JSON in and out, problems as RFC 9457.

    Args:
        handler: answers a Response, or anything JSON.
        may: the kind of act; PUBLIC needs no token, CARRIER is checked by its handler.
        raw: the handler reads the request's body by itself (files).
    """

    async def endpoint(request: Request) -> Response:
        visit = Visit(request, request.app.state.house)
        try:
            if may not in policy.ANYONE:
                await _bearer(visit, may)
            if request.method in {"POST", "PATCH", "PUT"} and not raw:
                await _json_body(visit)
            answer = await handler(visit)
        except Refused as refused:
            return _headers(refused, api_problem(visit, refused))
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    endpoint.may = may  # type: ignore[attr-defined]
    endpoint.__name__ = handler.__name__
    endpoint.__doc__ = handler.__doc__
    return endpoint


class Unauthorized(Refused):
    """No token, or one that is unknown, ended or revoked (401)."""

    status = 401
    code = "unauthorized"


def api_problem(visit: Visit, refused: Refused) -> Response:
    """The problem as a response."""
    headers = {"www-authenticate": "Bearer"} if refused.status == 401 else None
    return JSONResponse(problem(visit, refused), refused.status, headers, media_type="application/problem+json")


async def _bearer(visit: Visit, may: Act) -> None:
    scheme, _, token = visit.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("请带上令牌：Authorization: Bearer …")
    hashed = sessions.digest(token.strip())
    visit.person = await visit.house.db.read(sessions.token_actor, hashed, now=visit.now, address=visit.address)
    if visit.person is None:
        raise Unauthorized("令牌不对，或者已过期、已停用。")
    visit.token_hash = hashed
    if not policy.may(visit.person.roles, may):
        raise Forbidden("这个令牌的岗位不能做这件事。")


async def _json_body(visit: Visit) -> None:
    """Read the body as a JSON object; an empty body is an empty object."""
    chunks, size = [], 0
    async for chunk in visit.request.stream():
        size += len(chunk)
        if size > JSON_LIMIT:
            refused = Refused("请求太大，JSON 不能超过 4 MB。", code="too_large")
            refused.status = 413
            raise refused
        chunks.append(chunk)
    visit.raw = b"".join(chunks)
    if not visit.raw.strip():
        return
    try:
        body = json.loads(visit.raw)
        text = json.dumps(body, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError):
        refused = Refused("请求不是 UTF-8 的 JSON。", code="bad_json")
        refused.status = 400
        raise refused from None
    if not isinstance(body, dict):
        raise Invalid([FieldError("", "请求应当是一个 JSON 对象。")])
    visit.body = body


# --- the start, and what no route answers ---------------------------------------------------------------------------------


def check_routes(routes: Sequence[BaseRoute]) -> dict[str, str]:
    """Every route's name and path pattern. Raises RuntimeError for a route without a policy: the service must not start."""
    urls: dict[str, str] = {}
    for route in routes:
        if isinstance(route, Mount):
            if route.name != "static":
                raise RuntimeError(f"a mount is not a route with a policy: {route.path}")
            continue
        if not isinstance(route, Route):
            raise RuntimeError(f"unknown kind of route: {route!r}")
        if not isinstance(getattr(route.endpoint, "may", None), Act):
            raise RuntimeError(f"route {route.path} ({route.name}) declares no policy; the service does not start")
        pattern = route.path_format
        if urls.setdefault(route.name, pattern) != pattern:
            raise RuntimeError(f"two routes are named {route.name!r}: {pattern} and {urls[route.name]}")
    return urls


async def _not_routed(request: Request, error: Exception) -> Response:
    """404, 405 and 413 of the framework, as our page or problem."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    visit = Visit(request, request.app.state.house)
    refused = Refused(
        {405: "这个地址不能这样用。", 413: "内容太大了。", 400: "请求看不懂，请从页面上重新操作。"}.get(
            status, NotFound().sentence
        )
    )
    refused.status = status
    refused.code = {405: "method_not_allowed", 413: "too_large", 400: "bad_request"}.get(status, "not_found")
    if request.url.path.startswith("/api/"):
        return api_problem(visit, refused)
    await _who(visit, whole=True)
    return visit.render("errors/problem.html", status=status, message=said(visit, refused), what_to_do="", code="")


async def _broke(request: Request, error: Exception) -> Response:
    """A fault of ours: logged with a code that the person can read out; what they typed is kept by their browser."""
    code = secrets.token_hex(3).upper()
    log.error("fault", code=code, path=request.url.path, method=request.method, exc_info=error)
    visit = Visit(request, request.app.state.house)
    refused = Refused("没有存上，系统出了问题。请再按一次；还不行，请把编号 {code} 告诉值班人员。", code=code)
    refused.status = 500
    if request.url.path.startswith("/api/"):
        return api_problem(visit, refused)
    return visit.render("errors/problem.html", status=500, message=said(visit, refused), what_to_do="", code=code)


EXCEPTION_HANDLERS: dict[Any, ExceptionHandler] = {HTTPException: _not_routed, Exception: _broke}
