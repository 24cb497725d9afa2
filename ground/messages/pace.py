"""How fast, and through which gateway: a token bucket in parts, and the health of one or two gateways. Pure; times are seconds.

A gateway is `failing` when too large a share of the last minutes' messages failed, and `dead` when it cannot be reached or
answers nothing but "not now". The second takes over from a failing or dead first; the first is tried with single messages until
one succeeds. Where there is no other choice a failing gateway goes on (half the messages arriving is better than none), while a
dead one gets a single message now and then: the others wait for it without using up their tries.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ground.messages.gateway import Outcome

PROBE_S = 15.0
LONGEST_PROBE_S = 300.0
WELL = ("accepted", "delivered")
AT_LEAST = 5  # outcomes before a share means anything
IN_A_ROW = 5  # without one success: dead
# Refused by our own checks: the gateway never saw the message.
_OURS = frozenset({"bad-token", "bad-mobile", "bad-text", "bad-address", "empty-text", "too-long"})


class Bucket:
    """Parts a second, with one second's worth in reserve; callers are served in the order in which they ask."""

    def __init__(self, rate: float) -> None:
        """`rate`: parts a second."""
        self._rate = rate
        self._free_at = -math.inf

    def debt_s(self, now: float) -> float:
        """How long the next caller would have to wait."""
        return max(0.0, self._free_at - now)

    def wait_s(self, parts: int, now: float) -> float:
        """Take `parts`; how many seconds the caller has to wait before sending them."""
        waits = self.debt_s(now)
        self._free_at = max(self._free_at, now - 1.0) + parts / self._rate
        return waits


class Choice(NamedTuple):
    """The gateway to use now, and whether for one message only, to see whether it works again."""

    gateway: str
    probe: bool


@dataclass(slots=True)
class _Health:
    outcomes: deque[tuple[float, bool]] = field(default_factory=deque)
    failed: int = 0
    in_a_row: int = 0
    refused_connection: bool = False
    probing: bool = False
    probe_at: float | None = None
    probe_wait_s: float = PROBE_S

    def add(self, now: float, *, bad: bool) -> None:
        self.outcomes.append((now, bad))
        self.failed += bad

    def forget(self, before: float) -> None:
        while self.outcomes and self.outcomes[0][0] < before:
            self.failed -= self.outcomes.popleft()[1]

    def probed(self, now: float, outcome: Outcome) -> None:
        """A probe that comes back well clears the record; one that is lost costs a message, so the next waits longer."""
        self.probing = False
        if outcome.state in WELL:
            self.outcomes.clear()
            self.failed, self.probe_at, self.probe_wait_s = 0, None, PROBE_S
        elif outcome.state == "unknown":
            self.probe_wait_s = min(2 * self.probe_wait_s, LONGEST_PROBE_S)
            self.probe_at = now + self.probe_wait_s

    @property
    def dead(self) -> bool:
        return self.refused_connection or self.in_a_row >= IN_A_ROW


class Router:
    """Which of one or two gateways carries the next messages, by what the last ones met."""

    def __init__(self, gateways: Sequence[str], *, percent: float, minutes: float) -> None:
        """`gateways` in the order of preference; the share of failures that counts as failing, and over how long."""
        self._gateways = tuple(gateways)
        self._health = {name: _Health() for name in self._gateways}
        self._percent, self._window_s = percent, minutes * 60

    def note(self, gateway: str, outcome: Outcome, now: float) -> None:
        """Remember what a gateway answered."""
        health = self._health.get(gateway)
        if health is None or outcome.code in _OURS:
            return
        if health.probing:
            health.probed(now, outcome)
        health.add(now, bad=outcome.state not in WELL)
        # A refusal is an answer: the line works. Codes of lost connections are the names of exceptions, as in ConnectError.
        alive = outcome.state in WELL or outcome.state == "refused"
        health.in_a_row = 0 if alive else health.in_a_row + 1
        no_line = outcome.state == "temporary" and "onnect" in outcome.code
        health.refused_connection = not alive and (health.refused_connection or no_line)

    def failing(self, gateway: str, now: float) -> bool:
        """Whether another gateway should take over."""
        health = self._health[gateway]
        health.forget(now - self._window_s)
        share = 100 * health.failed >= self._percent * len(health.outcomes) and len(health.outcomes) >= AT_LEAST
        return health.dead or share

    def dead(self, gateway: str) -> bool:
        """Whether it cannot be reached at all."""
        return gateway in self._health and self._health[gateway].dead

    def best(self, now: float) -> str | None:
        """The gateway for ordinary traffic: the first that is well, else the first that is not dead, else none."""
        well = (name for name in self._gateways if not self.failing(name, now))
        alive = (name for name in self._gateways if not self.dead(name))
        return next(well, None) or next(alive, None)

    def choose(self, now: float) -> Choice | None:
        """The gateway for the next messages; a better liked one that failed is tried now and then. None: all are dead, wait."""
        best = self.best(now)
        for name in self._gateways:
            if name == best:
                break
            health = self._health[name]
            if health.probe_at is None:  # it has only just failed
                health.probe_at = now + health.probe_wait_s
            elif now >= health.probe_at:
                health.probing, health.probe_at = True, now + health.probe_wait_s
                return Choice(name, probe=True)
        return Choice(best, probe=False) if best else None
