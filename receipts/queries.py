"""Every SQL text of the receipts room."""

SUBJECT = (
    "SELECT s.id, s.kind, s.title, s.number, s.urgency, s.sender_unit, s.sender_name, s.sent_by, s.sent_at, s.sign_by, "
    "s.answer_by, s.version, s.digest, s.closed_at FROM subjects s"
)
SUBJECT_BY_ID = f"{SUBJECT} WHERE s.id = :id"
SUBJECT_INSERT = """
INSERT INTO subjects
  (kind, title, number, urgency, sender_unit, sender_name, sent_by, sent_at, sign_by, answer_by, version, digest)
VALUES (:kind, :title, :number, :urgency, :sender_unit, :sender_name, :sent_by, :sent_at, :sign_by, :answer_by, 1, :digest)
RETURNING id"""
SUBJECT_VERSION = """
UPDATE subjects SET version = :version, title = :title, digest = :digest, answer_by = :answer_by, sign_by = :sign_by
WHERE id = :id AND version = :before AND closed_at IS NULL"""
SUBJECT_CLOSE = "UPDATE subjects SET closed_at = :at WHERE id = :id AND closed_at IS NULL"

RECEIPT = (
    "SELECT r.subject_id, r.unit_id, r.state, r.part, r.waits, r.due_at, r.arrived_at, r.opened_at, r.signed_at, r.answered_at, "
    "r.sign_by, r.answer_by FROM receipts r"
)
RECEIPT_ONE = f"{RECEIPT} WHERE r.subject_id = :subject AND r.unit_id = :unit"
RECEIPTS_OF_SUBJECT = f"{RECEIPT} WHERE r.subject_id = :subject ORDER BY r.unit_id"
RECEIPT_INSERT = """
INSERT INTO receipts (subject_id, unit_id, state, part, waits, due_at, arrived_at, sign_by, answer_by)
VALUES (:subject, :unit, 1, :part, 'sign', :due, :at, :sign_by, :answer_by)"""
FACT_INSERT = """
INSERT INTO facts (subject_id, unit_id, version, fact, at, person_id, for_person, how, address, digest, note)
VALUES (:subject, :unit, :version, :fact, :at, :person, :for_person, :how, :address, :digest, :note)
ON CONFLICT DO NOTHING"""
ARRIVED_INSERT = """
INSERT INTO facts (subject_id, unit_id, version, fact, at, person_id, for_person, how, address, digest, note)
VALUES (:subject, :unit, :version, 'arrived', :at, 0, 0, '', '', :digest, '')"""
FACT_EXISTS = """
SELECT 1 FROM facts WHERE subject_id = :subject AND unit_id = :unit AND fact = :fact AND person_id = :person"""
FACT_EXISTS_VERSION = f"{FACT_EXISTS} AND version = :version"
FACTS_OF_RECEIPT = """
SELECT f.fact, f.at, f.person_id, COALESCE(p.name, ''), COALESCE(g.name, ''), f.how, f.address, f.version, f.digest, f.note
FROM facts f LEFT JOIN people p ON p.id = f.person_id LEFT JOIN people g ON g.id = f.for_person AND f.for_person <> 0
WHERE f.subject_id = :subject AND f.unit_id = :unit ORDER BY f.id"""
HIGHEST_FACT = """
SELECT MAX(CASE fact WHEN 'answered' THEN 5 WHEN 'registered' THEN 4 WHEN 'signed' THEN 3 ELSE 0 END) FROM facts
WHERE subject_id = :subject AND unit_id = :unit"""
STEP = """
UPDATE receipts SET state = :after, waits = :waits, due_at = :due, opened_at = COALESCE(opened_at, :opened),
  signed_at = COALESCE(signed_at, :signed), answered_at = COALESCE(answered_at, :answered)
WHERE subject_id = :subject AND unit_id = :unit AND state = :before"""
ANSWERED_FOR = """
UPDATE receipts SET answered_at = :at WHERE subject_id = :subject AND unit_id = :unit AND answered_at IS NULL AND state < 3"""
WAIT = "UPDATE receipts SET waits = :waits, due_at = :due WHERE subject_id = :subject AND unit_id = :unit"
WAIT_DONE = """
UPDATE receipts SET waits = NULL, due_at = NULL WHERE subject_id = :subject AND unit_id = :unit AND waits = :waits"""
WAIT_NONE = "UPDATE receipts SET waits = NULL, due_at = NULL WHERE subject_id = :subject AND waits IS NOT NULL"
WAIT_DUE = "UPDATE receipts SET due_at = :due WHERE subject_id = :subject AND waits = :waits"

TALLY = """
SELECT total, opened, signed, registered, answered, returned, recalled FROM tallies WHERE subject_id = :subject"""
TALLIES = """
SELECT subject_id, total, opened, signed, registered, answered, returned, recalled FROM tallies
WHERE subject_id >= :low AND subject_id <= :high"""
TALLY_INSERT = """
INSERT INTO tallies (subject_id, total, opened, signed, registered, answered, returned, recalled)
VALUES (:subject, :total, 0, 0, 0, 0, 0, 0)
ON CONFLICT (subject_id) DO UPDATE SET total = tallies.total + excluded.total"""
TALLY_ADD = """
UPDATE tallies SET opened = opened + :opened, signed = signed + :signed, registered = registered + :registered,
  answered = answered + :answered, returned = returned + :returned, recalled = recalled + :recalled
WHERE subject_id = :subject"""
TALLY_TRUE = """
SELECT COUNT(*), COUNT(opened_at), COUNT(signed_at), COUNT(answered_at), COUNT(CASE WHEN state = 6 THEN 1 END),
  COUNT(CASE WHEN state = 7 THEN 1 END) FROM receipts WHERE subject_id = :subject"""

FILE_PUT = """
INSERT INTO subject_files (subject_id, version, sort, part, file_id) VALUES (:subject, :version, :sort, :part, :file)"""
FILES_OF_SUBJECT = """
SELECT f.id, f.name, f.size, f.media_type, f.sha256, x.part,
  CASE WHEN o.file_id IS NULL THEN 0 ELSE 1 END
FROM subject_files x JOIN files f ON f.id = x.file_id
LEFT JOIN file_openings o ON o.subject_id = x.subject_id AND o.file_id = x.file_id AND o.unit_id = :unit AND o.person_id = :person
WHERE x.subject_id = :subject AND x.version = :version ORDER BY x.sort"""
FILE_OPENED = """
INSERT INTO file_openings (subject_id, unit_id, person_id, file_id, at) VALUES (:subject, :unit, :person, :file, :at)
ON CONFLICT DO NOTHING"""
FILE_VISIBLE = """
SELECT 1 FROM subject_files x JOIN subjects s ON s.id = x.subject_id
WHERE x.file_id = :file AND (s.sender_unit = :unit
  OR EXISTS (SELECT 1 FROM receipts r WHERE r.subject_id = x.subject_id AND r.unit_id = :unit AND r.state <> 7)) LIMIT 1"""
SEARCHABLE = """EXISTS (SELECT 1 FROM subjects s WHERE s.id = t.subject_id AND s.sender_unit = :unit)
  OR EXISTS (SELECT 1 FROM receipts r WHERE r.subject_id = t.subject_id AND r.unit_id = :unit AND r.state <> 7)"""
FILE_SUBJECTS = """
SELECT x.subject_id FROM subject_files x JOIN receipts r ON r.subject_id = x.subject_id AND r.unit_id = :unit
WHERE x.file_id = :file"""

ITEM = (
    "SELECT r.subject_id, r.unit_id, r.state, r.waits, r.due_at, r.arrived_at, r.signed_at, r.answered_at, s.kind, s.title, "
    "s.number, s.urgency, s.sender_name, s.version, s.closed_at FROM receipts r JOIN subjects s ON s.id = r.subject_id"
)
WAITING = f"""{ITEM} WHERE r.unit_id = :unit AND r.waits IS NOT NULL
ORDER BY CASE s.urgency WHEN 'immediate' THEN 0 ELSE 1 END, r.due_at, r.subject_id LIMIT :limit"""
KIND = "AND (:kind = '' OR s.kind = :kind)"
INBOX_ALL = f"{ITEM} WHERE r.unit_id = :unit AND r.subject_id < :before {KIND} ORDER BY r.subject_id DESC LIMIT :limit"
INBOX_WAITS = f"""{ITEM} WHERE r.unit_id = :unit AND r.waits = :waits AND r.subject_id < :before {KIND}
ORDER BY r.subject_id DESC LIMIT :limit"""
INBOX_LATE = f"""{ITEM} WHERE r.unit_id = :unit AND r.waits IS NOT NULL AND r.due_at < :now AND r.subject_id < :before {KIND}
ORDER BY r.subject_id DESC LIMIT :limit"""
INBOX_NEWER = """
SELECT COUNT(*) FROM (SELECT 1 FROM receipts WHERE unit_id = :unit AND subject_id > :after LIMIT 100) AS some"""
INBOX_SIGNED = f"""{ITEM} WHERE r.unit_id = :unit AND r.state IN (3, 4, 5, 8) AND r.subject_id < :before {KIND}
ORDER BY r.subject_id DESC LIMIT :limit"""
INBOX_ENDED = f"""{ITEM} WHERE r.unit_id = :unit AND r.state IN (6, 7, 9) AND r.subject_id < :before {KIND}
ORDER BY r.subject_id DESC LIMIT :limit"""
INBOX_FIND = f"""{ITEM} WHERE r.unit_id = :unit AND r.subject_id < :before {KIND}
  AND (s.title LIKE :words ESCAPE '\\' OR s.number LIKE :words ESCAPE '\\' OR s.sender_name LIKE :words ESCAPE '\\')
ORDER BY r.subject_id DESC LIMIT :limit"""
SENT = """
SELECT s.id, s.kind, s.title, s.urgency, s.sent_at, s.answer_by, s.closed_at, t.total, t.opened, t.signed, t.answered
FROM subjects s JOIN tallies t ON t.subject_id = s.id
WHERE s.sender_unit = :unit AND s.id < :before ORDER BY s.id DESC LIMIT :limit"""
WAIT_COUNTS = """
SELECT r.waits, s.kind, COUNT(*), COUNT(CASE WHEN r.due_at < :now THEN 1 END)
FROM receipts r JOIN subjects s ON s.id = r.subject_id
WHERE r.unit_id = :unit AND r.waits IS NOT NULL GROUP BY r.waits, s.kind"""
PROGRESS_UNITS = """
SELECT r.unit_id, u.code, u.name, u.short_name, r.state, r.waits, r.opened_at, r.signed_at, r.answered_at
FROM receipts r JOIN units u ON u.id = r.unit_id WHERE r.subject_id = :subject ORDER BY u.level, u.sort, u.id"""
SUBJECTS_OPEN_IDS = "SELECT id FROM subjects ORDER BY id DESC LIMIT :limit"
