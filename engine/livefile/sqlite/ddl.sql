-- The tables of a Livefile file, format 4. docs/explanation/file_format.md tells what is in them.

-- Facts about the deployment, and small settings of its server.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tables (
    number    INTEGER PRIMARY KEY,     -- The number inside document ids.
    name      TEXT NOT NULL UNIQUE,
    validator TEXT NOT NULL,           -- JSON: what every stored document was checked against.
    defaults  BLOB                     -- msgpack: fields that documents which lack them get.
) STRICT;

CREATE TABLE indexes (
    id           INTEGER PRIMARY KEY,
    table_number INTEGER NOT NULL REFERENCES tables (number),
    name         TEXT NOT NULL,
    spec         TEXT NOT NULL,        -- JSON: fields as dotted paths, kind and options.
    missing      BLOB,                 -- msgpack: what stands in keys for missing fields.
    state        TEXT NOT NULL         -- ready, building or dropping.
) STRICT;
CREATE UNIQUE INDEX ready_indexes ON indexes (table_number, name) WHERE state = 'ready';

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

-- Counts and sums of stretches of an index, in levels: level 1 are stretches of entries, each
-- further level stretches of the one below. A stretch ends where the next of its level begins.
CREATE TABLE summaries (
    index_id INTEGER NOT NULL,
    level    INTEGER NOT NULL,
    start    BLOB NOT NULL,
    count    INTEGER NOT NULL,         -- Entries in it.
    children INTEGER NOT NULL,         -- Entries, or stretches of the level below.
    sum      BLOB,                     -- msgpack: the exact sum of the index's last field.
    PRIMARY KEY (index_id, level, start)
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

-- How far each migration came, so that it goes on there. Written in the commit of each batch.
CREATE TABLE migrations (
    path              TEXT PRIMARY KEY,   -- Of the function: migrations:rename_body.
    table_number      INTEGER NOT NULL,
    last_id           BLOB NOT NULL,      -- The last document visited, in the order of ids.
    documents_seen    INTEGER NOT NULL,
    documents_changed INTEGER NOT NULL,
    is_finished       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The bytes of stored files, cut into chunks.
CREATE TABLE blob_chunks (
    blob_id BLOB NOT NULL,             -- The internal id of its document in _blobs.
    number  INTEGER NOT NULL,          -- Counting from 0.
    bytes   BLOB NOT NULL,
    PRIMARY KEY (blob_id, number)
) STRICT;

-- Vectors of documents, one unit long. The vectors of an index have neighbouring numbers.
CREATE TABLE vectors (
    number    INTEGER PRIMARY KEY,
    direction BLOB                     -- 32-bit floats; NULL for a vector of length zero.
) STRICT;

-- Where a vector index has its documents: each one under the empty key, and under one for each
-- filter field, made from the field's value.
CREATE TABLE vector_entries (
    index_id    INTEGER NOT NULL,
    key         BLOB NOT NULL,
    internal_id BLOB NOT NULL,
    number      INTEGER NOT NULL,      -- Of its vector.
    signs       BLOB,                  -- A bit for each number of the vector: 1 if above zero.
    filter_keys BLOB,                  -- Under the empty key: its other keys, joined.
    PRIMARY KEY (index_id, key, internal_id)
) STRICT, WITHOUT ROWID;

-- The modules of pushed JavaScript. Which of them are in use, the setting pushed_code says.
CREATE TABLE modules (
    hash       TEXT PRIMARY KEY,       -- SHA-256 of source and source map, in hexadecimal.
    source     BLOB NOT NULL,          -- UTF-8.
    source_map BLOB                    -- UTF-8, JSON.
) STRICT, WITHOUT ROWID;
