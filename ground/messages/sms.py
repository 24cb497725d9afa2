"""Text messages as carriers see them: parts, signature, cost. Pure.

    text ──signed──▶ 【市府办】… ──split_parts──▶ ["…", "…"]   what each phone shows, what the carrier bills

GSM 03.38 text costs one part up to 160 septets, then 153 a part; everything else (all Chinese) is UCS-2: 70, then 67
UTF-16 units. A character outside the basic plane ("𠮷") is two units and stays whole.
Source: 3GPP TS 23.038 §6.2.3, TS 23.040 §9.2.3.24.
"""

from decimal import ROUND_HALF_UP, Decimal

import smsutil

FEN = Decimal("0.01")


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
