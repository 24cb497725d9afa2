-- Large files on their way (tus), and a second fingerprint of every file.

CREATE TABLE uploads (
  id TEXT PRIMARY KEY,          -- opaque; names the partial file in files/new
  unit_id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  length INTEGER NOT NULL,      -- bytes that will come
  received INTEGER NOT NULL,    -- bytes that are durable on the disk
  file_id TEXT,                 -- the finished file
  at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX uploads_expires ON uploads (expires_at);

ALTER TABLE files ADD COLUMN sm3 TEXT;  -- GB/T 32905; filled in the background
CREATE INDEX files_without_sm3 ON files (at) WHERE sm3 IS NULL;
