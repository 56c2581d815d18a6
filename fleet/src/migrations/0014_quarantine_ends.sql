-- How somebody dealt with what was not understood.

ALTER TABLE quarantine ADD COLUMN outcome text CHECK (outcome IN ('released', 'discarded'));
