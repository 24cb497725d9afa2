"""The demo city as plain rows: large enough, the same each time, and nobody's real city."""

import csv
from collections import Counter

import pytest

from demo import city
from demo.accounts import ACCOUNTS, PASSWORD
from ground.config import SignIn
from ground.directory.policy import Role
from ground.directory.sessions import check_password
from ground.mobile import normal_mobile
from tests.shared import shared_data


@pytest.fixture(scope="module")
def plan() -> city.City:
    """The city that `make run` shows."""
    return city.plan()


def test_the_city_is_large_enough_and_has_four_tiers(plan: city.City) -> None:
    with_inbox = [unit for unit in plan.units if unit.kind != city.AREA]
    assert len(with_inbox) == 1053
    assert len(plan.people) >= 2900
    assert len({unit.code for unit in plan.units}) == len(plan.units)
    assert len({person.login for person in plan.people}) == len(plan.people)
    tiers = Counter(unit.level for unit in with_inbox)
    assert sorted(tiers) == [1, 2, 3, 4]
    assert min(tiers.values()) >= 100


def test_the_same_city_is_made_each_time(plan: city.City) -> None:
    assert city.plan() == plan
    assert city.plan(1054) != plan


@pytest.mark.parametrize("units", [120, 500, 1053, 3000])
def test_a_city_of_any_size_is_a_tree_with_everybody_in_it(units: int) -> None:
    plan = city.plan(units)
    assert sum(unit.kind != city.AREA for unit in plan.units) == units
    seen: dict[str, int] = {"": 0}
    for unit in plan.units:
        assert unit.parent_code in seen
        assert unit.level >= seen[unit.parent_code]
        seen[unit.code] = unit.level
    assert {person.unit_code for person in plan.people} <= seen.keys()
    shorts = {unit.short_name for unit in plan.units}
    assert {account.unit for account in ACCOUNTS} <= shorts


def test_groups_are_made_of_units_and_of_groups_before_them(plan: city.City) -> None:
    codes = {unit.code for unit in plan.units}
    before: set[str] = set()
    for group in plan.groups:
        assert set(group.units) <= codes
        assert set(group.groups) <= before
        assert group.units or group.groups
        before.add(group.name)
    assert any(group.groups for group in plan.groups)
    assert {"各县区政府", "市直各部门", "各乡镇（街道）", "市属企事业单位"} <= before


def test_numbers_and_addresses_are_nobodys(plan: city.City) -> None:
    mobiles = [person.mobile for person in plan.people if person.mobile]
    assert all(normal_mobile(mobile) == mobile and mobile[3:7] == "0000" for mobile in mobiles)
    assert len(set(mobiles)) == len(mobiles)
    assert {person.email.partition("@")[2] for person in plan.people} == {"", "example.cn"}
    assert all(unit.code.startswith("9901") for unit in plan.units)


def test_no_unit_is_a_real_one(plan: city.City) -> None:
    with shared_data("units.csv").open(encoding="utf-8") as file:
        real = list(csv.DictReader(file))
    assert {unit.name for unit in plan.units}.isdisjoint(row["name"] for row in real)
    townships = {row["short_name"].rstrip("镇乡街道") for row in real if row["level"] == "3"}
    assert {unit.short_name.rstrip("镇乡街道") for unit in plan.units if unit.level == 3}.isdisjoint(townships)


def test_there_is_an_account_of_each_role_and_the_password_is_allowed() -> None:
    assert Counter(account.role for account in ACCOUNTS) == Counter(Role)
    for account in ACCOUNTS:
        check_password(PASSWORD, account.login, SignIn())
