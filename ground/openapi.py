"""The JSON API described by itself (OpenAPI 3.1): every route under /api/v1 carries its `Call`; the document is made of those.

    Route("/api/v1/leaves/{id}/decision", described(api(decide, may=…), Call("同意或不同意请假", body=DECISION, answer=LEAVE)), …)

The shapes that describe a body are those that read it (ground/shapes.py).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from ground.directory import policy
from ground.directory.policy import ROLE_WORDS, Act, Role
from ground.shapes import EMPTY, NO_QUERY, PAGED, Either, Id, Listed, Maybe, Page, Record, Schema, Shape, Shown, Text, Whole

BASE = "/api/v1"
E = TypeVar("E", bound=Callable[..., Any])


class Call(NamedTuple):
    """What one route takes and answers.

    media: of the answer when it is not JSON. upload: the body is a file. piece: of one (tus). secret: the ticket or secret that opens it
    instead of a token. once: a write takes an Idempotency-Key.
    """

    summary: str
    body: Record = EMPTY
    answer: Shape | None = None
    status: int = 200
    query: Mapping[str, Shape] = NO_QUERY
    media: str = "application/json"
    upload: bool = False
    piece: bool = False
    secret: str = ""
    once: bool = True


class Described(NamedTuple):
    """A route as the document needs it."""

    method: str
    path: str
    name: str
    endpoint: Any


def described(endpoint: E, call: Call) -> E:
    """The endpoint with its description on it."""
    endpoint.call = call  # type: ignore[attr-defined]
    return endpoint


def call_of(route: Described) -> Call | None:
    """What a route says of itself: on its endpoint, or, for the directory's, in the table below."""
    found = getattr(route.endpoint, "call", None) or DIRECTORY.get(f"{route.method} {route.path.removeprefix(BASE)}")
    return found if isinstance(found, Call) else None


UNIT = Shown(
    "Unit",
    {
        "code": Text(40), "name": Text(), "short_name": Text(), "kind": Text(40), "level": Whole(1, 4), "parent": Maybe(Text(40)),
        "duty_phone": Text(60), "opened_on": Text(10), "closed_on": Maybe(Text(10)), "merged_into": Maybe(Text(40)),
    },
)  # fmt: skip
PERSON = Shown("Me_person", {"id": Id(), "name": Text(), "login": Text()})
OWN_UNIT = Shown("Me_unit", {"code": Text(40), "name": Text(), "short_name": Text()})
GROUP = Shown("Group", {"id": Id(), "name": Text(), "owner": Maybe(Text(40)), "units": Whole()})
THEN = Shown("UnitName", {"from": Text(10), "name": Text(), "short_name": Text()})
DIRECTORY = {
    "GET /me": Call("令牌代表谁", answer=Shown("Me", {"person": PERSON, "unit": OWN_UNIT, "roles": Listed(Text(40))})),
    "GET /units": Call("按名称、拼音、代码找单位", query={"q": Text(60), **PAGED}, answer=Page(UNIT)),
    "GET /units/{code}": Call("一个单位和它用过的名称", answer=Shown("UnitNamed", {**UNIT.fields, "names": Listed(THEN, 1000)})),
    "GET /groups": Call("可用的发文范围", query=PAGED, answer=Page(GROUP)),
}
PROBLEM_ERROR = Shown("FieldError", {"field": Text(400), "detail": Text(1000)})
PROBLEM: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "给人看的一句话：怎么回事，怎么办"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": PROBLEM_ERROR.schema()},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
SAID_NO = {
    "description": "办不成（RFC 9457）",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 200},
    "description": "同一个键再发一次，得到第一次成功的答案；内容不同则 409",
}


def document(routes: Iterable[Described], *, title: str, version: str) -> Schema:
    """The OpenAPI document of the described routes."""
    paths: dict[str, Schema] = {}
    schemas: dict[str, Schema] = {"Problem": PROBLEM}
    for route in routes:
        call = call_of(route)
        if call is not None:
            paths.setdefault(route.path.removeprefix(BASE), {})[route.method.lower()] = _operation(route, call)
            for shape in (call.body, call.answer, PROBLEM_ERROR):
                _collect(shape, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "时间是 RFC 3339 的 UTC；单位用代码表示；id 是不透明的文字。",
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {"Problem": SAID_NO},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Described, call: Call) -> Schema:
    writes = route.method in {"POST", "PATCH"} and not call.secret
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(name)}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": shape.schema()} for name, shape in call.query.items()]
    said: Schema = {
        "operationId": f"{route.name}_{route.method.lower()}",
        "summary": call.summary,
        "description": _who(route.endpoint.may, call),
        "parameters": [*parameters, *([KEY] if writes and call.once else [])],
        "responses": {str(call.status): _answer(call), "4XX": {"$ref": "#/components/responses/Problem"}},
    }
    if call.secret:
        said["security"] = []
    if call.upload:
        said["requestBody"] = {"required": True, "content": UPLOAD}
    elif call.piece:
        said["requestBody"] = {"required": False, "content": PIECE}
    elif writes:
        media = {"application/json": {"schema": call.body.schema()}}
        said["requestBody"] = {"required": bool(call.body.need), "content": media}
    return said


FILE_FORM = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
UPLOAD = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    "multipart/form-data": {"schema": FILE_FORM},
}

PIECE = {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def _path_schema(name: str) -> Schema:
    return Id().schema() if name == "id" else {"type": "string", "minLength": 1}


def _who(may: Act, call: Call) -> str:
    if call.secret:
        return f"不用令牌，凭 {call.secret}。"
    roles = [ROLE_WORDS[role] for role in Role if policy.may(frozenset({role}), may)]
    return "任何岗位" if len(roles) == len(Role) else f"岗位：{'、'.join(roles)}"


def _answer(call: Call) -> Schema:
    if call.status == 204 or call.piece:
        return {"description": "成功"}
    if call.answer is not None:
        return {"description": "成功", "content": {"application/json": {"schema": call.answer.schema()}}}
    return {"description": "成功", "content": {call.media: {"schema": {"type": "string"}}}}


def _collect(shape: Shape | None, into: dict[str, Schema]) -> None:
    """Put the schema of every named record that `shape` holds into `into`."""
    if isinstance(shape, Record):
        if shape.name in into:
            return
        into[shape.name] = shape.whole()
        for inner in shape.fields.values():
            _collect(inner, into)
    elif isinstance(shape, Listed | Maybe | Page | Either):
        _collect(shape.of, into)
