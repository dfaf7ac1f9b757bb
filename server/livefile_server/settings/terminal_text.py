"""Texts of users' code as they may be shown on a terminal or written into a log of lines.

A function can be made to print what a client sent it. Escape sequences in there could recolour
the terminal, hide lines or type into it, and line ends could forge lines of the log.

Not here: JSON, which escapes all of it by itself.
"""

import re

# Controls of both kinds (ESC begins a sequence in the first, CSI is one in the second), line ends
# of Unicode, and the marks that turn the direction of text.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"
)
_CONTROL_BUT_LINE_END = re.compile(_CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))


def one_line(text: str) -> str:
    """Return a text with everything escaped that is no printable character of one line."""
    return text if text.isprintable() and text.isascii() else _CONTROL.sub(_escape, text)


def indented_lines(text: str, indent: str = "  ") -> str:
    """Return a text of several lines, each but the first indented, all else escaped.

    What is indented cannot be taken for a line of the log itself.
    """
    shown = _CONTROL_BUT_LINE_END.sub(_escape, text.replace("\r\n", "\n").replace("\t", "    "))
    return shown.replace("\n", f"\n{indent}")


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
