import base64

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from livefile import errors
from livefile_server.web.file_headers import (
    content_range,
    decode_digest,
    encode_digest,
    safe_headers,
    wanted_range,
)

SHOWN = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/x-icon",
    "image/bmp",
    "IMAGE/PNG",
    "image/png; charset=binary",
    "audio/mpeg",
    "audio/ogg; codecs=opus",
    "audio/wav",
    "video/mp4",
    "video/webm",
    "video/quicktime",
]
DOWNLOADED = [
    None,
    "",
    "text/html",
    "TEXT/HTML",
    "Text/Html; charset=utf-7",
    "text/html;image/png",
    "text/plain",
    "text/css",
    "text/javascript",
    "text/xml",
    "text/xsl",
    "text/vbscript",
    "text/cache-manifest",
    "text/vtt",
    "image/svg+xml",
    "image/SVG+XML",
    "image/svg",
    "image/svg-xml",
    "image/svg+xml; charset=utf-8",
    "image/anything+xml",
    "image/html",
    "image/javascript",
    "image/*",
    "image/",
    "image",
    "image/png/html",
    "image/png,text/html",
    "image /png",
    " image/png\t, text/html",
    "imagex/png",
    "video/xml",
    "audio/x-mixed-replace",
    "application/pdf",
    "application/xhtml+xml",
    "application/xml",
    "application/xml-dtd",
    "application/javascript",
    "application/ecmascript",
    "application/json",
    "application/wasm",
    "application/octet-stream",
    "application/x-shockwave-flash",
    "application/mathml+xml",
    "application/rss+xml",
    "application/hta",
    "application/manifest+json",
    "application/x-msdownload",
    "application/x-httpd-php",
    "application/zip",
    "multipart/x-mixed-replace",
    "multipart/x-mixed-replace; boundary=image/png",
    "multipart/related",
    "message/rfc822",
    "model/x3d+xml",
    "font/woff2",
    "chemical/x-pdb",
    "x-unknown/x-unknown",
    "*/*",
    "unknown/unknown",
    "(null)",
    "image/png\r\nContent-Type: text/html",
    "image/png\nX: 1",
    "image/png\0",
    "\u202eimage/gnp",
    "image/png\u2028",
    "\u0131mage/png",
    "ïmage/png",
    "../../image/png",
    'image/png"; filename="evil.html',
    "javascript:alert(1)",
    "data:text/html,x",
    "a" * 5000,
]


def test_the_corpus_is_large_enough() -> None:
    assert len({*SHOWN, *DOWNLOADED}) >= 80


@pytest.mark.parametrize("content_type", [*SHOWN, *DOWNLOADED])
def test_no_type_can_run_as_a_page(content_type: str | None) -> None:
    headers = safe_headers(content_type)

    is_shown = content_type in SHOWN
    assert headers["Content-Disposition"] == ("inline" if is_shown else "attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    for text in headers.values():
        assert text.isascii()
        assert not {"\r", "\n", "\0"} & set(text)


@given(st.text())
def test_any_text_as_a_type_is_served_safely(content_type: str) -> None:
    headers = safe_headers(content_type)

    assert headers["Content-Type"] in (content_type, "application/octet-stream")
    assert all(text.isascii() and text.isprintable() for text in headers.values())


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-0", range(1)),
        ("bytes=0-", range(10)),
        ("bytes=2-4", range(2, 5)),
        ("bytes= 2-4 ", range(2, 5)),
        ("bytes=9-9", range(9, 10)),
        ("bytes=5-99", range(5, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("bytes=a-b", None),
        ("bytes=1", None),
        ("bytes=--1", None),
        ("bytes=1-2-3", None),
        ("items=0-1", None),
        ("Bytes=0-1", None),
        ("bytes=\u0660-\u0661", None),
        ("bytes=0-" + "9" * 5000, None),
        ("", None),
    ],
)
def test_a_part_is_asked_for_by_its_positions(header: str | None, part: range | None) -> None:
    assert wanted_range(header, 10) == part


@pytest.mark.parametrize(
    "header",
    [
        "bytes=10-",
        "bytes=10-20",
        "bytes=-0",
        "bytes=0-1,3-4",
        "bytes=0-1, 2-",
        "bytes=,",
        "bytes=0-,",
    ],
)
def test_what_cannot_be_served_is_refused(header: str) -> None:
    with pytest.raises(web.HTTPRequestRangeNotSatisfiable) as refused:
        wanted_range(header, 10)

    assert refused.value.headers["Content-Range"] == "bytes */10"


@pytest.mark.parametrize("header", [None, "bytes=0-", "bytes=-1", "bytes=0-1,2-3"])
def test_an_empty_file_has_no_parts(header: str | None) -> None:
    assert wanted_range(header, 0) is None


@given(st.integers(1, 100), st.integers(0, 120), st.integers(0, 120))
def test_a_range_is_inside_of_the_file(size: int, first: int, last: int) -> None:
    try:
        part = wanted_range(f"bytes={first}-{last}", size)
    except web.HTTPRequestRangeNotSatisfiable:
        assert first >= size
        return
    if part is None:
        assert last < first
    else:
        assert part == range(first, min(last + 1, size))
        assert content_range(part, size) == f"bytes {first}-{part[-1]}/{size}"


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_is_read_as_it_was_written(sha256: bytes) -> None:
    header = encode_digest(sha256)

    assert decode_digest(header) == sha256
    assert decode_digest(f"md5=AAAA, {header} ") == sha256
    assert decode_digest(header.replace("sha", "SHA")) == sha256
    assert decode_digest(None) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha-256",
        "sha-256=",
        "sha-256=AAAA",
        "sha-256=" + "A" * 5000,
        "sha-512=" + base64.b64encode(bytes(64)).decode(),
        "sha-256=" + bytes(32).hex(),
        "sha-256=" + "!" * 44,
    ],
)
def test_what_is_no_digest_is_refused(header: str) -> None:
    with pytest.raises(errors.BadRequestError, match="Digest must be sha-256=<base64 of 32"):
        decode_digest(header)
