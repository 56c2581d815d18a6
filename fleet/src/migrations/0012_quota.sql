-- Each kiosk's part of the goods that its site counts: a ceiling on what it sold since its epoch began. The kiosk
-- and the fleet count the same sales, so nothing but the ceiling is ever sent.
--
-- Locks are taken in this order: kiosk, stream, stock (by site and variation), quota (by kiosk). An allowance
-- changes only under the lock of its shelf; a new one appears only under the lock of its kiosk's stream, too, so
-- that no sale is missed between adding up what was sold and counting on.

ALTER TABLE stock
    -- What of it is set aside for kiosks: for each what it may still sell.
    ADD COLUMN held     bigint NOT NULL DEFAULT 0,
    ADD COLUMN beyond   text NOT NULL DEFAULT 'allow_then_deny'
                        CHECK (beyond IN ('block', 'allow_then_deny', 'ask_staff')),
    -- The kiosks' parts of it are to be looked at again.
    ADD COLUMN regrant  boolean NOT NULL DEFAULT true;

CREATE INDEX stock_regrant ON stock (tenant, site) WHERE regrant;

CREATE TABLE allowance (
    tenant      text NOT NULL,
    kiosk       text NOT NULL REFERENCES kiosk,
    site        text NOT NULL,
    variation   text NOT NULL,
    epoch       bigint NOT NULL,
    -- What the kiosk sold in this epoch, as far as its events came in.
    sold        bigint NOT NULL,
    -- The highest that it may act on, in force or on its way.
    ceiling     bigint NOT NULL,
    -- What the latest quota says.
    offered     bigint NOT NULL,
    beyond      text NOT NULL,
    -- What it should have left; with less than half of that it gets more.
    part        bigint NOT NULL,
    -- Somebody asked for it, and has time until then to buy it.
    kept_until  timestamptz,
    PRIMARY KEY (kiosk, variation)
);

CREATE INDEX allowance_by_shelf ON allowance (tenant, site, variation);

-- The latest quota of each kiosk. One that is `due` is to be sent.
CREATE TABLE quota (
    kiosk        text PRIMARY KEY REFERENCES kiosk,
    tenant       text NOT NULL,
    epoch        bigint NOT NULL,
    rev          bigint NOT NULL DEFAULT 1,
    lease_s      integer NOT NULL,
    until        timestamptz NOT NULL,
    -- Half of the lease is over: who is there gets a new one.
    renew_at     timestamptz NOT NULL,
    in_force_rev bigint NOT NULL DEFAULT 0,
    answers      uuid,
    due          boolean NOT NULL DEFAULT true
);

CREATE INDEX quota_due ON quota (tenant) WHERE due;
CREATE INDEX quota_by_renewal ON quota (renew_at);

-- Kiosks that came, or began a new epoch. Only ever added to by whoever notices, so that nobody waits for it.
CREATE TABLE quota_look (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text NOT NULL,
    kiosk       text NOT NULL
);

CREATE OR REPLACE FUNCTION kiosk_born() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job SET due = true
    WHERE kiosk = NEW.id AND state IN ('queued', 'sent', 'accepted', 'running') AND expires_at > now() AND NOT due;
    UPDATE twin SET due = true WHERE kiosk = NEW.id AND rev > 0 AND NOT due;
    INSERT INTO quota_look (tenant, kiosk)
    SELECT NEW.tenant, NEW.id WHERE EXISTS (SELECT FROM stock s WHERE s.tenant = NEW.tenant AND s.site = NEW.site);
    RETURN NULL;
END $$;

CREATE FUNCTION stream_begun() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quota_look (tenant, kiosk)
    SELECT k.tenant, k.id FROM kiosk k
    WHERE k.id = NEW.kiosk AND EXISTS (SELECT FROM stock s WHERE s.tenant = k.tenant AND s.site = k.site);
    RETURN NULL;
END $$;

CREATE TRIGGER stream_begun AFTER INSERT ON stream FOR EACH ROW EXECUTE FUNCTION stream_begun();

CREATE OR REPLACE FUNCTION tenants_with_due() RETURNS TABLE (tenant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT DISTINCT tenant FROM job WHERE due UNION SELECT DISTINCT tenant FROM twin WHERE due
      UNION SELECT DISTINCT tenant FROM quota WHERE due $$;

-- Sites whose kiosks' parts are to be looked at, of all tenants.
CREATE FUNCTION sites_to_grant() RETURNS TABLE (tenant text, site text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT DISTINCT tenant, site FROM stock WHERE regrant
      UNION SELECT k.tenant, k.site FROM quota_look l JOIN kiosk k ON k.id = l.kiosk $$;

-- Gives new leases to kiosks that are there, some at a time; whoever is away keeps what it has.
CREATE FUNCTION renew_quotas(seconds integer, most bigint) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public
AS $$
    WITH late AS (
        SELECT q.kiosk FROM quota q JOIN kiosk k ON k.id = q.kiosk
        WHERE q.renew_at < now() AND k.state = 'active' AND k.is_on AND k.last_seen > now() - interval '180 s'
        ORDER BY q.kiosk LIMIT most FOR UPDATE OF q SKIP LOCKED),
    renewed AS (
        UPDATE quota q SET rev = rev + 1, lease_s = seconds, until = now() + seconds * interval '1 s',
               renew_at = now() + seconds * interval '0.5 s', answers = NULL, due = true
        FROM late WHERE q.kiosk = late.kiosk RETURNING 1)
    SELECT count(*) FROM renewed
$$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['allowance', 'quota', 'quota_look']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I TO fleet_app USING (tenant = current_setting(''app.tenant''))', t);
        EXECUTE format('CREATE POLICY site ON %I AS RESTRICTIVE TO fleet_app USING (sees_kiosk(kiosk))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO fleet_app', t);
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION sites_to_grant, renew_quotas FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sites_to_grant, renew_quotas TO fleet_app;
