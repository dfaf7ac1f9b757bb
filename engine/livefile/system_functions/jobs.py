"""System functions about what runs later: scheduled functions and cron jobs.

Cancelling goes over HTTP; the server's route calls the mutations below.
"""

from collections.abc import Mapping
from typing import Any

from livefile.model import validator as v
from livefile.model.index_key import encode_value, successor
from livefile.model.interval import Interval
from livefile.model.value import Int64
from livefile.model.value_json import to_json
from livefile.system import cron_jobs, scheduled_functions
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    bad_argument,
    optional,
    system_mutation,
    system_query,
)
from livefile.system_functions.tables import page_tree, wanted_page
from livefile.vocabulary.limits import JOBS_REMOVED_MAX

# Any: JSON trees.

_DUE = "by_due"
# The states that are not over; no other lies between the two.
_WAITING = Interval(encode_value("inProgress"), successor(encode_value("pending")))


def _scheduled(request: SystemRequest) -> Any:
    """Return a page of those that wait or run, the next ones first."""
    wanted = request.args.get("udfPath")
    query = request.query(scheduled_functions.TABLE, _DUE, _WAITING)
    if wanted is not None:
        query = query.filter(lambda job: bool(job["name"] == wanted))
    page = query.paginate(wanted_page(request))
    return page_tree(page.with_page([_job_tree(job) for job in page.page]))


def _arguments(request: SystemRequest) -> Any:
    job = request.transaction.get(request.args["id"])
    if job is None:
        return None
    if not scheduled_functions.is_scheduled_function(request.transaction, request.args["id"]):
        raise bad_argument(f"{request.args['id']!r:.100} is the id of no scheduled function")
    return to_json(job["args"]).decode()


def _crons(request: SystemRequest) -> Any:
    """Return all cron jobs with their next and, where it is known, last run."""
    return [
        {
            "_id": job["_id"],
            "_creationTime": job["_creationTime"],
            "name": job["identifier"],
            "cronSpec": {
                "udfPath": job["name"],
                "udfArgs": to_json(job["args"]).decode(),
                "cronSchedule": job["schedule"],
            },
            "nextRun": {"nextTs": _nanoseconds(job["scheduledTime"]), "state": job["state"]},
            "lastRun": None,
        }
        for job in request.query(cron_jobs.TABLE).collect()
    ]


def _no_runs(request: SystemRequest) -> Any:
    """Return none: the runs of cron jobs are in the log of calls, not in the file."""
    return []


def _cancel(request: SystemRequest) -> Any:
    scheduled_functions.cancel(request.transaction, request.args["id"])


def _cancel_some(request: SystemRequest) -> Any:
    """Cancel some of those that wait, of one function or of all, and return how many."""
    query = request.query(scheduled_functions.TABLE, _DUE, _WAITING)
    wanted = request.args.get("udfPath")
    if wanted is not None:
        query = query.filter(lambda job: bool(job["name"] == wanted))
    # Not those that were cancelled while they run: they are here until they are over.
    query = query.filter(lambda job: "completedTime" not in job)
    found = query.take(JOBS_REMOVED_MAX)
    for job in found:
        scheduled_functions.cancel(request.transaction, job["_id"])
    return len(found)


def _job_tree(job: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "_id": job["_id"],
        "_creationTime": job["_creationTime"],
        "component": "",
        "udfPath": job["name"],
        "udfArgs": to_json(job["args"]).decode(),
        "state": {"type": job["state"]["kind"]},
        "nextTs": _nanoseconds(job["scheduledTime"]),
    }


def _nanoseconds(time_ms: float) -> Int64:
    return Int64(int(time_ms * 1e6))


JOB_FUNCTIONS: dict[str, SystemFunction] = {
    "frontend/paginatedScheduledJobs:default": system_query(
        _scheduled,
        paginationOpts=v.PAGINATION_OPTIONS,
        udfPath=optional(v.STRING),
        componentId=optional(v.STRING),
    ),
    "frontend/scheduler:getArgs": system_query(
        _arguments, id=v.STRING, componentId=optional(v.STRING)
    ),
    "server/jobs:cancel": system_mutation(_cancel, id=v.STRING),
    "server/jobs:cancelSome": system_mutation(_cancel_some, udfPath=optional(v.STRING)),
    "frontend/listCronJobs:default": system_query(_crons, componentId=optional(v.STRING)),
    "frontend/listCronJobRuns:default": system_query(_no_runs, componentId=optional(v.STRING)),
}
"""By their paths without ``_system/``."""
