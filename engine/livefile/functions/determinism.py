"""Queries and mutations see one moment and repeatable dice.

Their results are cached, repeated after a conflict and replayed, so they must depend on nothing
but arguments and documents. The names ``time``, ``datetime``, ``random``, ``uuid``, ``secrets``,
``os.urandom`` and ``print`` in the app's own modules are replaced by ones that are frozen or
seeded while a query or mutation runs and ordinary elsewhere.

What is not covered: a library that asks for the time by itself, and what a module takes from
these names while it is loaded, such as ``Field(default_factory=time.time)``.

Not here: files, sockets and processes (``functions/sealing.py``); limits of time and memory.
"""

import base64
import datetime
import dis
import os
import random
import secrets
import time
import types
import uuid
from collections.abc import Callable
from typing import Any

from livefile.functions.console import print_to_call
from livefile.functions.running import sealed_call
from livefile.functions.sealing import refusal
from livefile.vocabulary.errors import DefinitionError

# Any: this module wraps functions of the standard library of every signature.

_SEALED_MODULES = ("time", "datetime", "random", "uuid", "secrets", "os")


def _moment_ns() -> int | None:
    running = sealed_call()
    if running is None:
        return None
    running.has_read_time = True
    return running.now_ns


def _frozen(real: Callable[..., Any], scale: Callable[[int], Any]) -> Callable[..., Any]:
    def read(*args: Any) -> Any:
        moment = None if args else _moment_ns()
        return real(*args) if moment is None else scale(moment)

    return read


def _broken_down(real: Callable[..., Any]) -> Callable[..., Any]:
    def read(seconds: float | None = None) -> Any:
        moment = _moment_ns() if seconds is None else None
        return real(seconds) if moment is None else real(moment / 1e9)

    return read


_local_time = _broken_down(time.localtime)


def _strftime(format: str, *moment: Any) -> str:
    return time.strftime(format, *moment or (_local_time(),))


def _asctime(*moment: Any) -> str:
    return time.asctime(*moment or (_local_time(),))


def _refused_sleep(seconds: float) -> None:
    running = sealed_call()
    if running is not None:
        raise refusal(running, "sleeps")
    time.sleep(seconds)


class _RealInstances(type):
    """Makes ``isinstance(x, datetime)`` mean the real class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])


class _Datetime(datetime.datetime, metaclass=_RealInstances):
    """``datetime`` with a frozen ``now``; its instances are plain ``datetime`` objects."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return datetime.datetime(*args, **kwargs)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        """Return the moment of the call."""
        moment = _moment_ns()
        if moment is None:
            return datetime.datetime.now(tz)
        return datetime.datetime.fromtimestamp(moment / 1e9, tz)

    @classmethod
    def utcnow(cls) -> Any:
        """Return the moment of the call, without a time zone."""
        return cls.now(datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        """Return the moment of the call, without a time zone."""
        return cls.now()


class _Date(datetime.date, metaclass=_RealInstances):
    """``date`` with a frozen ``today``; its instances are plain ``date`` objects."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return datetime.date(*args, **kwargs)

    @classmethod
    def today(cls) -> Any:
        """Return the day of the call."""
        return _Datetime.now().date()


def _seeded(real: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return ``real``, drawn from the call's own dice while one runs."""

    def draw(*args: Any, **kwargs: Any) -> Any:
        running = sealed_call()
        if running is None:
            return real(*args, **kwargs)
        return getattr(running.random, name)(*args, **kwargs)

    return draw


def _made_from_bytes(
    real: Callable[..., Any], make: Callable[[random.Random, Any], Any]
) -> Callable[..., Any]:
    def draw(*args: Any) -> Any:
        running = sealed_call()
        return real(*args) if running is None else make(running.random, *args or (None,))

    return draw


def _token_bytes(dice: random.Random, length: int | None) -> bytes:
    return dice.randbytes(secrets.DEFAULT_ENTROPY if length is None else length)


def _token_urlsafe(dice: random.Random, length: int | None) -> str:
    return base64.urlsafe_b64encode(_token_bytes(dice, length)).rstrip(b"=").decode()


def _uuid4(dice: random.Random, _: None) -> uuid.UUID:
    return uuid.UUID(int=dice.getrandbits(128), version=4)


class _Module(types.ModuleType):
    """A module with some names replaced; everything else is the real one's."""

    def __init__(self, real: types.ModuleType, replaced: dict[str, Any]) -> None:
        super().__init__(real.__name__, real.__doc__)
        self._real = real
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


_RANDOM_NAMES = [name for name in dir(random.Random) if not name.startswith("_")]

_MODULES: dict[types.ModuleType, dict[str, Any]] = {
    time: {
        "time": _frozen(time.time, lambda ns: ns / 1e9),
        "time_ns": _frozen(time.time_ns, lambda ns: ns),
        "monotonic": _frozen(time.monotonic, lambda ns: ns / 1e9),
        "monotonic_ns": _frozen(time.monotonic_ns, lambda ns: ns),
        "perf_counter": _frozen(time.perf_counter, lambda ns: ns / 1e9),
        "perf_counter_ns": _frozen(time.perf_counter_ns, lambda ns: ns),
        "gmtime": _broken_down(time.gmtime),
        "localtime": _local_time,
        "ctime": _broken_down(time.ctime),
        "strftime": _strftime,
        "asctime": _asctime,
        "sleep": _refused_sleep,
    },
    datetime: {"datetime": _Datetime, "date": _Date},
    random: {
        name: _seeded(getattr(random, name), name)
        for name in _RANDOM_NAMES
        if hasattr(random, name)
    },
    uuid: {
        "uuid1": _made_from_bytes(uuid.uuid1, _uuid4),
        "uuid4": _made_from_bytes(uuid.uuid4, _uuid4),
    },
    secrets: {
        "choice": _seeded(secrets.choice, "choice"),
        "randbelow": _seeded(secrets.randbelow, "randrange"),
        "randbits": _seeded(secrets.randbits, "getrandbits"),
        "token_bytes": _made_from_bytes(secrets.token_bytes, _token_bytes),
        "token_hex": _made_from_bytes(
            secrets.token_hex, lambda dice, length: _token_bytes(dice, length).hex()
        ),
        "token_urlsafe": _made_from_bytes(secrets.token_urlsafe, _token_urlsafe),
    },
    os: {"urandom": _made_from_bytes(os.urandom, _token_bytes)},
}

# What stands for what. Bound methods are made anew at each look-up, so they compare by equality.
_REPLACEMENTS: list[tuple[object, object]] = [
    *((module, _Module(module, replaced)) for module, replaced in _MODULES.items()),
    *(
        (getattr(module, name), replacement)
        for module, replaced in _MODULES.items()
        for name, replacement in replaced.items()
    ),
]


def seal_module(module: types.ModuleType) -> None:
    """Replace what is not repeatable among the names of a module of the app."""
    names = vars(module)
    for name, thing in list(names.items()):
        for real, replacement in _REPLACEMENTS:
            if thing is real or (type(thing) is types.MethodType and thing == real):
                names[name] = replacement
    names.setdefault("print", print_to_call)


def check_body(body: Callable[..., Any], path: str) -> None:
    """Refuse a query or mutation that imports, inside its body, what is replaced at the top."""
    pending = [getattr(body, "__code__", None)]
    while pending:
        code = pending.pop()
        if not isinstance(code, types.CodeType):
            continue
        pending.extend(code.co_consts)  # Functions inside the function.
        for instruction in dis.get_instructions(code):
            if instruction.opname == "IMPORT_NAME" and instruction.argval in _SEALED_MODULES:
                raise DefinitionError(
                    f"function {path}: it imports {instruction.argval!r} inside its body, where "
                    "the module cannot be made repeatable; import it at the top of the module"
                )
