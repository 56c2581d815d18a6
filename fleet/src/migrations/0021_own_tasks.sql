-- Tasks that kiosks raised of their own, under the id that the kiosk gave them: it says itself when they are done.

ALTER TABLE task ADD COLUMN own uuid;
CREATE UNIQUE INDEX task_own ON task (kiosk, own) WHERE own IS NOT NULL;
