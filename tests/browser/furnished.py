"""A city where every page has something to show: meetings open, changed, past their deadline, over and cancelled; drafts, leaves.

ids, tokens = prepared(folder, furnish)    ids by name for the paths, the session cookie of each of the cast
"""

from datetime import date
from typing import Any, NamedTuple

from exchange import chasing, drafting, numbering, passing, recalling, receiving, reissuing, sending
from exchange.document import Contents as Paper
from exchange.sending import Attached
from exchange.typesetting import Paper as Sheet
from exchange.typesetting import typeset_document
from exchange.writing import compose
from ground import uploads
from ground.config import Config, SignIn
from ground.db import Database, Tx
from ground.directory import people, sessions
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.files import Store, record
from ground.typeset import fonts_of
from notices import attendance, leaves, organising, publishing, signups
from notices.notice import Answer, Contents, Details, LeaveAsked, Person, Quota, StandIn
from receipts import inbox, ledger
from receipts.receipt import Step
from tests.browser.house import Cast, cast, local, now, utc
from tests.world import told

MA = Person("马文斌", "区长", "13800006012", "principal")
SUN = Person("孙立民", "文物科科长", "13900002206", "staff")
GAO = Person("高建国", "副区长", "13800001933", "principal")
LEAVE = LeaveAsked("principal", "高建国", "副区长", "赴兰州参加全省会议", StandIn("杜晓燕", "办公室主任", "13800004417"))
DETAILS = Details(
    "为落实全省会议精神，研究部署文物保护与旅游安全工作。请按时参加，不迟到、不早退。", "1. 传达精神\n2. 部署工作", "夏装工装",
    "院内停车", "本单位汇报材料 3 份", "吴佳", "0933-8210233",
)  # fmt: skip
TODAY = "2026-01-01"


class Furnished(NamedTuple):
    """What the pages' paths are filled in with."""

    ids: dict[str, str]
    tokens: dict[str, str]


class _Making:
    """Fills the city; remembers ids by name."""

    def __init__(self, tx: Tx, city: Cast, file: str, more: str) -> None:
        self.tx, self.city, self.world, self.file, self.more, self.series = tx, city, city.world, file, more, 0
        self.ids: dict[str, str] = {}

    async def meeting(self, name: str, title: str, starts: str, by: str, sent: str, **more: Any) -> int:
        """Publish a meeting to both groups at `sent`."""
        contents = Contents(title, "市政府四楼会议室", starts, "", by, details=DETAILS)._replace(**more)
        wanted = Wanted(groups=(self.world.districts, self.city.departments), without=("6200000013",))
        done = await publishing.publish(
            self.tx, self.world.organiser, contents, wanted, told=told(), now=sent, today=TODAY, attachments=[self.file]
        )
        self.ids[name] = str(done.id)
        return done.id

    async def answers(self, meeting: int, who: Actor, answer: Answer, at: str) -> None:
        """A unit opens, signs and answers."""
        await inbox.open_item(self.tx, meeting, who, at)
        await signups.sign_and_answer(self.tx, who, meeting, answer, waived=[self.file], now=at)

    async def coming(self) -> None:
        """One to come: the north comes, the south asks leave, then the time changes."""
        world, sent = self.world, now()
        quota = (Quota("principal", 1, 1), Quota("staff", 0, 2), Quota("driver", 0, 1))
        open_ = await self.meeting(
            "open", "全市文物保护与旅游安全工作会议", utc(5, "15:00"), utc(3, "12:00"), sent, seats=120, urgency="urgent",
            quota=quota,
        )  # fmt: skip
        await self.answers(open_, world.north_clerk, Answer((MA, SUN)), sent)
        await self.answers(open_, world.south_clerk, Answer((), (LEAVE,)), sent)
        found = (await leaves.of_notice(self.tx, open_))[0]
        self.ids["leave"] = str(found.id)
        notice = await publishing.find(self.tx, open_)
        later = notice.contents._replace(starts_at=utc(5, "15:30"))
        await publishing.change(self.tx, world.organiser, open_, 1, later, told=told(), now=sent)
        await organising.chase(self.tx, world.organiser, open_, None, told=told(), now=sent)
        self.ids["attendee"] = str((await signups.people_of(self.tx, open_, world.north))[0].id)
        fresh = await self.meeting("fresh", "全市防汛抗旱工作调度会", utc(2, "09:00"), utc(1, "18:00"), sent, urgency="immediate")
        self.ids["fresh_secret"] = (await publishing.find(self.tx, fresh)).check_in

    async def past(self) -> None:
        """One past its deadline with a late change asked, one that has begun, one cancelled."""
        world, sent, answered = self.world, utc(-3, "09:00"), utc(-2, "09:00")
        late = await self.meeting("late", "全市安全生产电视电话会议", utc(2, "10:00"), utc(-1, "12:00"), sent)
        await self.answers(late, world.north_clerk, Answer((MA,)), answered)
        wish = Answer((MA, SUN))
        self.ids["late_change"] = str(await leaves.ask_late(self.tx, world.north_clerk, late, wish, "换了带队的人", now=now()))
        begun = await self.meeting("begun", "全市经济运行分析会", utc(-1, "09:00"), utc(-2, "18:00"), sent)
        await self.answers(begun, world.north_clerk, Answer((MA, SUN)), answered)
        await self.answers(begun, world.south_clerk, Answer((GAO,)), answered)
        came = await signups.people_of(self.tx, begun, world.north)
        await attendance.by_id(self.tx, world.organiser, begun, came[0].id, now=utc(-1, "08:50"))
        self.ids["begun_secret"] = (await publishing.find(self.tx, begun)).check_in
        off = await self.meeting("cancelled", "全市信访工作联席会议", utc(6, "09:00"), utc(4, "12:00"), sent)
        await self.answers(off, world.north_clerk, Answer((MA,)), answered)
        await publishing.cancel(self.tx, world.organiser, off, "主要领导另有安排", told=told(), now=now())

    async def sent_documents(self) -> None:
        """Sent by 市府办: one under way (signed, opened, recalled in part, sent to more), one void, a draft."""
        tx, world, sender = self.tx, self.world, self.city.actor("sender")
        series = self.series
        sent = utc(-1, "09:00")
        new = Paper(
            "通知",
            "关于切实做好春季农业生产和森林草原防火工作的通知",
            "urgent",
            series,
            "马文斌",
            sent[:10],
            sign_by=utc(1, "12:00"),
        )
        attached = Attached(self.file)
        wanted, nobody = Wanted((world.districts, self.city.departments)), Wanted()
        for name, title in (("document", new.title), ("void", "关于调整办公时间的通知"), ("wrong", "关于开展安全检查的通知")):
            done = await sending.send(
                tx, sender, new._replace(title=title), wanted, nobody, attached=attached, told=told(), now=sent, today=sent[:10]
            )
            self.ids[name] = str(done.id)
        id = int(self.ids["document"])
        for unit in (world.north_clerk, world.south_clerk):
            await inbox.open_item(tx, id, unit, sent)
        await inbox.sign(tx, id, world.north_clerk, waived=(), at=utc(-1, "15:00"))
        await recalling.recall(tx, sender, id, "附件有误", [world.outside], told=told(), now=now())
        await chasing.chase(tx, sender, id, None, told=told(), now=now())
        await reissuing.void(tx, sender, int(self.ids["void"]), "重复发文", told=told(), now=now())
        form = {"title": ["关于做好清明节假期文化和旅游市场安全工作的通知"], "series": [str(series)], "group": [str(world.districts)],
                "cc_unit": ["6200000009"], "body": [attached.body]}  # fmt: skip
        self.ids["paper"] = str(await drafting.save(tx, sender, form, draft=0, now=now()))

    async def document(self, name: str, title: str, *, files: int = 1, **more: Any) -> int:
        """A document of 市府办 to both groups; its id."""
        world, sent = self.world, now()
        new = Paper("通知", title, "normal", self.series, "许建平", sent[:10], sign_by=utc(1, "18:00"))._replace(**more)
        wanted = Wanted(groups=(world.districts, self.city.departments))
        sender = world.organiser._replace(roles=frozenset({"secretary"}))
        attached = Attached(self.file, (self.more,)[: files - 1])
        done = await sending.send(
            self.tx, sender, new, wanted, Wanted(), attached=attached, told=told(), now=sent, today=sent[:10]
        )
        self.ids[name] = str(done.id)
        return done.id

    async def sign(self, id: int) -> None:
        """The north opens, signs and registers."""
        clerk = self.world.north_clerk
        await inbox.open_item(self.tx, id, clerk, now())
        await receiving.sign(self.tx, clerk, id, waived=[self.more], register=True, now=now(), today=now()[:10])

    async def documents(self) -> None:
        """One for each state that the receiver's page knows."""
        tx, clerk, sender, north = self.tx, self.world.north_clerk, self.world.organiser, self.world.north
        self.series = await numbering.open_series(tx, "测政办发", "", unit=sender.unit_id, by=None, at=now())
        back = await self.document("doc_returned", "关于报送上半年工作总结的通知")
        await inbox.open_item(tx, back, clerk, now())
        await receiving.give_back(tx, clerk, back, ("12", "90"), "附件2只有表头，请补齐后重发。", told=told(), now=now())
        for name, step in (("doc_recalled", Step.RECALL), ("doc_superseded", Step.SUPERSEDE)):
            id = await self.document(name, "关于调整值班安排的通知")
            await ledger.take_step(tx, step, await ledger.subject_of(tx, id), north, sender, at=now())
        await self.document("doc_correction", "关于调整值班安排的通知（更正）")
        old = int(self.ids["doc_superseded"])
        await tx.run("UPDATE documents SET corrects = :old WHERE id = :id", old=old, id=int(self.ids["doc_correction"]))
        asked = await self.document("doc_asked", "关于开展安全生产检查的通知")
        await self.sign(asked)
        await ledger.take_step(tx, Step.ASK_RECALL, await ledger.subject_of(tx, asked), north, sender, at=now())
        await tx.run(
            "INSERT INTO recalls (document_id, unit_id, reason, state, asked_at, asked_by, decision_reason) "
            "VALUES (:id, :unit, '附件放错了', 'asked', :at, :by, '')",
            id=asked, unit=north, at=now(), by=sender.person_id,
        )  # fmt: skip
        await self.sign(await self.document("doc_done", "关于做好汛期值守的通知"))
        await self.sign(await self.document("doc_answer", "关于报送排查清单的通知", answer_by=utc(3, "18:00"), files=2))
        title = "关于立即开展文博场所和旅游景区消防安全隐患排查整治的紧急通知"
        await self.document("doc", title, urgency="immediate", files=2, answer_by=utc(3, "18:00"))
        leader = self.world.north_leader.person_id
        await passing.pass_on(tx, clerk, int(self.ids["doc"]), leader, "请阅示", told=told(), now=now())

    async def papers(self) -> None:
        """A draft, a delegation, a token; ids of people, posts, units, groups."""
        world = self.world
        form = {
            "title": ["全市林长制工作推进会"],
            "place": ["三楼会议室"],
            "starts_at": [local(9, "09:00")],
            "body": ["请准时参加。"],
        }
        self.ids["draft"] = str(await publishing.save_draft(self.tx, world.organiser, form, draft=0, now=now()))
        await people.delegate(
            self.tx, world.north_clerk, self.city.actor("unit_admin").person_id, from_at=utc(-1, "00:00"), until_at=utc(5, "00:00"),
            reason="外出学习", at=now(),
        )  # fmt: skip
        clerk = world.north_clerk
        coming = await uploads.begin(
            self.tx, "汇报.pdf", 1 << 20, unit=clerk.unit_id, person=clerk.person_id, room=1 << 30, keep_hours=24, at=now()
        )
        self.ids["upload"] = coming.id
        await sessions.issue_token(self.tx, clerk.person_id, clerk.unit_id, "办公系统接口", days=90, at=now())
        post = (await people.posts_of(self.tx, clerk.person_id))[0]
        self.ids |= {
            "group": str(self.world.districts), "unit": "620001", "unit_id": str(world.south), "person": str(clerk.person_id),
            "post": str(post.id), "file": self.file,
        }  # fmt: skip


async def paper() -> bytes:
    """A document as the city's own typesetting makes it."""
    lines = (
        "一、提高认识", "请按照属地管理的原则，把各项措施落到实处。", "二、加强值守", "严格落实值班制度，遇有情况及时报告。"
    )  # fmt: skip
    body = compose("\n".join(lines))
    sheet = Sheet(
        title="关于做好清明节假期文化和旅游市场安全工作的通知", body=body, heads=("测试市人民政府办公室",), number="测政办发〔2026〕9号",
        dated=date(2026, 3, 18), main="各县（市、区）人民政府，市直各部门：", office="测试市人民政府办公室", printed=date(2026, 3, 18),
    )  # fmt: skip
    return await typeset_document(sheet, at=now(), **fonts_of(Config().fonts))


async def furnish(db: Database, store: Store) -> Furnished:
    """The cast, everything above, and a session for each."""
    city = await cast(db)
    stored = await store.put_bytes(await paper())

    async def fill(tx: Tx) -> Furnished:
        sender = city.world.organiser
        file = await record(tx, stored, "会议方案.pdf", unit=sender.unit_id, person=sender.person_id, at=now())
        more = await record(tx, stored, "附件1　任务分工表.pdf", unit=sender.unit_id, person=sender.person_id, at=now())
        making = _Making(tx, city, file.id, more.id)
        await making.past()
        await making.coming()
        await making.papers()
        await making.documents()
        await making.sent_documents()
        tokens = {}
        for who in (
            "organiser",
            "north_clerk",
            "south_clerk",
            "north_leader",
            "operator",
            "security",
            "auditor",
            "unit_admin",
            "outsider",
            "sender",
        ):
            one = city.actor(who)
            begun = await sessions.begin(
                tx, one.person_id, login=one.login, how="password", address="127.0.0.1", agent="Chrome on Windows", rules=SignIn(),
                now=now(),
            )  # fmt: skip
            tokens[who] = begun.token
        return Furnished(making.ids, tokens)

    return await db.write(fill)
