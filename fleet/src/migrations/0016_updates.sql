-- Releases and how they come to kiosks.

-- What the makers have signed and somebody has pushed: of the whole installation, as the folder is.
CREATE TABLE release (
    model       text NOT NULL,
    number      bigint NOT NULL,
    version     text NOT NULL,
    -- As it was signed.
    manifest    jsonb NOT NULL,
    pushed_at   timestamptz NOT NULL DEFAULT now(),
    -- `listed`; `withdrawn`: its makers do not list it any more; `forgotten`: its files are gone.
    state       text NOT NULL DEFAULT 'listed' CHECK (state IN ('listed', 'withdrawn', 'forgotten')),
    PRIMARY KEY (model, number)
);

GRANT SELECT, INSERT, UPDATE ON release TO fleet_app;

-- What kiosks say of their updates. Here and not in the status: it comes when it changes, not with every heartbeat.
CREATE TABLE update_state (
    kiosk       text PRIMARY KEY REFERENCES kiosk,
    tenant      text NOT NULL,
    model       text NOT NULL,
    running     bigint NOT NULL,
    version     text NOT NULL,
    confirmed   bigint NOT NULL,
    under_way   jsonb,
    last        jsonb,
    at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE rollout (
    -- The tenant's id and a number: the campaign of assignments and of the halt document.
    id          text PRIMARY KEY,
    tenant      text NOT NULL REFERENCES tenant,
    n           bigint NOT NULL,
    model       text NOT NULL,
    number      bigint NOT NULL,
    filter      text NOT NULL,
    canary      text NOT NULL,
    plan        jsonb NOT NULL,
    -- Minutes of the day, in the time of the site.
    win_from    integer,
    win_to      integer,
    rate_kb     integer,
    -- A release before the one that these kiosks run.
    back        boolean NOT NULL DEFAULT false,
    needs_other boolean NOT NULL DEFAULT false,
    state       text NOT NULL CHECK (state IN ('draft', 'running', 'paused', 'halted', 'done')),
    wave        integer NOT NULL DEFAULT 0,
    why         jsonb,
    -- What the rules have to remember besides the members.
    memory      jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    looked_at   timestamptz,
    UNIQUE (tenant, n),
    FOREIGN KEY (model, number) REFERENCES release
);

CREATE INDEX rollout_active ON rollout (tenant) WHERE state IN ('running', 'paused', 'halted');

-- Who belongs to a rollout, fixed when it starts; who comes later is added.
CREATE TABLE rollout_member (
    rollout     text NOT NULL REFERENCES rollout,
    tenant      text NOT NULL,
    kiosk       text NOT NULL REFERENCES kiosk,
    site        text NOT NULL,
    wave        integer NOT NULL,
    phase       text NOT NULL DEFAULT 'waiting'
                CHECK (phase IN ('waiting', 'assigned', 'switching', 'good', 'bad')),
    -- Of the phase.
    since       timestamptz NOT NULL DEFAULT now(),
    reason      text,
    PRIMARY KEY (rollout, kiosk)
);

CREATE INDEX rollout_member_by_kiosk ON rollout_member (kiosk);

-- What a kiosk is to run, as its retained topic has it. `none`: to be emptied.
CREATE TABLE assignment (
    kiosk       text PRIMARY KEY REFERENCES kiosk,
    tenant      text NOT NULL,
    rollout     text NOT NULL,
    generation  bigint NOT NULL,
    action      text NOT NULL CHECK (action IN ('install', 'cancel', 'none')),
    number      bigint NOT NULL,
    turn        boolean NOT NULL DEFAULT false,
    sealed_at   timestamptz NOT NULL DEFAULT now(),
    due         boolean NOT NULL DEFAULT true
);

CREATE INDEX assignment_due ON assignment (tenant) WHERE due;

-- Starts and connections, to compare kiosks with a release with those without it. For a week.
CREATE TABLE kiosk_start (
    kiosk       text NOT NULL,
    tenant      text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    -- A start of the daemon; else only a connection that was made again.
    boot        boolean NOT NULL
);

CREATE INDEX kiosk_start_by_kiosk ON kiosk_start (kiosk, at);

CREATE SEQUENCE update_generation;

-- Generations grow with time, so that a database that was restored gives none a second time.
CREATE FUNCTION next_update_generation() RETURNS bigint
LANGUAGE sql VOLATILE
AS $$ SELECT setval('update_generation', greatest(nextval('update_generation'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint)) $$;

GRANT USAGE, UPDATE ON SEQUENCE update_generation TO fleet_app;

CREATE FUNCTION kiosk_begins() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE assignment SET due = true WHERE kiosk = NEW.id AND NOT due;
    INSERT INTO kiosk_start (kiosk, tenant, boot) VALUES (NEW.id, NEW.tenant, NEW.boot <> OLD.boot);
    RETURN NULL;
END $$;

CREATE TRIGGER kiosk_begins AFTER UPDATE OF boot, conn ON kiosk FOR EACH ROW
WHEN (NEW.is_on AND (NEW.boot, NEW.conn) IS DISTINCT FROM (OLD.boot, OLD.conn))
EXECUTE FUNCTION kiosk_begins();

-- For the runner, which learns from it for which tenants it has to work.
CREATE FUNCTION rollouts_under_way() RETURNS TABLE (tenant text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT tenant, id FROM rollout r
      WHERE state IN ('running', 'paused')
         OR (state = 'halted' AND EXISTS (
              SELECT FROM rollout_member m JOIN kiosk k ON k.id = m.kiosk
              WHERE m.rollout = r.id AND m.phase = 'switching' AND k.state = 'active'))
      ORDER BY created_at $$;

CREATE FUNCTION tenants_with_assignments() RETURNS TABLE (tenant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT DISTINCT tenant FROM assignment
      WHERE due OR (action = 'install' AND sealed_at < now() - interval '14 days') $$;

-- For the halt document: no assignment of an older one is valid any more.
CREATE FUNCTION halted_rollouts() RETURNS TABLE (id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT id FROM rollout WHERE state = 'halted' AND ended_at > now() - interval '60 days'
      ORDER BY ended_at DESC LIMIT 500 $$;

CREATE FUNCTION release_in_use(wanted text, which bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT EXISTS (SELECT FROM rollout WHERE model = wanted AND number = which AND state IN ('draft', 'running', 'paused')) $$;

CREATE FUNCTION forget_old_starts() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public
AS $$ DELETE FROM kiosk_start WHERE at < now() - interval '7 days' $$;

CREATE FUNCTION rollout_counts() RETURNS TABLE (tenant text, state text, rollouts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT tenant, state, count(*) FROM rollout GROUP BY 1, 2 $$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['update_state', 'rollout', 'rollout_member', 'assignment', 'kiosk_start']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I TO fleet_app USING (tenant = (SELECT current_setting(''app.tenant'')))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO fleet_app', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['update_state', 'rollout_member', 'assignment', 'kiosk_start']
    LOOP
        EXECUTE format('CREATE POLICY site ON %I AS RESTRICTIVE TO fleet_app
            USING ((SELECT coalesce(current_setting(''app.sites'', true), '''') = '''') OR sees_kiosk(kiosk))', t);
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION rollouts_under_way, tenants_with_assignments, halted_rollouts, release_in_use,
    forget_old_starts, rollout_counts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rollouts_under_way, tenants_with_assignments, halted_rollouts, release_in_use,
    forget_old_starts, rollout_counts TO fleet_app;
