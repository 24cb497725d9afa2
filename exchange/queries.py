"""Every SQL text of the exchange room."""

# --- series and numbers ---------------------------------------------------------------------------------------------------

SERIES = "SELECT id, unit_id, code, head, sort, closed_at FROM series"
SERIES_OF_UNIT = f"{SERIES} WHERE unit_id = :unit AND closed_at IS NULL ORDER BY sort, id"
SERIES_BY_ID = f"{SERIES} WHERE id = :id AND unit_id = :unit AND closed_at IS NULL"
SERIES_INSERT = """
INSERT INTO series (unit_id, code, head, sort, opened_at) VALUES (:unit, :code, :head, :sort, :at) RETURNING id"""
SERIES_CLOSE = "UPDATE series SET closed_at = :at WHERE id = :id AND unit_id = :unit AND closed_at IS NULL"
YEAR_LAST = "SELECT last FROM series_years WHERE series_id = :series AND year = :year"
YEAR_TAKE = """
INSERT INTO series_years (series_id, year, last) VALUES (:series, :year, 1)
ON CONFLICT (series_id, year) DO UPDATE SET last = series_years.last + 1 RETURNING last"""
NUMBER_INSERT = """
INSERT INTO numbers (series_id, year, serial, document_id, taken_at, person_id)
VALUES (:series, :year, :serial, :document, :at, :person)"""
NUMBER_VOID = """
UPDATE numbers SET voided_at = :at, void_reason = :reason
WHERE series_id = :series AND year = :year AND serial = :serial AND voided_at IS NULL"""

# --- documents ------------------------------------------------------------------------------------------------------------

DOCUMENT = (
    "SELECT d.id, d.kind, s.title, s.number, s.urgency, s.sender_unit, s.sender_name, s.sent_by, s.sent_at, s.sign_by, "
    "s.answer_by, s.version, s.digest, s.closed_at, d.series_id, d.year, d.serial, d.issuer, d.dated, d.joint, d.note, d.sha256, "
    "d.sm3, d.corrects, d.forwards, d.voided_at, d.void_reason FROM documents d JOIN subjects s ON s.id = d.id"
)
DOCUMENT_BY_ID = f"{DOCUMENT} WHERE d.id = :id"
DOCUMENT_INSERT = """
INSERT INTO documents (id, kind, series_id, year, serial, issuer, dated, joint, note, manifest, sha256, sm3, corrects, forwards)
VALUES (:id, :kind, :series, :year, :serial, :issuer, :dated, :joint, :note, :manifest, :sha256, :sm3, :corrects, :forwards)"""
SUBJECT_NUMBER = "UPDATE subjects SET number = :number, digest = :digest WHERE id = :id"
RECIPIENT_INSERT = """
INSERT INTO recipients (document_id, unit_id, part, name, copy_no, batch, sent_at)
VALUES (:document, :unit, :part, :name, :copy_no, :batch, :at)"""
RECIPIENTS = """
SELECT unit_id, part, name, copy_no, batch, sent_at FROM recipients WHERE document_id = :document ORDER BY copy_no"""

# --- drafts ---------------------------------------------------------------------------------------------------------------

DRAFT_INSERT = "INSERT INTO papers (unit_id, person_id, form, saved_at) VALUES (:unit, :person, :form, :at) RETURNING id"
DRAFT_UPDATE = """
UPDATE papers SET form = :form, saved_at = :at, person_id = :person WHERE id = :id AND unit_id = :unit AND sent_as IS NULL"""
DRAFT = "SELECT id, form, saved_at, sent_as FROM papers WHERE id = :id AND unit_id = :unit"
DRAFTS = "SELECT id, form, saved_at, sent_as FROM papers WHERE unit_id = :unit AND sent_as IS NULL ORDER BY id DESC LIMIT 20"
DRAFT_DONE = "UPDATE papers SET sent_as = :document WHERE id = :id AND unit_id = :unit AND sent_as IS NULL"
DRAFT_DROP = "DELETE FROM papers WHERE id = :id AND unit_id = :unit AND sent_as IS NULL"

# --- outgoing: what the unit has sent ---------------------------------------------------------------------------------------

SENT = r"""
SELECT s.id, d.kind, s.title, s.number, s.urgency, s.sent_at, s.sign_by, s.closed_at, d.voided_at, d.corrects, t.total, t.opened,
  t.signed, t.returned, t.recalled
FROM subjects s JOIN documents d ON d.id = s.id JOIN tallies t ON t.subject_id = s.id
WHERE s.sender_unit = :unit AND s.id < :before AND (:kind = '' OR d.kind = :kind) AND s.sent_at >= :since AND s.sent_at < :until
  AND (:words = '' OR s.title LIKE :words ESCAPE '\' OR s.number LIKE :words ESCAPE '\')
ORDER BY s.id DESC LIMIT :limit"""
SENT_FIRST = """
SELECT s.sent_at FROM subjects s JOIN documents d ON d.id = s.id WHERE s.sender_unit = :unit ORDER BY s.id LIMIT 1"""
LINES = """
SELECT r.unit_id, u.code, p.name, u.short_name, u.initials, u.path, u.duty_phone, p.part, p.batch, p.copy_no, r.state,
  r.arrived_at, r.opened_at, r.signed_at,
  (SELECT MIN(f.at) FROM facts f WHERE f.subject_id = r.subject_id AND f.unit_id = r.unit_id AND f.fact = 'registered'),
  r.answered_at, COALESCE(r.sign_by, s.sign_by), r.waits, u.closed_on, COALESCE(x.codes, '[]'), COALESCE(x.reason, '')
FROM receipts r JOIN recipients p ON p.document_id = r.subject_id AND p.unit_id = r.unit_id JOIN units u ON u.id = r.unit_id
JOIN subjects s ON s.id = r.subject_id LEFT JOIN returns x ON x.subject_id = r.subject_id AND x.unit_id = r.unit_id
WHERE r.subject_id = :document ORDER BY u.level, u.sort, u.id"""
SIGNERS = """
SELECT f.unit_id, p.name FROM facts f JOIN people p ON p.id = f.person_id WHERE f.subject_id = :document AND f.fact = 'signed'
ORDER BY f.id DESC"""
CHASED_UNITS = """
SELECT unit_id, COUNT(*), COUNT(CASE WHEN state IN ('undelivered', 'expired') THEN 1 END) FROM messages
WHERE subject_id = :document AND channel = 'sms' AND purpose = 'chase' GROUP BY unit_id"""
CHASE_COUNT = "SELECT COUNT(*) FROM document_chases WHERE document_id = :document"
CHASE_INSERT = """
INSERT INTO document_chases (document_id, at, person_id, units, messages) VALUES (:document, :at, :person, :units, :messages)"""
EVENTS = """
SELECT a.at, COALESCE(p.name, ''), a.act, a.detail FROM audit a LEFT JOIN people p ON p.id = a.person_id
WHERE a.object = :object ORDER BY a.id DESC LIMIT 200"""
CORRECTIONS = """
SELECT s.id, s.title, s.number, s.sent_at FROM documents d JOIN subjects s ON s.id = d.id WHERE d.corrects = :document
ORDER BY s.id"""
BATCH_TAKE = """
UPDATE documents SET batches = batches + 1 WHERE id = :document AND voided_at IS NULL RETURNING batches"""
COPY_LAST = "SELECT COALESCE(MAX(copy_no), 0) FROM recipients WHERE document_id = :document"
DOCUMENT_VOID = "UPDATE documents SET voided_at = :at, void_reason = :reason WHERE id = :document AND voided_at IS NULL"

# --- outgoing: recalling ----------------------------------------------------------------------------------------------------

OPENINGS = """
SELECT f.unit_id, p.name, f.at FROM facts f JOIN people p ON p.id = f.person_id
WHERE f.subject_id = :document AND f.fact = 'opened' ORDER BY f.id"""
DOWNLOADS = """
SELECT o.unit_id, COUNT(*) FROM file_openings o WHERE o.subject_id = :document GROUP BY o.unit_id"""
PASSED_ON = """
SELECT x.unit_id, p.name FROM passes x JOIN people p ON p.id = x.to_person WHERE x.subject_id = :document ORDER BY x.id"""
FORWARDED = """
SELECT s.sender_unit, s.title FROM documents d JOIN subjects s ON s.id = d.id WHERE d.forwards = :document ORDER BY s.id"""
RECALL_INSERT = """
INSERT INTO recalls (document_id, unit_id, reason, state, asked_at, asked_by, decided_at, decision_reason)
VALUES (:document, :unit, :reason, :state, :at, :person, :decided, '') RETURNING id"""
RECALL = (
    "SELECT c.id, c.document_id, c.unit_id, u.short_name, c.reason, c.state, c.asked_at, c.decided_at, c.decision_reason "
    "FROM recalls c JOIN units u ON u.id = c.unit_id"
)
RECALL_BY_ID = f"{RECALL} WHERE c.id = :id AND c.unit_id = :unit"
RECALLS = f"{RECALL} WHERE c.document_id = :document ORDER BY c.id DESC"
RECALL_OPEN = f"{RECALL} WHERE c.document_id = :document AND c.unit_id = :unit AND c.state = 'asked' ORDER BY c.id DESC LIMIT 1"
RECALL_DECIDE = """
UPDATE recalls SET state = :state, decided_at = :at, decided_by = :person, decision_reason = :reason
WHERE id = :id AND unit_id = :unit AND state = 'asked'"""

# --- incoming: numbers of what came in ------------------------------------------------------------------------------------

INCOMING_LOCK = """
INSERT INTO incoming_years (unit_id, series, year, last) VALUES (:unit, :series, :year, 0)
ON CONFLICT (unit_id, series, year) DO UPDATE SET last = incoming_years.last RETURNING last"""
INCOMING_LAST = "SELECT last FROM incoming_years WHERE unit_id = :unit AND series = :series AND year = :year"
INCOMING_COUNT = """
UPDATE incoming_years SET last = :serial WHERE unit_id = :unit AND series = :series AND year = :year AND last = :serial - 1"""
INCOMING_INSERT = """
INSERT INTO incoming (unit_id, series, year, serial, subject_id, at, person_id)
VALUES (:unit, :series, :year, :serial, :subject, :at, :person)"""
INCOMING = (
    "SELECT i.series, i.year, i.serial, i.at, COALESCE(p.name, '') FROM incoming i LEFT JOIN people p ON p.id = i.person_id"
)
INCOMING_OF = f"{INCOMING} WHERE i.unit_id = :unit AND i.subject_id = :subject"
INCOMING_TWINS = """
SELECT i.series, i.year, i.serial, s.title, s.id FROM incoming i JOIN subjects s ON s.id = i.subject_id
WHERE i.unit_id = :unit AND s.number = :number AND s.sender_unit = :sender AND i.subject_id <> :subject ORDER BY s.id LIMIT 3"""
INCOMING_YEARS = "SELECT series, year, last FROM incoming_years WHERE unit_id = :unit AND last > 0 ORDER BY year DESC, series"

# --- incoming: one unit's share of a document -----------------------------------------------------------------------------

RECIPIENT_OF = """
SELECT unit_id, part, name, copy_no, batch, sent_at FROM recipients WHERE document_id = :document AND unit_id = :unit"""
RECIPIENT_PARTS = "SELECT part, name FROM recipients WHERE document_id = :document ORDER BY copy_no"
RETURN_INSERT = """
INSERT INTO returns (subject_id, unit_id, codes, reason, at, person_id)
VALUES (:subject, :unit, :codes, :reason, :at, :person)"""
RETURN_OF = """
SELECT r.codes, r.reason, r.at, r.person_id, COALESCE(p.name, '') FROM returns r LEFT JOIN people p ON p.id = r.person_id
WHERE r.subject_id = :subject AND r.unit_id = :unit"""
REPLY_INSERT = """
INSERT INTO replies (subject_id, unit_id, text, files, at, person_id) VALUES (:subject, :unit, :text, :files, :at, :person)"""
REPLY_OF = """
SELECT r.text, r.files, r.at, r.person_id, COALESCE(p.name, '') FROM replies r LEFT JOIN people p ON p.id = r.person_id
WHERE r.subject_id = :subject AND r.unit_id = :unit"""
REPLY_FILE_SEEN = """
SELECT 1 FROM replies r JOIN subjects s ON s.id = r.subject_id JOIN files f ON f.id = :file AND f.unit_id = r.unit_id
WHERE s.sender_unit = :unit AND r.files LIKE :quoted ESCAPE '\\' LIMIT 1"""
PASS_INSERT = """
INSERT INTO passes (subject_id, unit_id, to_person, by_person, note, at)
VALUES (:subject, :unit, :to_person, :by_person, :note, :at) RETURNING id"""
PASSES_OF = """
SELECT x.to_person, COALESCE(t.name, ''), COALESCE(b.name, ''), x.note, x.at,
  (SELECT MIN(f.at) FROM facts f WHERE f.subject_id = x.subject_id AND f.unit_id = x.unit_id AND f.fact = 'opened'
    AND f.person_id = x.to_person)
FROM passes x LEFT JOIN people t ON t.id = x.to_person LEFT JOIN people b ON b.id = x.by_person
WHERE x.subject_id = :subject AND x.unit_id = :unit ORDER BY x.id"""
PASSED_TO = """
SELECT s.id, s.kind, s.title, s.number, s.urgency, s.sender_name, COALESCE(b.name, ''), x.note, x.at,
  CASE WHEN EXISTS (SELECT 1 FROM facts f WHERE f.subject_id = x.subject_id AND f.unit_id = x.unit_id AND f.fact = 'opened'
    AND f.person_id = x.to_person AND f.at >= x.at) THEN 1 ELSE 0 END
FROM passes x JOIN subjects s ON s.id = x.subject_id
  JOIN receipts r ON r.subject_id = x.subject_id AND r.unit_id = x.unit_id AND r.state <> 7
  LEFT JOIN people b ON b.id = x.by_person
WHERE x.to_person = :person AND x.unit_id = :unit
  AND x.id = (SELECT MAX(y.id) FROM passes y WHERE y.subject_id = x.subject_id AND y.unit_id = x.unit_id AND y.to_person = x.to_person)
ORDER BY x.id DESC LIMIT :limit"""
FORWARDED_BY = """
SELECT s.id, s.title, s.number, s.sent_at, t.total FROM documents d JOIN subjects s ON s.id = d.id JOIN tallies t ON t.subject_id = s.id
WHERE d.forwards = :document AND s.sender_unit = :unit ORDER BY s.id"""
CORRECTED_BY = """
SELECT d.id, s.title, s.number FROM documents d JOIN subjects s ON s.id = d.id JOIN receipts r ON r.subject_id = d.id
WHERE d.corrects = :document AND r.unit_id = :unit AND r.state <> 7 ORDER BY d.id DESC"""
RECALL_ASKED = """
SELECT id, document_id, unit_id, reason, state, asked_at FROM recalls
WHERE document_id = :document AND unit_id = :unit AND state = 'asked' ORDER BY id DESC"""
RECALL_NEWEST = """
SELECT id, document_id, unit_id, reason, state, asked_at FROM recalls
WHERE document_id = :document AND unit_id = :unit ORDER BY id DESC"""

# --- incoming: registers --------------------------------------------------------------------------------------------------

RECEIVED = """
SELECT i.series, i.year, i.serial, i.at, COALESCE(p.name, ''), s.id, COALESCE(d.kind, ''), s.title, s.number, s.sender_name,
  COALESCE(d.dated, ''), r.state, r.arrived_at, r.answered_at, r.part, s.urgency
FROM incoming i JOIN subjects s ON s.id = i.subject_id JOIN receipts r ON r.subject_id = i.subject_id AND r.unit_id = i.unit_id
  LEFT JOIN documents d ON d.id = i.subject_id LEFT JOIN people p ON p.id = i.person_id
WHERE i.unit_id = :unit AND i.series = :series AND i.year = :year AND i.serial < :before
  AND (:kind = '' OR d.kind = :kind)
  AND (:words = '' OR s.title LIKE :words ESCAPE '\\' OR s.number LIKE :words ESCAPE '\\' OR s.sender_name LIKE :words ESCAPE '\\')
ORDER BY i.serial DESC LIMIT :limit"""
SENT_LINE = (
    "n.serial, n.taken_at, COALESCE(s.id, 0), COALESCE(d.kind, ''), COALESCE(s.title, ''), COALESCE(s.number, ''), "
    "COALESCE(d.issuer, ''), COALESCE(d.dated, ''), COALESCE(s.urgency, 'normal'), COALESCE(p.name, ''), COALESCE(t.total, 0), "
    "COALESCE(t.signed, 0), COALESCE(n.voided_at, d.voided_at), COALESCE(n.void_reason, d.void_reason)"
)
SENT_NUMBERED = f"""
SELECT {SENT_LINE}
FROM numbers n LEFT JOIN documents d ON d.id = n.document_id LEFT JOIN subjects s ON s.id = d.id
  LEFT JOIN tallies t ON t.subject_id = s.id LEFT JOIN people p ON p.id = n.person_id
WHERE n.series_id = :series AND n.year = :year AND n.serial < :before
  AND (:kind = '' OR d.kind = :kind)
  AND (:words = '' OR s.title LIKE :words ESCAPE '\\' OR s.number LIKE :words ESCAPE '\\')
ORDER BY n.serial DESC LIMIT :limit"""
SENT_PLAIN = """
SELECT 0, s.sent_at, s.id, d.kind, s.title, s.number, d.issuer, d.dated, s.urgency, COALESCE(p.name, ''), t.total, t.signed,
  d.voided_at, d.void_reason
FROM documents d JOIN subjects s ON s.id = d.id JOIN tallies t ON t.subject_id = s.id LEFT JOIN people p ON p.id = s.sent_by
WHERE s.sender_unit = :unit AND d.series_id IS NULL AND s.sent_at >= :low AND s.sent_at < :high AND s.id < :before
  AND (:kind = '' OR d.kind = :kind)
  AND (:words = '' OR s.title LIKE :words ESCAPE '\\' OR s.number LIKE :words ESCAPE '\\')
ORDER BY s.id DESC LIMIT :limit"""
SERIES_EVER = (
    "SELECT id, unit_id, code, head, sort, closed_at FROM series WHERE unit_id = :unit ORDER BY closed_at IS NOT NULL, sort, id"
)
MERGED_HERE = "SELECT id, code, name FROM units WHERE merged_into = :unit ORDER BY id"
