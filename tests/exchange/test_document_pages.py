"""The receiver's pages: two clicks to sign and register, what follows, and what strangers see."""

import re

import pytest

from exchange import receiving, registering
from ground.db import Tx
from receipts import ledger
from receipts.receipt import State, Step
from tests.app_client import Clients
from tests.exchange.document_client import LATER, TITLE, arrive, press, put_file, sign
from tests.world import NOW


async def state(clients: Clients, id: int) -> State:
    """Where the north's receipt stands."""
    return State((await clients.db.read(ledger.receipt_of, id, clients.world.north)).state)


async def test_two_clicks_from_today_sign_and_register(clients: Clients) -> None:
    first, second = await arrive(clients, files=1), await arrive(clients, title="关于第二件事的通知")
    north = await clients.page(clients.world.north_clerk)
    today = (await north.get("/")).text
    assert f'href="/documents/{first}"' in today
    assert "打开签收" in today
    page = (await north.get(f"/documents/{first}")).text
    assert "2026-0001" in page
    assert await state(clients, first) is State.OPENED
    done = await sign(north, first)
    assert (done.status_code, done.headers["location"]) == (303, f"/documents/{first}")
    page = (await north.get(f"/documents/{first}")).text
    assert "已签收，收文号 2026-0001。" in page
    assert f'<a class="push" href="/documents/{second}">下一件</a>' in page
    assert re.search(rf'href="/documents/{second}" data-next', page)
    assert await state(clients, first) is State.REGISTERED


async def test_the_first_showing_is_written_once_for_each_person(clients: Clients) -> None:
    id = await arrive(clients)
    clerk, leader = await clients.page(clients.world.north_clerk), await clients.page(clients.world.north_leader)
    for client in (clerk, clerk, leader):
        assert (await client.get(f"/documents/{id}")).status_code == 200
    await leader.head(f"/documents/{id}")
    facts = await clients.db.read(ledger.facts_of, id, clients.world.north)
    assert [(f.fact, f.person) for f in facts] == [("arrived", ""), ("opened", "何淑珍"), ("opened", "马文斌")]
    page = (await leader.get(f"/documents/{id}")).text
    assert "由本单位文书签收" in page
    assert 'id="sign"' not in page


async def test_unopened_attachments_come_back_with_a_sentence(clients: Clients) -> None:
    id = await arrive(clients, files=3)
    north = await clients.page(clients.world.north_clerk)
    page = (await north.get(f"/documents/{id}")).text
    files = re.findall(r'name="waived" value="([^"]+)"', page)
    assert len(files) == 2
    refused = await sign(north, id, waived=[files[0]])
    assert refused.status_code == 409
    assert "附件还没有打开：附件2.pdf" in refused.text
    assert re.search(rf'value="{files[0]}"[^>]* checked', refused.text)
    assert (await north.get(f"/files/{files[1]}")).status_code == 200
    assert (await sign(north, id, waived=[files[0]])).status_code == 303
    assert await state(clients, id) is State.REGISTERED


async def test_signed_without_a_number_and_registered_later(clients: Clients) -> None:
    id = await arrive(clients)
    north = await clients.page(clients.world.north_clerk)
    assert (await sign(north, id, register="")).status_code == 303
    assert await state(clients, id) is State.SIGNED
    done = await press(north, f"/documents/{id}/registration", {}, page=f"/documents/{id}")
    assert done.status_code == 303
    assert "已登记，收文号 2026-0001。" in (await north.get(f"/documents/{id}")).text
    assert (await north.get(f"/documents/{id}/registration")).headers["location"] == f"/documents/{id}"


@pytest.mark.parametrize(
    "path",
    ["", "/signature", "/registration", "/return", "/return-notice", "/handover", "/forwarding", "/answer", "/recall-decision"],
)
async def test_a_stranger_sees_what_is_not_there(clients: Clients, path: str) -> None:
    id = await arrive(clients, answer_by=LATER)
    north, stranger = await clients.page(clients.world.north_clerk), await clients.page(clients.world.outsider)
    assert (await sign(north, id)).status_code == 303
    theirs, nothing = await stranger.get(f"/documents/{id}{path}"), await stranger.get(f"/documents/987{path}")
    if theirs.status_code == 303:  # an address that only takes forms leads to the page
        assert theirs.headers["location"] == f"/documents/{id}"
    else:
        assert (theirs.status_code, nothing.status_code) == (404, 404)
        assert theirs.text.replace(str(id), "987").count("没有找到") == nothing.text.count("没有找到") > 0
        assert TITLE not in theirs.text
    if path and path != "/return-notice":
        said = await stranger.press(f"/documents/{id}{path}", {"codes": "11", "reason": "错", "text": "好", "agree": "1"})
        assert said.status_code == 404
    assert await state(clients, id) is State.REGISTERED


async def test_returned_with_the_checklist_and_the_notice_to_print(clients: Clients) -> None:
    id = await arrive(clients)
    north = await clients.page(clients.world.north_clerk)
    await north.get(f"/documents/{id}")
    bad = await press(north, f"/documents/{id}/return", {"reason": "附件2只有表头，请补齐后重发"})
    assert bad.status_code == 422
    assert "请勾选退回原因" in bad.text
    assert "附件2只有表头，请补齐后重发" in bad.text
    assert (await north.get(f"/documents/{id}/return-notice")).status_code == 404
    data = {"codes": ["12", "90"], "reason": "附件2只有表头，请补齐后重发", "print": "1"}
    done = await press(north, f"/documents/{id}/return", data)
    assert done.headers["location"] == f"/documents/{id}/return-notice"
    notice = (await north.get(done.headers["location"])).text
    for words in ("退文告知单", "☑12 缺附件或缺页", "☐11 主送单位有误", "附件2只有表头，请补齐后重发", "北区人民政府", "何淑珍"):
        assert words in notice
    page = (await north.get(f"/documents/{id}")).text
    assert "打印退文告知单" in page
    assert 'id="sign"' not in page
    leader = await clients.page(clients.world.north_leader)
    assert (await leader.get(f"/documents/{id}/return")).status_code == 403


async def test_answered_with_a_file_the_sender_may_take(clients: Clients) -> None:
    id = await arrive(clients, answer_by=LATER)
    north = await clients.page(clients.world.north_clerk)
    await sign(north, id)
    assert "去答复" in (await north.get("/")).text
    empty = await press(north, f"/documents/{id}/answer", {"text": " "})
    assert (empty.status_code, "请写答复，或附上文件" in empty.text) == (422, True)
    seen = await north.get(f"/documents/{id}/answer")
    token = re.search(r'name="csrf" value="([^"]+)"', seen.text)
    assert token
    sent = await north.post(
        f"/documents/{id}/answer", data={"csrf": token[1], "text": "已组织排查\r\n清单见附件"},
        files={"files": ("清单.pdf", b"%PDF-1.4 list", "application/pdf")}, headers={"origin": "http://songda.test"},
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    page = (await north.get(f"/documents/{id}")).text
    assert "清单见附件" in page
    file = re.findall(r'href="/files/([^"]+)">清单', page)[0]
    office, south = await clients.page(clients.world.organiser), await clients.page(clients.world.south_clerk)
    assert (await office.get(f"/files/{file}")).status_code == 200
    assert (await south.get(f"/files/{file}")).status_code == 404


async def test_passed_to_the_leader_who_finds_it(clients: Clients) -> None:
    id = await arrive(clients)
    world = clients.world
    north, leader = await clients.page(world.north_clerk), await clients.page(world.north_leader)
    assert "转给我的" not in (await leader.get("/")).text
    bad = await press(north, f"/documents/{id}/handover", {"person": str(world.south_clerk.person_id), "note": "请阅示"})
    assert bad.status_code == 422
    assert "请阅示" in bad.text
    done = await press(north, f"/documents/{id}/handover", {"person": str(world.north_leader.person_id), "note": "请阅示"})
    assert done.status_code == 303
    today = (await leader.get("/")).text
    assert "转给我的" in today
    assert "何淑珍转来" in today
    await leader.get(f"/documents/{id}")
    assert "转给我的" not in (await leader.get("/today/part")).text
    listed = (await leader.get("/inbox?state=passed")).text
    assert f'href="/documents/{id}"' in listed
    assert "请阅示" in listed
    assert f'href="/documents/{id}"' not in (await north.get("/inbox?state=passed")).text
    assert "马文斌" in (await north.get(f"/documents/{id}")).text


async def test_forwarded_and_seen_on_both_pages(clients: Clients) -> None:
    id = await arrive(clients, files=2)
    north, out = await clients.page(clients.world.north_clerk), await clients.page(clients.world.outsider)
    await north.get(f"/documents/{id}")
    path = f"/documents/{id}/forwarding"
    bad = await press(north, path, {"title": "北区转发通知", "note": "请遵照执行"})
    assert bad.status_code == 422
    assert "北区转发通知" in bad.text
    assert "请选主送单位" in bad.text
    done = await press(north, path, {"title": "北区转发通知", "note": "请遵照执行", "unit": "6200000009"})
    assert done.status_code == 303, done.text
    page = (await north.get(f"/documents/{id}")).text
    assert "本单位已转发" in page
    new = re.findall(r'href="/documents/(\d+)">北区转发通知', page)[0]
    theirs = (await out.get(f"/documents/{new}")).text
    assert "转发自" in theirs
    assert TITLE in theirs
    assert f'href="/documents/{id}"' not in theirs


async def ask(clients: Clients, id: int) -> None:
    """The sender asks the north for it back."""
    sender = clients.world.organiser

    async def act(tx: Tx) -> None:
        await ledger.take_step(tx, Step.ASK_RECALL, await ledger.subject_of(tx, id), clients.world.north, sender, at=NOW)
        await tx.run(
            "INSERT INTO recalls (document_id, unit_id, reason, state, asked_at, asked_by, decision_reason) "
            "VALUES (:id, :unit, '附件放错了', 'asked', :at, :by, '')",
            id=id, unit=clients.world.north, at=NOW, by=sender.person_id,
        )  # fmt: skip

    await clients.db.write(act)


@pytest.mark.parametrize(("agree", "end"), [("1", State.RECALLED), ("0", State.REGISTERED)])
async def test_a_recall_is_decided_on_the_page(clients: Clients, agree: str, end: State) -> None:
    id = await arrive(clients)
    north = await clients.page(clients.world.north_clerk)
    await sign(north, id)
    await ask(clients, id)
    page = (await north.get(f"/documents/{id}")).text
    assert "附件放错了" in page
    path = f"/documents/{id}/recall-decision"
    if agree == "0":
        assert (await press(north, path, {"agree": "0", "reason": ""})).status_code == 422
    done = await press(north, path, {"agree": agree, "reason": "已经转发各科室" if agree == "0" else ""})
    assert done.status_code == 303
    assert await state(clients, id) is end
    page = (await north.get(f"/documents/{id}")).text
    assert ("发文单位已经撤回，不能再看" in page) == (end is State.RECALLED)


async def test_ended_ones_say_why_and_offer_no_act(clients: Clients) -> None:
    north = await clients.page(clients.world.north_clerk)
    recalled, old, void = await arrive(clients), await arrive(clients), await arrive(clients)
    new = await arrive(clients, title="关于更正的通知")

    async def end(tx: Tx) -> None:
        for id, step in ((recalled, Step.RECALL), (old, Step.SUPERSEDE)):
            await ledger.take_step(
                tx, step, await ledger.subject_of(tx, id), clients.world.north, clients.world.organiser, at=NOW
            )
        await tx.run("UPDATE documents SET corrects = :old WHERE id = :new", old=old, new=new)
        await tx.run("UPDATE documents SET voided_at = :at, void_reason = '发错了' WHERE id = :id", at=NOW, id=void)

    await clients.db.write(end)
    pages = {id: (await north.get(f"/documents/{id}")).text for id in (recalled, old, void)}
    assert [("撤回" in pages[recalled]), ("看更正件" in pages[old]), ("发错了" in pages[void])] == [True, True, True]
    assert f'href="/documents/{new}"' in pages[old]
    for page in pages.values():
        assert 'id="sign"' not in page
    assert "下载正文" not in pages[recalled]
    facts = await clients.db.read(ledger.facts_of, recalled, clients.world.north)
    assert "opened" not in [f.fact for f in facts]


async def test_several_at_once_from_the_inbox(clients: Clients) -> None:
    opened, unopened = await arrive(clients), await arrive(clients, title="没有看过的通知")
    north = await clients.page(clients.world.north_clerk)
    await north.get(f"/documents/{opened}")
    inbox = (await north.get("/inbox?state=sign")).text
    assert inbox.count('name="item"') == 2
    data = {"item": [str(opened), str(unopened)]}
    done = await press(north, "/inbox/signatures", data, page="/inbox?state=sign")
    assert done.status_code == 303
    page = (await north.get("/inbox")).text
    assert "已签收 1 份，收文号 2026-0001。" in page
    assert "“没有看过的通知”没有签收：您还没有打开看过。" in page
    assert await state(clients, unopened) is State.ARRIVED
    none = await press(north, "/inbox/signatures", {}, page="/inbox?state=sign")
    assert none.status_code == 409
    leader = await clients.page(clients.world.north_leader)
    assert 'name="item"' not in (await leader.get("/inbox?state=sign")).text


async def test_the_inbox_is_cut_by_kind(clients: Clients) -> None:
    id = await arrive(clients)
    north = await clients.page(clients.world.north_clerk)
    assert f'href="/documents/{id}"' in (await north.get("/inbox?kind=document")).text
    assert f'href="/documents/{id}"' not in (await north.get("/inbox?kind=notice")).text
    assert f'href="/documents/{id}"' in (await north.get("/inbox?kind=rubbish")).text


async def test_a_number_that_came_before_is_pointed_out(clients: Clients) -> None:
    first, second = await arrive(clients), await arrive(clients)
    north = await clients.page(clients.world.north_clerk)
    await clients.db.write(lambda tx: tx.run("UPDATE subjects SET number = '测政办发〔2026〕7号'"))
    await sign(north, first)
    page = (await north.get(f"/documents/{second}")).text
    assert "同一字号已登记过" in page
    assert "2026-0001" in page
    assert (await clients.db.read(registering.of, first, clients.world.north)) is not None
    assert await clients.db.read(receiving.return_of, first, clients.world.north) is None


async def test_a_file_of_another_unit_is_not_taken_into_an_answer(clients: Clients) -> None:
    id = await arrive(clients, answer_by=LATER)
    north = await clients.page(clients.world.north_clerk)
    await sign(north, id)
    theirs = await put_file(clients, clients.world.south_clerk, "别人的.pdf", b"%PDF-1.4 south")
    refused = await press(north, f"/documents/{id}/answer", {"text": "好", "attachment": theirs})
    assert refused.status_code == 422
    assert "没有找到" in refused.text
    assert await state(clients, id) is State.REGISTERED
