CREATE TRIGGER audit_entries_are_appended BEFORE INSERT ON audit_entries
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM audit_entries)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_entries_are_not_changed BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_entries_are_not_removed BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_head_goes_forward BEFORE UPDATE ON audit_head
WHEN NEW.count <= OLD.count
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_head_is_not_removed BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_head_is_not_replaced BEFORE INSERT ON audit_head
WHEN EXISTS (SELECT 1 FROM audit_head WHERE count >= NEW.count)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
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
CREATE TABLE api_answers (
    caller  TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    request BLOB    NOT NULL CHECK (length(request) = 32),
    status  INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE api_tokens (
    name       TEXT    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'ingest', 'operator')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE TABLE applied_plans (
    digest      TEXT    NOT NULL PRIMARY KEY,
    pipeline    TEXT    NOT NULL,
    run_id      TEXT    NOT NULL,
    begun_at    INTEGER NOT NULL,
    finished_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_entries (
    seq      INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
    at       INTEGER NOT NULL,
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    details  TEXT    NOT NULL,
    previous BLOB    NOT NULL CHECK (length(previous) = 32),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TABLE audit_head (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    count INTEGER NOT NULL CHECK (count > 0),
    hash  BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TABLE campaigns (
    name     TEXT    NOT NULL PRIMARY KEY,
    state    TEXT    NOT NULL CHECK (state IN ('running', 'paused', 'stopped')),
    reason   TEXT,
    template TEXT    NOT NULL,
    content  BLOB    NOT NULL CHECK (length(content) = 32),
    began_at INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE change_counter (
    newest INTEGER NOT NULL CHECK (newest >= 0)
) STRICT;
CREATE TABLE change_cursors (
    pipeline    TEXT    NOT NULL PRIMARY KEY,
    source_hash TEXT    NOT NULL,
    change      INTEGER NOT NULL,
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    moved_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE connection_cards (
    connection      TEXT    NOT NULL PRIMARY KEY,
    method          TEXT    NOT NULL,
    username        TEXT,
    user_id         TEXT,
    organization_id TEXT,
    instance_url    TEXT,
    scopes          TEXT    NOT NULL,
    connected_at    INTEGER NOT NULL,
    refreshed_at    INTEGER,
    refresh_begun   INTEGER NOT NULL CHECK (refresh_begun IN (0, 1)),
    refresh_rotates INTEGER CHECK (refresh_rotates IN (0, 1)),
    refresh_refused INTEGER NOT NULL CHECK (refresh_refused IN (0, 1))
) STRICT, WITHOUT ROWID;
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
, closed_at INTEGER, closed_how TEXT
    CHECK (closed_how IN ('delivered', 'gone', 'replaced'))
    CHECK ((closed_how IS NULL) = (closed_at IS NULL))) STRICT;
CREATE TABLE describes (
    connection    TEXT    NOT NULL,
    object        TEXT    NOT NULL COLLATE NOCASE,
    last_modified TEXT,
    fetched_at    INTEGER NOT NULL,
    body          TEXT    NOT NULL,
    PRIMARY KEY (connection, object)
) STRICT;
CREATE TABLE "engagements" (
    id       TEXT    NOT NULL PRIMARY KEY,
    profile  TEXT    NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('sent', 'delivered', 'read', 'replied', 'opted_out', 'opted_in')),
    at       INTEGER NOT NULL,
    campaign TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE erasures (
    hash BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    kind TEXT    NOT NULL CHECK (kind IN ('name', 'person')),
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_key (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    checksum BLOB    NOT NULL CHECK (length(checksum) = 32)
) STRICT;
CREATE TABLE message_identities (
    campaign TEXT NOT NULL,
    identity BLOB NOT NULL CHECK (length(identity) = 32),
    message  TEXT NOT NULL REFERENCES messages (id),
    PRIMARY KEY (campaign, identity)
) STRICT, WITHOUT ROWID;
CREATE TABLE message_people (
    message TEXT NOT NULL REFERENCES messages (id),
    profile TEXT NOT NULL,
    PRIMARY KEY (message, profile)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    id          TEXT    NOT NULL PRIMARY KEY,
    campaign    TEXT    NOT NULL REFERENCES campaigns (name),
    connection  TEXT    NOT NULL,
    pipeline    TEXT    NOT NULL,
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    profile     TEXT    NOT NULL,
    record      TEXT    NOT NULL,
    masked      TEXT    NOT NULL,
    payload     TEXT,
    state       TEXT    NOT NULL CHECK (state IN ('planned', 'dispatching', 'refused', 'suppressed', 'expired',
                    'unknown', 'accepted', 'failed', 'sent', 'delivered', 'read')),
    not_before  INTEGER NOT NULL,
    hold        TEXT,
    expires_at  INTEGER,
    attempts    INTEGER NOT NULL DEFAULT 0,
    reserved_at INTEGER,
    wamid       TEXT,
    reason      TEXT,
    at          INTEGER NOT NULL,
    -- What may still be sent is known, and what is planned never left.
    CHECK (payload IS NOT NULL OR state NOT IN ('planned', 'dispatching', 'unknown')),
    CHECK (reserved_at IS NOT NULL OR state IN ('planned', 'refused', 'suppressed', 'expired'))
) STRICT;
CREATE TABLE outcomes (
    change      INTEGER NOT NULL PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    profile     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    occurred_at INTEGER NOT NULL,
    imported_at INTEGER NOT NULL,
    fields      TEXT    NOT NULL
) STRICT;
CREATE TABLE parked_statuses (
    wamid   TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    reason  TEXT,
    kept_at INTEGER NOT NULL,
    PRIMARY KEY (wamid, kind)
) STRICT, WITHOUT ROWID;
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
, change INTEGER NOT NULL DEFAULT 0, engaged INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE rests (
    identity BLOB    NOT NULL PRIMARY KEY CHECK (length(identity) = 32),
    until    INTEGER NOT NULL,
    times    INTEGER NOT NULL CHECK (times > 0)
) STRICT, WITHOUT ROWID;
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
    warnings          TEXT    NOT NULL DEFAULT '[]', change_source_hash TEXT, change_number INTEGER, expired INTEGER NOT NULL DEFAULT 0,
    CHECK (read = delivered + unchanged + filtered + suppressed + rejected + unknown + pending),
    CHECK ((state IS NULL) = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;
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
CREATE TABLE sealed_secrets (
    connection TEXT    NOT NULL,
    field      TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    nonce      BLOB    NOT NULL CHECK (length(nonce) = 24),
    ciphertext BLOB    NOT NULL CHECK (length(ciphertext) >= 16),
    sealed_at  INTEGER NOT NULL,
    PRIMARY KEY (connection, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE sqlite_sequence(name,seq);
CREATE TABLE suppressions (
    identity BLOB    NOT NULL PRIMARY KEY CHECK (length(identity) = 32),
    scope    TEXT    NOT NULL CHECK (scope IN ('marketing', 'all')),
    reason   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    until    INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE ticks (
    pipeline TEXT    NOT NULL PRIMARY KEY,
    settled  INTEGER NOT NULL
, schedule TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE webhooks (
    seq           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    connection    TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    body          BLOB,
    understood_at INTEGER,
    unreadable    TEXT
) STRICT;
CREATE INDEX api_answers_by_time ON api_answers (at);
CREATE INDEX campaigns_by_template ON campaigns (template);
CREATE INDEX dead_letters_by_pipeline ON dead_letters (pipeline, id);
CREATE INDEX dead_letters_by_run ON dead_letters (run_id, id);
CREATE INDEX dead_letters_kept ON dead_letters (at) WHERE payload <> 'null';
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (pipeline, key)
    WHERE closed_at IS NULL AND key <> '';
CREATE INDEX dead_letters_open_by_id ON dead_letters (id) WHERE closed_at IS NULL;
CREATE INDEX dead_letters_open_by_pipeline ON dead_letters (pipeline, id) WHERE closed_at IS NULL;
CREATE INDEX engagements_by_profile ON engagements (profile, at, id, kind);
CREATE INDEX message_identities_by_identity ON message_identities (identity, message);
CREATE INDEX message_identities_by_message ON message_identities (message);
CREATE INDEX messages_by_campaign ON messages (campaign, state);
CREATE INDEX messages_by_state ON messages (state, id);
CREATE UNIQUE INDEX messages_by_wamid ON messages (wamid) WHERE wamid IS NOT NULL;
CREATE INDEX messages_dispatching ON messages (pipeline) WHERE state = 'dispatching';
CREATE INDEX messages_planned ON messages (pipeline, not_before, id) WHERE state = 'planned';
CREATE INDEX messages_reserved ON messages (connection, reserved_at) WHERE reserved_at IS NOT NULL;
CREATE INDEX outcomes_by_profile ON outcomes (profile, occurred_at, id);
CREATE INDEX profiles_by_change ON profiles (change);
CREATE INDEX profiles_by_email ON profiles (email) WHERE email IS NOT NULL;
CREATE INDEX profiles_by_engaged ON profiles (engaged) WHERE engaged > 0;
CREATE INDEX profiles_by_phone ON profiles (phone) WHERE phone IS NOT NULL;
CREATE INDEX profiles_by_salesforce_id ON profiles (salesforce_id) WHERE salesforce_id <> key;
CREATE INDEX profiles_deleted ON profiles (id) WHERE deleted = 1;
CREATE INDEX profiles_kept_of_deleted ON profiles (updated_at) WHERE deleted = 1 AND attributes <> '{}';
CREATE INDEX runs_by_pipeline ON runs (pipeline, started_at, id);
CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_open ON runs (pipeline) WHERE state IS NULL;
CREATE INDEX webhooks_by_time ON webhooks (at);
CREATE INDEX webhooks_unreadable ON webhooks (at) WHERE unreadable IS NOT NULL AND body IS NOT NULL;
CREATE INDEX webhooks_waiting ON webhooks (seq) WHERE understood_at IS NULL;
PRAGMA application_id = 1651663975;
PRAGMA user_version = 6;
PRAGMA page_size = 8192;
