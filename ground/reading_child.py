"""The child of `ground/reading.py`: sets its own limits, does one task on one file, prints one line of JSON, and ends."""

import json
import resource
import sys
from pathlib import Path

MEMORY = 640 * 2**20
CPU_S = 15
WRITTEN = 32 * 2**20


def limit() -> None:
    """From now on: little memory, little time, no core, few files, small files."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, WRITTEN),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def main(task: str, path: str, *words: str) -> object:
    """Do the task."""
    from ground import drawing, extract

    file = Path(path)
    if task == "text":
        return extract.text(file, words[0])
    if task == "locked":
        return drawing.locked(file)
    if task == "sheets":
        return drawing.sheets(file, words[0])
    drawing.picture(file, words[0], int(words[1]), Path(words[2]))
    return True


if __name__ == "__main__":
    limit()
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    try:
        said = {"is": main(*sys.argv[1:])}
    except MemoryError:
        said = {"fault": "memory"}
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file brings about is one word to the parent
        said = {"fault": getattr(error, "word", "") or type(error).__name__}
    sys.stdout.write(json.dumps(said))
