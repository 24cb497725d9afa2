-- Official documents. A document is a subject and has its id.

-- A unit that gets a document later (补发) has its own clock; NULL: the subject's.
ALTER TABLE receipts ADD COLUMN sign_by TEXT;
ALTER TABLE receipts ADD COLUMN answer_by TEXT;

CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  unit_id INTEGER NOT NULL REFERENCES units (id),
  code TEXT NOT NULL,           -- 机关代字: 平政办发
  head TEXT NOT NULL,           -- the red line on top: 平凉市人民政府办公室文件
  sort INTEGER NOT NULL,
  opened_at TEXT NOT NULL,
  closed_at TEXT
) STRICT;
CREATE UNIQUE INDEX series_code ON series (unit_id, code);

CREATE TABLE series_years (
  series_id INTEGER NOT NULL REFERENCES series (id),
  year INTEGER NOT NULL,
  last INTEGER NOT NULL,        -- the newest serial; taken in the transaction of the sending, so that there is no gap
  PRIMARY KEY (series_id, year)
) STRICT;

CREATE TABLE numbers (
  series_id INTEGER NOT NULL REFERENCES series (id),
  year INTEGER NOT NULL,
  serial INTEGER NOT NULL,
  document_id INTEGER,          -- none: voided before anything was sent under it
  taken_at TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  voided_at TEXT,
  void_reason TEXT,
  PRIMARY KEY (series_id, year, serial)
) STRICT;

CREATE TABLE papers (
  id INTEGER PRIMARY KEY,
  unit_id INTEGER NOT NULL REFERENCES units (id),
  person_id INTEGER NOT NULL REFERENCES people (id),
  form TEXT NOT NULL,           -- a draft: the page's fields as typed, JSON; nothing of it is checked before sending
  saved_at TEXT NOT NULL,
  sent_as INTEGER
) STRICT;
CREATE INDEX papers_unit ON papers (unit_id, id);

CREATE TABLE documents (
  id INTEGER PRIMARY KEY REFERENCES subjects (id),
  kind TEXT NOT NULL,           -- one of the 15
  series_id INTEGER REFERENCES series (id),
  year INTEGER,
  serial INTEGER,
  issuer TEXT NOT NULL,         -- 签发人
  dated TEXT NOT NULL,          -- 成文日期, a local date
  joint TEXT NOT NULL,          -- JSON: names of the units that issue it together, the sender first; [] for one alone
  note TEXT NOT NULL,           -- 附注
  manifest TEXT NOT NULL,       -- canonical JSON of exactly what a unit is shown
  sha256 TEXT NOT NULL,         -- of the manifest
  sm3 TEXT NOT NULL,
  corrects INTEGER,             -- the document that this one corrects
  forwards INTEGER,             -- the document that this one passes on (转发)
  voided_at TEXT,
  void_reason TEXT,
  batches INTEGER NOT NULL DEFAULT 0  -- how often more units were added (补发)
) STRICT;
CREATE INDEX documents_series ON documents (series_id, year, serial);
CREATE INDEX documents_corrects ON documents (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX documents_forwards ON documents (forwards) WHERE forwards IS NOT NULL;

CREATE TABLE recipients (
  document_id INTEGER NOT NULL REFERENCES documents (id),
  unit_id INTEGER NOT NULL,
  part TEXT NOT NULL,           -- main, copy
  name TEXT NOT NULL,           -- the unit's full name when it was sent
  copy_no INTEGER NOT NULL,     -- 份号
  batch INTEGER NOT NULL,       -- 0: the sending itself; 1, 2 …: 补发
  sent_at TEXT NOT NULL,
  PRIMARY KEY (document_id, unit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE incoming_years (
  unit_id INTEGER NOT NULL,
  series TEXT NOT NULL,         -- '' unless the unit keeps several
  year INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (unit_id, series, year)
) STRICT;

CREATE TABLE incoming (
  unit_id INTEGER NOT NULL,
  series TEXT NOT NULL,
  year INTEGER NOT NULL,
  serial INTEGER NOT NULL,      -- 收文号
  subject_id INTEGER NOT NULL REFERENCES subjects (id),
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  PRIMARY KEY (unit_id, series, year, serial)
) STRICT;
CREATE UNIQUE INDEX incoming_subject ON incoming (unit_id, subject_id);

CREATE TABLE returns (
  subject_id INTEGER NOT NULL REFERENCES subjects (id),
  unit_id INTEGER NOT NULL,
  codes TEXT NOT NULL,          -- JSON: codes of document.RETURN_REASONS
  reason TEXT NOT NULL,
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  PRIMARY KEY (subject_id, unit_id)
) STRICT;

CREATE TABLE recalls (
  id INTEGER PRIMARY KEY,
  document_id INTEGER NOT NULL REFERENCES documents (id),
  unit_id INTEGER NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,          -- done (at once), asked, agreed, refused
  asked_at TEXT NOT NULL,
  asked_by INTEGER NOT NULL,
  decided_at TEXT,
  decided_by INTEGER,
  decision_reason TEXT NOT NULL
) STRICT;
CREATE INDEX recalls_document ON recalls (document_id, unit_id);

CREATE TABLE replies (
  subject_id INTEGER NOT NULL REFERENCES subjects (id),
  unit_id INTEGER NOT NULL,
  text TEXT NOT NULL,
  files TEXT NOT NULL,          -- JSON: ids of files
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  PRIMARY KEY (subject_id, unit_id)
) STRICT;
CREATE INDEX replies_unit ON replies (unit_id);

CREATE TABLE passes (
  id INTEGER PRIMARY KEY,
  subject_id INTEGER NOT NULL REFERENCES subjects (id),
  unit_id INTEGER NOT NULL,
  to_person INTEGER NOT NULL REFERENCES people (id),
  by_person INTEGER NOT NULL REFERENCES people (id),
  note TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX passes_subject ON passes (subject_id, unit_id);
CREATE INDEX passes_person ON passes (to_person, unit_id);

CREATE TABLE document_chases (
  id INTEGER PRIMARY KEY,
  document_id INTEGER NOT NULL REFERENCES documents (id),
  at TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  units INTEGER NOT NULL,
  messages INTEGER NOT NULL
) STRICT;
CREATE INDEX document_chases_document ON document_chases (document_id);
