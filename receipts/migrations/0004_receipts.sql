-- Who got it, opened it, signed it: subjects are anything that units must acknowledge.

CREATE TABLE subjects (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,           -- notice, document
  title TEXT NOT NULL,
  number TEXT NOT NULL,
  urgency TEXT NOT NULL,
  sender_unit INTEGER NOT NULL REFERENCES units (id),
  sender_name TEXT NOT NULL,    -- the unit's name when it sent
  sent_by INTEGER NOT NULL REFERENCES people (id),
  sent_at TEXT NOT NULL,
  sign_by TEXT NOT NULL,
  answer_by TEXT,               -- none: nothing to answer
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,         -- SHA-256 of exactly what is shown: metadata and every file
  closed_at TEXT
) STRICT;
CREATE INDEX subjects_sender ON subjects (sender_unit, id);

CREATE TABLE tallies (
  subject_id INTEGER PRIMARY KEY REFERENCES subjects (id),
  total INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  signed INTEGER NOT NULL,
  registered INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  returned INTEGER NOT NULL,
  recalled INTEGER NOT NULL
) STRICT;

CREATE TABLE receipts (
  subject_id INTEGER NOT NULL,
  unit_id INTEGER NOT NULL,
  state INTEGER NOT NULL,       -- receipts/receipt.py State
  part TEXT NOT NULL,           -- main, copy
  waits TEXT,                   -- the next verb, while the unit has something to do: sign, answer, confirm
  due_at TEXT,                  -- until when
  arrived_at TEXT NOT NULL,
  opened_at TEXT,
  signed_at TEXT,
  answered_at TEXT,
  PRIMARY KEY (subject_id, unit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_unit ON receipts (unit_id, subject_id, state);
CREATE INDEX receipts_waiting ON receipts (unit_id, due_at) WHERE waits IS NOT NULL;

CREATE TABLE facts (
  id INTEGER PRIMARY KEY,
  subject_id INTEGER NOT NULL,
  unit_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  fact TEXT NOT NULL,
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,   -- 0: written with the sending itself
  for_person INTEGER NOT NULL,  -- 0: for oneself; else the delegation's giver
  how TEXT NOT NULL,            -- how they signed in
  address TEXT NOT NULL,
  digest TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX facts_once ON facts (subject_id, unit_id, fact, person_id, version);

CREATE TABLE subject_files (
  subject_id INTEGER NOT NULL REFERENCES subjects (id),
  version INTEGER NOT NULL,
  sort INTEGER NOT NULL,
  part TEXT NOT NULL,           -- body, attachment
  file_id TEXT NOT NULL REFERENCES files (id),
  PRIMARY KEY (subject_id, version, sort)
) STRICT;
CREATE INDEX subject_files_file ON subject_files (file_id);

CREATE TABLE file_openings (
  subject_id INTEGER NOT NULL,
  unit_id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  file_id TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (subject_id, unit_id, person_id, file_id)
) STRICT, WITHOUT ROWID;
