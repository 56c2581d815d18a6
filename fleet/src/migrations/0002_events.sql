-- What happened at the kiosks. The primary key makes an event unique and finds its day: ids are UUIDv7.

CREATE TABLE event (
    id          uuid PRIMARY KEY,
    tenant      text NOT NULL,
    kiosk       text NOT NULL,
    epoch       bigint NOT NULL,
    seq         bigint NOT NULL,
    kind        text NOT NULL,
    version     smallint NOT NULL,
    wall_ms     bigint NOT NULL,
    hlc         bigint NOT NULL,
    boot        integer NOT NULL,
    mono_ms     bigint NOT NULL,
    clock       smallint NOT NULL,
    -- The exact bytes that the hash covers; jsonb would reorder them and refuse some.
    body        text NOT NULL,
    hash        bytea NOT NULL,
    -- NULL: a plain yes. Else the answer as it was given, for every repetition.
    answer      text,
    received_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (id);

CREATE INDEX event_by_place ON event (kiosk, epoch, seq);

-- Ids from clocks that are years off.
CREATE TABLE event_stray PARTITION OF event DEFAULT;

-- Makes the partition of a day, if there is none. Strays of that day move into it.
CREATE FUNCTION make_event_day(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
AS $$
DECLARE
    name text := 'event_' || to_char(day, 'YYYYMMDD');
    low  uuid := (lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
    high uuid := (lpad(to_hex((extract(epoch FROM (day + 1)::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE event INCLUDING ALL)', name);
    EXECUTE format('WITH moved AS (DELETE FROM event_stray WHERE id >= %L AND id < %L RETURNING *)
                    INSERT INTO %I SELECT * FROM moved', low, high, name);
    EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, low, high);
    RETURN true;
END $$;

-- How far each kiosk's log has come in. Taken FOR UPDATE by whoever applies a batch of it.
CREATE TABLE stream (
    kiosk       text NOT NULL,
    epoch       bigint NOT NULL,
    tenant      text NOT NULL,
    next_seq    bigint NOT NULL DEFAULT 1,
    -- NULL: the event before could not be read, so the next one's claim is taken.
    last_hash   bytea DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000',
    forked_at   bigint,
    written_as  text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kiosk, epoch)
);

-- What was not understood, verbatim. Nothing is ever skipped silently.
CREATE TABLE quarantine (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text NOT NULL,
    kiosk       text NOT NULL,
    topic       text NOT NULL,
    epoch       bigint,
    seq         bigint,
    event_id    uuid,
    hash        bytea,
    reason      text NOT NULL,
    detail      text NOT NULL,
    raw         bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz,
    released_by text
);

CREATE INDEX quarantine_by_place ON quarantine (kiosk, epoch, seq);
CREATE INDEX quarantine_open ON quarantine (tenant, received_at) WHERE released_at IS NULL;
