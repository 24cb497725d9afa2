"""Sorting routes changes nothing but the time it takes to find one."""

import pytest
from starlette.routing import Match, Route

from app import ROOMS
from ground.routing import Sorted, head_of

ROUTES = [route for room in ROOMS for route in room if isinstance(route, Route)]
PATHS = [
    *sorted({route.path_format.replace("{", "").replace("}", "1") for route in ROUTES}),
    "/", "//", "/nowhere", "/meetings", "/meetings/12", "/meetings/new", "/meetings/12.ics", "/api/v1/notices/7/answer",
    "/api/v1/nowhere", "/units/..%2f", "/api", "/meetings/12/x/y/z", "",
]  # fmt: skip


def plainly(scope: dict[str, str]) -> tuple[Match, str]:
    """As Starlette does it: one after the other."""
    partial = (Match.NONE, "")
    for route in ROUTES:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return match, route.name
        if match is Match.PARTIAL and partial[0] is Match.NONE:
            partial = (match, route.name)
    return partial


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_the_same_route_is_found(method: str) -> None:
    router = Sorted(ROUTES)
    for path in PATHS:
        scope = {"type": "http", "path": path, "method": method}
        match, child = router.matches(scope)
        route = child.get("songda.route")
        assert (match, route.name if route else "") == plainly(scope), path


def test_few_are_asked() -> None:
    router = Sorted(ROUTES)
    assert len(router.candidates("/api/v1/notices/7/answer")) < len(ROUTES) / 4
    for n in range(1000):
        router.candidates(f"/meetings/{n}/x{n}/y{n}")
    assert len(router._candidates) < 100


def test_heads() -> None:
    assert head_of("/api/v1/notices/{id}") == ("api", "v1", "notices")
    assert head_of("/meetings/{id}/progress") == ("meetings",)
    assert head_of("/") == ("",)
