"""What a message is: one line of news to one person on one channel, in the outbox until it is known to have arrived or not.

held ──(quiet hours end)──▶ ready ──▶ claimed ──▶ accepted ──▶ delivered
                              ▲          │            └──────▶ undelivered(code)
                         retry_wait ◀────┤
                                         └──▶ unknown   the answer was lost after the request had left: never re-sent blindly
held / ready / retry_wait ──▶ cleared (the unit has answered meanwhile) · expired (too late to be of use)
duplicate: the same news had been put before.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a message stands."""

    HELD = "held"
    READY = "ready"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    CLEARED = "cleared"
    DUPLICATE = "duplicate"
    RETRY_WAIT = "retry_wait"
    UNKNOWN = "unknown"


RANK = {State.CLAIMED: 1, State.RETRY_WAIT: 1, State.UNKNOWN: 2, State.ACCEPTED: 3, State.UNDELIVERED: 4, State.DELIVERED: 5}
OPEN = (State.HELD, State.READY, State.CLAIMED, State.RETRY_WAIT, State.UNKNOWN)


class Channel(StrEnum):
    """How it reaches the person."""

    SMS = "sms"
    EMAIL = "email"
    SCREEN = "screen"


class Purpose(StrEnum):
    """What it is about."""

    PUBLISHED = "published"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REMINDER = "reminder"
    CHASE = "chase"
    LEAVE = "leave"
    LATE_CHANGE = "late_change"
    ATTENDEE = "attendee"
    MINUTES = "minutes"
    REPLY = "reply"
    RETURNED = "returned"
    ANSWERED = "answered"
    PASSED = "passed"
    RECALL_DECIDED = "recall_decided"


CLEARED_BY_ANSWER = (Purpose.REMINDER, Purpose.CHASE)


class Priority(IntEnum):
    """Who goes first when the line is long."""

    IMMEDIATE = 0  # 特急, and cancellations
    URGENT = 1
    NORMAL = 2
    REMINDER = 3


class NewMessage(NamedTuple):
    """What a room puts into the outbox.

    `step` tells repeats of one purpose apart (which reminder, which chase). `line` is the short form used when several messages
    to one person leave as one SMS. `person_id` 0: somebody who is not in the directory, known by `address` alone.
    """

    subject_id: int
    version: int
    purpose: Purpose
    channel: Channel
    person_id: int
    unit_id: int
    address: str
    title: str
    text: str
    line: str
    priority: Priority
    step: str = ""
    expires_at: str | None = None
    ics: str | None = None
    ics_method: str | None = None

    @property
    def recipient(self) -> str:
        """The person's part of the unique key."""
        return f"person:{self.person_id}" if self.person_id else f"to:{self.address}"
