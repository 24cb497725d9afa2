"""Finds a request's route among many without trying each: routes are sorted by the literal segments that their paths begin with.

Starlette asks its routes one after the other; with 150 of them that was 0.45 ms a request, more than everything else together.
"""

from collections.abc import Sequence

from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

DEPTH = 3
ANY = "*"
CHOSEN = "songda.route"


def head_of(pattern: str) -> tuple[str, ...]:
    """The literal segments that a path pattern begins with, at most DEPTH."""
    head = []
    for segment in pattern.strip("/").split("/")[:DEPTH]:
        if "{" in segment:
            break
        head.append(segment)
    return tuple(head)


class Sorted(BaseRoute):
    """One route that stands for many, asked in their order."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Sort `routes`."""
        self.routes = list(routes)
        self._heads = [(head_of(route.path), route) for route in routes]
        self._literals = [{head[depth] for head, _ in self._heads if len(head) > depth} for depth in range(DEPTH)]
        self._candidates: dict[tuple[str, ...], list[Route]] = {}

    def candidates(self, path: str) -> list[Route]:
        """The routes that `path` may belong to, in their order."""
        segments = path.strip("/").split("/")[:DEPTH]
        key = tuple(s if s in known else ANY for s, known in zip(segments, self._literals, strict=False))
        found = self._candidates.get(key)
        if found is None:
            found = self._candidates[key] = [route for head, route in self._heads if head == key[: len(head)]]
        return found

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first full match, else the first partial one (the path is right, the method is not)."""
        partial: tuple[Route, Scope] | None = None
        for route in self.candidates(scope["path"]) if scope["type"] == "http" else ():
            match, child = route.matches(scope)
            if match is Match.FULL:
                return match, {**child, CHOSEN: route}
            if match is Match.PARTIAL and partial is None:
                partial = route, child
        if partial is not None:
            return Match.PARTIAL, {**partial[1], CHOSEN: partial[0]}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the chosen route answer."""
        route = scope.pop(CHOSEN, None)
        if route is None:
            await PlainTextResponse("not found", status_code=404)(scope, receive, send)
            return
        await route.handle(scope, receive, send)
