"""`songda send` as an operator meets it: while the service runs, and while it is down."""

from pathlib import Path

from tests.test_commands import UNITS, Serving, songda

TOWN = "9901000002,云川市气象局,市气象局,990100,政府,1\n"


def test_a_document_is_sent_while_the_service_runs_and_while_it_is_down(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (tmp_path / "units.csv").write_text(UNITS + TOWN, encoding="utf-8")
    (tmp_path / "正文.pdf").write_bytes(b"%PDF-1.4 body")
    words: tuple[str | Path, ...] = (
        "send",
        tmp_path / "正文.pdf",
        "--to",
        "unit:9901000002",
        "--title",
        "关于协助调查的函",
        "--kind",
        "函",
    )
    words += ("--login", "tian", "--unit", "9901000001")
    with Serving(data):
        assert songda("units", "import", tmp_path / "units.csv", data=data).returncode == 0
        added = songda(
            "person", "add", "--name", "田志强", "--unit", "9901000001", "--role", "secretary", "--login", "tian", data=data
        )
        assert added.returncode == 0, added.stderr
        sent = songda(*words, data=data)
        assert (sent.returncode, "1 units" in sent.stdout) == (0, True), sent.stderr
    again = songda(*words, data=data)
    assert (again.returncode, "1 units" in again.stdout) == (0, True), again.stderr
    refused = songda(*words[:3], "unit:999", *words[4:], data=data)
    assert refused.returncode == 1
    assert "没有找到" in refused.stdout + refused.stderr
