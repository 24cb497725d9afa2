"""The console script as an operator meets it: real processes on free ports, in folders of their own.

Other files of commands use `songda`, `Serving` and `fill` from here.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType

import httpx2
import pytest

from ground.clock import FixedClock, SystemClock
from ground.db import opened
from ground.migrating import migrate
from serving import bound
from tests.engines import run
from tests.shared import shared_data
from tests.world import World, make, sign_in

ROOT = Path(__file__).resolve().parent.parent
COOKIE = "songda"  # without https
PATIENCE_S = 120  # the machine may be busy with other tests
UNITS = (
    "code,name,short_name,parent_code,kind,level\n"
    "990100,云川市,云川市,,区划,1\n"
    "9901000001,云川市人民政府办公室,市政府办公室,990100,政府,1\n"
)
Done = subprocess.CompletedProcess[str]


def songda(*words: str | Path, data: Path | None = None, **environ: str) -> Done:
    """Run a command to its end."""
    line = [sys.executable, "-m", "app", *map(str, words), *(["--data", str(data)] if data else [])]
    env = {**os.environ, "COLUMNS": "200", **environ}
    return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE_S)


class Serving:
    """`songda serve` (or `demo`) as a process, until the end of the `with`."""

    def __init__(self, data: Path, *words: str) -> None:
        """Serve the folder `data`."""
        line = [sys.executable, "-m", "app", *(words or ("serve",)), "--port", "0", "--data", str(data)]
        self.process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self.url = ""

    def __enter__(self) -> "Serving":
        """Wait until it says where it is."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if "http://" in line:
                self.url = line.split()[-1]
                return self
        assert self.process.stderr is not None
        raise AssertionError(f"it ended with {self.process.wait()}: {self.process.stderr.read()}")

    def stop(self) -> float:
        """SIGTERM; how many seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        return time.monotonic() - begun

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


async def _fill(folder: Path) -> tuple[World, str]:
    async with opened(folder / "songda.db") as db:
        await migrate(db, FixedClock())
        world = await db.write(make)
        return world, await sign_in(db, world.organiser, now=SystemClock().now())


def fill(folder: Path) -> tuple[World, str]:
    """A data folder with the cast in it; the cast, and the organiser's session."""
    folder.mkdir(parents=True, exist_ok=True)
    return run(_fill(folder))


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """What the folder's database answers."""
    with closing(sqlite3.connect(f"file:{folder / 'songda.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


# --- serving --------------------------------------------------------------------------------------------------------------


def test_serve_says_where_it_is_and_ends_within_ten_seconds_with_an_open_stream(tmp_path: Path) -> None:
    _, session = fill(tmp_path)
    with Serving(tmp_path) as serving:
        assert httpx2.get(f"{serving.url}/readyz").text == "ready\n"
        with httpx2.stream("GET", f"{serving.url}/live", cookies={COOKIE: session}, timeout=30) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert "event: progress" in next(stream.iter_text())
            assert serving.stop() < 10
        assert serving.process.returncode == 0
        assert serving.process.stderr is not None
        assert serving.process.stderr.read() == ""
    assert not (tmp_path / "songda.sock").exists()


def test_a_second_process_on_the_same_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with Serving(tmp_path):
        second = songda("serve", "--port", "0", data=tmp_path)
        assert second.returncode == 1
        assert second.stderr.startswith("数据库 ")
        assert "正由另一个进程使用" in second.stderr
        assert second.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = songda("serve", "--port", str(port), data=tmp_path)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("written", "environ", "said"),
    [
        ("[server]\nprot = 80\n", {}, "unknown key 'prot' in [server]"),
        ("[server]\nport = 99999\n", {}, "[server] port: expected 0 to 65535, got 99999"),
        ("[sever]\n", {}, "unknown section [sever]"),
        ("port = ", {}, "is not TOML"),
        ("", {"SONGDA_SERVER_PORT": "http"}, "[server] port: expected a whole number, got 'http'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, written: str, environ: dict[str, str], said: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(written)
    done = songda("doctor", "--config", config, data=tmp_path, **environ)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_worker_alone_is_for_postgresql(tmp_path: Path) -> None:
    done = songda("work", SONGDA_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "PostgreSQL" in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- importing ------------------------------------------------------------------------------------------------------------


def test_the_twins_of_a_list_are_imported_while_the_service_runs_and_while_it_is_down(tmp_path: Path) -> None:
    twins = [shared_data("units.csv"), *sorted(shared_data("files", "csv").iterdir())]
    assert len(twins) == 4
    first = songda("units", "import", twins[0], "--dry-run", data=tmp_path)
    assert (first.returncode, first.stdout.split(" (")[0]) == (0, "972 units: 972 added, 0 changed, 0 left")
    assert rows(tmp_path, "SELECT COUNT(*) FROM units") == [(0,)]
    with Serving(tmp_path):
        added = songda("units", "import", twins[0], data=tmp_path)
        assert (added.returncode, added.stdout) == (0, "972 units: 972 added, 0 changed, 0 left\n")
        assert rows(tmp_path, "SELECT COUNT(*) FROM units") == [(972,)]
        for twin in twins[1:3]:
            again = songda("units", "import", twin, data=tmp_path)
            assert (again.returncode, again.stdout) == (0, "972 units: 0 added, 0 changed, 972 left\n"), twin
    down = songda("units", "import", twins[3], data=tmp_path)
    assert (down.returncode, down.stdout) == (0, "972 units: 0 added, 0 changed, 972 left\n")
    assert rows(tmp_path, "SELECT act, object, COUNT(*) FROM audit WHERE act = 'imported'") == [("imported", "units", 4)]


def test_people_and_groups_follow_units_and_a_bad_row_stops_all_of_its_file(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.csv" for name in ("units", "people", "groups", "bad")}
    files["units"].write_text(UNITS, encoding="utf-8")
    files["people"].write_text(
        "login,name,unit_code,role,position,mobile,email\nheshu,何淑,9901000001,secretary,文书,13900000001,\n"
    )
    files["groups"].write_text("group,unit_code\n市直部门,9901000001\n")
    files["bad"].write_text(
        "login,name,unit_code,role,position,mobile,email\nlisi,李四,9901000001,文书,,139,\nwangwu,王五,404,secretary,,,\n"
        "zhaoliu,赵六,9901000001,secretary,,,\n"
    )
    data = tmp_path / "data"
    for kind, total in (("units", 2), ("people", 1), ("groups", 1)):
        done = songda(kind, "import", files[kind], data=data)
        assert (done.returncode, done.stdout) == (0, f"{total} {kind}: {total} added, 0 changed, 0 left\n"), done.stderr
    bad = songda("people", "import", files["bad"], data=data)
    assert bad.returncode == 1
    summary, *named = bad.stdout.splitlines()
    assert summary == "1 people: 1 added, 0 changed, 0 left; 2 bad rows, nothing was imported"
    assert [line.split(":")[0] for line in named] == ["row 2", "row 3"]
    assert "少了 8 位" in named[0]
    assert "404" in named[1]
    assert rows(data, "SELECT login FROM people") == [("heshu",)]
    missing = songda("units", "import", tmp_path / "none.csv", data=data)
    assert (missing.returncode, "cannot read" in missing.stderr) == (1, True)


# --- one person -----------------------------------------------------------------------------------------------------------


def test_a_person_signs_in_with_the_password_and_a_program_with_the_token(tmp_path: Path) -> None:
    fill(tmp_path)
    words = ("person", "add", "--name", "张静", "--unit", "620001", "--role", "secretary", "--login", "zhangjing")
    with Serving(tmp_path) as serving:
        first = songda(*words, data=tmp_path)
        assert first.returncode == 0, first.stderr
        login, password = first.stdout.split()[:2]
        assert login == "zhangjing"
        assert rows(tmp_path, "SELECT must_change FROM people WHERE login = 'zhangjing'") == [(1,)]
        again = songda(
            "person", "add", "--name", "张静", "--unit", "620002", "--role", "leader", "--login", "zhangjing", data=tmp_path
        )
        assert (again.returncode, password in again.stdout, "stays" in again.stdout) == (0, False, True)
        token = songda("token", "add", "--login", "zhangjing", "--unit", "620001", "--days", "7", data=tmp_path)
        bearer = {"authorization": f"Bearer {token.stdout.strip()}"}
        me = httpx2.get(f"{serving.url}/api/v1/me", headers=bearer)
        assert me.status_code == 200, me.text
        assert "张静" in me.text
    assert password not in json.dumps(rows(tmp_path, "SELECT act, object, detail FROM audit"))
    stranger = songda("token", "add", "--login", "nobody", "--unit", "620001", data=tmp_path)
    assert (stranger.returncode, stranger.stderr) == (1, "没有这个账号。\n")
    clash = songda(
        "person", "add", "--name", "乔磊", "--unit", "620001", "--role", "auditor", "--login", "qiaolei", data=tmp_path
    )
    assert (clash.returncode, "三员分立" in clash.stderr) == (1, True)
    wrong = songda(*words[:-1], "张", "--mobile", "12", data=tmp_path)
    assert wrong.returncode == 1
    assert {line.split(":")[0] for line in wrong.stderr.splitlines()} == {"login", "mobile"}


# --- the doctor -----------------------------------------------------------------------------------------------------------


def test_the_doctor_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    with closing(socket.create_server(("127.0.0.1", 0))) as gateway, closing(socket.create_server(("127.0.0.1", 0))) as spare:
        silent = spare.getsockname()[1]
        spare.close()
        config.write_text(
            f'[sms]\nfirst = "kannel"\nsecond = "http"\n[kannel]\nurl = "http://127.0.0.1:{gateway.getsockname()[1]}/"\n'
            f'report_secret = "long and random"\n[http_gateway]\nurl = "http://127.0.0.1:{silent}/"\n'
        )
        empty = songda("doctor", "--json", "--config", config, data=tmp_path / "none")
        fill(tmp_path / "data")
        with Serving(tmp_path / "data"):
            done = songda("doctor", "--json", "--config", config, data=tmp_path / "data")
    assert empty.returncode == 1
    assert {"name": "database", "state": "broken"}.items() <= next(
        x for x in json.loads(empty.stdout) if x["name"] == "database"
    ).items()
    found = {line["name"]: line for line in json.loads(done.stdout)}
    states = {name: line["state"] for name, line in found.items()}
    assert done.returncode == 1  # the second gateway does not answer
    assert states.pop("engine") in {"ok", "warning"}
    assert states.pop("calendar") in {"ok", "warning"}
    assert states.pop("disk") in {"ok", "warning"}
    assert states == {
        "settings": "ok", "public_url": "warning", "service": "ok", "database": "ok", "clock": "ok", "worker": "ok", "backlog": "ok",
        "administrators": "warning", "secretaries": "warning", "backup": "warning", "sms_kannel": "ok",
        "sms_http": "broken", "sms_http_reports": "warning", "email": "warning",
    }  # fmt: skip
    assert all(line["do"] for line in found.values() if line["state"] != "ok")
    assert found["administrators"]["seen"] == "没有审计员"


def test_the_doctor_sees_a_clock_that_went_back_and_a_missing_migration(tmp_path: Path) -> None:
    fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / "songda.db")) as connection:
        connection.execute("UPDATE audit SET at = '2099-01-01T00:00:00.000Z' WHERE id = 1")
        connection.commit()
    lines = {line["name"]: line for line in json.loads(songda("doctor", "--json", data=tmp_path).stdout)}
    assert (lines["clock"]["state"], lines["service"]["state"], lines["worker"]["state"]) == ("broken", "warning", "warning")
    with closing(sqlite3.connect(tmp_path / "songda.db")) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE number = (SELECT MAX(number) FROM schema_migrations)")
        connection.commit()
    text = songda("doctor", data=tmp_path)
    assert text.returncode == 1
    assert "✗ broken  database: 缺 1 个迁移" in text.stdout
    assert "songda migrate" in text.stdout


def test_answers_do_not_wait_for_the_other_ends_acknowledgement() -> None:
    """asyncio switches Nagle off only for sockets that name TCP; without it each answer on a kept connection waits 40 ms."""
    listener = bound("127.0.0.1", 0)
    with closing(listener), closing(socket.create_connection(listener.getsockname())):
        accepted, _ = listener.accept()
        with closing(accepted):
            assert accepted.proto == socket.IPPROTO_TCP
