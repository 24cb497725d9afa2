"""The console script `songda`. Commands that write go through the running service's socket; when it is down they take the lock
themselves (ground/control.py). Commands that read open the database read-only.

Fixed by API.md; add freely, change only with a decision record.
"""

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ground import config as settings
from ground import logs
from ground.checking import sqlite_file
from ground.clock import SystemClock
from ground.config import BadConfig, Config
from ground.db import Database, opened
from serving import run, say, serve_app, stop

T = TypeVar("T")

cli = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="送达: documents and meeting notices"
)
DEFAULT_CONFIG = Path(__file__).resolve().parent / "config.toml"
DEMO_FOLDER = Path("data/demo")
MARKS = {"ok": "✓", "warning": "!", "broken": "✗"}

ConfigOption = Annotated[Path | None, typer.Option("--config", help="config.toml; default: the one beside the program")]
DataOption = Annotated[Path | None, typer.Option("--data", help="the data folder")]
JsonOption = Annotated[bool, typer.Option("--json", help="for programs")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only say what would be done")]
Table = Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX")]


def load(path: Path | None, data: Path | None = None) -> Config:
    """The settings; ends the program with a sentence when they cannot be used."""
    environ = dict(os.environ)
    if data is not None:
        environ["SONGDA_DATA_DIR"] = str(data)
    try:
        return settings.load(path or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None), environ)
    except BadConfig as bad:
        stop(str(bad))


# --- serving --------------------------------------------------------------------------------------------------------------


@cli.callback()
def songda() -> None:
    """送达: official documents and meeting notices for a government."""


@cli.command()
def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port; 0 picks a free one")] = None,
    data: DataOption = None,
    work: Annotated[bool, typer.Option("--work/--no-work", help="run the worker in this process")] = True,
) -> None:
    """Serve pages, API and the worker; a new database gets its tables."""
    found = load(config, data)
    serve_app(found, host=host or found.server.host, port=found.server.port if port is None else port, work=work)


@cli.command()
def demo(
    data: Annotated[Path, typer.Option("--data", help="the demo's own folder")] = DEMO_FOLDER,
    port: Annotated[int | None, typer.Option(help="port; 0 picks a free one")] = None,
    units: Annotated[int, typer.Option(min=120, max=20_000, help="units with an inbox")] = 1053,
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    config: ConfigOption = None,
) -> None:
    """Make a fictional city with people, groups and two years of meetings, and serve it; the next start finds it."""
    from demo import accounts, starting

    found = starting.settings(load(config, data))
    began = time.monotonic()
    with progress() as report:
        made = run(starting.prepare(found, SystemClock(), units=units, report=report))
    seconds = f"，用了 {time.monotonic() - began:.1f} 秒" if made.fresh else f"（{made.made_at[:10]} 造的；换个 --data 造新的）"
    greeting = f"演示城市在 {data}{seconds}\n{accounts.table()}\n"
    serve_app(
        found, host=host or found.server.host, port=found.server.port if port is None else port, work=True, greeting=greeting
    )


@contextlib.contextmanager
def progress() -> Any:
    """A bar on the terminal (nothing in a pipe): gives `report(what, done, of)`."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=say, transient=True) as bar:
        task = bar.add_task("", total=1)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of)


@cli.command()
def work(config: ConfigOption = None) -> None:
    """Run the worker alone (PostgreSQL only)."""
    found = load(config)
    if sqlite_file(found) is not None:
        stop("SQLite 只能有一个进程写：发消息的循环在 songda serve 里。要分开运行，请改用 PostgreSQL（[data] database_url）。")
    run(_work(found))


async def _work(config: Config) -> None:
    """The app without its doors, until SIGTERM."""
    from app import build

    app, ended = build(config, work=True), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with app.router.lifespan_context(app):
        say.print("送达 worker", markup=False)
        sys.stdout.flush()
        await ended.wait()


# --- writing --------------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def open_to_write(config: Config) -> AsyncIterator[Database]:
    """The database under the lock, with its tables when it is new. Raises Unavailable."""
    from app import ready

    async with opened(config.database, batching=config.data.batching, pool_size=2) as db:
        await ready(db, SystemClock())
        yield db


def order(config: Config, verb: str, /, **args: Any) -> dict[str, Any]:
    """The answer to an order, given to the service or carried out here."""
    from ground import control

    return run(control.give(config, SystemClock(), verb, args, opener=open_to_write))


def import_file(kind: str, file: Path, config: Config, *, dry_run: bool) -> None:
    """Import names; prints how many rows were added, changed and left, and every bad row."""
    try:
        data = file.read_bytes()
    except OSError as error:
        stop(f"cannot read {file}: {error.strerror}")
    said = order(config, "import", kind=kind, name=file.name, data=base64.b64encode(data).decode(), dry_run=dry_run)
    bad = said["bad"]
    total = said["added"] + said["changed"] + said["left"]
    line = f"{total} {kind}: {said['added']} added, {said['changed']} changed, {said['left']} left"
    if bad:
        say.print(f"{line}; {len(bad)} bad rows, nothing was imported", markup=False)
        for row in bad:
            say.print(f"row {row['row']}: {row['reason']}", markup=False)
        raise typer.Exit(1)
    say.print(f"{line}{' (dry run: nothing was written)' if dry_run else ''}", markup=False)


def importer(kind: str) -> typer.Typer:
    """The command group of one kind of names."""
    group = typer.Typer(no_args_is_help=True, help=f"{kind}: import from CSV or XLSX")

    @group.callback()
    def _group() -> None:
        """Keep `import` a word of its own."""

    @group.command("import", help=f"import {kind} from CSV or XLSX, all or nothing")
    def _import(file: Table, dry_run: DryRun = False, config: ConfigOption = None, data: DataOption = None) -> None:
        import_file(kind, file, load(config, data), dry_run=dry_run)

    return group


for _kind in ("units", "people", "groups"):
    cli.add_typer(importer(_kind), name=_kind)

person = typer.Typer(no_args_is_help=True, help="one person")
token = typer.Typer(no_args_is_help=True, help="API tokens")
cli.add_typer(person, name="person")
cli.add_typer(token, name="token")


@person.callback()
@token.callback()
def _group() -> None:
    """Keep `add` a word of its own."""


@person.command("add")
def person_add(
    name: Annotated[str, typer.Option()],
    unit: Annotated[str, typer.Option(help="the unit's code")],
    role: Annotated[str, typer.Option(help="secretary, organiser, leader, unit_admin, supervisor, operator, security, auditor")],
    login: Annotated[str, typer.Option()],
    position: Annotated[str, typer.Option()] = "",
    mobile: Annotated[str, typer.Option()] = "",
    email: Annotated[str, typer.Option()] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give a person a post; prints the first password once."""
    said = order(
        load(config, data), "person", name=name, unit=unit, role=role, login=login, position=position, mobile=mobile, email=email
    )
    if said["password"]:
        say.print(f"{said['login']} {said['password']}", markup=False)
        say.print("The password is shown only now, and is to be changed at the first sign-in.", markup=False)
    else:
        say.print(f"{said['login']} has an account already; the post was added, the password stays.", markup=False)


@token.command("add")
def token_add(
    login: Annotated[str, typer.Option()],
    unit: Annotated[str, typer.Option(help="the unit's code")],
    days: Annotated[int, typer.Option(min=1, max=1095)] = 365,
    name: Annotated[str, typer.Option(help="what it is for")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Issue an API token for a person in a unit; prints it once."""
    said = order(load(config, data), "token", login=login, unit=unit, days=days, name=name)
    say.print(said["token"], markup=False)


@cli.command("send")
def send_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="the body, then attachments", exists=True, dir_okay=False)],
    to: Annotated[list[str], typer.Option(help="group:ID or unit:CODE; may be given several times")],
    title: Annotated[str, typer.Option()],
    login: Annotated[str, typer.Option(help="who sends")],
    unit: Annotated[str, typer.Option(help="the code of the unit that they send for")],
    kind: Annotated[str, typer.Option(help="通知, 函, 报告 …")] = "通知",
    urgency: Annotated[str, typer.Option(help="normal, urgent, immediate")] = "normal",
    series: Annotated[str, typer.Option(help="机关代字 of the number; - for none; default: the unit's first")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Send a document; prints its number and how many units got it."""
    import app  # noqa: F401  registers the orders of the rooms, for when the service is down

    sent = [{"name": one.name, "data": base64.b64encode(one.read_bytes()).decode()} for one in files]
    said = order(
        load(config, data), "send", files=sent, to=to, title=title, login=login, unit=unit, kind=kind, urgency=urgency,
        series=series,
    )  # fmt: skip
    say.print(f"{said['id']} {said['number'] or '-'}: {said['receipts']} units, {said['messages']} messages", markup=False)


@cli.command()
def migrate(config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring an existing database up to date, after a copy of it, all or nothing. The service must be stopped."""
    from ground import backup as keeping

    found = load(config, data)
    file = sqlite_file(found)
    if file is not None and not file.exists():
        stop(f"no database {file}; songda serve makes a new one")
    names, copy = run(keeping.bring_up_to_date(found.database, found.folder, SystemClock()))
    if copy is not None:
        say.print(f"copied to {copy}", markup=False)
    say.print("\n".join([*names, f"{len(names)} migrations applied"]) if names else "up to date", markup=False)


# --- reading --------------------------------------------------------------------------------------------------------------


@cli.command()
def backup(dest: Path, config: ConfigOption = None, data: DataOption = None) -> None:
    """Copy database, files and keys to a new folder while the service runs; verified after writing."""
    from ground import backup as keeping

    found = load(config, data)
    file = sqlite_file(found)
    if file is None:
        stop(keeping.POSTGRES)
    kept = run(in_thread(lambda: keeping.backup(found.folder, dest, at=SystemClock().now(), database=file)))
    with contextlib.suppress(typer.Exit):  # the backup is good; that it could not be noted is said, and is no failure
        order(found, "note_backup")
    say.print(f"{kept.path}: database {kept.bytes:,} bytes, {kept.files} files, verified", markup=False)


@cli.command()
def restore(source: Path, data: Annotated[Path, typer.Option("--data", help="a new data folder")]) -> None:
    """Put a backup into a new data folder; verified before and after."""
    from ground import backup as keeping

    kept = run(in_thread(lambda: keeping.restore(source, data.absolute())))
    say.print(f"{data}: the state of {kept.at}, database {kept.bytes:,} bytes, {kept.files} files, verified", markup=False)


async def in_thread(fn: Callable[[], T]) -> T:
    """Run what blocks; lets `run` turn its refusals into sentences."""
    return await asyncio.to_thread(fn)


@cli.command()
def check(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check the invariants of all data; exit 1 and a list if one is broken."""
    from ground import checking

    found = load(config, data)

    async def work() -> list[checking.Finding]:
        async with checking.reading(found) as db:
            return await checking.check(db, found.folder / "files")

    findings = run(work())
    broken = [finding for finding in findings if not finding.ok]
    if as_json:
        rules = [{**finding._asdict(), "ok": finding.ok} for finding in findings]
        say.print(json.dumps({"ok": not broken, "rules": rules}, ensure_ascii=False, indent=1), markup=False)
    else:
        for finding in findings:
            say.print(f"{MARKS['ok' if finding.ok else 'broken']} {finding.says}", markup=False)
            for offender in finding.offenders:
                say.print(f"    {finding.name} {offender}", markup=False)
        say.print(f"{len(findings)} rules, {len(broken)} broken", markup=False)
    raise typer.Exit(1 if broken else 0)


@cli.command()
def doctor(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Say what is wrong and what to do: engine, disk, clock, gateways, worker, backlog. Exit 1 if something is broken."""
    from ground import doctor as ward

    lines = run(ward.examine(load(config, data), SystemClock()))
    if as_json:
        say.print(json.dumps([line._asdict() for line in lines], ensure_ascii=False, indent=1), markup=False)
    else:
        for line in lines:
            say.print(f"{MARKS[line.state]} {line.state:<8}{line.name}: {line.seen}", markup=False)
            if line.do:
                say.print(f"           → {line.do}", markup=False)
    raise typer.Exit(1 if any(line.state is ward.State.BROKEN for line in lines) else 0)


def main() -> None:
    """Run the command line."""
    logs.configure()
    cli()
