-- What a kiosk remembers of its fleet: under which name each epoch was written, what the fleet answered, which
-- jobs were done, which wishes are in force.

-- The name that the hashes of an epoch cover. A kiosk that is enrolled takes its new name with a new epoch.
CREATE TABLE epoch_identity (
    epoch    INTEGER PRIMARY KEY,
    kiosk    TEXT    NOT NULL
) STRICT;

INSERT INTO epoch_identity (epoch, kiosk)
    SELECT DISTINCT event.epoch, identity.kiosk FROM event, identity;

-- Connections to the broker since this start, so that a late will can be told from a new birth.
ALTER TABLE identity ADD COLUMN connections INTEGER NOT NULL DEFAULT 0;

-- No version before this one wrote a verdict: `code` holds `deny`, `conflict` or `quarantine`.
ALTER TABLE verdict ADD COLUMN epoch  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verdict ADD COLUMN seq    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verdict ADD COLUMN reason TEXT    NOT NULL DEFAULT '';
ALTER TABLE verdict ADD COLUMN remedy TEXT    NOT NULL DEFAULT '';

-- Jobs of the fleet. A row is there before the job begins, and keeps it from beginning twice.
CREATE TABLE job (
    id       BLOB PRIMARY KEY CHECK (length(id) = 16),
    document TEXT    NOT NULL,
    exp_ms   INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('accepted', 'running', 'done', 'failed', 'expired')),
    why      TEXT    NOT NULL DEFAULT '',
    result   TEXT,
    boot     INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The desired twin that is in force, and what of it could not be applied.
CREATE TABLE twin (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    rev      INTEGER NOT NULL,
    desired  TEXT    NOT NULL,
    errors   TEXT    NOT NULL
) STRICT;
