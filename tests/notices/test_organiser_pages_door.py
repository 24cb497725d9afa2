"""Lists, the door and the minutes: exactly the people who come, each checked in once."""

import io
import re

import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from ground.clock import FixedClock
from ground.db import Tx
from ground.typeset import uncovered
from notices import publishing, signups
from notices.notice import Field
from tests.app_client import BASE, Browser, Clients
from tests.notices.meeting_client import LEAVE, MA, MEETING, STARTS, SUN, answer, press, publish, shown
from tests.world import NOW, told

fonts = pytest.mark.skipif(bool(uncovered("国")), reason="needs a Chinese font (Debian: fonts-noto-cjk)")
OPEN = "2026-03-20T06:50:00.000Z"
DRIVER = {"driver_name": "赵军", "driver_position": "司机", "driver_mobile": "13900002208"}


def squeezed(text: str) -> str:
    """Without white space and what a line break leaves in extracted text."""
    return re.sub(r"[\s\u200b\u00ad\ufffe\uffff]+", "", text)


def pages(pdf: bytes) -> list[str]:
    """The squeezed text of each page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [squeezed(document[at].get_textpage().get_text_range()) for at in range(len(document))]
    finally:
        document.close()


async def full(clients: Clients, **contents: object) -> int:
    """A meeting to which 北区 sends a stand-in (approved), one of the staff and a driver, and 南区 =1+1."""
    fields = (Field("meal", "清真餐", "yesno"),)
    id, world = await publish(clients, MEETING._replace(fields=fields, **contents)), clients.world  # type: ignore[arg-type]
    north, south = await clients.page(world.north_clerk), await clients.page(world.south_clerk)
    organiser = await clients.page(world.organiser)
    await answer(north, id, LEAVE | SUN | DRIVER | {"staff_f_meal": "是"})
    await answer(south, id, {"principal_name": "=1+1", "principal_position": "*x*"})
    found = re.search(r"/leaves/(\d+)/decision", (await organiser.get(f"/meetings/{id}/progress")).text)
    assert found
    assert (await organiser.press(f"/leaves/{found[1]}/decision", {"approve": "1"})).status_code == 303
    return id


# --- lists ----------------------------------------------------------------------------------------------------------------


async def test_the_workbook_holds_exactly_the_people_and_every_answer(clients: Clients) -> None:
    id = await full(clients)
    organiser = await clients.page(clients.world.organiser)
    got = await organiser.get(f"/meetings/{id}/people.xlsx")
    assert got.headers["content-type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert "filename*=UTF-8''%E5%85%A8%E5%B8%82" in got.headers["content-disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(got.content))
    rows = book.get_sheet_by_name("名单").to_python()[1:]
    assert [[*row[1:7], row[8]] for row in rows] == [
        ["北区政府", "杜晓燕", "副区长", "13800004417", "主要负责同志", "替会（马文斌）", ""],
        ["北区政府", "孙立民", "文物科科长", "13900002206", "工作人员", "", "清真餐：是"],
        ["北区政府", "赵军", "司机", "13900002208", "司机", "", ""],
        ["南区政府", "=1+1", "*x*", "", "主要负责同志", "", ""],
    ]
    answers = book.get_sheet_by_name("各单位答复").to_python()[1:]
    assert [(row[1], row[2], row[4]) for row in answers] == [("北区政府", "已报名", 3.0), ("南区政府", "已报名", 1.0)]
    assert answers[0][5] == "马文斌请假（已同意，杜晓燕替会）：赴兰州参加全省文旅工作会"


@fonts
async def test_each_pdf_holds_exactly_the_people(clients: Clients) -> None:
    id = await full(clients)
    organiser = await clients.page(clients.world.organiser)
    files = {name: await organiser.get(f"/meetings/{id}/{name}.pdf") for name in ("people", "sign-in", "cards", "door")}
    assert {f.headers["content-type"] for f in files.values()} == {"application/pdf"}
    for name in ("people", "sign-in"):
        text = "".join(pages(files[name].content))
        assert [text.count(who) for who in ("杜晓燕", "孙立民", "赵军", "=1+1")] == [1, 1, 1, 1]
        assert "2个单位，4人" in text
    cards = pages(files["cards"].content)
    assert len(cards) == 3, "no card for a driver"
    assert not any("赵军" in card for card in cards)
    assert re.search(rf"http://songda\.test/meetings/{id}/check-in/[\w-]+", "".join(pages(files["door"].content)))


@fonts
async def test_a_character_that_no_font_has_is_a_sentence(clients: Clients) -> None:
    id = await publish(clients)
    await answer(await clients.page(clients.world.north_clerk), id, {"principal_name": "马\U00030010"})
    organiser = await clients.page(clients.world.organiser)
    got = await organiser.get(f"/meetings/{id}/people.pdf")
    assert (got.status_code, "这些字没有字形" in got.text, "data-problem" in got.text) == (409, True, True)


async def test_the_whole_list_on_the_screen(clients: Clients) -> None:
    id = await full(clients)
    organiser = await clients.page(clients.world.organiser)
    page = (await organiser.get(f"/meetings/{id}/names")).text
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr><td.*?</tr>", page)]
    assert [re.sub(r"\|+", "|", row).strip("|") for row in rows] == [
        "1|北区政府|杜晓燕|副区长|13800004417|主要负责同志（替马文斌）",
        "2|北区政府|孙立民|文物科科长|13900002206|工作人员|清真餐：是",
        "3|北区政府|赵军|司机|13900002208|司机",
        "4|南区政府|=1+1|*x*|主要负责同志",
    ]
    assert "4 人，2 个单位" in page


# --- the door -------------------------------------------------------------------------------------------------------------


async def tokens(clients: Clients, id: int, unit: int) -> dict[str, tuple[int, str]]:
    """Name → (id, code) of those who come for a unit."""
    return {a.name: (a.id, a.token) for a in await clients.db.read(signups.people_of, id, unit)}


async def test_the_desk_checks_in_by_code_and_by_name_once(clients: Clients, clock: FixedClock) -> None:
    id, world = await full(clients), clients.world
    clock.set(OPEN)
    organiser = await clients.page(world.organiser)
    desk = f"/meetings/{id}/door"
    people = await tokens(clients, id, world.north)
    assert "应到 4 人" in (await organiser.get(desk)).text
    by_code = await organiser.press(f"/meetings/{id}/attendance", {"code": people["孙立民"][1]}, page=desk)
    assert by_code.headers["location"] == f"{desk}?who={people['孙立民'][0]}"
    page = (await organiser.get(by_code.headers["location"])).text
    assert 'class="okbig"' in page
    assert "孙立民　文物科科长" in page
    assert "已签到 14:50" in page
    clock.move(minutes=9)
    scanned = f"http://songda.test{desk}?code={people['孙立民'][1]}"
    again = await organiser.press(f"/meetings/{id}/attendance", {"code": scanned}, page=desk)
    page = (await organiser.get(again.headers["location"])).text
    assert "早先已签到，今天 14:50" in page
    by_name = await organiser.press(f"/meetings/{id}/attendance", {"attendee": str(people["杜晓燕"][0])}, page=desk)
    assert by_name.status_code == 303
    part = (await organiser.get(f"{desk}/part")).text
    assert "已签到 2 人" in part
    assert "<html" not in part
    taken_back = await organiser.press(f"/meetings/{id}/attendance/{people['杜晓燕'][0]}/removal", {}, page=desk)
    assert taken_back.status_code == 303
    refused = await organiser.press(f"/meetings/{id}/attendance/{people['杜晓燕'][0]}/removal", {}, page=desk)
    assert (refused.status_code, "还没有签到" in refused.text) == (409, True)
    clock.set(STARTS)
    organiser = await clients.page(world.organiser)
    assert "已签到 1 人，应到 4 人" in (await organiser.get(f"/meetings/{id}/progress")).text
    north = await clients.page(world.north_clerk)
    assert "已签到" in (await north.get(f"/meetings/{id}")).text


async def test_the_desk_stays_when_a_code_is_wrong(clients: Clients) -> None:
    id, world = await full(clients), clients.world
    other = await publish(clients)
    await answer(await clients.page(world.north_clerk), other, MA)
    foreign = (await tokens(clients, other, world.north))["马文斌"]
    organiser = await clients.page(world.organiser)
    desk = f"/meetings/{id}/door"
    for data in ({"code": foreign[1]}, {"attendee": str(foreign[0])}, {"code": ""}, {"code": "\x00'--"}, {"attendee": "9" * 40}):
        got = await organiser.press(f"/meetings/{id}/attendance", data, page=desk)
        assert (got.status_code, "签到台" in got.text, "应到 4 人" in got.text) == (409, True, True), data
        assert 'name="code" value=""' in got.text, "the next scan must not be typed behind the wrong one"


@pytest.mark.parametrize(
    ("words", "found"),
    [("杜", ["杜晓燕"]), ("sun", []), ("slm", ["孙立民"]), ("2206", ["孙立民"]), ("南区", ["=1+1"]), ("<b>", []), ("06", [])],
)
async def test_the_desk_finds_by_name_initials_unit_and_number(clients: Clients, words: str, found: list[str]) -> None:
    id = await full(clients)
    organiser = await clients.page(clients.world.organiser)
    page = (await organiser.get(f"/meetings/{id}/door?q={words}")).text
    assert re.findall(r'class="t t1" role="cell">([^<]+)<', page) == found


async def test_whoever_scans_the_code_on_the_door_checks_in_alone(clients: Clients, clock: FixedClock) -> None:
    id, world = await full(clients), clients.world
    secret = (await clients.db.read(publishing.find, id)).check_in
    page = f"/meetings/{id}/check-in/{secret}"
    phone = clients.stranger()
    assert (await phone.get(f"/meetings/{id}/check-in/wrong")).status_code == 404
    assert (await phone.get(f"/meetings/{id + 9}/check-in/{secret}")).status_code == 404
    shut = await phone.press(page, {"name": "杜晓燕", "digits": "4417"}, page=page)
    assert (shut.status_code, "还没到签到的时候" in shut.text) == (409, True)
    clock.set(OPEN)

    async def try_in(client: Browser, name: str, digits: str) -> tuple[int, str]:
        got = await client.press(page, {"name": name, "digits": digits}, page=page)
        text = (await client.get(page)).text if got.status_code == 303 else got.text
        return got.status_code, text

    for name, digits, status in (
        ("杜晓燕", "0000", 409),
        ("马文斌", "4417", 409),
        ("", "4417", 422),
        ("杜晓燕", "44", 422),
        ("=1+1", "", 422),
    ):
        assert (await try_in(phone, name, digits))[0] == status, (name, digits)
    status, text = await try_in(phone, "杜晓燕", "4417")
    assert (status, "杜晓燕，已签到。请入场。" in text) == (303, True)
    assert "早先已经签到了" in (await try_in(phone, "杜晓燕", "4417"))[1]
    assert "孙立民" not in text
    await clients.db.write(publishing.cancel, world.organiser, id, "冲突", told=told(), now=NOW)
    assert (await try_in(phone, "孙立民", "2206"))[0] == 409


# --- minutes --------------------------------------------------------------------------------------------------------------


async def told_units(tx: Tx, notice: int) -> list[tuple[int, str]]:
    """(unit, state) of each SMS about minutes."""
    sql = "SELECT unit_id, state FROM messages WHERE subject_id = :n AND purpose = 'minutes' AND channel = 'sms' ORDER BY unit_id"
    return await tx.all(sql, lambda *c: c, n=notice)


async def test_minutes_go_to_those_who_came(clients: Clients, clock: FixedClock) -> None:
    id, world = await full(clients), clients.world
    clock.set(OPEN)
    organiser = await clients.page(world.organiser)
    person = (await tokens(clients, id, world.north))["孙立民"][0]
    await organiser.press(f"/meetings/{id}/attendance", {"attendee": str(person)}, page=f"/meetings/{id}/door")
    page = f"/meetings/{id}/minutes"
    assert "会议还没有开始" in (await organiser.get(page)).text
    file = {"files": ("会议纪要.pdf", b"%PDF-1.4 minutes", "application/pdf")}
    early = await organiser.post(
        page, data=await shown(organiser, f"/meetings/{id}/progress"), files=file, headers={"origin": BASE}
    )
    assert (early.status_code, "会议还没有开始" in early.text) == (409, True)
    clock.set("2026-03-20T09:30:00.000Z")
    organiser = await clients.page(world.organiser)
    assert "发给签过到的 1 个单位" in (await organiser.get(page)).text
    missing = await press(organiser, page, {"text": "请阅"}, await shown(organiser, page))
    assert (missing.status_code, "请选会议纪要的文件" in missing.text, "请阅" in missing.text) == (422, True, True)
    seen = await shown(organiser, page)
    done = await organiser.post(page, data={**seen, "text": "请各单位落实。"}, files=file, headers={"origin": BASE})
    assert done.status_code == 303
    assert await clients.db.read(told_units, id) == [(world.north, "ready")]
    assert "会议纪要.pdf" in (await organiser.get(page)).text
    north, south = await clients.page(world.north_clerk), await clients.page(world.south_clerk)
    mine = (await north.get(f"/meetings/{id}")).text
    found = re.search(r'href="(/files/[^"]+)">会议纪要.pdf', mine)
    assert found
    assert (await north.get(found[1])).content == b"%PDF-1.4 minutes"
    assert "会议纪要.pdf" not in (await (await clients.page(world.outsider)).get("/meetings")).text
    assert (await south.get(f"/meetings/{id}")).status_code == 200
