"""The .ics: one meeting through publishing, a change and a cancellation."""

from datetime import UTC, datetime

import icalendar
import pytest

from notices.calendar import PRODID, Event, ics

FIRST = Event(
    uid="notice-3@songda.pingliang.gov.cn",
    sequence=0,
    title="全市安全生产工作会议",
    place="市委党校报告厅；三楼",
    starts_at="2026-03-20T01:00:00.000Z",
    ends_at="2026-03-20T03:30:00.000Z",
    stamped_at="2026-03-18T01:42:07.123Z",
    description="请着正装，\n提前 10 分钟到场；带 a,b;c\\d",
    organiser_name="市政府办公室",
    organiser_mail="bgs@pingliang.gov.cn",
)


def vevent(text: str) -> icalendar.Event:
    """The only event of the text, read back by the library."""
    calendar = icalendar.Calendar.from_ical(text)
    assert isinstance(calendar, icalendar.Calendar)
    [event] = calendar.walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    assert event.errors == []
    return event


def lines(text: str) -> list[str]:
    """Unfolded content lines."""
    return text.replace("\r\n ", "").split("\r\n")


def test_every_property_of_a_request() -> None:
    assert sorted(lines(ics(FIRST, "REQUEST"))) == sorted(
        [
            "BEGIN:VCALENDAR",
            f"PRODID:{PRODID}",
            "VERSION:2.0",
            "CALSCALE:GREGORIAN",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            "UID:notice-3@songda.pingliang.gov.cn",
            "SEQUENCE:0",
            "DTSTAMP:20260318T014207Z",
            "DTSTART:20260320T010000Z",
            "DTEND:20260320T033000Z",
            "SUMMARY:全市安全生产工作会议",
            "LOCATION:市委党校报告厅；三楼",
            r"DESCRIPTION:请着正装，\n提前 10 分钟到场；带 a\,b\;c\\d",
            "STATUS:CONFIRMED",
            "ORGANIZER;CN=市政府办公室:mailto:bgs@pingliang.gov.cn",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )


def test_a_change_and_a_cancellation_keep_the_uid_and_count_up() -> None:
    moved = FIRST._replace(sequence=1, starts_at="2026-03-20T06:30:00.000Z", ends_at="", stamped_at="2026-03-19T00:00:00.000Z")
    first, second, last = ics(FIRST, "REQUEST"), ics(moved, "REQUEST"), ics(moved._replace(sequence=2), "CANCEL")
    events = [vevent(text) for text in (first, second, last)]
    assert {str(event["UID"]) for event in events} == {FIRST.uid}
    assert [event["SEQUENCE"] for event in events] == [0, 1, 2]
    assert [str(icalendar.Calendar.from_ical(text)["METHOD"]) for text in (first, second, last)] == [
        "REQUEST",
        "REQUEST",
        "CANCEL",
    ]
    assert [str(event["STATUS"]) for event in events] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [event.DTSTART for event in events] == [
        datetime(2026, 3, 20, 1, tzinfo=UTC),
        *[datetime(2026, 3, 20, 6, 30, tzinfo=UTC)] * 2,
    ]
    assert "DTEND" not in events[1]


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_times_are_utc_and_never_name_a_zone(method: str) -> None:
    text = ics(FIRST._replace(starts_at="2026-03-20T09:00:00+08:00"), "CANCEL" if method == "CANCEL" else "REQUEST")
    assert "TZID" not in text
    assert "VTIMEZONE" not in text
    assert "DTSTART:20260320T010000Z" in text


def test_no_organiser_without_an_address_and_empty_texts_are_left_out() -> None:
    text = ics(FIRST._replace(organiser_mail="", description="", place=""), "REQUEST")
    assert not {"ORGANIZER", "DESCRIPTION", "LOCATION"} & {line.partition(":")[0].partition(";")[0] for line in lines(text)}


def test_the_same_event_gives_the_same_text() -> None:
    assert ics(FIRST, "REQUEST") == ics(FIRST, "REQUEST")


def test_lines_are_folded_by_octets_and_come_back_whole() -> None:
    title = "关于召开全市" + "安全生产𠮷" * 40 + "会议的通知"
    text = ics(FIRST._replace(title=title), "REQUEST")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert str(vevent(text)["SUMMARY"]) == title


def test_typed_text_cannot_become_a_property() -> None:
    evil = "会\r\nX-EVIL:1\nBEGIN:VALARM\x0b\x07\x00会"
    text = ics(
        FIRST._replace(title=evil, place=evil, description=evil, uid="u\r\nX-EVIL:1", organiser_name=f'{evil}";X=1:'), "REQUEST"
    )
    names = {line.partition(":")[0].partition(";")[0] for line in lines(text)}
    assert not {"X-EVIL", "X"} & names
    assert "VALARM" not in {line.partition(":")[2] for line in lines(text) if line.startswith("BEGIN")}
    assert str(vevent(text)["SUMMARY"]) == "会\nX-EVIL:1\nBEGIN:VALARM\n会"
    assert str(vevent(text)["ORGANIZER"]) == "mailto:bgs@pingliang.gov.cn"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"uid": ""}, "uid"),
        ({"sequence": -1}, "sequence"),
        ({"ends_at": "2026-03-20T00:59:59.000Z"}, "before it starts"),
        ({"starts_at": "2026-03-20T01:00:00"}, "without a zone"),
        ({"organiser_mail": "a@b.cn\r\nX-EVIL:1"}, "not a mail address"),
        ({"organiser_mail": "a@b@c.cn"}, "not a mail address"),
        ({"organiser_mail": "nobody"}, "not a mail address"),
    ],
)
def test_what_is_refused(wrong: dict[str, object], why: str) -> None:
    values: dict[str, object] = FIRST._asdict() | wrong
    with pytest.raises(ValueError, match=why):
        ics(Event._make(values.values()), "REQUEST")
