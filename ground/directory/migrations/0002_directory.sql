-- Units, people, posts, groups; how people sign in.

CREATE TABLE units (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,           -- as of now; unit_names has the names of then
  short_name TEXT NOT NULL,
  parent_id INTEGER REFERENCES units (id),
  path TEXT NOT NULL,           -- '/1/7/22/': itself and all above, so that "below X" is one LIKE
  kind TEXT NOT NULL,
  level INTEGER NOT NULL,       -- 1 city, 2 county, 3 township, 4 village
  initials TEXT NOT NULL,
  pinyin TEXT NOT NULL,
  duty_phone TEXT NOT NULL,
  sort INTEGER NOT NULL,
  opened_on TEXT NOT NULL,      -- local dates, 2026-03-18
  closed_on TEXT,
  closed_reason TEXT,
  merged_into INTEGER REFERENCES units (id)
) STRICT;
CREATE INDEX units_parent ON units (parent_id, sort);
CREATE INDEX units_path ON units (path);

CREATE TABLE unit_names (
  unit_id INTEGER NOT NULL REFERENCES units (id),
  from_date TEXT NOT NULL,
  name TEXT NOT NULL,
  short_name TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (unit_id, from_date)
) STRICT;

CREATE TABLE people (
  id INTEGER PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  initials TEXT NOT NULL,
  mobile TEXT NOT NULL,
  mobile_bad TEXT,              -- why the last messages did not arrive, e.g. 停机
  email TEXT NOT NULL,
  password_hash TEXT,           -- none: cannot sign in yet
  password_at TEXT,
  must_change INTEGER NOT NULL, -- 1: the first password, to be changed at sign-in
  totp_secret TEXT,
  totp_step INTEGER NOT NULL,   -- the last step accepted, against replays
  language TEXT NOT NULL,
  keys_off INTEGER NOT NULL,
  disabled_at TEXT,
  last_seen_at TEXT,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX people_mobile ON people (mobile);

CREATE TABLE posts (
  id INTEGER PRIMARY KEY,
  person_id INTEGER NOT NULL REFERENCES people (id),
  unit_id INTEGER NOT NULL REFERENCES units (id),
  role TEXT NOT NULL,
  position TEXT NOT NULL,
  sort INTEGER NOT NULL,
  from_at TEXT NOT NULL,
  until_at TEXT
) STRICT;
CREATE UNIQUE INDEX posts_active ON posts (person_id, unit_id, role) WHERE until_at IS NULL;
CREATE INDEX posts_unit ON posts (unit_id, role);

CREATE TABLE delegations (
  id INTEGER PRIMARY KEY,
  from_person INTEGER NOT NULL REFERENCES people (id),
  to_person INTEGER NOT NULL REFERENCES people (id),
  unit_id INTEGER NOT NULL REFERENCES units (id),
  from_at TEXT NOT NULL,
  until_at TEXT NOT NULL,
  reason TEXT NOT NULL,
  revoked_at TEXT,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX delegations_to ON delegations (to_person, until_at);

CREATE TABLE groups (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  owner_unit INTEGER REFERENCES units (id),  -- none: the city's
  sort INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  closed_at TEXT
) STRICT;
CREATE UNIQUE INDEX groups_name ON groups (name, owner_unit) WHERE closed_at IS NULL;

CREATE TABLE group_units (
  group_id INTEGER NOT NULL REFERENCES groups (id),
  unit_id INTEGER NOT NULL REFERENCES units (id),
  PRIMARY KEY (group_id, unit_id)
) STRICT;

CREATE TABLE group_groups (
  group_id INTEGER NOT NULL REFERENCES groups (id),
  child_id INTEGER NOT NULL REFERENCES groups (id),
  PRIMARY KEY (group_id, child_id)
) STRICT;

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  person_id INTEGER NOT NULL REFERENCES people (id),
  unit_id INTEGER NOT NULL,
  how TEXT NOT NULL,            -- password, password+totp
  created_at TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  ended_at TEXT
) STRICT;
CREATE INDEX sessions_person ON sessions (person_id, ended_at);

CREATE TABLE tokens (
  token_hash TEXT PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  person_id INTEGER NOT NULL REFERENCES people (id),
  unit_id INTEGER NOT NULL REFERENCES units (id),
  name TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT,
  revoked_at TEXT
) STRICT;

CREATE TABLE throttles (
  key TEXT PRIMARY KEY,         -- account:… or address:…
  tries INTEGER NOT NULL,
  since TEXT NOT NULL,
  locked_until TEXT
) STRICT;
