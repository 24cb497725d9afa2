"""`songda send`: the order on both engines, and the command against a running service and without one."""

import base64
from pathlib import Path

import pytest

from exchange import ordering, sending
from ground import config as settings
from ground.clock import FixedClock
from ground.control import Desk
from ground.db import Database
from ground.directory import people
from ground.errors import Forbidden, Invalid
from tests.exchange.conftest import Office
from tests.world import NOW, World

ARGS = {
    "to": ["group:1", "unit:6200000009"], "title": "关于协助调查的函", "login": "wujia", "unit": "6200000001", "kind": "函",
    "urgency": "normal", "series": "",
    "files": [{"name": f"{name}.pdf", "data": base64.b64encode(b"%PDF-1.4 " + name.encode()).decode()} for name in ("正文", "附件")],
}  # fmt: skip


@pytest.fixture
def counter(db: Database, clock: FixedClock, tmp_path: Path) -> Desk:
    """Where the order is given."""
    config = settings.load(None, {"SONGDA_DATA_DIR": str(tmp_path), "SONGDA_FILES_MIN_FREE_MB": "10"})
    return Desk(config, db, clock)


async def test_files_become_a_document_of_the_unit(db: Database, world: World, office: Office, counter: Desk) -> None:
    with pytest.raises(Forbidden):
        await ordering.send(counter, ARGS)
    await db.write(people.appoint, world.organiser.person_id, world.office, "secretary", "", by=None, joined=False, at=NOW)
    assert world.districts == 1
    said = await ordering.send(counter, ARGS)
    assert (said["number"], said["receipts"]) == ("测政办发〔2026〕1号", 3)
    listed = await db.read(sending.files_of, said["id"])
    assert [(f.name, f.part) for f in listed] == [("正文.pdf", "body"), ("附件.pdf", "attachment")]
    assert (await ordering.send(counter, ARGS | {"series": "-"}))["number"] == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [({"series": "平政发"}, "series"), ({"to": ["unit:999"]}, "main"), ({"files": []}, "body"), ({"title": "【机密】"}, "title")],
)
async def test_what_cannot_be_sent_is_named(
    db: Database, world: World, office: Office, counter: Desk, change: dict[str, object], field: str
) -> None:
    await db.write(people.appoint, world.organiser.person_id, world.office, "secretary", "", by=None, joined=False, at=NOW)
    with pytest.raises(Invalid) as refused:
        await ordering.send(counter, ARGS | change)
    assert [e.field for e in refused.value.errors] == [field]
