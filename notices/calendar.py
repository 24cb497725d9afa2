"""The .ics of a meeting: one VEVENT, which a calendar program takes in, moves or strikes out.

The first version goes out with SEQUENCE 0; each change keeps the UID and adds one; a cancellation does so too and says CANCEL.
Times are UTC ("…Z"), never TZID: some Outlooks reject a CANCEL with a TZID. Source: RFC 5545, RFC 5546 §3.2.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

import icalendar

from ground.clock import parse

Method = Literal["REQUEST", "CANCEL"]
PRODID = "-//Songda//Songda 1.0//ZH"


class Event(NamedTuple):
    """One version of a meeting. Times are UTC text, `2026-03-18T01:42:07.123Z`; the .ics carries whole seconds."""

    uid: str  # the same for all versions of the meeting
    sequence: int  # version - 1: 0 or more
    title: str
    place: str
    starts_at: str
    ends_at: str  # "" when the end is not known
    stamped_at: str  # when this .ics was made, from the clock
    description: str = ""
    organiser_name: str = ""
    organiser_mail: str = ""  # "" when no address is known: then there is no ORGANIZER


def ics(event: Event, method: Method) -> str:
    """The text of the .ics file, lines ended by CRLF; send it as text/calendar; charset=utf-8; method=<method>.

    Raises:
        ValueError: no uid, a negative sequence, an end before its start, a time without a zone, or a mail address with
            spaces, control characters or not exactly one "@".
    """
    if not event.uid or event.sequence < 0:
        raise ValueError(f"an event needs a uid and a sequence of 0 or more, not {event.uid!r} and {event.sequence}")
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_vevent(event, method))
    return str(calendar.to_ical(), "utf-8")


def _vevent(event: Event, method: Method) -> icalendar.Event:
    """The VEVENT; empty texts leave their property out."""
    start = parse(event.starts_at)
    vevent = icalendar.Event()
    vevent.add("uid", _plain(event.uid))
    vevent.add("sequence", event.sequence)
    vevent.add("dtstamp", parse(event.stamped_at))
    vevent.add("dtstart", start)
    if event.ends_at:
        if (end := parse(event.ends_at)) < start:
            raise ValueError(f"the meeting ends at {event.ends_at}, before it starts at {event.starts_at}")
        vevent.add("dtend", end)
    for name, text in (("summary", event.title), ("location", event.place), ("description", event.description)):
        if text:
            vevent.add(name, _plain(text))
    vevent.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    if event.organiser_mail:
        vevent.add("organizer", _organiser(event))
    return vevent


def _organiser(event: Event) -> icalendar.vCalAddress:
    """mailto: with the name as CN, without marks that a parameter may not hold."""
    if not re.fullmatch(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+", event.organiser_mail):
        raise ValueError(f"not a mail address: {event.organiser_mail!r}")
    address = icalendar.vCalAddress(f"mailto:{event.organiser_mail}")
    if name := " ".join(_plain(event.organiser_name).replace('"', "").split()):
        address.params["CN"] = name
    return address


def _plain(text: str) -> str:
    """The text without control characters, which RFC 5545 §3.1 forbids; line ends stay, as \\n."""
    text = "\n".join(text.splitlines())
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs"})
