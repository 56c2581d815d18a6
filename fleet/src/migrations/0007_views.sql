-- How a kiosk is, told in one word. Heartbeats come every 60 s; a connection that was lost may come back
-- within 30 s without anybody having to know.
CREATE FUNCTION presence(state text, is_on boolean, last_seen timestamptz, went_off timestamptz) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN state <> 'active' THEN 'decommissioned'
        WHEN last_seen IS NULL THEN 'never-seen'
        WHEN last_seen < now() - interval '180 s' THEN CASE WHEN is_on THEN 'stale' ELSE 'offline' END
        WHEN is_on OR went_off > now() - interval '30 s' THEN 'online'
        ELSE 'offline'
    END
$$;

-- Numbers of a version, so that 1.10 comes after 1.9.
CREATE FUNCTION version_key(version text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE
AS $$ SELECT coalesce(array_agg(m[1]::bigint), '{}') FROM regexp_matches(split_part(version, '-', 1), '(\d{1,15})', 'g') AS m $$;

CREATE INDEX kiosk_by_tag ON kiosk USING gin (tags);

-- Kiosks by tenant and presence, of all tenants, for the metrics.
CREATE FUNCTION kiosk_counts() RETURNS TABLE (tenant text, presence text, kiosks bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT tenant, presence(state, is_on, last_seen, went_off), count(*) FROM kiosk GROUP BY 1, 2 $$;

-- Other numbers that somebody should look at.
CREATE FUNCTION fleet_numbers() RETURNS TABLE (name text, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$
    SELECT 'quarantine_open', count(*) FROM quarantine WHERE released_at IS NULL
    UNION ALL SELECT 'tasks_open', count(*) FROM task WHERE done_at IS NULL
    UNION ALL SELECT 'jobs_open', count(*) FROM job WHERE state IN ('queued', 'sent', 'accepted', 'running')
    UNION ALL SELECT 'events_stray', count(*) FROM (SELECT FROM event_stray LIMIT 10000) AS strays
$$;

ALTER TABLE task ADD COLUMN outcome text;

REVOKE EXECUTE ON FUNCTION kiosk_counts, fleet_numbers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kiosk_counts, fleet_numbers TO fleet_app;
