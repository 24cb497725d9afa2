"""Parts, signature, mobile numbers, cost."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ground.messages.sms import cost, signed, sms_parts, split_parts, units
from ground.mobile import WrongMobile, normal_mobile


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("会" * 70, 1),
        ("会" * 71, 2),
        ("会" * 134, 2),
        ("会" * 135, 3),
        ("𠮷" * 35, 1),
        ("𠮷" * 36, 2),
        ("𠮷" * 66, 2),  # 33 whole ones a part, 66 units of 67
        ("𠮷" * 67, 3),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),  # two septets each
        ("€" * 81, 2),
        ("a" * 159 + "会", 3),  # one Chinese character makes all of it UCS-2
        ("—" * 71, 2),
    ],
)
def test_parts_are_what_the_carrier_bills(text: str, parts: int) -> None:
    assert sms_parts(text) == parts


@hypothesis_settings(deadline=None)
@example(["会" * 66, "𠮷", "议" * 66, "😀" * 40])
@given(st.lists(st.sampled_from(["会", "议" * 30, "a" * 67, "€", "𠮷", "😀" * 20, "\n"]), max_size=30))
def test_parts_join_to_the_text_and_fit(pieces: list[str]) -> None:
    text = "".join(pieces)
    parts = split_parts(text)
    assert "".join(parts) == text
    assert len(parts) == sms_parts(text)
    if "会" in text or "𠮷" in text:
        assert all(units(part) <= (70 if len(parts) == 1 else 67) for part in parts)
        assert all(part.encode("utf-16-be").decode("utf-16-be") == part for part in parts)


def test_the_signature_stands_once() -> None:
    assert signed("请参会", "市府办") == "【市府办】请参会"
    assert signed("【市府办】请参会", "市府办") == "【市府办】请参会"
    assert signed("请参会", "【市府办】") == "【市府办】请参会"
    assert signed("【急】请参会", "市府办") == "【市府办】【急】请参会"
    assert signed("请参会", " ") == "请参会"


@pytest.mark.parametrize(
    "text",
    [
        "13800000001",
        " 138 0000 0001 ",
        "138-0000-0001",
        "138－0000－0001",
        "138—0000–0001",
        "１３８０００００００１",
        "+86 138 0000 0001",
        "＋８６13800000001",
        "8613800000001",
        "008613800000001",
        "\u202d13800000001\u202c",
        "13800000001\n",
        "138\u30000000\u00a00001",
    ],
)
def test_a_mobile_has_one_form(text: str) -> None:
    assert normal_mobile(text) == "13800000001"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "请填手机号。"),
        ("1380000000", "少了 1 位，请填 11 位手机号。"),
        ("138000", "少了 5 位，请填 11 位手机号。"),
        ("8613800", "少了 4 位，请填 11 位手机号。"),
        ("1380000000123", "多了 2 位，请填 11 位手机号。"),
        ("1380000000a", "手机号只能是数字，请去掉“a”。"),
        ("138000000０①", "手机号只能是数字，请去掉“①”。"),
        ("１３８0000000l", "手机号只能是数字，请去掉“l”。"),
        ("13800000001/13900000001", "手机号只能是数字，请去掉“/”。"),
        ("0714-6512345", "这是座机号，收不到短信，请填 11 位手机号。"),
        ("12800000001", "手机号应以 13 至 19 开头，请核对。"),
        ("+85291234567", "只支持内地手机号，请填 11 位手机号。"),
        ("+8612345", "少了 6 位，请填 11 位手机号。"),
    ],
)
def test_a_wrong_mobile_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + sentence) as caught:
        normal_mobile(text)
    assert str(caught.value) == sentence
    assert isinstance(caught.value, WrongMobile)
    assert caught.value.sentence.format(**caught.value.holes) == sentence


@hypothesis_settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_mobile_or_gets_a_sentence(text: str) -> None:
    try:
        mobile, sentence = normal_mobile(text), ""
    except ValueError as fault:
        mobile, sentence = "", str(fault)
    assert sentence.endswith("。") or (len(mobile) == 11 and mobile.isascii() and normal_mobile(mobile) == mobile)


def test_cost_is_rounded_once() -> None:
    assert cost(1, Decimal("0.045")) == Decimal("0.05")
    assert cost(1000, Decimal("0.045")) == Decimal("45.00")
    assert cost(0, Decimal("0.05")) == Decimal("0.00")
