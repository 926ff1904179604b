CREATE TABLE cursors (
    pipeline   TEXT    NOT NULL PRIMARY KEY,
    query_hash TEXT    NOT NULL,
    stamp      INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    window_end INTEGER NOT NULL,
    run_id     TEXT    NOT NULL REFERENCES runs (id),
    moved_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letters (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    pipeline    TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    step        TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    field       TEXT,
    message     TEXT    NOT NULL,
    remote_code TEXT,
    attempts    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    payload     TEXT    NOT NULL
) STRICT;
CREATE TABLE describes (
    connection    TEXT    NOT NULL,
    object        TEXT    NOT NULL COLLATE NOCASE,
    last_modified TEXT,
    fetched_at    INTEGER NOT NULL,
    body          TEXT    NOT NULL,
    PRIMARY KEY (connection, object)
) STRICT;
CREATE TABLE profiles (
    id            INTEGER NOT NULL PRIMARY KEY,
    key           TEXT    NOT NULL UNIQUE,
    salesforce_id TEXT,
    object        TEXT,
    deleted       INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    phone         TEXT,
    email         TEXT,
    consent       TEXT    NOT NULL,
    attributes    TEXT    NOT NULL
) STRICT;
CREATE TABLE runs (
    id                TEXT    NOT NULL PRIMARY KEY,
    pipeline          TEXT    NOT NULL,
    fingerprint       TEXT    NOT NULL,
    pid               INTEGER NOT NULL,
    state             TEXT    CHECK (state IN ('done', 'partial', 'failed')),
    started_at        INTEGER NOT NULL,
    seen_at           INTEGER NOT NULL,
    finished_at       INTEGER,
    read              INTEGER NOT NULL DEFAULT 0,
    delivered         INTEGER NOT NULL DEFAULT 0,
    unchanged         INTEGER NOT NULL DEFAULT 0,
    filtered          INTEGER NOT NULL DEFAULT 0,
    suppressed        INTEGER NOT NULL DEFAULT 0,
    rejected          INTEGER NOT NULL DEFAULT 0,
    unknown           INTEGER NOT NULL DEFAULT 0,
    pending           INTEGER NOT NULL DEFAULT 0,
    requests_query    INTEGER NOT NULL DEFAULT 0,
    requests_write    INTEGER NOT NULL DEFAULT 0,
    requests_auth     INTEGER NOT NULL DEFAULT 0,
    requests_other    INTEGER NOT NULL DEFAULT 0,
    api_calls         INTEGER NOT NULL DEFAULT 0,
    cursor_query_hash TEXT,
    cursor_stamp      INTEGER,
    cursor_id         TEXT,
    cursor_window_end INTEGER,
    error_code        TEXT,
    error_message     TEXT,
    warnings          TEXT    NOT NULL DEFAULT '[]',
    CHECK (read = delivered + unchanged + filtered + suppressed + rejected + unknown + pending),
    CHECK ((state IS NULL) = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE sqlite_sequence(name,seq);
CREATE INDEX dead_letters_by_pipeline ON dead_letters (pipeline, id);
CREATE INDEX dead_letters_by_run ON dead_letters (run_id, id);
CREATE INDEX profiles_by_email ON profiles (email) WHERE email IS NOT NULL;
CREATE INDEX profiles_by_phone ON profiles (phone) WHERE phone IS NOT NULL;
CREATE INDEX profiles_deleted ON profiles (id) WHERE deleted = 1;
CREATE INDEX runs_by_pipeline ON runs (pipeline, started_at, id);
CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_open ON runs (pipeline) WHERE state IS NULL;
PRAGMA application_id = 1651663975;
PRAGMA user_version = 1;
PRAGMA page_size = 4096;
