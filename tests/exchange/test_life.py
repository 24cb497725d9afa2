"""The whole life of a document at one unit, in any order of steps, against a model of a few lines: no step may do more or less."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exchange import answering, numbering, recalling, receiving, registering, sending
from exchange.document import Contents
from exchange.sending import Attached
from ground.clock import FixedClock
from ground.db import Database, Tx, open_database
from ground.directory.groups import Wanted
from ground.errors import Refused
from ground.files import Stored, record
from ground.migrating import migrate
from receipts import inbox, ledger
from receipts.receipt import State, Step
from tests.world import NOW, TODAY, make, told

BY, LATER = "2026-03-19T04:00:00.000Z", "2026-03-25T04:00:00.000Z"
FACTS = ("arrived", "opened", "signed", "registered", "answered")


class Life(RuleBasedStateMachine):
    """One document at one unit. The model: the facts that stand, and one of open, asked, returned, recalled, superseded."""

    def __init__(self) -> None:
        """A database of its own."""
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.facts = {"arrived"}
        self.end = "open"
        self.recall = 0
        self.db: Database = self.runner.run(self._begin())

    async def _begin(self) -> Database:
        db = await open_database(Path(self.folder.name) / "songda.db")
        await migrate(db, FixedClock(NOW))
        return db

    def teardown(self) -> None:
        """Close it."""
        self.runner.run(self.db.close())
        self.runner.close()
        self.folder.cleanup()

    def does(self, act: Callable[[Tx], Any]) -> bool:
        """Whether the act was allowed."""
        try:
            self.runner.run(self.db.write(act))
        except Refused:
            return False
        return True

    @initialize()
    def send(self) -> None:
        """市府办 sends it to both districts."""

        async def act(tx: Tx) -> tuple[Any, int]:
            world = await make(tx)
            series = await numbering.open_series(tx, "测政办发", "", unit=world.office, by=None, at=NOW)
            body = await record(
                tx,
                Stored("a" * 64, 9, "application/pdf"),
                "正文.pdf",
                unit=world.office,
                person=world.organiser.person_id,
                at=NOW,
            )
            new = Contents("通知", "关于安全工作的通知", "urgent", series, "马文斌", TODAY, sign_by=BY, answer_by=LATER)
            done = await sending.send(
                tx, world.organiser, new, Wanted((world.districts,)), Wanted(), attached=Attached(body.id), told=told(), now=NOW,
                today=TODAY,
            )  # fmt: skip
            return world, done.id

        self.world, self.id = self.runner.run(self.db.write(act))
        self.clerk = self.world.north_clerk

    async def _step(self, tx: Tx, step: Step) -> None:
        subject = await ledger.subject_of(tx, self.id)
        await ledger.take_step(tx, step, subject, self.world.north, self.world.organiser, at=NOW)

    @rule()
    def open(self) -> None:
        """Showing it is always noted; it moves only what has just arrived."""
        assert self.does(lambda tx: inbox.open_item(tx, self.id, self.clerk, NOW))
        self.facts.add("opened")

    @rule()
    def sign(self) -> None:
        """Allowed once opened, unless it has ended; a repeat is no fact."""
        done = self.does(lambda tx: receiving.sign(tx, self.clerk, self.id, waived=(), register=False, now=NOW, today=TODAY))
        signed = "signed" in self.facts
        assert done == (self.end == "asked" or (self.end == "open" and (signed or "opened" in self.facts)))
        if done:
            self.facts.add("signed")

    @rule()
    def register(self) -> None:
        """Allowed once signed, while nothing has ended; a number stands for good."""
        done = self.does(lambda tx: registering.register(tx, self.clerk, self.id, now=NOW, today=TODAY))
        assert done == ("registered" in self.facts or (self.end == "open" and "signed" in self.facts))
        if done:
            self.facts.add("registered")

    @rule()
    def answer(self) -> None:
        """Allowed once signed, while nothing has ended; an answer stands for good."""
        done = self.does(lambda tx: answering.answer(tx, self.clerk, self.id, "已办", (), told=told(), now=NOW))
        assert done == ("answered" in self.facts or (self.end == "open" and "signed" in self.facts))
        if done:
            self.facts.add("answered")

    @rule()
    def give_back(self) -> None:
        """Allowed once opened and until answered; a repeat answers with the first, whatever came after."""
        done = self.does(lambda tx: receiving.give_back(tx, self.clerk, self.id, ("11",), "错", told=told(), now=NOW))
        allowed = self.end == "open" and "opened" in self.facts and "answered" not in self.facts
        assert done == (allowed or "returned" in self.facts)
        if allowed:
            self.end = "returned"
            self.facts.add("returned")

    @rule()
    def take_back(self) -> None:
        """The sender recalls at once what is not signed."""
        done = self.does(lambda tx: self._step(tx, Step.RECALL))
        allowed = self.end == "open" and "signed" not in self.facts
        assert done == (allowed or self.end == "recalled")
        if allowed:
            self.end = "recalled"

    @rule()
    def ask(self) -> None:
        """The sender asks for what is signed."""

        async def act(tx: Tx) -> int:
            await self._step(tx, Step.ASK_RECALL)
            return int(
                await tx.value(
                    "INSERT INTO recalls (document_id, unit_id, reason, state, asked_at, asked_by, decision_reason) "
                    "VALUES (:id, :unit, '错', 'asked', :at, 1, '') RETURNING id",
                    id=self.id,
                    unit=self.world.north,
                    at=NOW,
                )
            )

        if self.end != "open":
            return
        try:
            self.recall = self.runner.run(self.db.write(act))
        except Refused:
            assert "signed" not in self.facts
        else:
            assert "signed" in self.facts
            self.end = "asked"

    def _decide(self, *, agree: bool) -> None:
        if not self.recall:
            return
        done = self.does(
            lambda tx: recalling.decide(
                tx, self.clerk, self.recall, agree=agree, reason="" if agree else "用", told=told(), now=NOW
            )
        )
        assert done == (self.end == "asked")
        if done:
            self.end = "recalled" if agree else "open"

    @rule()
    def agree(self) -> None:
        """The receiver gives it back."""
        self._decide(agree=True)

    @rule()
    def refuse(self) -> None:
        """The receiver keeps it: it is again what it was."""
        self._decide(agree=False)

    @invariant()
    def the_database_says_the_same(self) -> None:
        """State, facts, number and counts are those of the model."""
        if not hasattr(self, "id"):
            return

        async def look(tx: Tx) -> tuple[Any, ...]:
            receipt = await ledger.receipt_of(tx, self.id, self.world.north)
            facts = {f.fact for f in await ledger.facts_of(tx, self.id, self.world.north)}
            given = await registering.of(tx, self.id, self.world.north)
            return State(receipt.state), facts, given, await ledger.tally_of(tx, self.id)

        state, facts, given, tally = self.runner.run(self.db.read(look))
        ends = {"asked": State.RECALL_ASKED, "returned": State.RETURNED, "recalled": State.RECALLED}
        highest = max(FACTS.index(f) for f in self.facts if f in FACTS)
        if self.end == "open":
            assert state == State(highest + 1)
        else:
            assert state == ends[self.end]
        assert facts - {"recalled", "recall_asked", "recall_agreed", "recall_refused"} == self.facts
        assert (given is not None) == ("registered" in self.facts)
        assert (tally.signed, tally.registered, tally.answered) == tuple(
            int(f in self.facts) for f in ("signed", "registered", "answered")
        )
        assert (tally.returned, tally.recalled) == (int("returned" in self.facts), int(self.end == "recalled"))


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
