"""Mainland mobile numbers: one form, and a sentence for everything that is not one."""

import re
import unicodedata

MOBILE_DIGITS = 11
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－", "0123456789+-")
_COUNTRY = re.compile(r"^(?:(?:\+|00)86(?=\d)|86(?=1\d{10}$))")
# Spaces, dashes and the invisible marks that come along when a number is copied from a telephone or a spreadsheet.
_LOOSE = frozenset({"Zs", "Pd", "Cf", "Cc"})


class WrongMobile(ValueError):
    """Not a mainland mobile number. `sentence` is the message id, `holes` fill it; `str()` is the whole Chinese sentence."""

    def __init__(self, sentence: str, **holes: object) -> None:
        """Keep the sentence and its holes apart, so that the face can translate before filling."""
        super().__init__(sentence.format(**holes))
        self.sentence = sentence
        self.holes = holes


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
