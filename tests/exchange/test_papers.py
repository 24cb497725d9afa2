"""退文告知单, 签收回执 and registers, read back."""

import io

import pytest
from python_calamine import CalamineWorkbook

from exchange.papers import (
    RECEIVED_HEADS,
    SENT_HEADS,
    Printing,
    Reason,
    Receipt,
    Register,
    ReturnNotice,
    reasons_text,
    receipt_pdf,
    register_pdf,
    register_xlsx,
    return_notice_pdf,
)
from ground.typeset import MissingGlyphs, uncovered
from tests.exchange.measuring import Page, pages_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(bool(uncovered("国")), reason="needs Chinese fonts (scripts/needs.sh)"),
]
PRINTING = Printing("市政府办公室　王芳", "2026-03-18T01:42:07.123Z")
TITLE = "关于立即开展文博场所和旅游景区消防安全隐患排查整治的紧急通知"
REASONS = (
    *(Reason("format", "没有签发人"), Reason("content", "一文多事"), Reason("format", "没有发文字号")),
    *(Reason("other", "附件缺页"), Reason("重复", "#panic()")),
)
TYPED = ["#panic()", "=1+1", "@SUM(1)", "-1+1", "+1", "http://a.b/", "<b>", "{=1}", "00123", "1e5"]


def inside(page: Page) -> bool:
    """Whether all stands within the margins of 18 mm, but for the lines above and below."""
    return all(char.left >= 17 and char.right <= page.width - 17 for char in page.chars)


async def test_a_return_notice_says_what_and_why() -> None:
    notice = ReturnNotice(
        *(TITLE, "平政办发〔2026〕9号", "市文旅局", "市政府办公室", REASONS, "何淑珍", "2026-03-18T01:42:07.123Z"),
        advice="请补充后重新报送。",
        phone="8210110",
    )
    (page,) = pages_of(await return_notice_pdf(notice, PRINTING), ink=True)
    assert page.blank == []
    assert inside(page)
    for words in (
        *(
            "退文告知单",
            f"文件标题{TITLE}",
            "来文单位市文旅局",
            "退文单位市政府办公室",
            "退文人何淑珍",
            "退文时间2026-03-1809:42",
        ),
        *(
            "格式不规范：没有签发人；没有发文字号",
            "内容不符合要求：一文多事",
            "其他：附件缺页",
            "重复：#panic()",
            "处理意见请补充后",
        ),
    ):
        assert words in page.text
    signed = page.text.rindex("市政府办公室2026-03-18")
    assert page.chars[signed].left > page.width / 2
    bare = pages_of(await return_notice_pdf(notice._replace(advice="", phone=""), PRINTING))[0]
    assert "处理意见" not in bare.text
    assert "联系电话" not in bare.text


def test_reasons_are_grouped_in_their_order() -> None:
    assert reasons_text(REASONS[:4]) == "格式不规范：没有签发人；没有发文字号\n内容不符合要求：一文多事\n其他：附件缺页"
    assert reasons_text(()) == ""


async def test_a_receipt_says_who_and_when() -> None:
    receipt = Receipt(TITLE, "平政办发〔2026〕9号", "市政府办公室", "市文旅局", "何淑珍", "2026-03-18T01:42:07.123Z")
    full = receipt._replace(
        arrived_at="2026-03-18T01:12:00.000Z",
        opened_at="2026-03-18T01:38:00.000Z",
        copy_number="000042",
        how="口令登录",
        fingerprint="9f2c41d706be83a5" * 4,
        entry="第 1024 条",
        foot="凭内容指纹核对。",
    )
    (page,) = pages_of(await receipt_pdf(full, PRINTING))
    assert inside(page)
    for words in ("签收回执", "到达时间2026-03-1809:12", "打开时间2026-03-1809:38", "签收人何淑珍", "签收时间2026-03-1809:42"):
        assert words in page.text
    for words in ("份号000042", "登录方式口令登录", "9f2c41d706be83a5" * 4, "存证位置第1024条", "凭内容指纹核对。"):
        assert words in page.text
    plain = pages_of(await receipt_pdf(receipt, PRINTING))[0]
    assert not [label for label in ("到达时间", "份号", "内容指纹", "存证位置") if label in plain.text]


def register(count: int) -> Register:
    """A register of sent documents with `count` rows."""
    rows = [
        [
            str(n),
            f"平政办发〔2026〕{n}号",
            TITLE,
            "各县（市、区）人民政府",
            "特急",
            "许建平",
            "2026-03-18",
            "2026-03-18 09:12",
            "10/12",
            "x" * 40,
        ]
        for n in range(1, count + 1)
    ]
    return Register("发文登记簿", "平凉市人民政府办公室", "2026年1月1日 至 2026年3月18日", SENT_HEADS, rows)


async def test_a_register_lies_across_and_repeats_its_head() -> None:
    found = pages_of(await register_pdf(register(60), PRINTING))
    assert len(found) > 2
    heads = "".join(word for word, _ in SENT_HEADS)
    for at, page in enumerate(found, 1):
        assert round(page.width) == 297
        assert round(page.height) == 210
        assert page.text.count(heads) == 1
        assert f"第{at}页，共{len(found)}页" in page.text
        assert inside(page)
        assert page.text.count("王芳2026-03-1809:42打印") == 1
    text = "".join(page.text for page in found)
    assert all(f"平政办发〔2026〕{n}号" in text for n in range(1, 61))
    empty = pages_of(await register_pdf(register(0), PRINTING))[0]
    assert "本段时间没有登记。" in empty.text


async def test_what_was_typed_stays_text_in_print_and_workbook() -> None:
    rows = [TYPED, ["" for _ in TYPED]]
    typed = Register("收文登记簿", "市文旅局", "2026年", RECEIVED_HEADS, rows)
    page = pages_of(await register_pdf(typed, PRINTING))[0]
    assert not [word for word in TYPED if word not in page.text]
    data = await register_xlsx(typed, PRINTING)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("收文登记簿").to_python()
    assert sheet[0] == [word for word, _ in RECEIVED_HEADS]
    assert sheet[1] == TYPED
    assert await register_xlsx(typed, PRINTING) == data


async def test_wrong_rows_and_missing_glyphs_are_refused() -> None:
    short = register(1)._replace(rows=[["1", "2"]])
    with pytest.raises(ValueError, match="row 1 has 2 cells, 10 expected"):
        await register_pdf(short, PRINTING)
    with pytest.raises(ValueError, match="row 1 has 2 cells"):
        await register_xlsx(short, PRINTING)
    with pytest.raises(MissingGlyphs):
        await register_pdf(register(1)._replace(unit="😀"), PRINTING)
