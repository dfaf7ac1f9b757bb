"""Sending codes: by the app's own action, which runs on when the answer is out.

Nobody waits for it, so that an answer does not tell by its time whether something was sent.
"""

import logging
from collections.abc import Callable
from typing import Any

from livefile.accounts.methods import EmailCode
from livefile.functions.app import App
from livefile.functions.call import Call, Failure, FunctionKind, Outcome
from livefile.functions.callback import call_back
from livefile.vocabulary.errors import BadRequestError, LivefileError

_log = logging.getLogger("livefile")

Submit = Callable[[Call, FunctionKind, Callable[[Outcome | LivefileError], None]], None]


class CodeSender:
    """Sends codes. ``submit`` is the engine's entrance for calls."""

    def __init__(self, app: Callable[[], App], submit: Submit) -> None:
        self._app = app
        self._submit = submit
        self.show: Callable[[str, str], None] | None = None
        """Called with address and code if the app has no sender; ``livefile dev`` prints them."""

    def check(self, method: EmailCode) -> None:
        """Return if there is somebody to send codes.

        Raises:
            BadRequestError: there is nobody.
        """
        if method.send is None and self.show is None:
            raise BadRequestError(
                "NoCodeSender", "EmailCode has no send, so codes are sent under livefile dev only"
            )

    def send(self, method: EmailCode, email: str, digits: str) -> None:
        """Have a code sent. What goes wrong is logged, without the code.

        Raises:
            OverloadedError: too many actions are running.
        """
        if method.send is None:
            if self.show is not None:
                call_back(self.show, email, digits)
            return
        app = self._app()
        # By position: what the app calls its arguments is its own affair.
        args: dict[str, Any] = method.send.dump_args((email, digits), {}, lambda _: None)
        call = Call(path=app.path_of(method.send), args=args, is_internal=True)
        self._submit(call, FunctionKind.ACTION, _note_failure)


def _note_failure(outcome: Outcome | LivefileError) -> None:
    if isinstance(outcome, LivefileError):
        _log.error("a code was not sent: %s", outcome.code)
    elif isinstance(outcome, Failure):
        _log.error("a code was not sent: the app's function failed; see its own log")
