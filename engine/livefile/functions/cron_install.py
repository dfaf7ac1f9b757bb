"""Cron jobs at a deploy: what the code declares becomes documents, at the switch.

Not here: how apps declare them (``functions/cron_definitions.py``); the documents
(``system/cron_jobs.py``).
"""

from collections.abc import Sequence

from livefile.functions.app import App
from livefile.functions.job_call import job_call
from livefile.model.validator import TableName
from livefile.system import cron_jobs
from livefile.transaction.committer import Committer
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import AppError, LivefileError


def cron_documents(app: App, table_name: TableName) -> list[Document]:
    """Return the documents of an app's cron jobs, as far as the code says what is in them.

    Raises:
        AppError: a function does not accept the arguments that it is to be called with.
    """
    documents: list[Document] = []
    for identifier, definition in app.crons.items():
        try:
            call = job_call(app, definition.function, (), definition.args, table_name)
        except LivefileError as error:
            raise AppError(f"app {app.name}: cron job {identifier!r}: {error}") from error
        documents.append(
            {
                "identifier": identifier,
                "name": call.name,
                "args": [dict(call.args)],
                "schedule": definition.schedule,
            }
        )
    return documents


def install_crons(documents: Sequence[Document], call: bytes, committer: Committer) -> None:
    """Bring the stored cron jobs to these, in the job of the switching commit."""
    transaction = committer.begin(seed=0)
    cron_jobs.install(transaction, documents)
    committer.commit(transaction, call)
