"""Snapshots as Convex writes them, made by hand for tests."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from livefile.model.document_id import encode_document_id

USERS, NOTES = 10_042, 10_001


def document_id(table: int, number: int) -> str:
    """Return an id with a table's number."""
    return encode_document_id(table, number.to_bytes(16, "big"))


def write_snapshot(
    path: Path, tables: Mapping[str, int], lines: Mapping[str, Sequence[str]]
) -> Path:
    """Write a snapshot with these tables and their lines of JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.md", "A snapshot.\n")
        named = [json.dumps({"name": name, "id": number}) for name, number in tables.items()]
        file.writestr("_tables/documents.jsonl", "".join(f"{line}\n" for line in named))
        for name, own in lines.items():
            file.writestr(f"{name}/documents.jsonl", "".join(f"{line}\n" for line in own))
            file.writestr(f"{name}/generated_schema.jsonl", '"uniform"\n')
    return path


# The forms of numbers, texts and keys that the reference writes: keys in order, no blanks,
# characters beyond ASCII as they are. Whether there is a sign in 1e+16 depends on its version.
AWKWARD_FIELDS = (
    'SYSTEM,"a":1.0',
    'SYSTEM,"a":-0.5,"c":1e-7,"d":5e-324,"g":0.1',
    'SYSTEM,"f":100000.0,"g":1795349835039.3,"h":9007199254740992.0',
    'SYSTEM,"big":{"$integer":"AAAAAAAAAIA="},"one":{"$integer":"AQAAAAAAAAA="}',
    'SYSTEM,"bytes":{"$bytes":"AAH/"},"none":{"$bytes":""}',
    'SYSTEM,"inf":{"$float":"AAAAAAAA8H8="},"nan":{"$float":"AAAAAAAA+H8="},'
    '"negative":{"$float":"AAAAAAAAAIA="}',
    r'SYSTEM,"text":"\u0000\u001f\b\t\n\f\r\"\\/' + '\x7fäß\u2028😀"',
    '"":"empty key","A":1.0,"Z":{"z":[],"{":{}},SYSTEM,"a":null,"b":[true,false,[null]]',
)


def awkward_lines(table: int) -> list[str]:
    """Return a document for each awkward form, its keys in order."""
    lines = []
    for number, fields in enumerate(AWKWARD_FIELDS):
        system = f'"_creationTime":{1700000000000.5 + number},"_id":"{document_id(table, number)}"'
        lines.append("{" + fields.replace("SYSTEM", system) + "}")
    return lines
