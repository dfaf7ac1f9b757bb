"""How far a deploy has come, for whoever waits for it.

Not here: the deploy (``functions/deploy.py``); the line on a terminal (the server).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class DeployStage(Enum):
    """What a deploy is doing. The values complete the sentence "The deploy is ..."."""

    CHECK = "checking documents"
    BUILD = "building indexes"
    FILL = "filling in defaults"


@dataclass(frozen=True, slots=True)
class DeployProgress:
    """So many of a table's documents are done in a stage.

    ``count`` is what there was when the stage began; live traffic may make ``done`` larger.
    """

    stage: DeployStage
    table: str
    done: int
    count: int


OnProgress = Callable[[DeployProgress], None]


def unheard(progress: object) -> None:
    """Tell nobody."""
