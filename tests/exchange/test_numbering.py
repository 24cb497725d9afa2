"""发文字号: however they are written, they are read; they are written one way."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import numbering
from exchange.numbering import Number
from tests.shared import shared_data


@pytest.mark.parametrize(
    "text",
    [
        "平政办发〔2026〕12号", "平政办发[2026]12号", "平政办发（2026）12号", "平政办发(2026) 12 号", "平政办发【2026】012号",
        "平政办发﹝2026﹞第12号", "平政办发〔２０２６〕１２号", "平政办发\u200b〔2026〕12号", "平政办发〔2026〕12",
        "平政办发 〔2026年〕 12号",
    ],
)  # fmt: skip
def test_a_number_is_read_however_it_is_written(text: str) -> None:
    assert numbering.read(text) == Number("平政办发", 2026, 12)
    assert numbering.tidy(text) == "平政办发〔2026〕12号"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("省政府令第28号", Number("省政府令", 0, 28)),
        ("业和信息化部公告2015年第80号", Number("业和信息化部公告", 2015, 80)),
        ("", None),
        ("关于召开会议的通知", None),
        ("〔2026〕12号", None),
        ("平" * 90 + "〔2026〕12号", None),
    ],
)
def test_other_shapes(text: str, means: Number | None) -> None:
    assert numbering.read(text) == means
    if means is None or not means.year:
        assert numbering.tidy(text) == text


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    numbering.read(text)
    numbering.tidy(text)


CODES = st.text(alphabet="平政办发文旅教函字委", min_size=1, max_size=8)


@given(CODES, st.integers(1949, 2199), st.integers(1, 99999))
def test_what_is_written_is_read_again(code: str, year: int, serial: int) -> None:
    assert numbering.read(numbering.written(code, year, serial)) == Number(code, year, serial)


def test_real_numbers_go_through_unharmed() -> None:
    with shared_data("titles.csv").open(encoding="utf-8-sig", newline="") as file:
        real = [row["doc_number"] for row in csv.DictReader(file)][:2000]
    assert len(real) == 2000
    assert [text for text in real if numbering.read(text) is None] == []
    strict = [text for text in real if "〔" in text and "〕0" not in text]
    assert len(strict) > 1900
    assert [text for text in strict if numbering.tidy(text) != text] == []
