-- What kiosks should be and do. A row that is `due` is to be sent; a replica takes it with SKIP LOCKED.

CREATE TABLE twin (
    kiosk       text PRIMARY KEY REFERENCES kiosk,
    tenant      text NOT NULL,
    rev         bigint NOT NULL DEFAULT 0,
    desired     jsonb NOT NULL DEFAULT '{}',
    docs        jsonb NOT NULL DEFAULT '{}',
    changed_at  timestamptz,
    changed_by  text,
    due         boolean NOT NULL DEFAULT false,
    reported_rev bigint NOT NULL DEFAULT 0,
    reported    jsonb NOT NULL DEFAULT '{}',
    errors      jsonb NOT NULL DEFAULT '{}',
    reported_at timestamptz
);

CREATE INDEX twin_due ON twin (tenant) WHERE due;

CREATE TABLE job (
    id          uuid PRIMARY KEY,
    tenant      text NOT NULL,
    kiosk       text NOT NULL REFERENCES kiosk,
    -- Jobs that were asked for together.
    request     uuid NOT NULL,
    kind        text NOT NULL,
    args        jsonb NOT NULL,
    idle        boolean NOT NULL DEFAULT false,
    state       text NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'sent', 'accepted', 'running', 'done', 'failed', 'expired')),
    due         boolean NOT NULL DEFAULT true,
    pct         smallint,
    why         text NOT NULL DEFAULT '',
    result      text,
    asked_by    text NOT NULL,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX job_by_kiosk ON job (kiosk, id);
CREATE INDEX job_by_request ON job (request);
CREATE INDEX job_by_age ON job (tenant, id);
CREATE INDEX job_due ON job (tenant) WHERE due;
CREATE INDEX job_open ON job (expires_at) WHERE state IN ('queued', 'sent', 'accepted', 'running');

-- Requests by the key that the asker gave them, so that asking twice is asking once.
CREATE TABLE job_request (
    tenant      text NOT NULL,
    key         text NOT NULL,
    request     uuid NOT NULL,
    fingerprint bytea NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key)
);

CREATE TABLE job_file (
    job         uuid PRIMARY KEY REFERENCES job,
    tenant      text NOT NULL,
    content_type text NOT NULL,
    content     bytea NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE catalog (
    tenant      text NOT NULL,
    rev         bigint NOT NULL,
    sha256      bytea NOT NULL,
    content     bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    PRIMARY KEY (tenant, rev)
);

-- The order in which a job goes: never back.
CREATE FUNCTION job_rank(state text) RETURNS integer LANGUAGE sql IMMUTABLE
AS $$ SELECT array_position(ARRAY['queued', 'sent', 'accepted', 'running', 'done', 'failed', 'expired'], state) $$;

-- A kiosk that is born hears again what it should be and do: nobody knows what reached it before.
CREATE FUNCTION kiosk_born() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job SET due = true
    WHERE kiosk = NEW.id AND state IN ('queued', 'sent', 'accepted', 'running') AND expires_at > now() AND NOT due;
    UPDATE twin SET due = true WHERE kiosk = NEW.id AND rev > 0 AND NOT due;
    RETURN NULL;
END $$;

CREATE TRIGGER kiosk_born AFTER UPDATE OF boot, conn ON kiosk FOR EACH ROW
WHEN (NEW.is_on AND (NEW.boot, NEW.conn) IS DISTINCT FROM (OLD.boot, OLD.conn))
EXECUTE FUNCTION kiosk_born();

-- Tenants with something to send.
CREATE FUNCTION tenants_with_due() RETURNS TABLE (tenant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT DISTINCT tenant FROM job WHERE due UNION SELECT DISTINCT tenant FROM twin WHERE due $$;

-- What was not begun in time never will be. One that was begun and not told of again is given a day.
CREATE FUNCTION expire_jobs() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public
AS $$
    WITH gone AS (
        UPDATE job SET state = 'expired', due = false, changed_at = now(),
               why = CASE WHEN state IN ('queued', 'sent') THEN 'its time was over before the kiosk took it'
                          ELSE 'the kiosk took it and was not heard of again' END
        WHERE state IN ('queued', 'sent', 'accepted', 'running')
          AND expires_at < now() - CASE WHEN state IN ('queued', 'sent') THEN interval '0' ELSE interval '1 day' END
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['twin', 'job', 'job_request', 'job_file', 'catalog']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I TO fleet_app USING (tenant = current_setting(''app.tenant''))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO fleet_app', t);
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION tenants_with_due, expire_jobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_due, expire_jobs TO fleet_app;
