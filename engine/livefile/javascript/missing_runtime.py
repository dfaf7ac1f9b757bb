"""What is said where nothing is installed that runs JavaScript.

The rest of a file with pushed code is served all the same: what is in Python, its documents, its
live queries of them.
"""

from livefile.vocabulary.errors import RuntimeMissingError


def missing_runtime() -> RuntimeMissingError:
    """Return the error that says that nothing runs JavaScript here."""
    return RuntimeMissingError(
        "nothing is installed that runs TypeScript, which takes Node 22.13 or newer: "
        "pip install 'livefile[typescript]'"
    )
