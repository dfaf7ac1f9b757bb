"""How far a push is, as whoever pushed is told while the file is prepared."""

from livefile.functions.deploy_progress import DeployProgress, DeployStage
from livefile.javascript.push_progress import PushProgress
from livefile.model.index_spec import IndexSpec
from livefile.model.pushed_table import PushedTable
from livefile.model.schema_diff import NewIndex, SchemaDiff
from livefile.model.validator import ANY


def diff(*indexed: str, checked: tuple[str, ...] = ()) -> SchemaDiff:
    return SchemaDiff(
        new_tables=[],
        new_indexes=[
            NewIndex(table=table, name=f"by_{number}", spec=IndexSpec(fields=("a",)), missing={})
            for number, table in enumerate(indexed)
        ],
        dropped_indexes=[],
        validators={},
        checks={name: PushedTable(name, ANY, {}) for name in checked},
        defaults={},
    )


def heard(progress: PushProgress, stage: DeployStage, table: str) -> None:
    progress.hear(DeployProgress(stage=stage, table=table, done=1, count=2))


def test_tables_are_told_by_component() -> None:
    progress = PushProgress(diff("items", "items", "one/items"), ["", "one", "two"])

    assert progress.tree == {
        "": {"schemaValidationComplete": True, "indexesComplete": 0, "indexesTotal": 2},
        "one": {"schemaValidationComplete": True, "indexesComplete": 0, "indexesTotal": 1},
        "two": {"schemaValidationComplete": True, "indexesComplete": 0, "indexesTotal": 0},
    }


def test_documents_are_checked_before_indexes_are_built() -> None:
    progress = PushProgress(diff("items", "others", checked=("items",)), [""])
    heard(progress, DeployStage.CHECK, "items")
    assert not progress.tree[""]["schemaValidationComplete"]

    heard(progress, DeployStage.BUILD, "items")
    assert progress.tree[""]["schemaValidationComplete"]
    assert progress.tree[""]["indexesComplete"] == 0

    heard(progress, DeployStage.BUILD, "items")
    heard(progress, DeployStage.BUILD, "others")
    assert progress.tree[""]["indexesComplete"] == 1
