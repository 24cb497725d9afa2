"""The API's description of itself: whole, true, and a source of requests that must never break the service."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from starlette.routing import BaseRoute, Mount, Route

from ground.clock import FixedClock
from tests.programs import MA, SUN, Programs, open_programs

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
EXAMPLES = 4  # for each call, of bodies that fit the description and of bodies that do not
HTTP = ("get", "post", "patch", "put", "delete")


def every_route(routes: list[BaseRoute]) -> list[Route]:
    """All routes of the app, wherever they stand."""
    found: list[Route] = []
    for one in routes:
        if isinstance(one, Route):
            found.append(one)
        elif not isinstance(one, Mount):
            found += every_route(list(getattr(one, "routes", ())))
    return found


def in_own_loop(where: str, clock: FixedClock, folder: Path, work: Any) -> Any:
    """Run `work(runner, programs)` with the app open in a loop that generated tests can step."""
    with asyncio.Runner() as runner:
        opened = open_programs(where, clock, folder)
        programs = runner.run(opened.__aenter__())
        try:
            return work(runner, programs)
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def prepare(programs: Programs) -> str:
    """A meeting with an answer, a leave asked for and everything signed; its id."""
    id = await programs.publish(fields=[{"key": "car", "label": "车牌"}])
    await programs.sign(id)
    await programs.north.post(f"/api/v1/notices/{id}/answer", json={"people": [MA, SUN]})
    await programs.north.post(f"/api/v1/notices/{id}/leave", json={"person": MA["name"], "reason": "出差"})
    return id


def test_every_route_is_described_and_every_description_is_a_route(where: str, clock: FixedClock, tmp_path: Path) -> None:
    def work(runner: asyncio.Runner, programs: Programs) -> None:
        document = runner.run(programs.clients.stranger().get("/api/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method in HTTP}
        routes = [r for r in every_route(programs.clients.app.routes) if r.path.startswith("/api/v1/")]
        running = {
            f"{method} {r.path_format.removeprefix('/api/v1')}"
            for r in routes
            for method in (r.methods or set()) - {"HEAD", "OPTIONS"}
        }
        assert described == running
        assert len(running) > 30
        text = str(document)
        assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= document["components"]["schemas"].keys()
        said = [item["operationId"] for operations in document["paths"].values() for item in operations.values()]
        assert len(said) == len(set(said))
        keyless = {
            path for path, item in document["paths"].items()
            if "post" in item and "Idempotency-Key" not in [p["name"] for p in item["post"]["parameters"]]
        }  # fmt: skip
        assert keyless == {"/live-tickets", "/uploads", "/gateway/{name}/report", "/gateway/{name}/inbound"}

    in_own_loop(where, clock, tmp_path, work)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_never_break_the_service(where: str, clock: FixedClock, tmp_path: Path, mode: GenerationMode) -> None:
    seen: dict[int, int] = {}

    def work(runner: asyncio.Runner, programs: Programs) -> None:
        notice = runner.run(prepare(programs))
        document, draft = (runner.run(programs.document(draft=draft)) for draft in (False, True))
        known = {
            "id": notice,
            "document": draft,
            "receipt": f"{notice}-{programs.clients.world.north}",
            "code": "620001",
            "name": "kannel",
        }
        operator = runner.run(programs.clients.api(programs.clients.world.operator))
        whole = runner.run(programs.office.get("/api/openapi.json")).json()
        for found in schemathesis.openapi.from_dict(whole).get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]
            clients = [operator if operation.path == "/messages" else programs.office, programs.north]
            real = {name: known[name] for name in re.findall(r"{(\w+)}", operation.path) if name in known}
            if operation.path.startswith("/documents/{id}"):
                real = {"id": document}
            for path_parameters in [{}, real] if real else [{}]:
                call(runner, operation, mode, clients, path_parameters)

    def call(runner: asyncio.Runner, operation: Any, mode: GenerationMode, clients: list[httpx2.AsyncClient], real: Any) -> None:
        @settings(
            max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode, path_parameters=real or None))
        def one(case: Any) -> None:
            sent = case.as_transport_kwargs(base_url="http://songda.test/api/v1")
            sent["headers"] = {k: v for k, v in sent["headers"].items() if k.lower() not in {"authorization", "user-agent"}}
            sent.pop("cookies", None)
            if isinstance(sent.get("data"), str | bytes):
                sent["content"] = sent.pop("data")
            for client in clients:
                request = client.build_request(**sent)
                runner.run(request.aread())
                answer = runner.run(client.send(request))
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
                checks = [status_code_conformance, content_type_conformance, response_schema_conformance]
                case.validate_response(answer, checks=checks)

        one()

    in_own_loop(where, clock, tmp_path, work)
    assert seen.keys() >= {200, 404, 422, 403}, seen
    print(mode, seen)
