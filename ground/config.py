"""config.toml ⇄ frozen dataclasses.

A section is a dataclass, a key is a field; every key has an environment name `SONGDA_<SECTION>_<KEY>` that wins over the file.
An unknown section or key is refused with the known ones listed; a value out of range is refused with section, key, expectation
and what was got. The file itself explains each key: unit, range, default, reason.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints


class BadConfig(Exception):
    """A setting that cannot be used; the text names section, key, what is expected and what was got."""


def between(default: float, low: float, high: float) -> Any:
    """A number field with its range, both ends allowed."""
    return field(default=default, metadata={"range": (low, high)})


def one_of(default: str, *choices: str) -> Any:
    """A text field that takes one of `choices`."""
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True, slots=True)
class City:
    """Who runs this service."""

    name: str = "平凉市"
    timezone: str = "Asia/Shanghai"
    duty_phone: str = ""
    joined_roles: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens and how it is reached."""

    host: str = "127.0.0.1"
    port: int = between(8000, 0, 65535)
    public_url: str = ""
    trusted_proxies: str = "127.0.0.1"
    stop_seconds: int = between(5, 1, 10)


@dataclass(frozen=True, slots=True)
class Data:
    """Where everything is kept."""

    dir: str = "data"
    database_url: str = ""
    files_url: str = ""
    pool_size: int = between(10, 2, 200)
    batching: bool = True


@dataclass(frozen=True, slots=True)
class SignIn:
    """Passwords, throttling, sessions."""

    password_policy: str = one_of("mlps", "mlps", "asvs")
    min_length: int = between(10, 8, 64)
    tries: int = between(5, 3, 100)
    lock_minutes: int = between(15, 1, 1440)
    address_tries: int = between(60, 5, 100000)
    session_hours: int = between(12, 1, 168)
    idle_minutes: int = between(120, 5, 1440)


@dataclass(frozen=True, slots=True)
class Files:
    """What may be stored."""

    max_mb: int = between(2048, 1, 2048)
    attachment_mb: int = between(50, 1, 2048)
    keep_hours: int = between(24, 1, 720)
    kinds: str = "pdf,ofd,office,text,image,archive,media,other"
    preview_mb: int = between(1024, 10, 100000)
    min_free_mb: int = between(200, 10, 1000000)

    @property
    def small_mb(self) -> int:
        """Largest file of a notice, and of a form that sends it in one piece."""
        return min(self.attachment_mb, self.max_mb)


@dataclass(frozen=True, slots=True)
class Outbox:
    """How messages leave."""

    lease_s: int = between(60, 5, 3600)
    batch: int = between(100, 1, 1000)
    first_wait_s: int = between(60, 1, 3600)
    max_tries: int = between(8, 1, 30)
    unknown_wait_s: int = between(900, 10, 86400)
    failover_percent: int = between(15, 1, 100)
    failover_minutes: int = between(5, 1, 60)


@dataclass(frozen=True, slots=True)
class Quiet:
    """When nothing but 特急 is sent, on the city's wall clock."""

    start: str = "21:00"
    end: str = "07:00"


@dataclass(frozen=True, slots=True)
class Sms:
    """Text messages."""

    first: str = one_of("spool", "spool", "kannel", "http", "off")
    second: str = one_of("off", "spool", "kannel", "http", "off")
    signature: str = "送达"
    price_fen: int = between(4, 0, 1000)
    parts_per_second: int = between(50, 1, 10000)
    number: str = "106500"


@dataclass(frozen=True, slots=True)
class Kannel:
    """The Kannel gateway."""

    url: str = "http://127.0.0.1:13013/cgi-bin/sendsms"
    username: str = ""
    password: str = ""
    smsc: str = ""
    report_secret: str = ""
    timeout_s: int = between(20, 1, 120)


@dataclass(frozen=True, slots=True)
class HttpGateway:
    """A generic HTTP gateway, by template."""

    url: str = ""
    method: str = one_of("POST", "POST", "GET")
    format: str = one_of("json", "json", "form")
    body: str = '{"mobile": "{mobile}", "content": "{text}", "id": "{token}"}'
    headers: str = ""
    success_field: str = "code"
    success_value: str = "0"
    id_field: str = "id"
    report_secret: str = ""
    timeout_s: int = between(20, 1, 120)


@dataclass(frozen=True, slots=True)
class Email:
    """Mail."""

    transport: str = one_of("spool", "spool", "smtp", "off")
    host: str = "127.0.0.1"
    port: int = between(25, 1, 65535)
    security: str = one_of("starttls", "none", "starttls", "tls")
    username: str = ""
    password: str = ""
    sender: str = "送达 <songda@localhost>"
    reply_to: str = ""
    timeout_s: int = between(30, 1, 300)


@dataclass(frozen=True, slots=True)
class Notices:
    """Meeting notices."""

    remind_hours: str = "24,3"
    attendee_hours: str = "18"
    late_minutes: int = between(120, 0, 1440)


@dataclass(frozen=True, slots=True)
class Work:
    """Working hours on the city's wall clock."""

    morning: str = "08:30-12:00"
    afternoon: str = "14:30-18:00"
    calendar_file: str = ""


@dataclass(frozen=True, slots=True)
class Fonts:
    """Where typesetting looks for fonts, and the families that it prefers for each face."""

    dirs: str = "/usr/share/fonts:/usr/local/share/fonts"
    title: str = ""
    body: str = ""
    fang: str = ""
    hei: str = ""
    kai: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    city: City = field(default_factory=City)
    server: Server = field(default_factory=Server)
    data: Data = field(default_factory=Data)
    sign_in: SignIn = field(default_factory=SignIn)
    files: Files = field(default_factory=Files)
    outbox: Outbox = field(default_factory=Outbox)
    quiet: Quiet = field(default_factory=Quiet)
    sms: Sms = field(default_factory=Sms)
    kannel: Kannel = field(default_factory=Kannel)
    http_gateway: HttpGateway = field(default_factory=HttpGateway)
    email: Email = field(default_factory=Email)
    notices: Notices = field(default_factory=Notices)
    work: Work = field(default_factory=Work)
    fonts: Fonts = field(default_factory=Fonts)

    @property
    def folder(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data.dir).absolute()

    @property
    def database(self) -> str:
        """What `open_database` takes: the URL, or the file in the data folder."""
        return self.data.database_url or str(self.folder / "songda.db")


SHORT_NAMES = {
    "SONGDA_DATA_DIR": ("data", "dir"),
    "SONGDA_DATABASE_URL": ("data", "database_url"),
    "SONGDA_FILES_URL": ("data", "files_url"),
}


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """The settings of `path` (none: defaults) under those of the environment.

    Raises:
        BadConfig: the file cannot be read, a name is unknown, or a value has the wrong type or is out of range.
    """
    written: dict[str, dict[str, Any]] = {}
    if path is not None:
        try:
            written = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadConfig(f"cannot read {path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadConfig(f"{path} is not TOML in UTF-8: {error}") from None
    sections = get_type_hints(Config)
    for section in written:
        if section not in sections:
            raise BadConfig(f"unknown section [{section}]; known are: {', '.join(sections)}")
    env = os.environ if environ is None else environ
    return Config(**{name: _section(name, kind, written.get(name, {}), env) for name, kind in sections.items()})


def _section(section: str, kind: type[Any], written: Any, environ: Mapping[str, str]) -> Any:
    """One section's dataclass from its table and the environment."""
    if not isinstance(written, dict):
        raise BadConfig(f"[{section}] must be a table of keys")
    known = {f.name: f for f in fields(kind)}
    for key in written:
        if key not in known:
            raise BadConfig(f"unknown key {key!r} in [{section}]; known are: {', '.join(known)}")
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, spec in known.items():
        value: Any = written.get(key)
        names = [f"SONGDA_{section}_{key}".upper(), *(n for n, where in SHORT_NAMES.items() if where == (section, key))]
        said = next((environ[n] for n in names if n in environ), None)
        if said is not None:
            value = _from_text(section, key, hints[key], said)
        if value is not None:
            values[key] = _checked(section, key, hints[key], spec.metadata, value)
    return kind(**values)


def _from_text(section: str, key: str, kind: type[Any], said: str) -> Any:
    """An environment variable's text as the key's type."""
    if kind is bool:
        if said.lower() not in {"true", "false", "1", "0"}:
            raise BadConfig(f"[{section}] {key}: expected true or false, got {said!r}")
        return said.lower() in {"true", "1"}
    if kind is int:
        try:
            return int(said)
        except ValueError:
            raise BadConfig(f"[{section}] {key}: expected a whole number, got {said!r}") from None
    return said


def _checked(section: str, key: str, kind: type[Any], rules: Mapping[str, Any], value: Any) -> Any:
    """The value, if its type, range and choice are right."""
    if type(value) is not kind:
        raise BadConfig(f"[{section}] {key}: expected {kind.__name__}, got {value!r}")
    low_high = rules.get("range")
    if low_high and not low_high[0] <= value <= low_high[1]:
        raise BadConfig(f"[{section}] {key}: expected {low_high[0]} to {low_high[1]}, got {value!r}")
    choices = rules.get("choices")
    if choices and value not in choices:
        raise BadConfig(f"[{section}] {key}: expected one of {', '.join(sorted(set(choices)))}, got {value!r}")
    return value
