"""Pinyin of real names, and how search ranks."""

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.directory import pinyin
from tests.shared import shared_data


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("单县", "shanxian"),
        ("菏泽市单县人民政府", "hezeshishanxianrenminzhengfu"),
        ("名单县级", "mingdanxianji"),
        ("长安区", "changanqu"),
        ("西安市长安区", "xianshichanganqu"),
        ("市长安排", "shizhanganpai"),
        ("市长办公室", "shizhangbangongshi"),
        ("崆峒区", "kongtongqu"),
        ("静宁县", "jingningxian"),
        ("泾川县", "jingchuanxian"),
        ("庄浪县", "zhuanglangxian"),
        ("灵台县", "lingtaixian"),
        ("崇信县", "chongxinxian"),
        ("华亭市", "huatingshi"),
        ("平凉市", "pingliangshi"),
        ("朝那镇", "chaonazhen"),
        ("什字镇", "shizizhen"),
        ("玉都镇", "yuduzhen"),
        ("宕昌县", "tanchangxian"),
        ("武都区", "wuduqu"),
        ("洪洞县", "hongtongxian"),
        ("六合区", "luhequ"),
        ("民乐县", "minlexian"),
        ("重庆市", "chongqingshi"),
        ("乐清市", "yueqingshi"),
        ("农行崆峒支行", "nonghangkongtongzhihang"),
        ("人行平凉市分行", "renhangpingliangshifenhang"),
        ("人行道", "renxingdao"),
        ("综合行政执法局", "zonghexingzhengzhifaju"),
        ("国家统计局平凉调查队", "guojiatongjijupingliangdiaochadui"),
        ("妇女联合会", "funvlianhehui"),
        ("12345热线APP", "12345rexianapp"),
        ("１２３４５", "12345"),
        ("（）—·", ""),
        ("", ""),
    ],
)
def test_full(name: str, expected: str) -> None:
    assert pinyin.full(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("静宁县教育局", "jnxjyj"), ("平凉市第1中学", "plsd1zx"), ("市长安区", "scaq"), ("APP办", "appb"), ("𠮷", "")],
)
def test_initials(name: str, expected: str) -> None:
    assert pinyin.initials(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("曾国藩", "zengguofan"), ("单雄信", "shanxiongxin"), ("尉迟恭", "yuchigong"), ("任重", "renzhong"), ("李华", "lihua")],
)
def test_surnames_have_their_own_readings(name: str, expected: str) -> None:
    assert pinyin.full(name, surname=True) == expected
    assert pinyin.initials(name, surname=True)[0] == expected[0]


def test_all_names_of_the_city_have_a_letter_for_each_character() -> None:
    with shared_data("units.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 972
    for name in (name for row in rows for name in (row["name"], row["short_name"])):
        bare = re.sub(r"[（）—]", "", name)
        assert re.fullmatch(r"[a-z0-9]+", pinyin.initials(name)), name
        assert len(pinyin.initials(name)) == len(bare), name
    kongtong = [row for row in rows if "崆峒区" in row["name"]]
    assert len(kongtong) > 80
    assert [row for row in kongtong if "kongtongqu" not in pinyin.full(row["name"])] == []
    banks = [row for row in rows if row["name"].endswith("支行")]
    assert len(banks) == 7
    assert [row for row in banks if not pinyin.full(row["name"]).endswith("zhihang")] == []


@given(st.text(max_size=30), st.booleans())
def test_any_text_has_a_reading_of_letters_and_digits(name: str, surname: bool) -> None:
    assert re.fullmatch(r"[a-z0-9]*", pinyin.full(name, surname=surname))
    assert re.fullmatch(r"[a-z0-9]*", pinyin.initials(name, surname=surname))


@pytest.mark.parametrize(
    ("query", "rank"),
    [
        ("6208260012", pinyin.EXACT),
        ("静宁县教育局", pinyin.EXACT),
        ("静教局", pinyin.EXACT),
        (" 静宁县 教育局 ", pinyin.EXACT),
        ("静宁", pinyin.NAME),
        ("静教", pinyin.NAME),
        ("jnx", pinyin.INITIALS),
        ("JNXJYJ", pinyin.INITIALS),
        ("ｊｎｘ", pinyin.INITIALS),
        ("jingning", pinyin.INITIALS),
        ("教育", pinyin.WITHIN),
        ("jyj", pinyin.WITHIN),
        ("620826", pinyin.WITHIN),
        ("", pinyin.NONE),
        ("  ", pinyin.NONE),
        ("庄浪", pinyin.NONE),
        ("0012", pinyin.NONE),
        ("ingning", pinyin.NONE),
    ],
)
def test_matches(query: str, rank: int) -> None:
    unit = ("静宁县教育局", "静教局", "6208260012", "jnxjyj", "jingningxianjiaoyuju")
    assert pinyin.matches(query, *unit) == rank


def test_ranks_are_in_order() -> None:
    assert pinyin.EXACT > pinyin.NAME > pinyin.INITIALS > pinyin.WITHIN > pinyin.NONE == 0
