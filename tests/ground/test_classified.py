"""Marks of state secrets in texts of many lines; words that only sound like them are none."""

from pathlib import Path

import pytest

from ground import reading
from ground.classified import mark_in
from tests.ground.test_hostile_files import zipped
from tests.shared import shared_data


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("000042\n机密★10年\n平凉市人民政府", "机密★"),
        ("  绝 密 ★ \n文件", "绝密★"),
        ("标题\n秘密\n正文", "秘密"),
        ("【机密】关于", "【机密】"),
        ("★　秘密", "★秘密"),
        ("关于召开全省保密工作会议的通知\n保守国家秘密是公民的义务", ""),
        ("", ""),
    ],
)
def test_marks(text: str, mark: str) -> None:
    assert mark_in(text) == mark


async def test_a_mark_inside_a_file_is_found_and_real_ones_have_none(tmp_path: Path) -> None:
    path = tmp_path / "x.docx"
    document = "<r><p><t>机密</t><t>★1年</t></p><p><t>关于</t></p></r>".encode()
    path.write_bytes(zipped(("word/document.xml", document)))
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert mark_in(await reading.text_of(path, kind) or "") == "机密★"
    govdoc = shared_data("files/pdf/govdoc-397.pdf")
    text = await reading.text_of(govdoc, "application/pdf") or ""
    assert (len(text) > 1000, mark_in(text)) == (True, "")
