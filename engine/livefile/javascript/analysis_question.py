"""Questions about a pushed module, and how their answers are read.

Not here: the process that answers (``analysis_host.py``).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import orjson

from livefile.javascript.pushed_code import Module, Tree
from livefile.vocabulary.errors import PushError

Part = Literal["module", "schema", "auth", "definition"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question about ``module``, which may import the others of ``modules``.

    ``failure`` are the code and the first words of the error if the module cannot answer.
    ``variable`` tells an environment variable, or raises PushError.
    """

    modules: Mapping[str, Module]
    module: Module
    part: Part
    failure: tuple[str, str]
    variable: Callable[[str], str | None]

    @property
    def code_id(self) -> str:
        """16 hexadecimal digits that change with any of the modules."""
        digest = hashlib.sha256()
        for path, module in sorted(self.modules.items()):
            digest.update(f"{path}\n{module.hash}\n".encode())
        return digest.hexdigest()[:16]

    def failed(self, reason: str) -> PushError:
        """Return the error that says why there is no answer."""
        code, words = self.failure
        return PushError(code, f"{words}.\n{self.module.path}: {reason}")


AskHost: TypeAlias = Callable[[Question], str]
"""Has a host answer: JSON text. It raises PushError for a module that fails or takes too long."""


def ask_json(ask: AskHost, question: Question, fields: Mapping[str, type]) -> Tree:
    """Return an answer that is an object, with these fields at least, of these types.

    Raises:
        PushError: it has not; or as ``AskHost`` says.
    """
    text = ask(question)
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise question.failed(f"its answer is no JSON ({error}): {text!r:.100}") from error
    if not isinstance(answer, dict):
        raise question.failed(f"want an object from it, got {text!r:.100}")
    for name, kind in fields.items():
        if not isinstance(answer.get(name), kind):
            raise question.failed(
                f"want {name} of type {kind.__name__} from it, got {answer.get(name)!r:.100}"
            )
    return answer
