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
