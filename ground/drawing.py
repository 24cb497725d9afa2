"""Pages as pictures. Runs in the child of `ground/reading.py`: PDF by pdfium (no scripts, no forms run), images by Pillow."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH, HEIGHT = 1240, 2400  # 150 dpi of A4; sharp on a 1920 screen
MOST_PIXELS = 60_000_000
MOST_PAGES = 500


class NoSuchPage(Exception):
    """The file has fewer pages."""

    word = "page"


class TooManyPixels(Exception):
    """An image that would fill the memory."""

    word = "size"


def locked(path: Path) -> bool:
    """Whether a PDF asks for a password."""
    import pypdfium2

    try:
        pypdfium2.PdfDocument(path).close()
    except pypdfium2.PdfiumError as error:
        return "password" in str(error).lower()
    return False


def sheets(path: Path, media_type: str) -> list[tuple[int, int]]:
    """The sizes of the pages as they would be drawn; at most MOST_PAGES."""
    if media_type == "application/pdf":
        import pypdfium2

        with pypdfium2.PdfDocument(path) as document:
            sizes = [document.get_page_size(n) for n in range(min(len(document), MOST_PAGES))]
        return [(round(w * _scale(w, h)), round(h * _scale(w, h))) for w, h in sizes]
    image = _image(path)
    number = int(getattr(image, "n_frames", 1)) if media_type == "image/tiff" else 1
    part = min(1.0, WIDTH / image.width, HEIGHT / image.height)
    return [(max(1, round(image.width * part)), max(1, round(image.height * part)))] * min(number, MOST_PAGES)


def _scale(width: float, height: float) -> float:
    return min(WIDTH / max(width, 1), HEIGHT / max(height, 1), 8)


def picture(path: Path, media_type: str, page: int, to: Path) -> None:
    """Draw one page, small enough for the memory whatever the file says of its size."""
    image = _pdf_page(path, page) if media_type == "application/pdf" else _frame(path, page)
    if image.getcolors(4096) is not None and image.mode == "RGB":
        image = image.quantize(64, method=2)  # black text and a red head need few colours: a third of the bytes
    image.save(to, "PNG", compress_level=6)


def _pdf_page(path: Path, page: int) -> "Image":
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        if not 1 <= page <= len(document):
            raise NoSuchPage
        found = document[page - 1]
        width, height = found.get_size()
        found_image: Image = found.render(scale=_scale(width, height), may_draw_forms=False).to_pil().convert("RGB")
        return found_image


def _image(path: Path) -> "Image":
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    image = Image.open(path, formats=("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"))
    if image.width * image.height > MOST_PIXELS:
        raise TooManyPixels
    return image


def _frame(path: Path, page: int) -> "Image":
    from PIL import ImageOps

    image = _image(path)
    if page > 1:
        if page > int(getattr(image, "n_frames", 1)):
            raise NoSuchPage
        image.seek(page - 1)
    image.draft("RGB", (WIDTH, HEIGHT))
    turned = ImageOps.exif_transpose(image)
    turned.thumbnail((WIDTH, HEIGHT))
    return turned.convert("RGB")
