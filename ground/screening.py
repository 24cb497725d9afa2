"""What may be kept: looked at once, when all bytes are there. The content tells what a file is; a name may only agree.

Programs are never taken. A name that promises something else than the content is, and a file with a password, are told to the one
who uploads: the units that receive it could not open it.
"""

import mmap
import re
from pathlib import Path

from ground import reading
from ground.errors import Invalid
from ground.files import Store, Stored, clean_name
from ground.sniffing import DOC, DOCX, LOCKED_OFFICE, PPT, PPTX, PROGRAMS, XLS, XLSX

PROGRAM_ENDINGS = re.compile(
    r"exe|dll|com|scr|pif|bat|cmd|msi|msp|cpl|vb[se]|jse?|ws[fh]|psm?1|hta|lnk|url|jar|apk|sh|reg|chm|sys|app|dmg|pkg|deb|rpm|"
    r"iso|img|vhdx?|application|gadget|inf|scf"
)
OLE = frozenset({DOC, XLS, PPT})  # office programs open these by content, whichever of the old endings they have
WORD = OLE | {DOCX, "application/rtf"}
EXCEL = OLE | {XLSX}
SLIDES = OLE | {PPTX}
IMAGE = frozenset({"image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff", "image/webp", "image/heic"})
ENDINGS: dict[str, frozenset[str]] = {
    "pdf": frozenset({"application/pdf"}),
    "ofd": frozenset({"application/ofd"}),
    **dict.fromkeys(("doc", "docx", "wps", "rtf"), WORD),
    **dict.fromkeys(("xls", "xlsx", "et"), EXCEL),
    **dict.fromkeys(("ppt", "pptx", "dps"), SLIDES),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "webp", "heic"), IMAGE),
    "zip": frozenset({"application/zip"}),
}
PASSWORD = "文件有密码，收文单位打不开，请去掉密码再传。"


def ending(name: str) -> str:
    """What stands after the last dot, in small letters; '' for none."""
    return clean_name(name).rpartition(".")[2].lower() if "." in clean_name(name) else ""


def check_ending(name: str) -> None:
    """Raises Invalid for a name that a PC would run."""
    if PROGRAM_ENDINGS.fullmatch(ending(name)):
        raise Invalid.one("file", "这是程序或脚本，不能上传。请换成 PDF、OFD 或 Word 文件。")


def family(media_type: str) -> str:
    """The word of `files.kinds` in config.toml that a media type belongs to."""
    if media_type in {"application/pdf", "application/ofd"}:
        return media_type.rpartition("/")[2]
    if media_type in WORD | EXCEL | SLIDES | {LOCKED_OFFICE}:
        return "office"
    kind = media_type.partition("/")[0]
    if kind in {"text", "image"}:
        return kind
    if kind in {"audio", "video"}:
        return "media"
    packed = ("zip", "rar", "7z", "tar", "gzip", "bzip2", "xz", "compress")
    return "archive" if media_type.startswith("application/") and media_type.endswith(packed) else "other"


async def screen(store: Store, stored: Stored, name: str, kinds: str) -> None:
    """Raises Invalid, with a sentence for whoever uploads, when a stored file may not become a FILE."""
    check_ending(name)
    kind = stored.media_type
    if kind == "application/x-msdownload" or kind in PROGRAMS.values():
        raise Invalid.one("file", "这是程序或脚本，不能上传。请换成 PDF、OFD 或 Word 文件。")
    if family(kind) not in {word.strip() for word in kinds.split(",")}:
        raise Invalid.one("file", "这种文件不能上传。请换成 PDF、OFD 或 Word 文件。")
    if kind == LOCKED_OFFICE:
        raise Invalid.one("file", PASSWORD)
    promised = ENDINGS.get(ending(name))
    if promised is not None and kind not in promised:
        raise Invalid.one("file", "文件名的后缀和内容不一样，收文单位会打不开。请用原来的软件重新保存，再传。")
    if kind == "application/pdf" and _says_encrypt(store.path(stored.sha256)) and await reading.locked(store.path(stored.sha256)):
        raise Invalid.one("file", PASSWORD)


def _says_encrypt(path: Path) -> bool:
    """Whether it is worth asking pdfium: only a PDF with this word can have a password."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"/Encrypt") >= 0
