-- Numbers of a tenant's own: what others have is not theirs to see.

DROP FUNCTION kiosk_counts, rollout_counts, fleet_numbers;

-- The part of the events table is not asked by row-level security when it is asked directly.
CREATE FUNCTION stray_events() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$
    SELECT count(*) FROM (SELECT FROM event_stray WHERE tenant = current_setting('app.tenant') LIMIT 10000) AS strays
$$;
REVOKE EXECUTE ON FUNCTION stray_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION stray_events TO fleet_app;
