"""Real data for tests, in a folder named `shared` beside the checkout; it is no part of the product."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def shared_data(*names: str) -> Path:
    """The path of one file or folder of the shared data; skips the test, with a sentence for the count, when it is absent."""
    path = SHARED.joinpath(*names)
    if not path.exists():
        pytest.skip("the folder `shared` with real data is not beside this checkout")
    return path
