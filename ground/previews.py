"""What a file looks like, without a download: pictures of pages, or text. Made once for each content and kept by its hash.

    sheets   → the sizes of the pages that can be drawn       page → the PNG of one of them       words → the text

What could not be read is kept as well, so that a bad file costs the child once. The folder holds nothing that cannot be made
again: it is no part of a backup, and the oldest go when it grows too large.
"""

import asyncio
import json
import secrets
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ground import reading
from ground.files import File, Store
from ground.reading import Unreadable
from ground.sniffing import DOCX, PPTX, XLSX

DRAWN = frozenset({"application/pdf", "image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff", "image/webp"})
READ = frozenset({"text/plain", "application/ofd", DOCX, XLSX, PPTX})
SHOWN_TEXT = 200_000


class Previews:
    """The folder of what has been made."""

    def __init__(self, folder: Path, store: Store, most_bytes: int) -> None:
        """Keep at most about `most_bytes` under `folder`."""
        self._folder, self._store, self._most = folder, store, most_bytes
        self._making: dict[Path, asyncio.Future[None]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    async def sheets(self, file: File) -> list[tuple[int, int]]:
        """Width and height of each page. Raises Unreadable."""
        found: Any = await self._kept(file, "sheets.json", lambda path: reading.sheets(path, file.media_type))
        return [(int(width), int(height)) for width, height in found]

    async def words(self, file: File) -> str:
        """The text that is shown: the beginning of it. Raises Unreadable."""
        return str(await self._kept(file, "words.json", lambda path: self._text(path, file.media_type)))

    @staticmethod
    async def _text(path: Path, media_type: str) -> str:
        return str(await reading.ask("text", path, media_type))[: SHOWN_TEXT + 1]

    async def page(self, file: File, number: int) -> Path:
        """The PNG of a page. Raises Unreadable."""
        final = self._place(file, f"{number}.png")

        async def make() -> None:
            fresh = final.with_name(f"{secrets.token_hex(8)}.new")
            try:
                await reading.picture(self._store.path(file.sha256), file.media_type, number, fresh)
                fresh.replace(final)
            finally:
                fresh.unlink(missing_ok=True)

        await self._once(final, make)
        return final

    async def _kept(self, file: File, name: str, read: Callable[[Path], Awaitable[Any]]) -> Any:
        final = self._place(file, name)

        async def make() -> None:
            try:
                said = {"is": await read(self._store.path(file.sha256))}
            except Unreadable as fault:
                said = {"fault": str(fault)}
            final.write_text(json.dumps(said), encoding="utf-8")

        await self._once(final, make)
        said = json.loads(final.read_text(encoding="utf-8"))
        if "fault" in said:
            raise Unreadable(said["fault"])
        return said["is"]

    def _place(self, file: File, name: str) -> Path:
        found = self._folder / self._store.path(file.sha256).parent.name / file.sha256 / name
        found.parent.mkdir(parents=True, exist_ok=True)
        return found

    async def _once(self, final: Path, make: Callable[[], Awaitable[None]]) -> None:
        """Make a file that is not there yet; who comes meanwhile waits for the one who makes it."""
        while not final.exists():  # noqa: ASYNC240 - one look at the local disk
            running = self._making.get(final)
            if running is not None:
                await running
                continue
            self._making[final] = turn = asyncio.get_running_loop().create_future()
            try:
                await make()
            finally:
                del self._making[final]
                turn.set_result(None)

    def sweep(self) -> int:
        """Remove what was made longest ago until the rest fits; how many contents went. Blocking."""
        kept = []
        for folder in self._folder.glob("*/*"):
            sizes = [(path.stat().st_size, path.stat().st_mtime) for path in folder.iterdir()]
            kept.append((max((at for _, at in sizes), default=0.0), sum(size for size, _ in sizes), folder))
        total, swept = sum(size for _, size, _ in kept), 0
        for _, size, folder in sorted(kept):
            if total <= self._most:
                break
            shutil.rmtree(folder, ignore_errors=True)
            total, swept = total - size, swept + 1
        return swept
