"""The example in fixtures/retrieval answers from its own documents."""

from collections.abc import Iterator
from typing import Any

import pytest

from livefile import Livefile
from tests.tidy_source import ROOT

PLANTS = """
Tomatoes want sun and much water. Water them in the morning, at their roots, never on the leaves.

A cactus wants little water: once a month in winter, and every two weeks in summer.

Sow carrots in loose soil in April. They are ready to be pulled after four months.
"""
MACHINES = """
The pump stops when the filter is full. Open the lid, rinse the filter and close the lid.

A red lamp says that the battery is empty. Charge it for two hours before the next use.
"""


@pytest.fixture
def livefile() -> Iterator[Livefile]:
    with Livefile.open(":memory:", ROOT / "fixtures" / "retrieval" / "retrieval") as livefile:
        yield livefile


def quotes(livefile: Livefile, question: str, **more: Any) -> list[dict[str, Any]]:
    answer: Any = livefile.action("questions:ask", question=question, **more)
    found: list[dict[str, Any]] = answer.model_dump()["quotes"]
    return found


def test_a_question_is_answered_by_the_passage_that_knows(livefile: Livefile) -> None:
    livefile.action("library:add", title="Garden", text=PLANTS, topic="plants")
    livefile.action("library:add", title="Manual", text=MACHINES, topic="machines")

    (best, *_) = quotes(livefile, "How often does a cactus want water in winter?")
    assert best["title"] == "Garden"
    assert best["text"].startswith("A cactus wants little water")
    (best, *_) = quotes(livefile, "What does the red lamp say?")
    assert best["title"] == "Manual"
    assert "battery is empty" in best["text"]
    (best, *_) = quotes(livefile, "How much water?", topic="plants")
    assert best["title"] == "Garden"
    assert quotes(livefile, "Who wrote the symphony?") == []


def test_a_source_that_was_removed_is_not_quoted(livefile: Livefile) -> None:
    source = livefile.action("library:add", title="Manual", text=MACHINES)
    assert quotes(livefile, "When does the pump stop?")

    livefile.mutation("library:remove", source=source)

    assert quotes(livefile, "When does the pump stop?") == []
    assert livefile.query("library:list") == []


def test_related_passages_are_live(livefile: Livefile) -> None:
    livefile.action("library:add", title="Garden", text=PLANTS, topic="plants")
    (cactus, *_) = quotes(livefile, "How often does a cactus want water in winter?")

    with livefile.watch("questions:related", passage=cactus["passage"]) as related:
        before = next(related)
        livefile.action("library:add", title="More", text="A cactus in winter.", topic="plants")
        after = next(related)

    assert len(before) == 2
    assert sorted(after) == sorted([*before, "A cactus in winter."])


def test_an_unknown_kind_of_embedding_is_named(livefile: Livefile) -> None:
    livefile.change_environment({"EMBEDDING": "magic"})

    with pytest.raises(Exception, match='EMBEDDING is \'magic\', want "model" or "words"'):
        livefile.action("library:add", title="Manual", text=MACHINES)
