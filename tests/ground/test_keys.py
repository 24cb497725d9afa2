"""The service's secret: readable by its owner only, and what is sealed with it cannot be forged."""

from pathlib import Path

from ground.keys import open_keys


def test_made_once_and_kept_private(tmp_path: Path) -> None:
    first, again = open_keys(tmp_path), open_keys(tmp_path)
    assert first.sign("csrf", "x") == again.sign("csrf", "x")
    assert (tmp_path / "keys" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert open_keys(tmp_path / "other").sign("csrf", "x") != first.sign("csrf", "x")


def test_sealed_text_cannot_be_forged(tmp_path: Path) -> None:
    keys = open_keys(tmp_path)
    sealed = keys.seal("flash", "已签收")
    assert keys.unseal("flash", sealed) == "已签收"
    assert keys.unseal("other", sealed) is None
    for n in range(len(sealed)):
        changed = sealed[:n] + ("A" if sealed[n] != "A" else "B") + sealed[n + 1 :]
        assert keys.unseal("flash", changed) is None
    assert keys.unseal("flash", "") is None
    assert keys.unseal("flash", "é.é") is None
