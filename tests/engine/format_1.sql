-- The tables of a Livefile file, format 1. docs/explanation/file_format.md tells what is in them.

-- Facts about the deployment, and small settings of its server.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tables (
    number    INTEGER PRIMARY KEY,     -- The number inside document ids.
    name      TEXT NOT NULL UNIQUE,
    validator TEXT NOT NULL            -- JSON: what every stored document was checked against.
) STRICT;

CREATE TABLE indexes (
    id           INTEGER PRIMARY KEY,
    table_number INTEGER NOT NULL REFERENCES tables (number),
    name         TEXT NOT NULL,
    fields       TEXT NOT NULL,        -- A JSON array of dotted paths.
    UNIQUE (table_number, name)
) STRICT;

CREATE TABLE documents (
    table_number INTEGER NOT NULL,
    internal_id  BLOB NOT NULL,        -- 16 bytes.
    document     BLOB NOT NULL,        -- msgpack, with _id and _creationTime.
    PRIMARY KEY (table_number, internal_id)
) STRICT, WITHOUT ROWID;

-- A key ends with the internal id of its document, so the id needs no column of its own.
CREATE TABLE index_entries (
    index_id INTEGER NOT NULL,
    key      BLOB NOT NULL,
    PRIMARY KEY (index_id, key)
) STRICT, WITHOUT ROWID;

-- One row for each commit, newest kept last. log_offset is the number of bytes that the log held
-- before this row since the file was made, so the size of any stretch is one subtraction.
CREATE TABLE commits (
    ts         INTEGER PRIMARY KEY,    -- Nanoseconds since 1970, strictly rising.
    log_offset INTEGER NOT NULL,
    writes     BLOB NOT NULL,          -- msgpack: [table_number, internal_id, before, after] ...
    call       BLOB NOT NULL           -- msgpack: the call that made the commit.
) STRICT;

-- Answers of mutations by the client's own number, so that a repeated one is not run again.
CREATE TABLE session_requests (
    ts             INTEGER PRIMARY KEY,
    session_id     TEXT NOT NULL,
    request_number INTEGER NOT NULL,
    outcome        BLOB NOT NULL,      -- msgpack: [json, log lines].
    UNIQUE (session_id, request_number)
) STRICT;
