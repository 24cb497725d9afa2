"""The doorway: default deny, same origin, form tokens, headers, and sentences for everything that no route answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from ground import web
from ground.clock import FixedClock
from tests.app_client import BASE, Clients, open_app


@pytest.fixture
async def clients(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Clients]:
    async with open_app(where, clock, tmp_path) as found:
        yield found


async def naked(_request: Request) -> Response:
    return Response("no policy")


def test_a_route_without_a_policy_stops_the_start() -> None:
    with pytest.raises(RuntimeError, match="declares no policy"):
        web.check_routes([Route("/naked", naked)])
    with pytest.raises(RuntimeError, match="not a route with a policy"):
        web.check_routes([Mount("/m", routes=[])])


def test_two_routes_may_not_share_a_name() -> None:
    from ground.pages import routes

    health = next(r for r in routes if r.name == "healthz")
    with pytest.raises(RuntimeError, match="two routes are named"):
        web.check_routes([health, Route("/other", health.endpoint, name="healthz")])


def test_every_route_of_the_app_has_a_policy() -> None:
    from app import ROOMS

    assert len(web.check_routes([r for room in ROOMS for r in room])) > 60


async def test_every_answer_has_the_security_headers(clients: Clients) -> None:
    client = clients.stranger()
    for path in ("/sign-in", "/nowhere", "/api/v1/me", "/healthz", "/static/app.css", "/"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path


async def test_a_stranger_is_sent_to_the_sign_in_page_and_back(clients: Clients) -> None:
    answer = await clients.stranger().get("/inbox?state=sign")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Finbox%3Fstate%3Dsign")


async def test_an_unknown_address_is_a_page_and_a_problem(clients: Clients) -> None:
    client = await clients.page(clients.world.north_clerk)
    answer = await client.get("/nowhere")
    assert (answer.status_code, "没有找到" in answer.text) == (404, True)
    problem = await client.get("/api/v1/nowhere")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 404


async def test_a_form_without_its_token_is_refused(clients: Clients) -> None:
    client = await clients.page(clients.world.north_clerk)
    answer = await client.post("/sign-out", data={}, headers={"origin": BASE})
    assert answer.status_code == 409
    assert (await client.get("/inbox")).status_code == 200, "still signed in"


ATTACKS: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "http://evil.test"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", ATTACKS)
async def test_a_form_from_another_site_is_refused(clients: Clients, headers: dict[str, str]) -> None:
    client = await clients.page(clients.world.north_clerk)
    token = clients.house.keys.sign("csrf", "")
    answer = await client.post("/sign-out", data={"csrf": token}, headers=headers)
    assert answer.status_code == 403
    assert (await client.get("/inbox")).status_code == 200


async def test_the_wrong_method_says_so(clients: Clients) -> None:
    client = await clients.page(clients.world.north_clerk)
    assert (await client.post("/healthz", headers={"origin": BASE})).status_code == 405
    assert (await client.delete("/inbox")).status_code == 405


@pytest.mark.parametrize("path", ["/..;/inbox", "/%2e%2e/inbox", "//inbox", "/inbox/", "/inbox.json", "/INBOX", "/inbox%00"])
async def test_odd_paths_open_nothing(clients: Clients, path: str) -> None:
    answer = await clients.stranger().get(path)
    assert answer.status_code in (303, 307, 404)
    assert "data-rows" not in answer.text


async def test_a_session_ends_after_idle_time(clients: Clients, clock: FixedClock) -> None:
    client = await clients.page(clients.world.north_clerk)
    assert (await client.get("/inbox")).status_code == 200
    clock.move(minutes=121)
    assert (await client.get("/inbox")).status_code == 303


async def test_todays_page_for_each_kind_of_user(clients: Clients) -> None:
    world = clients.world
    for actor, status in ((world.north_clerk, 200), (world.organiser, 200), (world.north_leader, 200), (world.operator, 303)):
        answer = await (await clients.page(actor)).get("/")
        assert answer.status_code == status, actor.name
