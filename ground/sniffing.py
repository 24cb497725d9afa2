"""What a file is, told from its content: never from its name, which anybody may choose."""

import re
import struct
import zipfile
from pathlib import Path

import filetype

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DOC, XLS, PPT = "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"
LOCKED_OFFICE = "application/x-encrypted-office"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
IN_ZIP = {"OFD.xml": "application/ofd", "word/document.xml": DOCX, "xl/workbook.xml": XLSX, "ppt/presentation.xml": PPTX}
IN_OLE = {"EncryptedPackage": LOCKED_OFFICE, "WordDocument": DOC, "Workbook": XLS, "Book": XLS, "PowerPoint Document": PPT}
PROGRAMS = {
    b"\x7fELF": "application/x-executable",
    b"\xfe\xed\xfa\xce": "application/x-mach-binary",
    b"\xfe\xed\xfa\xcf": "application/x-mach-binary",
    b"\xce\xfa\xed\xfe": "application/x-mach-binary",
    b"\xcf\xfa\xed\xfe": "application/x-mach-binary",
    b"\xca\xfe\xba\xbe": "application/x-java-class",
    b"dex\n": "application/vnd.android.dex",
    b"\0asm": "application/wasm",
    b"#!": "application/x-sh",
    b"L\0\0\0\x01\x14\x02\0": "application/x-ms-shortcut",
}
MOST_ENTRIES = 20_000
MOST_DIRECTORY = 4 * 2**20
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffe\uffff]")


def sniff(head: bytes, path: Path) -> str:
    """The media type of the file at `path`, whose first bytes (8 KiB, or all) are `head`."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _inside_zip(path)
    if head.startswith(OLE):
        return _inside_ole(path)
    if head.startswith(b"MZ") and b"\0" in head[:64]:
        return "application/x-msdownload"
    for magic, kind in PROGRAMS.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b"{\\rtf"):
        return "application/rtf"
    guess = filetype.guess(head)
    if guess is not None and not (guess.mime == "image/bmp" and head[6:10] != b"\0\0\0\0"):
        return str(guess.mime)
    return "text/plain" if encoding_of(head[:4000]) else "application/octet-stream"


def encoding_of(head: bytes) -> str:
    """The encoding of a text that begins with `head`: UTF-8, UTF-16 with its mark, or GB18030; '' when it is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried: tuple[str, ...] = ("utf-16",)
    elif b"\0" in head:
        return ""
    else:
        tried = ("utf-8-sig", "gb18030")
    for encoding in tried:
        for cut in range(4):  # the last character may be cut in two
            try:
                text = head[: len(head) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return "" if CONTROL.search(text) else encoding
    return ""


def zip_names(path: Path) -> list[str] | None:
    """The names in a ZIP's directory; None when it is broken or too long to be looked at (the size is checked first)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            return None
        entries, directory = struct.unpack("<HI", tail[at + 10 : at + 16])
        if entries > MOST_ENTRIES or directory > MOST_DIRECTORY or b"PK\x06\x07" in tail[max(0, at - 20) : at]:
            return None
        try:
            with zipfile.ZipFile(file) as archive:
                return archive.namelist()
        except (zipfile.BadZipFile, ValueError, OSError, struct.error, NotImplementedError, UnicodeError):
            return None


def _inside_zip(path: Path) -> str:
    """OFD, DOCX, XLSX and PPTX are ZIP files: their names inside tell."""
    names = set(zip_names(path) or ())
    return next((kind for name, kind in IN_ZIP.items() if name in names), "application/zip")


def _inside_ole(path: Path) -> str:
    """DOC, XLS and PPT are told by the streams that the directory names; the first sector of it is enough."""
    with path.open("rb") as file:
        header = file.read(512)
        if len(header) < 512:
            return DOC
        shift, sector = struct.unpack("<H", header[30:32])[0], struct.unpack("<I", header[48:52])[0]
        if shift not in {9, 12} or sector > 2**24:
            return DOC
        file.seek((sector + 1) << shift)
        entries = file.read(4096)
    for name, kind in IN_OLE.items():
        if f"{name}\0".encode("utf-16-le") in entries:
            return kind
    return DOC
