"""Signing in and the own account, through the real app."""

import re

import pyotp
import pytest

from ground import clock as clocks
from ground.clock import FixedClock
from ground.directory import people, sessions, units
from tests.app_client import BASE, Browser, Clients
from tests.world import NOW

pytestmark = pytest.mark.anyio

PASSWORD = "Right-horse-7"


async def give(house: Clients, *, must_change: bool = False) -> None:
    """何淑珍 can sign in with PASSWORD."""
    hashed = await sessions.hash_password(PASSWORD)
    person = house.world.north_clerk.person_id
    await house.db.write(sessions.set_password, person, hashed, must_change=must_change, by=None, at=NOW)


async def sign_in(client: Browser, password: str = PASSWORD, **more: str) -> tuple[int, str]:
    """Press 登录 on the sign-in page; status and where it leads."""
    data = {"username": "hesz", "password": password, **more}
    answer = await client.press("/sign-in", data, page="/sign-in")
    return answer.status_code, answer.headers.get("location", "")


async def test_the_first_press_of_a_new_browser_signs_in(house: Clients) -> None:
    await give(house)
    client = house.stranger()
    assert await sign_in(client, after="/account") == (303, "/account")
    shown = await client.get("/account")
    assert shown.status_code == 200
    assert "何淑珍" in shown.text
    cookie = next(c for c in client.cookies.jar if c.name == house.house.cookie)
    assert cookie.has_nonstandard_attr("HttpOnly")


async def test_a_wrong_password_keeps_the_name_and_says_one_sentence(house: Clients) -> None:
    await give(house)
    client = house.stranger()
    answer = await client.press("/sign-in", {"username": "hesz", "password": "wrong"}, page="/sign-in")
    assert answer.status_code == 422
    assert "账号或密码不对" in answer.text
    assert 'value="hesz"' in answer.text
    assert "wrong" not in answer.text
    for _ in range(4):
        await sign_in(client, "wrong")
    resting = await client.press("/sign-in", {"username": "hesz", "password": PASSWORD}, page="/sign-in")
    assert (resting.status_code, resting.headers["retry-after"]) == (429, "900")
    assert "15 分钟后再试" in resting.text


@pytest.mark.parametrize(
    "to", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\nb", "evil"]
)
async def test_signing_in_leads_nowhere_else(house: Clients, to: str) -> None:
    await give(house)
    assert await sign_in(house.stranger(), after=to) == (303, "/")


async def test_the_name_is_remembered_on_this_computer_when_asked(house: Clients) -> None:
    await give(house)
    client = house.stranger()
    await sign_in(client, remember="1")
    await client.press("/sign-out")
    assert 'value="hesz"' in (await client.get("/sign-in")).text
    await sign_in(client)
    await client.press("/sign-out")
    assert 'value="hesz"' not in (await client.get("/sign-in")).text


async def test_a_code_is_asked_for_and_burned(house: Clients, clock: FixedClock) -> None:
    await give(house)
    clerk, secret = house.world.north_clerk, pyotp.random_base32()
    await house.db.write(sessions.set_totp, clerk.person_id, secret, by=clerk, at=NOW)
    client = house.stranger()
    assert (await client.get("/sign-in/code")).headers["location"] == "/sign-in"
    assert await sign_in(client, after="/account") == (303, "/sign-in/code")
    assert (await client.get("/account")).headers["location"].startswith("/sign-in")  # not in yet
    wrong = await client.press("/sign-in/code", {"code": "000000x"}, page="/sign-in/code")
    assert (wrong.status_code, "验证码不对" in wrong.text) == (422, True)
    code = pyotp.TOTP(secret).at(int(clocks.parse(NOW).timestamp()))
    right = await client.press("/sign-in/code", {"code": code}, page="/sign-in/code")
    assert (right.status_code, right.headers["location"]) == (303, "/account")
    again = house.stranger()
    await sign_in(again)
    assert (await again.press("/sign-in/code", {"code": code}, page="/sign-in/code")).status_code == 422
    clock.move(minutes=6)
    late = await again.press("/sign-in/code", {"code": "1"}, page="/sign-in")
    assert late.headers["location"] == "/sign-in"


async def test_the_first_password_is_changed_before_anything_else(house: Clients) -> None:
    await give(house, must_change=True)
    client, elsewhere = house.stranger(), house.stranger()
    for one in (client, elsewhere):
        await sign_in(one)
    for path in ("/account", "/", "/account/totp"):
        assert (await client.get(path)).headers["location"] == "/account/password"
    page = "/account/password"
    for data, said in (
        ({"new": "short", "again": "short"}, "少于 10 位"),
        ({"new": "Another-horse-8", "again": "Another-horse-9"}, "两次填的不一样"),
        ({"new": PASSWORD, "again": PASSWORD}, "要和现在的不一样"),
        ({"new": "Hesz-horse-77", "again": "Hesz-horse-77"}, "不要含账号"),
    ):
        refused = await client.press(page, data, page=page)
        assert (refused.status_code, said in refused.text) == (422, True), said
    done = await client.press(page, {"new": "Another-horse-8", "again": "Another-horse-8"}, page=page)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert (await client.get("/account")).status_code == 200
    assert (await elsewhere.get("/account")).headers["location"].startswith("/sign-in")
    assert (await sign_in(house.stranger()))[0] == 422  # the old one is gone
    assert (await sign_in(house.stranger(), "Another-horse-8"))[0] == 303


async def test_a_change_of_password_asks_for_the_present_one(house: Clients) -> None:
    await give(house)
    client = await house.page(house.world.north_clerk)
    new = {"new": "Another-horse-8", "again": "Another-horse-8"}
    refused = await client.press("/account/password", {"current": "wrong", **new})
    assert (refused.status_code, "现在的密码不对" in refused.text) == (422, True)
    assert (await client.press("/account/password", {"current": PASSWORD, **new})).headers["location"] == "/account"


async def test_own_data_is_kept_or_shown_again_as_typed(house: Clients) -> None:
    client = await house.page(house.world.north_clerk)
    refused = await client.press("/account", {"mobile": "1390000", "email": "nobody", "language": "zh"})
    assert refused.status_code == 422
    for said in ('value="1390000"', 'value="nobody"', "少了 4 位", "邮箱地址不完整"):
        assert said in refused.text
    data = {"mobile": "139 1111 2222", "email": "h@example.cn", "language": "en", "keys_off": "1"}
    assert (await client.press("/account", data)).status_code == 303
    person = await house.db.read(people.by_id, house.world.north_clerk.person_id)
    assert (person.mobile, person.email, person.language, person.keys_off) == ("13911112222", "h@example.cn", "en", 1)
    assert '<html lang="en">' in (await client.get("/account")).text


async def test_the_language_follows_the_person_or_the_browser(house: Clients) -> None:
    stranger = house.stranger()
    back = await stranger.get("/language?to=en", headers={"referer": f"{BASE}/sign-in?to=%2Finbox"})
    assert back.headers["location"] == "/sign-in?to=%2Finbox"
    assert '<html lang="en">' in (await stranger.get("/sign-in")).text
    for referer in ("http://evil.example/x", "", f"{BASE}//evil.example"):
        answer = await stranger.get("/language?to=zh", headers={"referer": referer})
        assert answer.headers["location"] == "/", referer
    client = await house.page(house.world.north_clerk)
    await client.get("/language?to=en", headers={"sec-fetch-site": "cross-site"})
    assert (await house.db.read(people.by_id, house.world.north_clerk.person_id)).language == "zh"
    await client.get("/language?to=en", headers={"sec-fetch-site": "same-origin"})
    assert (await house.db.read(people.by_id, house.world.north_clerk.person_id)).language == "en"


async def test_one_time_codes_are_switched_on_with_a_code_and_off_with_the_password(house: Clients) -> None:
    await give(house)
    client = await house.page(house.world.north_clerk)
    shown = (await client.get("/account/totp")).text
    found = re.search(r'class="mono">([A-Z2-7 ]+)<', shown)
    assert found is not None
    secret = found[1].replace(" ", "")
    picture = await client.get("/account/totp/qr")
    assert (picture.headers["content-type"], picture.headers["cache-control"]) == ("image/svg+xml", "no-store")
    assert (await client.press("/account/totp", {"code": "000000"})).status_code == 422
    code = pyotp.TOTP(secret).at(int(clocks.parse(NOW).timestamp()))
    assert (await client.press("/account/totp", {"code": code})).status_code == 303
    person = house.world.north_clerk.person_id
    assert (await house.db.read(people.by_id, person)).totp == 1
    assert not await house.db.write(
        sessions.verify_code, person, code, address="", rules=house.house.config.sign_in, now=NOW
    )  # the code that proved it is burned
    assert (await client.press("/account/totp/removal", {"password": "wrong"})).status_code == 422
    assert (await client.press("/account/totp/removal", {"password": PASSWORD})).status_code == 303
    assert (await house.db.read(people.by_id, person)).totp == 0


async def test_a_session_elsewhere_is_ended_from_the_list(house: Clients) -> None:
    clerk = house.world.north_clerk
    here, there, other = await house.page(clerk), await house.page(clerk), await house.page(house.world.outsider)
    shown = (await here.get("/account")).text
    path = re.search(r'action="(/account/sessions/[^"]+/end)"', shown)
    assert path is not None
    assert (await other.press(path[1])).status_code == 404
    assert (await there.get("/account")).status_code == 200
    assert (await here.press(path[1])).status_code == 303
    assert (await there.get("/account")).headers["location"].startswith("/sign-in")


async def test_a_token_is_shown_once_and_the_same_for_a_double_press(house: Clients) -> None:
    client = await house.page(house.world.north_clerk)
    for data, said in (({"token_name": "", "days": "90"}, "请写明"), ({"token_name": "OA", "days": "9999"}, "请选一个有效期")):
        refused = await client.press("/account/tokens", data)
        assert (refused.status_code, said in refused.text) == (422, True)
    tokens = set()
    for _ in range(2):
        await client.press("/account/tokens", {"token_name": "OA", "days": "90", "once": "same press"})
        shown = (await client.get("/account")).text
        tokens.add(re.findall(r"songda_[\w-]+", shown)[0])
        assert "songda_" not in (await client.get("/account")).text
    assert len(tokens) == 1
    assert len(await house.db.read(sessions.own_tokens, house.world.north_clerk)) == 1
    program = house.stranger()
    program.headers["authorization"] = f"Bearer {tokens.pop()}"
    assert (await program.get("/api/v1/me")).json()["unit"]["code"] == "620001"
    path = re.search(r'action="(/account/tokens/[^"]+/revocation)"', (await client.get("/account")).text)
    assert path is not None
    assert (await client.press(path[1])).status_code == 303
    assert (await program.get("/api/v1/me")).status_code == 401


async def test_a_delegation_lends_the_post_and_is_taken_back(house: Clients) -> None:
    world = house.world
    client, leader = await house.page(world.north_clerk), await house.page(world.north_leader)
    taker = str(world.north_leader.person_id)
    for data in (
        {"taker": "", "from": "2026-03-18", "until": "2026-03-20"},
        {"taker": taker, "from": "明天", "until": "2026-03-20"},
        {"taker": taker, "from": "2026-03-18", "until": "9999-12-31"},
        {"taker": taker, "from": "2026-03-10", "until": "2026-03-11"},
    ):
        assert (await client.press("/account/delegations", data)).status_code == 422, data
    outsider = {"taker": str(world.outsider.person_id), "from": "2026-03-18", "until": "2026-03-20"}
    assert (await client.press("/account/delegations", outsider)).status_code == 409
    good = {"taker": taker, "from": "2026-03-18", "until": "2026-03-20", "reason": "出差"}
    assert (await client.press("/account/delegations", good)).status_code == 303
    assert "我代何淑珍" in (await leader.get("/account")).text
    path = re.search(r'action="(/account/delegations/\d+/revocation)"', (await client.get("/account")).text)
    assert path is not None
    assert (await leader.press(path[1])).status_code == 404
    assert (await client.press(path[1])).status_code == 303
    assert "我代何淑珍" not in (await leader.get("/account")).text


async def test_posts_are_switched_only_to_ones_own(house: Clients) -> None:
    world = house.world
    appoint = {"by": None, "joined": False, "at": NOW}
    await house.db.write(
        lambda tx: people.appoint(tx, world.north_clerk.person_id, world.south, "organiser", "", **appoint)  # type: ignore[arg-type]
    )
    client = await house.page(world.north_clerk)
    for wrong in (str(world.outside), "x", "", "9" * 40):
        assert (await client.press("/session/post", {"post": wrong})).status_code == 404, wrong
    south = await house.db.read(units.by_id, world.south)
    assert (await client.press("/session/post", {"post": str(south.id)})).headers["location"] == "/"
    assert south.name in (await client.get("/account")).text


async def test_signing_out_ends_the_session_for_good(house: Clients) -> None:
    client = await house.page(house.world.north_clerk)
    token = client.cookies[house.house.cookie]
    assert (await client.press("/sign-out")).headers["location"] == "/sign-in"
    client.cookies.set(house.house.cookie, token)
    assert (await client.get("/account")).headers["location"].startswith("/sign-in")
