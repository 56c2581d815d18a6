-- What people read of a kiosk in a rollout: one that was told to install and to leave it again has nothing before it.
CREATE FUNCTION shown_phase(rollout_state text, phase text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN rollout_state IN ('halted', 'done') AND phase = 'assigned' THEN 'withdrawn' ELSE phase END $$;
