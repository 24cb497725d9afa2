"""Text messages as carriers see them: parts, signature, mobile numbers, cost. Pure.

    text ──signed──▶ 【市府办】… ──split_parts──▶ ["…", "…"]   what each phone shows, what the carrier bills

GSM 03.38 text costs one part up to 160 septets, then 153 a part; everything else (all Chinese) is UCS-2: 70, then 67
UTF-16 units. A character outside the basic plane ("𠮷") is two units and stays whole.
Source: 3GPP TS 23.038 §6.2.3, TS 23.040 §9.2.3.24.
"""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

import smsutil

MOBILE_DIGITS = 11
FEN = Decimal("0.01")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－", "0123456789+-")
_COUNTRY = re.compile(r"(?:\+|00)86(?=\d)|86(?=1\d{10}$)")
# Spaces, dashes and the invisible marks that come along when a number is copied from a telephone or a spreadsheet.
_LOOSE = frozenset({"Zs", "Pd", "Cf", "Cc"})


class WrongMobile(ValueError):
    """Not a mainland mobile number. `sentence` is the message id, `holes` fill it; `str()` is the whole Chinese sentence."""

    def __init__(self, sentence: str, **holes: object) -> None:
        """Keep the sentence and its holes apart, so that the face can translate before filling."""
        super().__init__(sentence.format(**holes))
        self.sentence = sentence
        self.holes = holes


def is_gsm(text: str) -> bool:
    """Say whether a carrier can send `text` in the cheap 7-bit alphabet; the empty text is not."""
    return bool(smsutil.is_valid_gsm(text))


def split_parts(text: str) -> list[str]:
    """Cut `text` where the carrier cuts it, never inside a character.

    Args:
        text: all that the person will read, the 【签名】 included.
    Returns:
        One string a part, in order; joined they are `text`. The empty text is one empty part, since carriers bill it.
    """
    return [part.content for part in smsutil.split(text).parts]


def sms_parts(text: str) -> int:
    """How many text messages a carrier will bill for `text`.

    Args:
        text: all that the person will read, the 【签名】 included. Counted in UTF-16 units: "𠮷" counts two.
    Returns:
        Parts, 1 or more; the empty text is 1, since carriers bill it.
    Source: 3GPP TS 23.038 §6.2.3 (UCS-2: 70 units), TS 23.040 §9.2.3.24 (67 in each joined part).
    """
    return len(split_parts(text))


def units(text: str) -> int:
    """Count `text` in UTF-16 units."""
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


def signed(text: str, signature: str) -> str:
    """Put 【signature】 before `text`, once, however often it is called.

    Args:
        text: the message; one that already begins with this signature comes back unchanged.
        signature: the name that the carrier has registered, with or without its 【】; empty: `text` comes back.
    """
    name = signature.strip().removeprefix("【").removesuffix("】").strip()
    mark = f"【{name}】"
    return text if not name or text.startswith(mark) else mark + text


def cost(parts: int, price: Decimal) -> Decimal:
    """What `parts` parts cost, in the unit of `price` (yuan a part), rounded to 分 once, at the end: add parts, not costs."""
    return (parts * price).quantize(FEN, ROUND_HALF_UP)


def normal_mobile(text: str) -> str:
    """Bring a mainland mobile number into its one form.

    Args:
        text: as people type it: spaces, hyphens, full-width digits, +86 / 0086 / 86 before it.
    Returns:
        Eleven ASCII digits.
    Raises:
        WrongMobile: with the sentence to show, when it is not such a number.
    """
    narrow = text.translate(_FULL_WIDTH)
    plain = _COUNTRY.sub("", "".join(c for c in narrow if unicodedata.category(c) not in _LOOSE), count=1)
    fault = _mobile_fault(plain)
    if fault:
        raise fault
    return plain


def _mobile_fault(plain: str) -> WrongMobile | None:
    """What is wrong with `plain`, if anything is."""
    if not plain:
        return WrongMobile("请填手机号。")
    if plain.startswith("+"):
        return WrongMobile("只支持内地手机号，请填 11 位手机号。")
    strange = next((c for c in plain if not ("0" <= c <= "9")), "")
    if strange:
        return WrongMobile("手机号只能是数字，请去掉“{c}”。", c=strange)
    if plain.startswith("0"):
        return WrongMobile("这是座机号，收不到短信，请填 11 位手机号。")
    if len(plain) < MOBILE_DIGITS:
        return WrongMobile("少了 {n} 位，请填 11 位手机号。", n=MOBILE_DIGITS - len(plain))
    if len(plain) > MOBILE_DIGITS:
        return WrongMobile("多了 {n} 位，请填 11 位手机号。", n=len(plain) - MOBILE_DIGITS)
    if not re.match(r"1[3-9]", plain):
        return WrongMobile("手机号应以 13 至 19 开头，请核对。")
    return None
