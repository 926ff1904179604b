-- The fifth layout: those who were erased, as keyed hashes, and the schedule that a time was settled by.

CREATE TABLE erasures (
    hash BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    kind TEXT    NOT NULL CHECK (kind IN ('name', 'person')),
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was kept of deleted rows is forgotten after a while, and of those alone.
CREATE INDEX profiles_kept_of_deleted ON profiles (updated_at) WHERE deleted = 1 AND attributes <> '{}';
CREATE INDEX dead_letters_kept ON dead_letters (at) WHERE payload <> 'null';
CREATE INDEX webhooks_unreadable ON webhooks (at) WHERE unreadable IS NOT NULL AND body IS NOT NULL;

-- A schedule that changes has missed nothing before. Of earlier times nobody knows the schedule.
ALTER TABLE ticks ADD COLUMN schedule TEXT;
