-- The outbox: one message is one line of news to one person on one channel; a dispatch is what really leaves.

-- What is said stands once, however many hear it: a meeting's 1,053 messages share one row.
CREATE TABLE contents (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,  -- SHA-256 of all that follows
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  line TEXT NOT NULL,           -- the short form used when several are merged into one
  ics TEXT,
  ics_method TEXT
) STRICT;

CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  subject_id INTEGER NOT NULL,  -- 0: about no subject
  version INTEGER NOT NULL,
  purpose TEXT NOT NULL,        -- published, changed, cancelled, reminder, chase, leave, attendee, reply, …
  step TEXT NOT NULL,           -- which reminder, which chase: part of the key
  channel TEXT NOT NULL,        -- sms, email, screen
  recipient TEXT NOT NULL,      -- person:12, or to:138… for those who are not in the directory
  person_id INTEGER NOT NULL,   -- 0: not in the directory
  unit_id INTEGER NOT NULL,
  address TEXT NOT NULL,
  content_id INTEGER NOT NULL,  -- no foreign key: it would lock the one row of contents once for each recipient
  priority INTEGER NOT NULL,    -- 0 特急 and cancellations, 1 加急, 2 ordinary, 3 reminders
  state TEXT NOT NULL,          -- see message.py; a claimed one has a dispatch
  not_before TEXT NOT NULL,
  expires_at TEXT,
  tries INTEGER NOT NULL,       -- how often a gateway said "not now"
  dispatch_id INTEGER,          -- the last dispatch that carries it
  resend_of INTEGER,            -- the dispatch whose outcome nobody knew: this message goes once more, marked
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at TEXT NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_key ON messages (subject_id, recipient, channel, purpose, version, step);
CREATE INDEX messages_due ON messages (channel, priority, not_before, id) WHERE state IN ('held', 'ready', 'retry_wait');
CREATE INDEX messages_person ON messages (recipient) WHERE state IN ('held', 'ready', 'retry_wait');
CREATE INDEX messages_unit ON messages (unit_id, subject_id) WHERE state IN ('held', 'ready', 'retry_wait');
CREATE INDEX messages_dispatch ON messages (dispatch_id) WHERE dispatch_id IS NOT NULL;
CREATE INDEX messages_resend ON messages (resend_of) WHERE resend_of IS NOT NULL;
CREATE INDEX messages_doubt ON messages (state, changed_at) WHERE state IN ('claimed', 'unknown');
CREATE INDEX messages_failed ON messages (changed_at) WHERE state IN ('undelivered', 'expired');

CREATE TABLE dispatches (
  id INTEGER PRIMARY KEY,
  token TEXT NOT NULL UNIQUE,   -- our name for it at the carrier, random
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  name TEXT NOT NULL,           -- the person's, for an e-mail's header
  content_id INTEGER NOT NULL,  -- what left, with signature, merged lines and 补发
  parts INTEGER NOT NULL,
  gateway TEXT NOT NULL,
  state TEXT NOT NULL,          -- claimed, released, leaving, retry_wait, unknown, resent, accepted, undelivered, delivered
  resend_of INTEGER,            -- this is the one marked repeat of an unknown one
  claimed_by TEXT NOT NULL,     -- the worker, and which of its claims
  claimed_until TEXT NOT NULL,
  carrier_id TEXT NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at TEXT NOT NULL,
  left_at TEXT,                 -- written, and on the disk, right before the request leaves
  done_at TEXT                  -- when its outcome, or what to do without one, was settled
) STRICT;
CREATE INDEX dispatches_open ON dispatches (claimed_until) WHERE state IN ('claimed', 'leaving');
CREATE INDEX dispatches_unknown ON dispatches (left_at) WHERE state = 'unknown' AND done_at IS NULL;

CREATE TABLE inbound (
  id INTEGER PRIMARY KEY,
  gateway TEXT NOT NULL,
  received_id TEXT NOT NULL,
  mobile TEXT NOT NULL,
  text TEXT NOT NULL,
  at TEXT NOT NULL,
  outcome TEXT NOT NULL,        -- what was answered; empty: nothing
  UNIQUE (gateway, received_id)
) STRICT;
CREATE INDEX inbound_mobile ON inbound (mobile, at);
