"""Pinyin of names, as a guess for searching: `静宁县教育局` is found by `jnxjyj`.

pypinyin knows words, but not how places and banks are read: it says kongdong for 崆峒 and danxian for 单县. What is wrong for
names of units stands in a table here. Readings are without tones, ü is v (as it is typed), Latin letters and digits stay.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import chain

from pypinyin import Style
from pypinyin import pinyin as guess

_HAN = re.compile(r"[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_TOKEN = re.compile(_HAN.pattern + r"|[a-z0-9]+")

# Always so in names of units.
_ALWAYS = {"都": "du", "峒": "tong"}

# pattern → the readings of its characters. What follows decides between a place and a word: 长安 in 市长安排, 单县 in 名单县级.
_PLACES = {
    r"长安(?![全排置])": "chang an",
    r"(?<!名)单县(?![级域里])": "shan xian",
    r"长武(?![装警术力])": "chang wu",
    r"长治(?![理安])": "chang zhi",
    r"长垣": "chang yuan",
    r"朝阳": "chao yang",
    r"六合区": "lu he qu",
    r"大城县": "dai cheng xian",
    r"洪洞": "hong tong",
    r"什邡": "shi fang",
    r"什字": "shi zi",
    r"荥经": "ying jing",
    r"珲春": "hun chun",
    r"涡阳": "guo yang",
    r"筠连": "jun lian",
    r"会稽": "kuai ji",
    r"繁峙": "fan shi",
    r"宕昌": "tan chang",
    r"民乐(?=[县镇乡])": "min le",
    r"浚县": "xun xian",
    r"蔚州": "yu zhou",
    r"解州": "xie zhou",
    r"乐陵": "lao ling",
    r"穆棱": "mu ling",
    r"绥棱": "sui ling",
    r"万柏林": "wan bai lin",
    r"屯堡": "tun pu",
    r"支行(?![政动])": "zhi hang",
    r"总行(?![政动])": "zong hang",
    r"人行(?![道天横通])": "ren hang",
}
_EXCEPTIONS = [(re.compile(pattern), readings.split()) for pattern, readings in _PLACES.items()]

# Surnames that are read otherwise than the same character elsewhere.
_SURNAMES = {
    "曾": "zeng", "仇": "qiu", "单": "shan", "解": "xie", "查": "zha", "乐": "yue", "卜": "bu", "朴": "piao", "尉": "wei",
    "区": "ou", "缪": "miao", "翟": "zhai", "覃": "qin", "冼": "xian", "员": "yun", "繁": "po", "召": "shao", "晁": "chao",
    "佴": "nai", "粘": "nian", "藏": "zang", "令狐": "ling hu", "尉迟": "yu chi", "万俟": "mo qi", "单于": "chan yu",
    "长孙": "zhang sun", "澹台": "tan tai",
}  # fmt: skip
EXACT, NAME, INITIALS, WITHIN, NONE = 4, 3, 2, 1, 0


def initials(name: str, *, surname: bool = False) -> str:
    """Lower-case first letters, `静宁县教育局` → "jnxjyj"; Latin words and digits whole, all else dropped.

    Args:
        name: a unit's name, or with `surname` a person's: 曾 is then zeng, 单 is shan.
    """
    return "".join(word if is_latin else word[:1] for word, is_latin in _readings(name, surname))


def full(name: str, *, surname: bool = False) -> str:
    """All of the pinyin without tones or spaces, `单县` → "shanxian"; otherwise as `initials`."""
    return "".join(word for word, _ in _readings(name, surname))


def matches(query: str, name: str, short_name: str, code: str, initials: str, full: str) -> int:
    """How well a unit answers a search: the higher the better, 0 for not at all.

    Args:
        query: as typed; width, case and spaces do not matter.
        name, short_name, code: of the unit.
        initials, full: as stored for the unit (a guess that the operator may have corrected).
    Returns:
        EXACT the code or a name in full; NAME a name's beginning; INITIALS the beginning of the initials or of the pinyin;
        WITHIN anywhere in a name or in the initials, or the beginning of the code; NONE.
    """
    wanted = _fold(query)
    if not wanted:
        return NONE
    names = (_fold(name), _fold(short_name))
    if wanted == _fold(code) or wanted in names:
        return EXACT
    if any(one.startswith(wanted) for one in names):
        return NAME
    if initials.startswith(wanted) or full.startswith(wanted):
        return INITIALS
    if any(wanted in one for one in (*names, initials)) or _fold(code).startswith(wanted):
        return WITHIN
    return NONE


def _fold(text: str) -> str:
    """`text` without regard to width, case and spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=4096)
def _readings(name: str, surname: bool) -> tuple[tuple[str, bool], ...]:
    """(reading, is it a Latin word?) of each character or Latin word of `name`, in order."""
    text = unicodedata.normalize("NFKC", name).casefold()
    fixed = _fixed(text, surname)
    result: list[tuple[str, bool]] = []
    for token in _TOKEN.finditer(text):
        if not _HAN.match(token[0]):
            result.append((token[0], True))
            continue
        # `errors=list` keeps one reading for each character, also for those without one; the stub knows only str.
        guesses = chain.from_iterable(guess(token[0], style=Style.NORMAL, errors=list))  # type: ignore[arg-type]
        for place, (character, reading) in enumerate(zip(token[0], guesses, strict=True), token.start()):
            reading = fixed.get(place) or _ALWAYS.get(character, reading)
            if reading.isascii():  # a character that pypinyin does not know comes back as itself
                result.append((reading, False))
    return tuple(result)


def _fixed(text: str, surname: bool) -> dict[int, str]:
    """The readings that the tables give, by place in `text`."""
    found: dict[int, str] = {}
    for pattern, readings in _EXCEPTIONS:
        for match in pattern.finditer(text):
            found.update(enumerate(readings, match.start()))
    if surname:
        family = text[:2] if text[:2] in _SURNAMES else text[:1]
        found.update(enumerate(_SURNAMES.get(family, "").split()))
    return found
