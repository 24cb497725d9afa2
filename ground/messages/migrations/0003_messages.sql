-- The outbox: one message is one line of news to one person on one channel; a dispatch is what really leaves.

CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  subject_id INTEGER NOT NULL,  -- 0: about no subject
  version INTEGER NOT NULL,
  purpose TEXT NOT NULL,        -- published, changed, cancelled, reminder, chase, leave, attendee, reply, …
  step TEXT NOT NULL,           -- which reminder, which chase: part of the key
  channel TEXT NOT NULL,        -- sms, email, screen
  recipient TEXT NOT NULL,      -- person:12, or mobile:138… for those who are not in the directory
  person_id INTEGER NOT NULL,   -- 0: not in the directory
  unit_id INTEGER NOT NULL,
  address TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  line TEXT NOT NULL,           -- the short form used when several are merged into one
  ics TEXT,
  ics_method TEXT,
  priority INTEGER NOT NULL,    -- 0 特急 and cancellations, 1 加急, 2 ordinary, 3 reminders
  state TEXT NOT NULL,
  not_before TEXT NOT NULL,
  expires_at TEXT,
  tries INTEGER NOT NULL,
  dispatch_id INTEGER,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at TEXT NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_key ON messages (subject_id, recipient, channel, purpose, version, step);
CREATE INDEX messages_due ON messages (priority, not_before, id) WHERE state IN ('held', 'ready', 'retry_wait');
CREATE INDEX messages_dispatch ON messages (dispatch_id) WHERE dispatch_id IS NOT NULL;
CREATE INDEX messages_open ON messages (state) WHERE state IN ('held', 'ready', 'retry_wait', 'claimed', 'unknown');

CREATE TABLE dispatches (
  id INTEGER PRIMARY KEY,
  token TEXT NOT NULL UNIQUE,   -- our name for it at the carrier
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  text TEXT NOT NULL,
  parts INTEGER NOT NULL,
  gateway TEXT NOT NULL,
  state TEXT NOT NULL,          -- claimed, leaving, accepted, delivered, undelivered, retry_wait, unknown, resent
  resend_of INTEGER,            -- this is the one marked repeat of an unknown one
  claimed_until TEXT,
  carrier_id TEXT NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at TEXT NOT NULL,
  left_at TEXT,
  done_at TEXT
) STRICT;
CREATE INDEX dispatches_open ON dispatches (claimed_until) WHERE state IN ('claimed', 'leaving');
CREATE INDEX dispatches_unknown ON dispatches (left_at) WHERE state = 'unknown';
CREATE INDEX dispatches_carrier ON dispatches (carrier_id) WHERE carrier_id <> '';
CREATE INDEX dispatches_left ON dispatches (left_at);

CREATE TABLE inbound (
  id INTEGER PRIMARY KEY,
  gateway TEXT NOT NULL,
  received_id TEXT NOT NULL,
  mobile TEXT NOT NULL,
  text TEXT NOT NULL,
  at TEXT NOT NULL,
  outcome TEXT NOT NULL,
  UNIQUE (gateway, received_id)
) STRICT;
