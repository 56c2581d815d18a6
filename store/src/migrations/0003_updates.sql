-- What the kiosk remembers of its updates, and the oldest schema whose programs may go on with this file: the release
-- before runs again when a new one fails, and must find its store usable. A step that only adds leaves `least` as it is;
-- one that older programs would stumble over raises it, and with it the floor of its release.

CREATE TABLE usable (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    least    INTEGER NOT NULL
) STRICT;

INSERT INTO usable (one, least) VALUES (1, 3);

CREATE TABLE update_journal (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    journal  TEXT    NOT NULL,
    -- How the last update ended.
    verdict  TEXT
) STRICT;
