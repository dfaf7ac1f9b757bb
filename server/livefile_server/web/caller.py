"""Who sent a request, as functions may ask: the address, the program, the token.

Not here: whether the token is worth anything (``auth/``).
"""

from aiohttp import hdrs, web

from livefile import Caller

_ADDRESS = web.RequestKey("client_address", str)
_BEARER = "bearer "


def note_address(request: web.BaseRequest, address: str | None) -> None:
    """Remember the address of whoever asks, which the gate has found out."""
    if address is not None:
        request[_ADDRESS] = address


def caller_of(request: web.BaseRequest) -> Caller:
    """Return who sent a request that the gate let in."""
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    is_bearer = header[: len(_BEARER)].lower() == _BEARER
    return Caller(
        address=request.get(_ADDRESS),
        user_agent=request.headers.get(hdrs.USER_AGENT),
        auth_token=header[len(_BEARER) :].strip() if is_bearer else None,
    )
