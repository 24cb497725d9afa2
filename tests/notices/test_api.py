"""A meeting run by programs alone, over the JSON API: from publishing to the door, on both engines."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import python_calamine

from ground.clock import FixedClock
from tests.programs import BY, DU, MA, SUN, Programs, open_programs, problem


@pytest.fixture
async def programs(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Programs]:
    async with open_programs(where, clock, tmp_path) as found:
        yield found


async def test_a_meeting_from_end_to_end(programs: Programs) -> None:
    office, north = programs.office, programs.north
    made = await office.post("/api/v1/notices", json=programs.meeting(agenda="一、讲话", urgency="urgent", seats=40))
    assert made.status_code == 201
    id = made.json()["id"]
    assert made.json() | {"id": "", "messages": 0} == {"id": "", "version": 1, "receipts": 2, "messages": 0}

    waiting = (await north.get("/api/v1/inbox?state=unsigned")).json()
    [item] = waiting["items"]
    assert (item["subject"], item["unit"], item["state"], item["waits"]) == (id, "620001", "arrived", "sign")
    assert waiting["next"] is None
    receipt = item["id"]

    read = (await north.get(f"/api/v1/notices/{id}")).json()
    assert (read["title"], read["starts_at"], read["agenda"]) == (item["title"], "2026-03-20T07:00:00.000Z", "一、讲话")
    assert (read["sender"], read["receipt"], read["answer"]["state"]) == ("6200000001", receipt, "none")

    body = {"people": [MA, SUN]}
    assert "请先签收" in problem(await north.post(f"/api/v1/notices/{id}/answer", json=body), 409)
    assert "请先打开" in problem(await north.post(f"/api/v1/receipts/{receipt}/signature"), 409, "not_opened")
    looked = (await north.get(f"/api/v1/receipts/{receipt}")).json()
    assert [f["fact"] for f in looked["facts"]] == ["arrived"]
    opened = (await north.post(f"/api/v1/receipts/{receipt}/opening")).json()
    assert (opened["state"], [f["fact"] for f in opened["facts"]]) == ("opened", ["arrived", "opened"])
    signed = (await north.post(f"/api/v1/receipts/{receipt}/signature")).json()
    assert (signed["state"], signed["waits"], signed["sender"]) == ("signed", "answer", "6200000001")
    assert signed["facts"][-1] | {"at": ""} == {"fact": "signed", "at": "", "by": "何淑珍", "for": None, "version": 1, "note": ""}

    answered = (await north.post(f"/api/v1/notices/{id}/answer", json=body)).json()
    assert (answered["state"], [p["mobile"] for p in answered["people"]]) == ("coming", ["13800006012", "13900002206"])

    asked = await north.post(f"/api/v1/notices/{id}/leave", json={"person": "马文斌", "reason": "赴省里开会", "stand_in": DU})
    assert asked.status_code == 201
    leave = asked.json()
    assert (leave["state"], leave["role"], leave["position"], leave["stand_in"]["name"]) == (
        "asked", "principal", "区长", "杜晓燕",
    )  # fmt: skip
    told = (await office.get(f"/api/v1/notices/{id}/answers")).json()
    assert told["counts"] == {"total": 2, "coming": 0, "none": 1, "asked": 1, "absent": 0, "people": 1}
    first = next(x for x in told["items"] if x["unit"] == "620001")
    assert ([p["name"] for p in first["people"]], [x["id"] for x in first["leaves"]]) == (["孙立民"], [leave["id"]])

    decided = await office.post(f"/api/v1/leaves/{leave['id']}/decision", json={"approve": True})
    assert decided.json()["state"] == "approved"
    assert "已经同意" in problem(await office.post(f"/api/v1/leaves/{leave['id']}/decision", json={"approve": True}), 409)
    told = (await office.get(f"/api/v1/notices/{id}/answers")).json()
    assert told["counts"] == {"total": 2, "coming": 1, "none": 1, "asked": 0, "absent": 0, "people": 2}

    changed = await office.patch(f"/api/v1/notices/{id}", json={"version": 1, "place": "市委会议中心"})
    assert changed.json() == {
        "id": id, "version": 2, "changes": [{"field": "place", "old": "市政府四楼会议室", "new": "市委会议中心"}],
    }  # fmt: skip
    [item] = (await north.get("/api/v1/inbox?state=confirm")).json()["items"]
    assert item["id"] == receipt
    confirmed = await north.post(f"/api/v1/notices/{id}/confirmation", json={"version": 2})
    assert (confirmed.status_code, confirmed.json()["confirmed"]) == (200, 2)
    again = await office.patch(f"/api/v1/notices/{id}", json={"version": 1, "place": "别处"})
    assert "第 2 版" in problem(again, 409, "changed_meanwhile")

    calendar = (await north.get(f"/api/v1/notices/{id}.ics")).text
    assert "SEQUENCE:1\r\n" in calendar
    assert "METHOD:REQUEST" in calendar
    gone = await office.post(f"/api/v1/notices/{id}/cancellation", json={"reason": "因故延期"})
    assert (gone.status_code, gone.json()["version"]) == (200, 3)
    assert "METHOD:CANCEL" in (await north.get(f"/api/v1/notices/{id}.ics")).text
    assert "已取消" in problem(await north.post(f"/api/v1/notices/{id}/answer", json=body), 409, "cancelled")
    assert (await north.get(f"/api/v1/notices/{id}")).json()["cancel_reason"] == "因故延期"


async def test_times_with_any_offset_become_utc(programs: Programs) -> None:
    id = await programs.publish(starts_at="2026-03-20T02:00:00.5-05:00", ends_at="2026-03-20t09:00:00z", answer_by=BY)
    read = (await programs.office.get(f"/api/v1/notices/{id}")).json()
    assert [read[k] for k in ("starts_at", "ends_at", "answer_by")] == [
        "2026-03-20T07:00:00.500Z", "2026-03-20T09:00:00.000Z", "2026-03-19T04:00:00.000Z",
    ]  # fmt: skip
    assert (read["receipt"], read["answer"]) == (None, None)


async def test_codes_exceptions_quota_and_fields(programs: Programs) -> None:
    id = await programs.publish(
        invited=["unit:620001", "unit:620002", "unit:6200000009"], quota=[{"role": "staff", "min": 0, "max": 1}],
        fields=[
            {"key": "car", "label": "车牌", "required": True},
            {"key": "meal", "label": "用餐", "type": "choice", "choices": ["是", "否"]},
        ],
        **{"except": ["unit:620002"]},
    )  # fmt: skip
    told = (await programs.office.get(f"/api/v1/notices/{id}/answers")).json()
    assert {x["unit"] for x in told["items"]} == {"620001", "6200000009"}
    await programs.sign(id)
    path = f"/api/v1/notices/{id}/answer"
    two = {
        "people": [
            {"name": "甲", "role": "staff", "fields": {"car": "甘L1"}},
            {"name": "乙", "role": "staff", "fields": {"car": "甘L2"}},
        ]
    }
    assert "最多 1 人" in problem(await programs.north.post(path, json=two), 409, "quota")
    wrong = (
        await programs.north.post(path, json={"people": [{"name": "甲", "role": "staff", "fields": {"meal": "也许"}}]})
    ).json()
    assert [e["field"] for e in wrong["errors"]] == ["people-0-car", "people-0-meal"]
    good = {"people": [{"name": "甲", "role": "staff", "fields": {"car": "甘L1", "meal": "是"}}]}
    said = (await programs.north.post(path, json=good)).json()
    assert said["people"][0]["fields"] == {"car": "甘L1", "meal": "是"}
    nobody = (await programs.north.post(path, json={"people": []})).json()
    assert (nobody["state"], nobody["people"]) == ("absent", [])


async def test_sign_and_answer_in_one_press(programs: Programs) -> None:
    id = await programs.publish()
    path = f"/api/v1/notices/{id}/answer"
    body = {"people": [MA], "waived": []}
    assert "请先打开" in problem(await programs.north.post(path, json=body), 409, "not_opened")
    receipt = f"{id}-{programs.clients.world.north}"
    await programs.north.post(f"/api/v1/receipts/{receipt}/opening")
    assert (await programs.north.post(path, json=body)).json()["state"] == "coming"
    assert (await programs.north.get(f"/api/v1/receipts/{receipt}")).json()["state"] == "answered"


async def test_leave_is_asked_once_and_again_in_other_words(programs: Programs) -> None:
    id = await programs.publish()
    await programs.sign(id)
    path = f"/api/v1/notices/{id}/leave"
    first = (await programs.north.post(path, json={"person": "马文斌", "reason": "生病"})).json()
    same = (await programs.north.post(path, json={"person": "马文斌", "reason": "生病"})).json()
    other = (await programs.north.post(path, json={"person": "马文斌", "reason": "出差"})).json()
    assert first["id"] == same["id"] != other["id"]
    answer = (await programs.north.get(f"/api/v1/notices/{id}")).json()["answer"]
    assert [(x["reason"], x["state"]) for x in answer["leaves"]] == [("出差", "asked")]
    refused = await programs.office.post(f"/api/v1/leaves/{other['id']}/decision", json={"approve": False})
    assert [e["field"] for e in refused.json()["errors"]] == ["reason"]
    decided = await programs.office.post(f"/api/v1/leaves/{other['id']}/decision", json={"approve": False, "reason": "须到会"})
    assert (decided.json()["state"], decided.json()["decision_reason"]) == ("refused", "须到会")
    [item] = (await programs.north.get("/api/v1/inbox?state=answer")).json()["items"]
    assert item["subject"] == id


async def test_after_the_deadline_only_a_late_change(programs: Programs) -> None:
    id = await programs.publish()
    await programs.sign(id)
    path = f"/api/v1/notices/{id}/late-changes"
    wish = {"people": [SUN | {"role": "principal"}], "leaves": [], "reason": "换人"}
    assert "还没有截止" in problem(await programs.north.post(path, json=wish), 409, "not_late")
    programs.clock.set("2026-03-19T04:00:01.000Z")
    late = await programs.north.post(f"/api/v1/notices/{id}/answer", json={"people": [MA]})
    assert "报名已经截止" in problem(late, 409, "deadline")
    assert "报名已经截止" in problem(
        await programs.north.post(f"/api/v1/notices/{id}/leave", json={"person": "马文斌", "reason": "病"}), 409, "deadline"
    )
    asked = await programs.north.post(path, json=wish)
    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    assert "正等会务决定" in problem(await programs.north.post(path, json=wish), 409, "waiting")
    told = (await programs.office.get(f"/api/v1/notices/{id}/answers")).json()
    [shown] = [x["late_change"] for x in told["items"] if x["late_change"]]
    decided = await programs.office.post(f"/api/v1/late-changes/{shown['id']}/decision", json={"approve": True})
    assert (decided.status_code, decided.json()["state"]) == (200, "approved")
    answer = (await programs.north.get(f"/api/v1/notices/{id}")).json()["answer"]
    assert [p["name"] for p in answer["people"]] == ["孙立民"]


async def test_the_organiser_answers_for_a_unit_chases_and_checks_in(programs: Programs) -> None:
    id = await programs.publish()
    office = programs.office
    chased = await office.post(f"/api/v1/notices/{id}/chase", json={"units": ["unit:620001"]})
    assert (chased.status_code, chased.json()["units"]) == (200, 1)
    unknown = await office.post(f"/api/v1/notices/{id}/chase", json={"units": ["620001", "no-such"]})
    assert [e["field"] for e in unknown.json()["errors"]] == ["units-1"]
    said = await office.post(f"/api/v1/notices/{id}/answers", json={"unit": "620001", "people": [MA]})
    assert (said.status_code, said.json()["state"], said.json()["by_organiser"]) == (200, "coming", True)
    person = said.json()["people"][0]
    assert (await office.post(f"/api/v1/notices/{id}/chase")).json()["units"] == 1
    door = f"/api/v1/notices/{id}/attendance"
    assert (await office.post(door, json={"token": person["token"]})).json()["first"] is True
    again = (await office.post(door, json={"attendee": person["id"]})).json()
    assert (again["first"], again["attendee"]["checked_in_at"]) == (False, "2026-03-18T01:42:00.000Z")
    problem(await office.post(door, json={"token": "nobody"}), 404)
    problem(await office.post(door, json={"token": "x", "attendee": "1"}), 422)
    problem(await office.post(door, json={}), 422)
    await office.post(f"/api/v1/notices/{id}/answers", json={"unit": "unit:620002", "people": [MA | {"name": "高翔"}]})
    assert "没有要催的单位" in problem(await office.post(f"/api/v1/notices/{id}/chase"), 409, "nobody")


async def test_lists_on_paper_and_as_a_workbook(programs: Programs) -> None:
    id = await programs.publish()
    await programs.office.post(f"/api/v1/notices/{id}/answers", json={"unit": "620001", "people": [MA, SUN]})
    book = await programs.office.get(f"/api/v1/notices/{id}/people.xlsx")
    assert book.headers["content-type"].endswith("spreadsheetml.sheet")
    rows = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
    assert [row[2] for row in rows[1:]] == ["马文斌", "孙立民"]
    paper = await programs.office.get(f"/api/v1/notices/{id}/people.pdf")
    assert (paper.headers["content-type"], paper.content[:5]) == ("application/pdf", b"%PDF-")


async def test_lists_of_notices_page_by_page(programs: Programs) -> None:
    ids = [await programs.publish(title=f"第 {n} 次会议") for n in range(3)]
    for client, side in ((programs.office, "sent"), (programs.north, "received")):
        first = (await client.get(f"/api/v1/notices?limit=2&side={side}")).json()
        assert [x["id"] for x in first["items"]] == ids[:0:-1]
        rest = (await client.get("/api/v1/notices", params={"limit": 2, "side": side, "cursor": first["next"]})).json()
        assert ([x["id"] for x in rest["items"]], rest["next"]) == (ids[:1], None)
    page = (await programs.north.get("/api/v1/inbox?limit=1")).json()
    more = (await programs.north.get("/api/v1/inbox", params={"limit": 1, "cursor": page["next"]})).json()
    assert [page["items"][0]["subject"], more["items"][0]["subject"]] == ids[:0:-1]
    for bad in ("limit=0", "limit=x", "limit=201", "cursor=*", "side=both"):
        problem(await programs.office.get(f"/api/v1/notices?{bad}"), 422)


async def test_a_file_as_body_and_attachments(programs: Programs) -> None:
    office = programs.office
    put = [await office.post(f"/api/v1/files?name={name}", content=name.encode()) for name in ("正文.txt", "附件.txt")]
    body, attached = (answer.json()["id"] for answer in put)
    id = await programs.publish(body=body, attachments=[attached])
    read = (await programs.north.get(f"/api/v1/notices/{id}")).json()
    assert [(f["id"], f["part"]) for f in read["attachments"]] == [(body, "body"), (attached, "attachment")]
    assert read["body"] == ""
    receipt = f"{id}-{programs.clients.world.north}"
    await programs.north.post(f"/api/v1/receipts/{receipt}/opening")
    sign = f"/api/v1/receipts/{receipt}/signature"
    assert "附件还没有打开" in problem(await programs.north.post(sign, json={}), 409, "attachments_unopened")
    assert (await programs.north.get(f"/api/v1/files/{attached}")).content == "附件.txt".encode()
    signed = await programs.north.post(sign, json={})
    assert (signed.status_code, [f["opened"] for f in signed.json()["files"]]) == (200, [False, True])

    foreign = (await programs.north.post("/api/v1/files?name=x.txt", content=b"x")).json()["id"]
    for said in ({"attachments": [foreign]}, {"attachments": ["no-such-file"]}, {"body": foreign}):
        problem(await office.post("/api/v1/notices", json=programs.meeting(**said)), 422)
    problem(await office.patch(f"/api/v1/notices/{id}", json={"version": 1, "attachments": [foreign]}), 422)
    problem(await office.patch(f"/api/v1/notices/{id}", json={"version": 1, "body": body}), 422)
    changed = (await office.patch(f"/api/v1/notices/{id}", json={"version": 1, "attachments": []})).json()
    assert [c["field"] for c in changed["changes"]] == ["files"]
