"""Which meetings the demo city has called together: two years that are over, and a handful that are on now. Pure.

Past ones are laid out by working days; those of now hang on the very moment, so that 今日 has something for everybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from demo import topics
from demo.topics import QUOTAS, Topic
from demo.worktime import WorkTime, text
from notices.notice import Contents, Details, Field, Quota

HOUR = 3600.0
DAY = 24 * HOUR
YEARS_BACK = 2 * 365 * DAY

FIELDS = (
    Field("plate", "车牌号", "text", False),
    Field("meal", "是否用餐", "yesno", True),
)


class Host(NamedTuple):
    """Who can call a meeting: the unit, and whom to ask."""

    code: str
    short_name: str
    contact: str
    phone: str


class Meeting(NamedTuple):
    """A meeting to be written down. Times are seconds since 1970; those inside `contents` are UTC text."""

    host: str  # the unit's code
    invited: tuple[str, ...]
    contents: Contents
    sent: float
    answer_by: float
    starts: float
    changed: tuple[float, Contents] | None = None  # when, and what it says since
    cancelled: tuple[float, str] | None = None
    pace: float = 90.0  # minutes, half of the units have answered by then; working minutes unless it is on now
    current: bool = False
    held: Mapping[str, str] = {}  # where a unit of the printed accounts stands, by code
    late_wish: bool = False  # somebody asks to change an answer after the deadline
    handout: str = ""  # name of an attachment


class Audience(NamedTuple):
    """Who may be invited: units by code, of the whole city and below one county."""

    groups: Mapping[str, tuple[str, ...]]
    counties: Mapping[str, tuple[str, ...]]  # by the code of the county's office that calls them


# --- over ---------------------------------------------------------------------------------------------------------------


def past(random: Random, number: int, now: float, work: WorkTime, hosts: Sequence[Host], audience: Audience) -> list[Meeting]:
    """So many meetings of the last two years, by when they were sent."""
    by_short = {host.short_name: host for host in hosts}
    local = [host for host in hosts if host.code in audience.counties]
    found = []
    for n in range(number):
        day = work.day(now - YEARS_BACK * (n + random.random()) / number - DAY, -1)
        start = work.at(day, *random.choice(((9, 0), (9, 30), (10, 0), (14, 30), (15, 0), (16, 0))))
        answer_by = work.at(work.day(start, -1 - (random.random() < 0.3)), *random.choice(((12, 0), (17, 0), (18, 0))))
        sent = work.after(work.at(work.day(answer_by, -random.choice((1, 2, 2, 3, 4))), 8, 30), random.uniform(5, 300))
        sent = min(sent, answer_by - 3 * HOUR)
        everyone = n % (number // 8 + 1) == 3
        if local and not everyone and random.random() < 0.14:
            host = random.choice(local)
            topic, place = random.choice(topics.TOPICS), host.short_name.removesuffix("政府办公室")
            invited = tuple(sorted(random.sample(audience.counties[host.code], min(30, len(audience.counties[host.code])))))
        else:
            topic, place = random.choice([t for t in topics.TOPICS if t.host in by_short]), "全市"
            host = by_short[topic.host]
            invited = audience.groups["全市各级各单位"] if everyone else _invited(random, audience)
        invited = tuple(code for code in invited if code != host.code)
        contents = _contents(random, topic, place, host, start, answer_by, n)
        found.append(_fate(random, Meeting(host.code, invited, contents, sent, answer_by, start), work))
    return sorted(found, key=lambda meeting: meeting.sent)


def _invited(random: Random, audience: Audience) -> tuple[str, ...]:
    groups = audience.groups
    which = random.choices(
        (
            "各县区、市直各部门", "各县区政府", "市直各部门", "市安委会成员单位", "市防汛抗旱指挥部成员单位",
            "各乡镇（街道）", "市属企事业单位"
        ),
        (30, 14, 14, 16, 12, 8, 6),
    )[0]  # fmt: skip
    return groups[which]


def _fate(random: Random, meeting: Meeting, work: WorkTime) -> Meeting:
    """Some are moved, a few are cancelled."""
    moment = min(work.after(meeting.sent, random.uniform(120, 400)), meeting.answer_by - HOUR)
    chance = random.random()
    if chance < 0.08 and moment > meeting.sent:
        old = meeting.contents
        if random.random() < 0.5:
            return meeting._replace(changed=(moment, old._replace(place=random.choice(topics.PLACES))))
        later = meeting.starts + random.choice((1.0, 1.5, 2.0)) * HOUR
        new = old._replace(starts_at=text(later), ends_at=text(later + 2 * HOUR))
        return meeting._replace(changed=(moment, new), starts=later)
    if chance < 0.11 and moment > meeting.sent:
        return meeting._replace(cancelled=(moment, random.choice(topics.WHY_CANCELLED)))
    return meeting


def _contents(random: Random, topic: Topic, place: str, host: Host, start: float, answer_by: float, n: int) -> Contents:
    form = random.choice(topics.FORMS)
    title = form.format(place=place, topic=topic.words, n="一二三四"[n % 4])
    urgency = random.choices(("normal", "urgent", "immediate"), (80, 17, 3))[0]
    seats = random.choice((0, 0, 60, 80, 120, 200))
    fields = FIELDS[: random.choice((0, 0, 0, 1, 2))]
    return contents(
        title, random.choice(topics.PLACES), start, answer_by, topic.words, host, urgency=urgency, seats=seats,
        quota=random.choice(QUOTAS), fields=fields, hours=random.choice((1.5, 2, 2, 3)),
    )  # fmt: skip


def contents(
    title: str, place: str, start: float, answer_by: float, about: str, host: Host, *, urgency: str = "normal", seats: int = 0,
    quota: tuple[Quota, ...] = QUOTAS[0], fields: tuple[Field, ...] = (), hours: float = 2,
) -> Contents:  # fmt: skip
    """What a notice of the demo says."""
    details = Details(
        topics.BODY.format(about=about), topics.AGENDA.format(about=about), "正装" if seats else "", topics.VEHICLE,
        topics.BRING, host.contact, host.phone,
    )  # fmt: skip
    return Contents(
        title, place, text(start), text(start + hours * HOUR), text(answer_by), urgency, seats, quota, fields, details
    )


# --- on now -------------------------------------------------------------------------------------------------------------


class Shown(NamedTuple):
    """The units whose people can sign in: the one that receives, and the one that sends most."""

    receiver: str
    sender: str


def current(now: float, work: WorkTime, hosts: Sequence[Host], audience: Audience, shown: Shown) -> list[Meeting]:
    """What is on now, by when it was sent: 特急 due today, deadlines tomorrow, a moved one, a cancelled one, one for all."""
    by_short = {host.short_name: host for host in hosts}
    days = _Days(now, work)
    found = []
    for row in _rows(days):
        host = by_short.get(row.host)
        if host is None:  # a smaller city has fewer offices
            continue
        body = contents(
            row.title, row.place, row.starts, row.answer_by, row.about, host, urgency=row.urgency, seats=row.seats,
            quota=QUOTAS[row.quota], fields=FIELDS if row.seats else (),
        )  # fmt: skip
        invited = [code for group in row.groups for code in audience.groups[group] if code != host.code]
        if shown.receiver not in invited:
            invited.append(shown.receiver)
        changed, starts = None, row.starts
        if row.moved:
            starts = row.starts + row.moved
            moved = body._replace(starts_at=text(starts), ends_at=text(starts + 2 * HOUR), place="市会议中心三楼第一会议室")
            changed = (row.sent + (now - row.sent) * 0.85, moved)
        cancelled = (row.sent + (now - row.sent) * 0.6, row.cancelled) if row.cancelled else None
        held = {shown.receiver: row.held, shown.sender: row.held if row.host != "市政府办公室" else ""}
        found.append(
            Meeting(
                host.code, tuple(dict.fromkeys(invited)), body, row.sent, row.answer_by, starts, changed, cancelled, row.pace,
                True, held, row.late_wish, row.handout,
            )
        )  # fmt: skip
    return sorted(found, key=lambda meeting: meeting.sent)


class _Days:
    """Moments around now, on the city's clock."""

    def __init__(self, now: float, work: WorkTime) -> None:
        self.now = now
        self._work = work

    def at(self, away: int, hour: int, minute: int = 0) -> float:
        """A time `away` days from today."""
        return self._work.on(self.now + away * DAY, hour, minute)

    def today(self) -> float:
        """18:00 today, or when that is near or gone, two hours from now, on the half hour."""
        evening = self.at(0, 18)
        return evening if evening > self.now + 2 * HOUR else (self.now + 2.5 * HOUR) // 1800 * 1800


class _Row(NamedTuple):
    host: str
    title: str
    about: str
    place: str
    groups: tuple[str, ...]
    sent: float
    answer_by: float
    starts: float
    held: str  # where the shown units stand: new, opened, signed, coming, asked, confirm
    pace: float
    urgency: str = "normal"
    quota: int = 0
    seats: int = 0
    moved: float = 0.0
    cancelled: str = ""
    late_wish: bool = False
    handout: str = ""


def _rows(d: _Days) -> Iterator[_Row]:
    yield from _under_way(d)
    yield from _just_sent(d)


def _under_way(d: _Days) -> Iterator[_Row]:
    office, both = "市政府办公室", ("各县区、市直各部门",)
    yield _Row(
        "市公安局", "全市道路交通安全工作会议", "道路交通安全", "市公安局二楼报告厅", ("市安委会成员单位",), d.now - 6 * DAY,
        d.at(-1, 17), d.at(1, 15), "coming", 300, late_wish=True, quota=1,
    )  # fmt: skip
    yield _Row(
        office, "市政府全体（扩大）会议", "下一阶段重点工作", "市政府一楼会议室", both, d.now - 4 * DAY, d.at(-1, 18),
        d.at(2, 9, 30), "confirm", 400, moved=5.5 * HOUR, seats=120, quota=0,
    )  # fmt: skip
    yield _Row(
        "市文旅局", "全市文化旅游产业发展推进会议", "文化旅游产业发展", "市文化馆多功能厅", ("市直各部门", "各县区政府"),
        d.now - 3 * DAY, d.at(1, 12), d.at(3, 15), "coming", 500, cancelled="因参会领导另有公务，会议推迟，时间另行通知。",
    )  # fmt: skip
    yield _Row(
        "市统计局", "全市统计工作部署会议", "统计工作", "市统计局四楼会议室", ("各县区政府", "市直各部门"), d.now - 3.2 * DAY,
        d.at(-1, 17), d.at(2, 10), "signed", 600, quota=1,
    )  # fmt: skip
    yield _Row(
        office, "全市重点项目建设推进会议", "重点项目建设", "市会议中心二楼会议厅", both, d.now - 2 * DAY, d.at(1, 12),
        d.at(2, 15), "signed", 1500, urgency="urgent", seats=200, handout="会议须知.txt",
    )  # fmt: skip


def _just_sent(d: _Days) -> Iterator[_Row]:
    office, all_of, both = "市政府办公室", ("全市各级各单位",), ("各县区、市直各部门",)
    yield _Row(
        "市发改委", "优化营商环境专题会议", "优化营商环境", "市发改委五楼会议室", ("市直各部门", "各县区政府"),
        d.now - 1.6 * DAY, d.now - 2 * HOUR, d.at(1, 10), "coming", 240, quota=2,
    )  # fmt: skip
    yield _Row(
        office, "全市政务信息系统应用视频培训会议", "公文交换和会议报名系统应用", "视频会议，各县区设分会场", all_of,
        d.now - 1.2 * DAY, d.at(2, 18), d.at(4, 9), "coming", 900, quota=3, handout="培训安排.txt",
    )  # fmt: skip
    yield _Row(
        office, "全市政务公开工作培训会议", "政务公开", "市政务信息中心三楼", both, d.now - 20 * HOUR, d.at(1, 17),
        d.at(3, 9), "asked", 700, quota=2,
    )  # fmt: skip
    yield _Row(
        "市委组织部", "全市基层党建工作重点任务推进会议", "基层党建", "市委一楼会议室", ("各县区委", "各县区政府"),
        d.now - 3 * HOUR, d.at(3, 12), d.at(5, 9), "new", 400,
    )  # fmt: skip
    yield _Row(
        "市教育局", "全市校园安全工作专题会议", "校园安全", "市教育局六楼会议室", ("各县区政府", "市安委会成员单位"),
        d.now - 2.4 * HOUR, d.at(2, 12), d.at(3, 15), "opened", 300, quota=1,
    )  # fmt: skip
    due = d.today()
    yield _Row(
        office, "当前安全防范工作紧急视频调度会议", "安全防范", "市应急指挥中心，各县区设分会场", both, d.now - 100 * 60, due,
        due + 1.5 * HOUR, "new", 60, urgency="immediate", quota=4,
    )  # fmt: skip
