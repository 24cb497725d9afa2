"""Reading what strangers made: in a child process with little memory and little time, so that no file can harm the service.

    locked(path)                  whether a PDF asks for a password
    text_of(path, media_type)     the text, or None when there is none to be had
    sheets(path, media_type)      the sizes of the pages that can be drawn
    picture(path, …, page, to)    a page as PNG, written to `to`

The child is `ground/reading_child.py`; it is started with nothing but a path, and answers on its output.
"""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

CHILD = str(Path(__file__).with_name("reading_child.py"))
AT_ONCE = 2
SECONDS = 20.0
MOST_ANSWER = 8 * 2**20
_turns: dict[int, asyncio.Semaphore] = {}


class Unreadable(Exception):
    """The child could not read the file, or needed more than it may have; the text is a short word: why."""


def _turn() -> asyncio.Semaphore:
    """The semaphore of this event loop: so many children at once, the others wait."""
    loop = id(asyncio.get_running_loop())
    if loop not in _turns:
        _turns.clear()
        _turns[loop] = asyncio.Semaphore(AT_ONCE)
    return _turns[loop]


async def ask(task: str, path: Path, *words: str, seconds: float = SECONDS) -> Any:
    """What the child answers (JSON). Raises Unreadable."""
    async with _turn():
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", CHILD, task, str(path), *words,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={"LANG": "C.UTF-8", "PATH": os.defpath}, limit=MOST_ANSWER,
        )  # fmt: skip
        try:
            async with asyncio.timeout(seconds):
                assert child.stdout is not None
                said = await child.stdout.read(MOST_ANSWER)
                while len(said) < MOST_ANSWER and (more := await child.stdout.read(MOST_ANSWER - len(said))):
                    said += more
                code = await child.wait()
        except TimeoutError:
            raise Unreadable("time") from None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
    try:
        answer = json.loads(said)
    except ValueError:
        raise Unreadable("memory" if code else "broken") from None
    if "fault" in answer:
        raise Unreadable(answer["fault"])
    return answer["is"]


async def locked(path: Path) -> bool:
    """Whether a PDF opens only with a password. One that cannot be read at all is not locked but broken."""
    try:
        return bool(await ask("locked", path))
    except Unreadable:
        return False


async def text_of(path: Path, media_type: str) -> str | None:
    """The text of a PDF, OFD, DOCX, XLSX, PPTX or plain text file, at most 2 million characters; None when there is none."""
    try:
        found = str(await ask("text", path, media_type))
    except Unreadable:
        return None
    return found if found.strip() else None


async def sheets(path: Path, media_type: str) -> list[tuple[int, int]]:
    """Width and height of each page as it would be drawn. Raises Unreadable."""
    return [(int(width), int(height)) for width, height in await ask("sheets", path, media_type)]


async def picture(path: Path, media_type: str, page: int, to: Path) -> None:
    """Draw a page (from 1) as PNG into the new file `to`. Raises Unreadable."""
    await ask("picture", path, media_type, str(page), str(to))
