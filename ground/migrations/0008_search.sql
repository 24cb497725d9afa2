-- Full-text search: the text as it is shown, and its overlapping pairs of characters (ground/search.py).

CREATE TABLE search_texts (
  subject_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;

-- only: sqlite
CREATE VIRTUAL TABLE search_index USING fts5 (grams, content = '', columnsize = 0, detail = none, tokenize = 'ascii');
-- end

-- only: postgres
CREATE TABLE search_index (
  subject_id BIGINT PRIMARY KEY,
  grams TSVECTOR NOT NULL
);
CREATE INDEX search_grams ON search_index USING gin (grams);
-- end
