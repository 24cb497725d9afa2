"""Breaking titles: nothing lost, lines that fit, words whole."""

import csv
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.titles import MOST, title_lines, width
from tests.shared import shared_data


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("关于印发《平凉市消防安全整治方案》的通知", ("关于印发《平凉市消防安全整治方案》的通知",)),
        (
            "平凉市人民政府办公室关于立即开展文博场所和旅游景区消防安全隐患排查整治的紧急通知",
            ("平凉市人民政府办公室关于立即开展文博场所", "和旅游景区消防安全隐患排查整治的紧急通知"),
        ),
        (
            "平凉市文化和旅游局关于解决文博场所消防设施改造资金的请示",
            ("平凉市文化和旅游局关于解决", "文博场所消防设施改造资金的请示"),
        ),
        ("平凉市人民政府\n关于安全的通知", ("平凉市人民政府", "关于安全的通知")),
        ("", ()),
        ("　\n ", ()),
    ],
)
def test_known_titles(title: str, lines: tuple[str, ...]) -> None:
    assert title_lines(title) == lines


def test_real_titles_fit_and_do_not_begin_or_end_a_line_badly() -> None:
    with shared_data("titles.csv").open(encoding="utf-8") as file:
        titles = [row[0] for row in csv.reader(file)][1:1500]
    broken = [(title, title_lines(title)) for title in titles]
    assert sum(len(lines) > 1 for _, lines in broken) > 1000
    for title, lines in broken:
        assert "".join("".join(lines).split()) == "".join(title.split())
        assert all(width(line) <= MOST for line in lines)
        assert len(lines) <= width(title) // MOST + 2
        assert not any(line[0] in "，。、；：》）的" for line in lines[1:]), lines
        assert not any(line[-1] in "《（〔" for line in lines[:-1]), lines
    words = ("通知", "印发", "关于", "办公", "人民", "政府")
    cut = [lines for _, lines in broken for a, b in pairwise(lines) if a[-1] + b[0] in words]
    assert cut == []


@given(st.text(max_size=120))
def test_any_title_keeps_its_characters(title: str) -> None:
    lines = title_lines(title)
    assert "".join("".join(lines).split()) == "".join(title.split())
    assert all(line.strip() for line in lines)
