-- Meeting notices. A notice is a subject and has its id.

CREATE TABLE drafts (
  id INTEGER PRIMARY KEY,
  unit_id INTEGER NOT NULL REFERENCES units (id),
  person_id INTEGER NOT NULL REFERENCES people (id),
  form TEXT NOT NULL,           -- the page's fields as typed, JSON: nothing of it is checked before publishing
  saved_at TEXT NOT NULL,
  published_as INTEGER
) STRICT;
CREATE INDEX drafts_unit ON drafts (unit_id, id);

CREATE TABLE notices (
  id INTEGER PRIMARY KEY REFERENCES subjects (id),
  uid TEXT NOT NULL UNIQUE,     -- of its .ics
  version INTEGER NOT NULL,
  starts_at TEXT NOT NULL,
  ends_at TEXT NOT NULL,
  answer_by TEXT NOT NULL,
  place TEXT NOT NULL,
  seats INTEGER NOT NULL,       -- 0: not said
  quota TEXT NOT NULL,          -- JSON [{role, min, max}]
  fields TEXT NOT NULL,         -- JSON [{key, label, type, required, choices}]
  details TEXT NOT NULL,        -- JSON {body, agenda, dress, vehicle, bring, contact, contact_phone}
  check_in TEXT NOT NULL,       -- the door's secret
  cancelled_at TEXT,
  cancel_reason TEXT
) STRICT;
CREATE INDEX notices_starts ON notices (starts_at);
CREATE INDEX notices_answer_by ON notices (answer_by) WHERE cancelled_at IS NULL;

CREATE TABLE versions (
  notice_id INTEGER NOT NULL REFERENCES notices (id),
  version INTEGER NOT NULL,
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  material INTEGER NOT NULL,    -- 1: units must confirm again
  changes TEXT NOT NULL,        -- JSON [{field, old, new}]
  whole TEXT NOT NULL,          -- JSON of the notice as it was in this version
  PRIMARY KEY (notice_id, version)
) STRICT;

CREATE TABLE answers (
  notice_id INTEGER NOT NULL REFERENCES notices (id),
  unit_id INTEGER NOT NULL,
  state TEXT NOT NULL,          -- none, coming, asked, absent
  people INTEGER NOT NULL,
  at TEXT,
  person_id INTEGER NOT NULL,   -- who entered it
  by_organiser INTEGER NOT NULL,-- 1: 代报
  confirmed INTEGER NOT NULL,   -- the newest version the unit has seen and confirmed
  PRIMARY KEY (notice_id, unit_id)
) STRICT;
CREATE INDEX answers_unit ON answers (unit_id, notice_id);
CREATE INDEX answers_state ON answers (notice_id, state);

CREATE TABLE attendees (
  id INTEGER PRIMARY KEY,
  notice_id INTEGER NOT NULL REFERENCES notices (id),
  unit_id INTEGER NOT NULL,
  role TEXT NOT NULL,           -- principal, deputy, staff, driver
  name TEXT NOT NULL,
  position TEXT NOT NULL,
  mobile TEXT NOT NULL,
  fields TEXT NOT NULL,         -- JSON {key: value}
  leave_id INTEGER,             -- comes as the stand-in of this leave
  sort INTEGER NOT NULL,
  token TEXT NOT NULL UNIQUE,   -- the QR code at the door
  removed_at TEXT,
  checked_in_at TEXT,
  checked_in_by INTEGER
) STRICT;
CREATE INDEX attendees_unit ON attendees (notice_id, unit_id) WHERE removed_at IS NULL;
CREATE INDEX attendees_history ON attendees (unit_id, notice_id);

CREATE TABLE leaves (
  id INTEGER PRIMARY KEY,
  notice_id INTEGER NOT NULL REFERENCES notices (id),
  unit_id INTEGER NOT NULL,
  role TEXT NOT NULL,
  person TEXT NOT NULL,
  position TEXT NOT NULL,
  reason TEXT NOT NULL,
  stand_in TEXT NOT NULL,       -- JSON {name, position, mobile} or ''
  state TEXT NOT NULL,          -- asked, approved, refused, withdrawn
  asked_at TEXT NOT NULL,
  asked_by INTEGER NOT NULL,
  decided_at TEXT,
  decided_by INTEGER,
  decision_reason TEXT NOT NULL
) STRICT;
CREATE INDEX leaves_notice ON leaves (notice_id, state);

CREATE TABLE late_changes (
  id INTEGER PRIMARY KEY,
  notice_id INTEGER NOT NULL REFERENCES notices (id),
  unit_id INTEGER NOT NULL,
  wish TEXT NOT NULL,           -- JSON: the answer they would like to give
  reason TEXT NOT NULL,
  state TEXT NOT NULL,          -- asked, approved, refused
  asked_at TEXT NOT NULL,
  asked_by INTEGER NOT NULL,
  decided_at TEXT,
  decided_by INTEGER,
  decision_reason TEXT NOT NULL
) STRICT;
CREATE INDEX late_changes_notice ON late_changes (notice_id, state);

CREATE TABLE chases (
  id INTEGER PRIMARY KEY,
  notice_id INTEGER NOT NULL REFERENCES notices (id),
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  units INTEGER NOT NULL,
  messages INTEGER NOT NULL
) STRICT;
CREATE INDEX chases_notice ON chases (notice_id, id);
