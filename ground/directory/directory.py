"""The nouns of the directory: what a row of each table looks like, and the person who acts."""

from typing import NamedTuple


class Actor(NamedTuple):
    """Whoever does something: a person, in a unit, with the roles held there."""

    person_id: int
    name: str
    login: str
    unit_id: int
    unit_code: str
    unit_name: str
    unit_short: str
    unit_path: str
    roles: frozenset[str]
    how: str = "password"
    address: str = ""
    must_change: bool = False
    language: str = "zh"
    keys_off: bool = False
    for_person: int = 0


class Unit(NamedTuple):
    """One unit as of now."""

    id: int
    code: str
    name: str
    short_name: str
    parent_id: int | None
    path: str
    kind: str
    level: int
    initials: str
    pinyin: str
    duty_phone: str
    sort: int
    opened_on: str
    closed_on: str | None
    merged_into: int | None


class Person(NamedTuple):
    """One person, without secrets."""

    id: int
    login: str
    name: str
    mobile: str
    mobile_bad: str | None
    email: str
    language: str
    keys_off: int
    disabled_at: str | None
    last_seen_at: str | None
    totp: int
    has_password: int


class Post(NamedTuple):
    """One post of one person, with the unit's names."""

    id: int
    person_id: int
    unit_id: int
    unit_code: str
    unit_short: str
    role: str
    position: str
    from_at: str
    until_at: str | None


class Group(NamedTuple):
    """A named set of units and groups."""

    id: int
    name: str
    owner_unit: int | None
    sort: int


class Contact(NamedTuple):
    """Somebody of a unit who can be told something."""

    person_id: int
    unit_id: int
    name: str
    position: str
    role: str
    mobile: str
    mobile_bad: str | None
    email: str
    last_seen_at: str | None
