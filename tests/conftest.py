"""Fixtures that all tests share: a database on either engine, and a clock that moves when told.

A test that takes `db` (or `where`, or `blank`) runs once on SQLite and once on PostgreSQL.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from ground.clock import FixedClock
from ground.db import Database, open_database
from tests.engines import ENGINES, Engine, PostgresServer, SqliteFiles, chosen


def pytest_report_header() -> str:
    """Say at the top when an engine is left out."""
    left_out = [name for name in ENGINES if name not in chosen()]
    return f"engines: {', '.join(chosen())}" + (f" (NOT {', '.join(left_out)}: SONGDA_TEST_ENGINES)" if left_out else "")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """SQLite files in this run's temporary folder."""
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL server for this run."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(params=chosen())
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def blank(engine: Engine) -> Iterator[str]:
    """The path or URL of a database without tables."""
    place = engine.blank()
    yield place
    engine.drop(place)


@pytest.fixture
def where(engine: Engine) -> Iterator[str]:
    """The path or URL of a fresh database with all tables and no rows; nobody has it open."""
    place = engine.migrated()
    yield place
    engine.drop(place)


@pytest.fixture
async def db(where: str, anyio_backend: str) -> AsyncIterator[Database]:
    """A fresh database with all tables and no rows, open."""
    database = await open_database(where)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 2026-03-18T01:42:00.000Z (a Wednesday, 09:42 in China) until it is moved."""
    return FixedClock("2026-03-18T01:42:00.000Z")
