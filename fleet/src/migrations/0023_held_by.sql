-- Who has stopped updates at the kiosk itself.
ALTER TABLE update_state ADD COLUMN held_by text;
