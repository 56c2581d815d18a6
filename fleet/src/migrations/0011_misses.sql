-- Wrong guesses at every door where somebody may guess, of all tenants: whoever guesses belongs to none.

CREATE TABLE miss (
    at          timestamptz NOT NULL DEFAULT now(),
    -- 'login' or 'enrolment'.
    door        text NOT NULL,
    peer        text NOT NULL,
    -- What was guessed, hashed, as far as misses are counted by it.
    guess       bytea NOT NULL
);

INSERT INTO miss (at, door, peer, guess) SELECT at, 'login', peer, name FROM login_miss;
INSERT INTO miss (at, door, peer, guess) SELECT at, 'enrolment', peer, decode(prefix, 'hex') FROM enrolment_miss;
DROP TABLE login_miss, enrolment_miss;

CREATE INDEX miss_by_time ON miss (at);
GRANT SELECT, INSERT, DELETE ON miss TO fleet_app;
