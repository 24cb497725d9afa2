-- What every room stands on: repeated presses, stored files, the audit, the worker's pulse.

CREATE TABLE idempotency (
  person_id INTEGER NOT NULL,
  unit_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (person_id, unit_id, key)
) STRICT;
CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE files (
  id TEXT PRIMARY KEY,          -- opaque; the bytes' name on disk is their SHA-256
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  media_type TEXT NOT NULL,
  unit_id INTEGER NOT NULL,     -- who uploaded it
  person_id INTEGER NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX files_sha256 ON files (sha256);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,   -- 0: the service itself, or a command
  unit_id INTEGER NOT NULL,
  act TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL,
  address TEXT NOT NULL
) STRICT;
CREATE INDEX audit_object ON audit (object, id);
CREATE INDEX audit_person ON audit (person_id, id);

CREATE TABLE pulses (
  name TEXT PRIMARY KEY,        -- which loop of the worker
  at TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
