-- The second layout: outcomes, engagements, scores and acknowledgements; change numbers; one open letter a record.

-- The number of the latest change of any record. A row of its own: it must grow even when the newest record is gone.
CREATE TABLE change_counter (
    newest INTEGER NOT NULL CHECK (newest >= 0)
) STRICT;

INSERT INTO change_counter SELECT coalesce(max(id), 0) FROM profiles;

ALTER TABLE profiles ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
UPDATE profiles SET change = id;
CREATE INDEX profiles_by_change ON profiles (change);

-- The change number that the latest engagement gave; 0 before the first.
ALTER TABLE profiles ADD COLUMN engaged INTEGER NOT NULL DEFAULT 0;
CREATE INDEX profiles_by_engaged ON profiles (engaged) WHERE engaged > 0;

-- Most profiles have their Salesforce Id as their key, and cost nothing here.
CREATE INDEX profiles_by_salesforce_id ON profiles (salesforce_id) WHERE salesforce_id <> key;

CREATE TABLE change_cursors (
    pipeline    TEXT    NOT NULL PRIMARY KEY,
    source_hash TEXT    NOT NULL,
    change      INTEGER NOT NULL,
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    moved_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN change_source_hash TEXT;
ALTER TABLE runs ADD COLUMN change_number INTEGER;

-- The change number is the row's own number: a change appends the row, and a list by change needs no further index.
CREATE TABLE outcomes (
    change      INTEGER NOT NULL PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    profile     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    occurred_at INTEGER NOT NULL,
    imported_at INTEGER NOT NULL,
    fields      TEXT    NOT NULL
) STRICT;

CREATE INDEX outcomes_by_profile ON outcomes (profile, occurred_at, id);

CREATE TABLE engagements (
    id       TEXT    NOT NULL PRIMARY KEY,
    profile  TEXT    NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('sent', 'delivered', 'read', 'replied', 'opted_out')),
    at       INTEGER NOT NULL,
    campaign TEXT
) STRICT, WITHOUT ROWID;

-- With the kind at its end the index alone answers for a summary.
CREATE INDEX engagements_by_profile ON engagements (profile, at, id, kind);

CREATE TABLE scores (
    profile   TEXT    NOT NULL,
    pipeline  TEXT    NOT NULL,
    score     INTEGER NOT NULL,
    grade     TEXT,
    qualified INTEGER NOT NULL CHECK (qualified IN (0, 1)),
    reasons   TEXT    NOT NULL,
    scored_at INTEGER NOT NULL,
    PRIMARY KEY (profile, pipeline)
) STRICT, WITHOUT ROWID;

CREATE TABLE acknowledgements (
    pipeline        TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    digest          BLOB    NOT NULL CHECK (length(digest) = 32),
    salesforce_id   TEXT,
    acknowledged_at INTEGER NOT NULL,
    fields          TEXT,
    PRIMARY KEY (pipeline, target, key)
) STRICT;

CREATE TABLE applied_plans (
    digest      TEXT    NOT NULL PRIMARY KEY,
    pipeline    TEXT    NOT NULL,
    run_id      TEXT    NOT NULL,
    begun_at    INTEGER NOT NULL,
    finished_at INTEGER
) STRICT, WITHOUT ROWID;

ALTER TABLE dead_letters ADD COLUMN closed_at INTEGER;
ALTER TABLE dead_letters ADD COLUMN closed_how TEXT
    CHECK (closed_how IN ('delivered', 'gone', 'replaced'))
    CHECK ((closed_how IS NULL) = (closed_at IS NULL));

-- Of several letters of one record the newest stays open.
UPDATE dead_letters SET closed_at = at, closed_how = 'replaced'
WHERE key <> '' AND id NOT IN (SELECT max(id) FROM dead_letters GROUP BY pipeline, key);

CREATE UNIQUE INDEX dead_letters_open ON dead_letters (pipeline, key)
    WHERE closed_at IS NULL AND key <> '';
CREATE INDEX dead_letters_open_by_pipeline ON dead_letters (pipeline, id) WHERE closed_at IS NULL;
CREATE INDEX dead_letters_open_by_id ON dead_letters (id) WHERE closed_at IS NULL;
