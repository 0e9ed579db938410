"""Files built byte by byte: small ones of each format, and the ones nobody should send."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

PAPERS = Path(__file__).parents[2] / "test_papers"

Line = tuple[float, float, float, str]
"""x, y from the bottom, size, words."""


_PRIVATE_SIGNS = (
    b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def 1 begincodespacerange <21> <7e>"
    b" endcodespacerange 1 beginbfrange <21> <7e> <e021> endbfrange endcmap end end"
)


def pdf(
    *pages: Iterable[Line], encrypt: bool = False, bold: bool = False, garbled: bool = False, upwards: bool = False
) -> bytes:
    """A PDF of these pages, on US letter; a garbled one draws letters, and says that they are private signs.

    The lines of one that runs upwards begin where the others do, each on the right of the one before.
    """
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    font = b"Helvetica-Bold" if bold else b"Helvetica"
    direction = b"0 1 -1 0" if upwards else b"1 0 0 1"
    told = b" /ToUnicode 4 0 R" if garbled else b""
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding%s >>" % (font, told))
    if garbled:
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(_PRIVATE_SIGNS), _PRIVATE_SIGNS))
    kids: list[int] = []
    for page in pages:
        lines = b"\n".join(
            b"BT /F1 %g Tf %s %g %g Tm (%s) Tj ET" % (size, direction, x, y, _escaped(words))
            for x, y, size, words in page
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(lines), lines))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(len(objects))
    references = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (references, len(kids))
    trailer = b"/Root 1 0 R"
    if encrypt:
        objects.append(b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (b"41" * 32, b"42" * 32))
        trailer += b" /Encrypt %d 0 R /ID [<00> <00>]" % len(objects)
    return _with_table(objects, trailer)


def _escaped(words: str) -> bytes:
    return words.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _with_table(objects: list[bytes], trailer: bytes) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_STYLES = f"""<w:styles {_W}>
<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/><w:rPr><w:b/><w:sz w:val="36"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="A"><w:name w:val="Author"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="My Section"/><w:basedOn w:val="H2"/></w:style>
</w:styles>"""


def docx(body: str, *, more: dict[str, bytes] | None = None) -> bytes:
    """A DOCX with this body, in WordprocessingML; styles `T` (title), `A` (authors), `H2` and `Mine`, which is based on `H2`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("word/document.xml", f"<w:document {_W}><w:body>{body}</w:body></w:document>")
        archive.writestr("word/styles.xml", _STYLES)
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return file.getvalue()


def paragraph(words: str, style: str = "") -> str:
    """A paragraph of WordprocessingML."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{words}</w:t></w:r></w:p>"


def jats(body: str, *, header: str = "", back: str = "", doctype: str = "") -> bytes:
    """A JATS article."""
    return (
        f'<?xml version="1.0"?>{doctype}<article article-type="research-article"><front><article-meta>{header}'
        f"</article-meta></front><body>{body}</body><back>{back}</back></article>"
    ).encode()
