"""Settings: the file says what the code says, and a wrong one is refused with section, key, expectation and what was got."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from ground.config import BadConfig, Config, load

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_shipped_file_holds_every_key_at_its_default() -> None:
    shipped, default = load(ROOT / "config.toml", {}), load(None, {})
    assert replace(shipped, city=replace(shipped.city, duty_phone="")) == default
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    for section in fields(Config):
        assert f"[{section.name}]" in text
        body = text.split(f"[{section.name}]")[1].split("\n[")[0]
        for key in fields(getattr(default, section.name)):
            assert f"\n{key.name} = " in body, f"{section.name}.{key.name} is not in config.toml"


def test_the_environment_wins() -> None:
    found = load(None, {"SONGDA_SERVER_PORT": "8080", "SONGDA_CITY_JOINED_ROLES": "true", "SONGDA_DATA_DIR": "/srv/x"})
    assert (found.server.port, found.city.joined_roles, found.folder) == (8080, True, Path("/srv/x"))
    assert found.database == "/srv/x/songda.db"
    assert load(None, {"SONGDA_DATABASE_URL": "postgresql://x/y"}).database == "postgresql://x/y"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sever]\nport = 1", "unknown section [sever]; known are: city, server"),
        ("[server]\nprot = 1", "unknown key 'prot' in [server]; known are: host, port"),
        ("[server]\nport = 70000", "[server] port: expected 0 to 65535, got 70000"),
        ("[server]\nport = '80'", "[server] port: expected int, got '80'"),
        ("[server]\nport = true", "[server] port: expected int, got True"),
        ("[sms]\nfirst = 'pigeon'", "[sms] first: expected one of http, kannel, off, spool, got 'pigeon'"),
        ("server = 1", "[server] must be a table"),
        ("[server", "is not TOML"),
    ],
)
def test_what_can_be_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadConfig) as refused:
        load(path, {})
    assert said in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot read"):
        load(tmp_path / "none.toml", {})


def test_a_wrong_environment() -> None:
    with pytest.raises(BadConfig, match="expected a whole number"):
        load(None, {"SONGDA_SERVER_PORT": "many"})
    with pytest.raises(BadConfig, match="expected true or false"):
        load(None, {"SONGDA_DATA_BATCHING": "yes"})
