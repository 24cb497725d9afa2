"""单位人员, 导入, 发文范围 and the directory's API, through the real app."""

import re
from typing import Any

import pytest

from ground.directory import groups, people, units
from ground.directory.directory import Actor
from tests.app_client import Clients
from tests.ground.directory.books import workbook
from tests.world import NOW, TODAY

pytestmark = pytest.mark.anyio


async def north_admin(house: Clients) -> Actor:
    """北区's own administrator, signed up for the test."""
    world = house.world
    new = people.NewPerson("beiadmin", "北管", "", "", "unit_admin", "")
    id = await house.db.write(people.add, new, world.north, by=None, joined=False, at=NOW)
    return world.north_clerk._replace(person_id=id, login="beiadmin", name="北管", roles=frozenset({"unit_admin"}))


async def test_the_operator_finds_every_unit_and_what_is_wrong_with_it(house: Clients) -> None:
    client = await house.page(house.world.operator)
    shown = (await client.get("/units")).text
    for said in ("5 个单位", "7 人", "1 个单位没有在岗文书"):
        assert said in shown
    for path, said in (
        ("/units/6200000001", "没有在岗文书，公文没有人签收。"),
        ("/units/620001", "何淑珍"),
        ("/units?unit=620001", "139 0000 3158"),
        ("/units?q=bqzf", "北区政府"),
        ("/units?q=没有这家", "没有找到"),
        ("/units/all?q=南", "南区人民政府"),
        ("/units/people?q=hesz", "何淑珍"),
        ("/units/without-secretary", "测试市人民政府办公室"),
        ("/units/unreachable", "没有可用手机号的人"),
    ):
        page = await client.get(path)
        assert (page.status_code, said in page.text) == (200, True), path
    assert (await client.get("/units/nobody")).status_code == 404


async def test_a_unit_is_made_changed_renamed_merged(house: Clients) -> None:
    client = await house.page(house.world.operator)
    new = {"code": "620003", "name": "东区人民政府", "parent": "620000", "level": "2", "kind": "政府", "once": "one press"}
    for _ in range(2):  # a double press is one unit
        assert (await client.press("/units/new", new)).headers["location"] == "/units/620003"
    again = await client.press("/units/new", {**new, "once": "another"})
    assert (again.status_code, "已有单位在用" in again.text, 'value="东区人民政府"' in again.text) == (422, True, True)
    data = {"short_name": "东区政府", "kind": "政府", "initials": "", "duty_phone": "0933-1", "sort": "7"}
    assert (await client.press("/units/620003/data", data)).status_code == 303
    assert (await client.press("/units/620003/data", {**data, "sort": "x"})).status_code == 422
    name = {"name": "东新区人民政府", "short_name": "东新区政府", "on": TODAY}
    assert (await client.press("/units/620003/name", name)).status_code == 303
    assert (await client.press("/units/620003/name", {**name, "on": "3月18日"})).status_code == 422
    asked = (await client.get("/units/620003/merging?into=620001")).text
    assert "没有在岗的人" in asked
    assert "北区" in (await client.get("/units/620003/merging?q=北区")).text.split("<main")[1]
    merge = {"into": "620001", "on": TODAY, "reason": "机构改革"}
    assert (await client.press("/units/620003/merging", {**merge, "into": ""})).status_code == 422
    assert (await client.press("/units/620003/merging", {**merge, "into": "620000"})).status_code == 422
    assert (await client.press("/units/620003/merging", merge)).status_code == 303
    shown = (await client.get("/units/620003")).text
    assert "已合并到" in shown
    assert "改资料" not in shown
    assert "停用" in (await client.get("/units/all")).text


async def test_closing_says_whom_it_concerns_and_refuses_while_units_are_below(house: Clients) -> None:
    client = await house.page(house.world.operator)
    shown = (await client.get("/units/620001/closing")).text
    assert "2 人的岗位还在" in shown
    assert "各区政府" in shown
    close = {"on": TODAY, "reason": "撤销"}
    city = await client.press("/units/620000/closing", close)
    assert (city.status_code, "下面还有在用的单位" in city.text, 'value="撤销"' in city.text) == (409, True, True)
    assert (await client.press("/units/620001/closing", close)).status_code == 303


async def test_a_new_persons_password_is_shown_once_and_works(house: Clients) -> None:
    client = await house.page(house.world.operator)
    new = {"login": "xinren", "name": "辛仁", "role": "secretary", "position": "干事", "mobile": "", "email": "", "once": "press"}
    passwords = set()
    for _ in range(2):
        assert (await client.press("/units/620002/people/new", new)).headers["location"] == "/units/620002"
        shown = (await client.get("/units/620002")).text
        passwords |= set(re.findall(r"初始密码是 (\S+) ", shown))
        assert "初始密码是" not in (await client.get("/units/620002")).text
    assert len(passwords) == 1
    entry = house.stranger()
    data = {"username": "xinren", "password": passwords.pop()}
    assert (await entry.press("/sign-in", data, page="/sign-in")).status_code == 303
    assert (await entry.get("/account")).headers["location"] == "/account/password"
    known = await client.press("/units/620001/people/new", {**new, "once": "later"})
    assert known.status_code == 303
    assert "已有账号，岗位已加上" in (await client.get("/units/620001")).text


async def test_a_persons_account_is_kept_in_order(house: Clients) -> None:
    world = house.world
    client, clerk = await house.page(world.operator), await house.page(world.north_clerk)
    one = f"/units/620001/people/{world.north_clerk.person_id}"
    assert (await client.get(one)).status_code == 200
    assert (await client.press(one, {"name": "何淑珍", "mobile": "1", "email": ""})).status_code == 422
    assert (await client.press(one, {"name": "何淑珍", "mobile": "13911112222", "email": ""})).status_code == 303
    assert (await client.press(f"{one}/posts", {"role": "organiser", "position": "会务"})).status_code == 303
    assert (await client.press(f"{one}/posts", {"role": "operator", "position": ""})).status_code == 403
    assert (await client.press(f"{one}/posts", {"role": "king", "position": ""})).status_code == 422
    assert "本单位" not in (await client.get(f"{one}/password")).text
    assert (await clerk.get("/account")).status_code == 200
    assert (await client.press(f"{one}/password", {})).status_code == 303
    assert "初始密码是" in (await client.get(one)).text
    assert (await clerk.get("/account")).headers["location"].startswith("/sign-in")
    for path in ("/sessions/end", "/totp/removal", "/disabling", "/enabling"):
        assert (await client.press(one + path, {})).status_code == 303, path
    post = next(p.id for p in await house.db.read(people.posts_of, world.north_clerk.person_id) if p.role == "secretary")
    assert "最后一名文书" in (await client.get(f"{one}/posts/{post}/ending")).text
    assert (await client.press(f"{one}/posts/{post}/ending", {})).status_code == 303
    assert (await client.get(f"{one}/posts/{post}/ending")).status_code == 404
    assert "离岗" not in (await client.get("/units/620001")).text  # 会务 remains
    own = f"/units/6200000001/people/{world.operator.person_id}"
    assert (await client.press(f"{own}/password", {})).status_code == 403


async def test_an_administrator_stays_in_the_own_unit_and_below(house: Clients) -> None:
    world, admin = house.world, await north_admin(house)
    client = await house.page(admin)
    assert "何淑珍" in (await client.get("/units")).text
    shown = (await client.get("/units/620001")).text
    for absent in ("改资料", "导入名录", "南区"):
        assert absent not in shown
    south = f"/units/620002/people/{world.south_clerk.person_id}"
    for path in (
        "/units/620002",
        "/units?unit=620002",
        "/units/620002/people/new",
        south,
        f"{south}/password",
        f"{south}/disabling",
    ):
        assert (await client.get(path)).status_code == 404, path
    for path in (
        south,
        f"{south}/posts",
        f"{south}/password",
        f"{south}/disabling",
        f"{south}/totp/removal",
        f"{south}/sessions/end",
    ):
        answer = await client.press(path, {"name": "高明", "mobile": "", "email": "", "role": "leader"})
        assert answer.status_code == 404, path
    foreign = f"/units/620001/people/{world.south_clerk.person_id}"  # a stranger under the own unit's address
    assert (await client.press(f"{foreign}/password", {})).status_code == 404
    assert "南区" not in (await client.get("/units/all")).text + (await client.get("/units/people")).text
    for path in ("/units/620001/data", "/units/620001/name", "/units/new", "/units/import"):
        assert (await client.get(path)).status_code == 403, path
    new = {"login": "xinren", "name": "辛仁", "role": "operator", "position": "", "mobile": "", "email": ""}
    assert (await client.press("/units/620001/people/new", new)).status_code == 403
    assert (await client.press("/units/620001/people/new", {**new, "role": "secretary"})).status_code == 303


IDS = {
    "unit": "620001",
    "person": "1",
    "post": "1",
    "group": "1",
    "session": "x",
    "token": "x",
    "delegation": "1",
    "code": "620001",
}


def directory_routes() -> list[Any]:
    """Every route of the directory."""
    from ground.directory import api, pages

    return [*pages.routes, *api.routes]


async def test_a_stranger_sees_the_sign_in_page_and_nothing_else(house: Clients) -> None:
    stranger = house.stranger()
    public = {"sign_in", "sign_in_code", "sign_out", "language"}
    checked = 0
    for route in directory_routes():
        if route.name in public:
            continue
        path = route.path_format.format(**IDS)
        for method in route.methods - {"HEAD"}:
            if method == "GET":
                answer = await stranger.get(path)
            else:
                answer = await stranger.press(path, {}, page="/sign-in")
            script = path.startswith("/api/") or route.name.startswith(
                ("units_search", "units_children", "units_match", "units_count")
            )
            script = script or route.name == "totp_qr"
            assert answer.status_code == (401 if script else 303), (method, path)
            if not script:
                assert answer.headers["location"].startswith("/sign-in"), (method, path)
            checked += 1
    assert checked > 55


async def test_a_post_without_the_right_may_not(house: Clients) -> None:
    clerk, leader = await house.page(house.world.north_clerk), await house.page(house.world.north_leader)
    for path in ("/units", "/units/620001", "/units/people", "/units/new", "/units/import", "/units/620001/people/new"):
        assert (await clerk.get(path)).status_code == 403, path
    assert (await leader.get("/groups")).status_code == 403
    security = await house.page(house.world.security)
    assert (await security.get("/units/620001")).status_code == 200
    assert (await security.get("/units/new")).status_code == 403


async def test_names_are_imported_after_they_have_been_looked_at(house: Clients) -> None:
    client = await house.page(house.world.operator)
    book = workbook([["代码", "名称", "上级代码", "级别"], ["9001", "甲局", "620000", 1], ["9002", "乙局", "620000", 1]])
    shown = await client.press("/units/import", {"kind": "units"}, files={"file": ("名录.xlsx", book)})
    assert (shown.status_code, "导入 2 行" in shown.text) == (200, True)
    assert len(await house.db.read(units.everyone)) == 5
    sealed = re.search(r'name="import" value="([^"]+)"', shown.text)
    assert sealed is not None
    other = await house.page(house.world.security)
    assert (await other.press("/units/import/confirmation", {"import": sealed[1]})).status_code == 403
    assert (await client.press("/units/import/confirmation", {"import": sealed[1] + "x"})).status_code == 404
    done = await client.press("/units/import/confirmation", {"import": sealed[1]})
    assert done.headers["location"] == "/units"
    assert "新增 2，更改 0，不变 0" in (await client.get("/units")).text
    assert len(await house.db.read(units.everyone)) == 7
    bad = await client.press(
        "/units/import", {"kind": "units"}, files={"file": ("x.csv", "code,name,level\n1,甲,9\n2,乙,1\n".encode())}
    )
    assert (bad.status_code, "有 1 行要改" in bad.text, 'name="import"' in bad.text) == (200, True, False)
    for data, file in (({"kind": "units"}, b"%PDF-1.7"), ({"kind": "kings"}, book), ({"kind": "units"}, b"")):
        refused = await client.press("/units/import", data, files={"file": ("x.pdf", file)})
        assert refused.status_code == 422
    assert (await client.press("/units/import", {"kind": "units"})).status_code == 422


async def test_groups_are_made_changed_closed_by_their_owner(house: Clients) -> None:
    world = house.world
    operator, clerk, outsider = [await house.page(a) for a in (world.operator, world.north_clerk, world.outsider)]
    made = await clerk.press("/groups/new", {"name": "常发", "owner": "city", "unit": "620002", "group": str(world.districts)})
    assert made.headers["location"] == "/groups"
    own = next(g for g in await house.db.read(groups.for_unit, world.north) if g.name == "常发")
    assert own.owner_unit == world.north  # a secretary cannot make one of the city's
    assert "现在是 2 个单位" in (await clerk.get("/groups")).text
    assert (await outsider.get(f"/groups/{own.id}")).status_code == 404
    assert (await outsider.press(f"/groups/{own.id}", {"name": "我的"})).status_code == 404
    assert (await clerk.get(f"/groups/{world.districts}")).status_code == 200
    for path in (f"/groups/{world.districts}", f"/groups/{world.districts}/closing"):
        assert (await clerk.press(path, {"name": "乱改"})).status_code == 404
    pasted = {"name": "常发", "pasted": "市气象局\n南区政府\n没有这家"}
    refused = await clerk.press(f"/groups/{own.id}", pasted)
    assert (refused.status_code, "没有对上：“没有这家”" in refused.text, "市气象局\n南区政府" in refused.text) == (
        409,
        True,
        True,
    )
    assert (await clerk.press(f"/groups/{own.id}", {**pasted, "pasted": "市气象局\n南区政府"})).status_code == 303
    assert (await clerk.press(f"/groups/{own.id}", {"name": "常发", "except": "620001"})).status_code == 422
    city = await operator.press("/groups/new", {"name": "全市", "owner": "city", "unit": "620000"})
    assert city.status_code == 303
    assert "现在是 4 个单位" in (await operator.get("/groups")).text
    assert (await clerk.get(f"/groups/{own.id}/closing")).status_code == 200
    assert (await clerk.press(f"/groups/{own.id}/closing", {})).status_code == 303
    assert (await clerk.get(f"/groups/{own.id}")).status_code == 404


async def test_the_picker_gets_its_answers(house: Clients) -> None:
    world = house.world
    client = await house.page(world.north_clerk)

    async def ask(path: str) -> Any:
        return (await client.get(path)).json()

    assert [u["code"] for u in await ask("/units/search?q=bqzf")] == ["620001"]
    assert await ask("/units/search?q=") == []
    top = await ask("/units/children?parent=")
    assert [(u["code"], u["children"], u["units"], u["group"]) for u in top] == [("620000", 4, 4, None)]
    below = await ask("/units/children?parent=620000")
    assert [(u["code"], u["children"]) for u in below if u["level"] == 2] == [("620001", 0), ("620002", 0)]
    assert [u["code"] for u in await ask(f"/units/children?group={world.districts}")] == ["620001", "620002"]
    assert (await client.get("/units/children?group=999")).status_code == 404
    assert (await client.get("/units/children?parent=nobody")).status_code == 404
    counted = await ask(f"/units/count?group={world.districts}&unit=620000&except=620002&cc_unit=620002&cc_unit=620001")
    assert counted == {"count": 3, "cc": 1, "total": 4}
    matched = (await client.press("/units/match", {"pasted": "北区政府\n没有\n区人民政府\n\n北区政府"})).json()
    assert [f["code"] for f in matched["found"]] == ["620001"]
    assert matched["unknown"] == ["没有"]
    assert [c["code"] for c in matched["ambiguous"][0]["choices"]] == ["620001", "620002"]


async def test_a_group_that_means_all_below_is_the_branchs(house: Clients) -> None:
    world = house.world
    id = await house.db.write(groups.open_group, "全市", owner=None, by=None, at=NOW)
    group = await house.db.read(groups.find, id, world.office)
    await house.db.write(groups.set_members, group, "全市", [world.city], [], by=None, at=NOW)
    client = await house.page(world.north_clerk)
    assert (await client.get("/units/children?parent=")).json()[0]["group"] == str(id)


async def test_the_api_lists_and_pages(house: Clients) -> None:
    program = await house.api(house.world.north_clerk)
    me = (await program.get("/api/v1/me")).json()
    assert (me["person"]["name"], me["unit"]["code"], me["roles"]) == ("何淑珍", "620001", ["secretary"])
    seen, cursor = [], ""
    for _ in range(3):
        answer = (await program.get(f"/api/v1/units?limit=2&cursor={cursor}")).json()
        seen += [u["code"] for u in answer["items"]]
        cursor = answer["next"] or ""
    assert (seen, cursor) == (["620000", "6200000001", "620001", "620002", "6200000009"], "")
    assert [u["code"] for u in (await program.get("/api/v1/units?q=nqzf")).json()["items"]] == ["620002"]
    one = (await program.get("/api/v1/units/620001")).json()
    assert (one["parent"], one["names"][0]["name"]) == ("620000", "北区人民政府")
    found = (await program.get("/api/v1/groups")).json()["items"]
    assert [(g["name"], g["owner"], g["units"]) for g in found] == [("各区政府", None, 2)]
    assert (await program.get("/api/v1/units/nobody")).status_code == 404
    for wrong in ("limit=0", "limit=201", "limit=x", "limit=", "cursor=!!", "cursor=YWZ0ZXI6eA", "cursor=%F0%9F%98%80"):
        answer = await program.get(f"/api/v1/units?{wrong}")
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), wrong


FIELDS = (
    "username", "password", "after", "code", "current", "new", "again", "mobile", "email", "language", "token_name", "days", "taker",
    "from", "until", "reason", "post", "name", "short_name", "parent", "level", "kind", "initials", "duty_phone", "sort", "on",
    "into", "login", "role", "position", "import", "owner", "unit", "pasted",
)  # fmt: skip
QUERIES = ("q", "unit", "parent", "group", "into", "to", "limit", "cursor", "after", "part")
HOSTILE = {
    "long": "字" * 1000 + "x" * 9000,
    "odd": "\x00\x01\x1b[31m 😀\u202e\u2066反\u202c",
    "sharp": "'; DROP TABLE units; -- %_\\ <script>x</script>",
    "no text": "\ud800",
}


@pytest.mark.parametrize("value", [v.encode("utf-8", "surrogatepass") for v in HOSTILE.values()], ids=HOSTILE)
async def test_no_hostile_value_breaks_a_page(house: Clients, value: bytes) -> None:
    """Every form, every path and query of the directory with the same value in every field."""
    from urllib.parse import quote

    world, text = house.world, quote(value)
    client = await house.page(world.operator)
    program = await house.api(world.operator)
    shown = (await client.get("/account")).text
    token = re.search(r'name="csrf" value="([^"]+)"', shown)
    assert token is not None
    body = "&".join(f"{name}={text}" for name in FIELDS) + f"&csrf={token[1]}"
    kept = {"unit": "620001", "person": str(world.north_clerk.person_id), "group": str(world.districts), "code": "620001"}
    for route in directory_routes():
        if route.name in {"sign_out", "language"}:
            continue
        real = route.path_format.format(**{**dict.fromkeys(IDS, "1"), **kept})
        odd = route.path_format.format(**dict.fromkeys(IDS, text[:3000]))
        for path in {real, odd}:
            if "GET" in route.methods:
                one = program if path.startswith("/api/") else client
                query = "&".join(f"{name}={text[:3000]}" for name in QUERIES)
                answer = await one.get(f"{path}?{query}")
            else:
                headers = {"content-type": "application/x-www-form-urlencoded"}
                answer = await client.post(path, content=body, headers=headers)
            assert answer.status_code < 500, (route.name, path[:80], answer.text[:300])
            assert "json" in answer.headers.get("content-type", "") or "<script>x" not in answer.text
