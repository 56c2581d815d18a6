-- Which of a kiosk's logs is written: the one that moved last. Not the one with the greatest epoch: a clock that was
-- years ahead, or a stolen key, would keep that place for good.

ALTER TABLE stream ADD COLUMN last_at timestamptz NOT NULL DEFAULT now();
UPDATE stream SET last_at = started_at;

CREATE FUNCTION written_epoch(wanted text) RETURNS bigint
LANGUAGE sql STABLE
AS $$ SELECT epoch FROM stream WHERE kiosk = wanted ORDER BY last_at DESC, started_at DESC, epoch DESC LIMIT 1 $$;
