"""The upkeep of a deployment by the name of what is to be done, with arguments and results in JSON.

A command does it in its own process, or has the server of the file do it; both come here.

Not here: the routes (``upkeep.py``); the commands (``cli/``).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from livefile import (
    BackupReport,
    ImportFormat,
    ImportMode,
    ImportProgress,
    Upkeep,
    errors,
)

UPKEEP_PATH = "/api/livefile/upkeep/"
"""Followed by the name of what is to be done."""

FREEZE = "freeze"
THAW = "thaw"

OnProgress = Callable[[str, int, int], None]
"""Hears what is being done, and how much of it, of how much. May raise to give it up."""

Work = Callable[[Upkeep, Mapping[str, object], OnProgress], dict[str, object]]


def do_work(
    upkeep: Upkeep, name: str, args: Mapping[str, object], on_progress: OnProgress
) -> dict[str, object]:
    """Do one thing and return what it came to. Blocks.

    Raises:
        BadRequestError: there is no such work, or an argument is missing.
        LivefileError: it failed.
    """
    work = _WORK.get(name)
    if work is None:
        raise errors.BadRequestError(
            "BadUpkeep", f"{name:.100} is none of {', '.join(sorted(_WORK))}"
        )
    return work(upkeep, args, on_progress)


def backup_facts(report: BackupReport) -> dict[str, object]:
    """Return what there is to tell of a backup."""
    return {
        "path": str(report.path),
        "ts": report.ts,
        "sizeBytes": report.size_bytes,
        "sha256": report.sha256,
    }


def _back_up(
    upkeep: Upkeep, args: Mapping[str, object], on_progress: OnProgress
) -> dict[str, object]:
    return backup_facts(
        upkeep.back_up(
            _path(args, "target"), lambda done, count: on_progress("copying pages", done, count)
        )
    )


def _check(
    upkeep: Upkeep, args: Mapping[str, object], on_progress: OnProgress
) -> dict[str, object]:
    found = upkeep.check(lambda done, count: on_progress("checking documents", done, count))
    return {"problems": found}


def _export(
    upkeep: Upkeep, args: Mapping[str, object], on_progress: OnProgress
) -> dict[str, object]:
    def on_rows(done: int, count: int) -> None:
        on_progress("writing documents", done, count)

    target, table = _path(args, "target"), _text(args, "table")
    if table is None:
        report = upkeep.export(target, on_rows, has_files=args.get("hasFiles") is True)
    else:
        report = upkeep.export_table(target, table, on_rows)
    return {
        "path": str(report.path),
        "ts": report.ts,
        "tables": list(report.tables),
        "documents": report.rows,
        "files": report.files,
    }


def _import(
    upkeep: Upkeep, args: Mapping[str, object], on_progress: OnProgress
) -> dict[str, object]:
    def on_imported(progress: ImportProgress) -> None:
        on_progress(progress.phase.value, progress.done, progress.count)

    format = _text(args, "format")
    report = upkeep.import_(
        _path(args, "source"),
        _text(args, "table"),
        mode=ImportMode(_text(args, "mode") or ImportMode.REQUIRE_EMPTY.value),
        format=None if format is None else ImportFormat(format),
        is_anew=args.get("isAnew") is True,
        is_trusted=args.get("isTrusted") is True,
        on_progress=on_imported,
    )
    return {
        "documents": report.rows,
        "files": report.files,
        "tables": list(report.tables),
        "resumedAt": report.resumed_at,
        "leftOut": list(report.left_out),
    }


_WORK: Mapping[str, Work] = {
    "backup": _back_up,
    "check": _check,
    "export": _export,
    "import": _import,
}


def _path(args: Mapping[str, object], name: str) -> Path:
    text = _text(args, name)
    if text is None or not Path(text).is_absolute():
        raise errors.BadRequestError(
            "BadUpkeep", f"{name} must be the whole path of a file; it is {text!r:.200}"
        )
    return Path(text)


def _text(args: Mapping[str, object], name: str) -> str | None:
    found = args.get(name)
    if found is not None and not isinstance(found, str):
        raise errors.BadRequestError("BadUpkeep", f"{name} must be a string; it is {found!r:.200}")
    return found
