"""The units, people and groups of the demo city, as plain rows. Pure: the same number of units gives the same city.

city = plan(1053)      1,053 units with an inbox in four tiers, and the areas (区划) that the tree hangs on
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from demo import names
from demo.departments import CITY, COUNTY, Office, head
from ground.directory import pinyin

NAME = "云川市"
CODE = "990100"  # 99 is no province
COUNTIES = ("临澜区", "北屏区", "望岐县", "松筠县", "清岚县", "泽安县", "禾丰县")
LEAST = 120  # units, so that each tier has some
SEED = 20260318
AREA = "区划"
OPENED_ON = "2019-01-01"


class UnitPlan(NamedTuple):
    """A unit to open; parents stand before their children."""

    code: str
    name: str
    short_name: str
    parent_code: str
    kind: str
    level: int
    duty_phone: str


class PersonPlan(NamedTuple):
    """A person and their post."""

    login: str
    name: str
    unit_code: str
    role: str
    position: str
    mobile: str
    email: str


class GroupPlan(NamedTuple):
    """A group of the city: units by code, groups by name (those stand before it)."""

    name: str
    units: tuple[str, ...]
    groups: tuple[str, ...] = ()


class City(NamedTuple):
    """All of it."""

    units: tuple[UnitPlan, ...]
    people: tuple[PersonPlan, ...]
    groups: tuple[GroupPlan, ...]


def plan(units: int = 1053) -> City:
    """The city with this many units that have an inbox; at least `LEAST`."""
    random = Random(SEED)
    tree = tuple(_units(random, max(units, LEAST)))
    people = tuple(_people(random, tree))
    return City(tree, people, tuple(_groups(random, tree)))


# --- units ------------------------------------------------------------------------------------------------------------


def _units(random: Random, wanted: int) -> Iterator[UnitPlan]:
    """The tree: shares of 13, 47 and 10 % for the upper tiers, as far as there are offices; villages are the rest."""
    city = _chosen(max(40, wanted * 13 // 100))
    each = max(4, min(len(COUNTY), wanted * 47 // 100 // len(COUNTIES)))
    towns = max(2, wanted * 10 // 100 // len(COUNTIES))
    yield UnitPlan(CODE, NAME, NAME, "", AREA, 1, "")
    yield from (_office(random, CODE, f"{CODE}{n:04d}", office, NAME, "市", 1) for n, office in enumerate(city, 1))
    codes = {name: f"9901{n:02d}" for n, name in enumerate(COUNTIES, 2)}
    for county, code in codes.items():
        yield UnitPlan(code, county, county, CODE, AREA, 2, "")
        for n, office in enumerate(COUNTY[:each], 1):
            yield _office(random, code, f"{code}{n:04d}", office, county, county, 2)
    townships = [unit for county, code in codes.items() for unit in _townships(random, county, code, towns)]
    yield from townships
    rest = wanted - len(city) - each * len(COUNTIES) - len(townships)
    yield from _villages(random, townships, rest)


def _chosen(number: int) -> list[Office]:
    """So many of the city's offices, of all kinds: the first of each kind, then the second …; some are always there."""
    ranks: Counter[str] = Counter()
    order: dict[Office, int] = {}
    for office in CITY:
        order[office] = -1 if office.short in _ALWAYS else ranks[office.kind]
        ranks[office.kind] += 1
    return sorted(sorted(CITY, key=lambda office: order[office])[:number], key=CITY.index)


_ALWAYS = {
    "{s}委办公室", "{s}政府办公室", "{s}政府督查室", "{s}政务信息中心", "{s}审计局", "{s}委网信办", "{s}应急局", "{s}教育局",
}  # fmt: skip


def _office(random: Random, parent: str, code: str, office: Office, place: str, before: str, level: int) -> UnitPlan:
    name, short = office.name.format(c=place), office.short.format(s=before, c=place)
    return UnitPlan(code, name, short, parent, office.kind, level, f"8210 {random.randrange(1000, 9999)}")


def _townships(random: Random, county: str, code: str, number: int) -> Iterator[UnitPlan]:
    """Streets first (two in a district, one in a county), then towns, the last quarter are 乡."""
    streets = 2 if county.endswith("区") else 1
    found = names.places(random)
    for n in range(number):
        place = next(found)
        if n < streets:
            name, short, own = f"{county}{place}街道办事处", f"{place}街道", f"{code}{n + 1:03d}"
        elif n < number * 3 // 4:
            name, short, own = f"{county}{place}镇人民政府", f"{place}镇", f"{code}{n + 101:03d}"
        else:
            name, short, own = f"{county}{place}乡人民政府", f"{place}乡", f"{code}{n + 201:03d}"
        yield UnitPlan(own, name, short, code, "政府", 3, f"8{random.randrange(30, 89)}0 {random.randrange(1000, 9999)}")


def _villages(random: Random, townships: list[UnitPlan], number: int) -> Iterator[UnitPlan]:
    """Villages, or communities below streets, dealt out one township after the other."""
    found = {town.code: names.places(random) for town in townships}
    for n in range(number):
        town = townships[n % len(townships)]
        place = next(found[town.code])
        street = town.short_name.endswith("街道")
        name = f"{town.short_name}{place}{'社区居民委员会' if street else '村村民委员会'}"
        short = f"{place}{'社区' if street else '村'}"
        phone = f"8{random.randrange(30, 89)}0 {random.randrange(1000, 9999)}"
        yield UnitPlan(f"{town.code}{201 + n // len(townships):03d}", name, short, town.code, "基层", 4, phone)


# --- people -----------------------------------------------------------------------------------------------------------


def _people(random: Random, tree: tuple[UnitPlan, ...]) -> Iterator[PersonPlan]:
    """A secretary and a leader for each unit; the upper tiers have more. A few cannot be reached, as it is in life."""
    taken: Counter[str] = Counter()
    number = 0
    for unit in tree:
        for role, position in _posts(random, unit):
            name = names.person(random)
            base = pinyin.full(name, surname=True)
            taken[base] += 1
            login = base if taken[base] == 1 else f"{base}{taken[base]}"
            email = f"{login}@example.cn" if random.random() < 0.4 else ""
            mobile = "" if random.random() < 0.006 else names.mobile(number)
            number += 1
            yield PersonPlan(login, name, unit.code, role, position, mobile, email)


def _posts(random: Random, unit: UnitPlan) -> list[tuple[str, str]]:
    """(role, position) of everybody in a unit."""
    if unit.kind == AREA:
        return []
    boss = head(unit.name)
    posts = [("leader", boss)]
    if random.random() > 0.004:
        posts.append(("secretary", random.choice(("文书", "办公室科员", "综合科科员", "秘书")) if unit.level < 4 else "文书"))
    if unit.level <= 3:
        deputy = boss if boss.startswith("副") else f"副{boss}"
        posts.append(("leader", "副书记" if boss == "书记" else deputy))
    if unit.level == 1:
        posts += [("organiser", "会务科科长" if "办公室" in unit.name else "办公室主任"), ("unit_admin", "办公室副主任")]
    elif unit.level == 2 and ("政府" in unit.short_name or unit.short_name.endswith("委办公室")):
        posts += [("organiser", "综合科科长"), ("unit_admin", "信息中心科员")]
    elif unit.level == 2 and random.random() < 0.35:
        posts.append(("secretary", "机要室科员"))
    elif unit.level == 3:
        posts.append(("secretary", "党政综合办科员"))
    return posts


# --- groups -----------------------------------------------------------------------------------------------------------


def _groups(random: Random, tree: tuple[UnitPlan, ...]) -> Iterator[GroupPlan]:
    """The city's 发文范围; the last ones are made of the others."""
    city = [u for u in tree if u.level == 1 and u.kind != AREA]
    counties = [u for u in tree if u.level == 2 and u.short_name in {f"{c}政府" for c in COUNTIES}]
    county_party = [u for u in tree if u.level == 2 and u.short_name in {f"{c}委" for c in COUNTIES}]

    def of(*kinds: str) -> tuple[str, ...]:
        return tuple(u.code for u in city if u.kind in kinds)

    yield GroupPlan("各县区政府", _codes(counties))
    yield GroupPlan("各县区委", _codes(county_party))
    yield GroupPlan("市直各部门", of("政府", "垂管"))
    yield GroupPlan("市委各部门", of("党委", "纪委"))
    yield GroupPlan("市属企事业单位", of("事业", "企业"))
    yield GroupPlan("各群团", of("群团"))
    yield GroupPlan("各乡镇（街道）", _codes([u for u in tree if u.level == 3]))
    yield GroupPlan("各村（社区）", _codes([u for u in tree if u.level == 4]))
    for name in ("市安委会成员单位", "市防汛抗旱指挥部成员单位", "市食安委成员单位"):
        some = [u for u in city if u.kind in ("政府", "垂管", "企业")]
        yield GroupPlan(name, _codes(sorted(random.sample(some, len(some) // 2) + counties, key=tree.index)))
    yield GroupPlan("各县区、市直各部门", (), ("各县区政府", "市直各部门", "市属企事业单位"))
    yield GroupPlan("全市各级各单位", (CODE,))


def _codes(units: list[UnitPlan]) -> tuple[str, ...]:
    return tuple(unit.code for unit in units)
