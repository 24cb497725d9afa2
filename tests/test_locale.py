"""Every sentence a person may read has its English twin, with the same holes."""

from scripts import catalogue


def test_every_sentence_has_its_english_twin() -> None:
    assert catalogue.unwritten(catalogue.load()) == []


def test_the_holes_are_the_same() -> None:
    assert catalogue.broken(catalogue.load()) == []


def test_nothing_in_the_catalogue_is_dead() -> None:
    dead = {str(m.id) for m in catalogue.load() if m.id} - set(catalogue.wanted())
    assert dead == set()


def test_what_is_a_sentence() -> None:
    wanted = catalogue.wanted()
    assert {"、", "昨天", "还剩 {span}", "没有看懂这个时间，请写成 3月20日 15:00 这样。"} <= set(wanted)
    assert not [s for s in wanted if "SELECT" in s or "\\s" in s or s.startswith(("。请", " 个。"))]
