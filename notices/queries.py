"""Every SQL text of the notices room."""

NOTICE = (
    "SELECT n.id, s.title, s.urgency, s.sender_unit, s.sender_name, s.sent_by, s.sent_at, n.version, n.uid, n.starts_at, "
    "n.ends_at, n.answer_by, n.place, n.seats, n.quota, n.fields, n.details, n.check_in, n.cancelled_at, n.cancel_reason "
    "FROM notices n JOIN subjects s ON s.id = n.id"
)
NOTICE_BY_ID = f"{NOTICE} WHERE n.id = :id"
NOTICE_INSERT = """
INSERT INTO notices (id, uid, version, starts_at, ends_at, answer_by, place, seats, quota, fields, details, check_in)
VALUES (:id, :uid, 1, :starts_at, :ends_at, :answer_by, :place, :seats, :quota, :fields, :details, :check_in)"""
NOTICE_VERSION = """
UPDATE notices SET version = :version, starts_at = :starts_at, ends_at = :ends_at, answer_by = :answer_by, place = :place,
  seats = :seats, quota = :quota, fields = :fields, details = :details
WHERE id = :id AND version = :before AND cancelled_at IS NULL"""
NOTICE_CANCEL = """
UPDATE notices SET cancelled_at = :at, cancel_reason = :reason, version = version + 1 WHERE id = :id AND cancelled_at IS NULL"""
SUBJECT_URGENCY = "UPDATE subjects SET urgency = :urgency WHERE id = :id"
VERSION_INSERT = """
INSERT INTO versions (notice_id, version, at, person_id, material, changes, whole)
VALUES (:notice, :version, :at, :person, :material, :changes, :whole)"""
VERSIONS = "SELECT version, at, person_id, material, changes FROM versions WHERE notice_id = :notice ORDER BY version DESC"
NEWEST_MATERIAL = "SELECT MAX(version) FROM versions WHERE notice_id = :notice AND material = 1"

DRAFT_INSERT = """
INSERT INTO drafts (unit_id, person_id, form, saved_at) VALUES (:unit, :person, :form, :at) RETURNING id"""
DRAFT_UPDATE = """
UPDATE drafts SET form = :form, saved_at = :at, person_id = :person
WHERE id = :id AND unit_id = :unit AND published_as IS NULL"""
DRAFT = "SELECT id, form, saved_at, published_as FROM drafts WHERE id = :id AND unit_id = :unit"
DRAFTS = """
SELECT id, form, saved_at, published_as FROM drafts WHERE unit_id = :unit AND published_as IS NULL ORDER BY id DESC LIMIT 20"""
DRAFT_DONE = "UPDATE drafts SET published_as = :notice WHERE id = :id AND unit_id = :unit AND published_as IS NULL"
DRAFT_DROP = "DELETE FROM drafts WHERE id = :id AND unit_id = :unit AND published_as IS NULL"

ANSWER_OPEN = """
INSERT INTO answers (notice_id, unit_id, state, people, person_id, by_organiser, confirmed)
VALUES (:notice, :unit, 'none', 0, 0, 0, 1)"""
ANSWER = """
SELECT notice_id, unit_id, state, people, at, person_id, by_organiser, confirmed FROM answers
WHERE notice_id = :notice AND unit_id = :unit"""
ANSWER_SET = """
UPDATE answers SET state = :state, people = :people, at = :at, person_id = :person, by_organiser = :by_organiser,
  confirmed = :confirmed
WHERE notice_id = :notice AND unit_id = :unit"""
ANSWER_LOCK = "UPDATE answers SET people = people WHERE notice_id = :notice AND unit_id = :unit"
ANSWER_STATE = "UPDATE answers SET state = :state, people = :people WHERE notice_id = :notice AND unit_id = :unit"
CONFIRM = """
UPDATE answers SET confirmed = :version WHERE notice_id = :notice AND unit_id = :unit AND confirmed < :version"""
ANSWER_COUNTS = "SELECT state, COUNT(*), SUM(people) FROM answers WHERE notice_id = :notice GROUP BY state"
ANSWERED_UNITS = """
SELECT unit_id FROM answers WHERE notice_id = :notice AND state = :state"""
ANSWER_LIST = """
SELECT a.unit_id, u.code, u.name, u.short_name, u.duty_phone, a.state, a.people, a.at, a.by_organiser, a.confirmed, r.state,
  r.opened_at, r.signed_at
FROM answers a JOIN units u ON u.id = a.unit_id JOIN receipts r ON r.subject_id = a.notice_id AND r.unit_id = a.unit_id
WHERE a.notice_id = :notice ORDER BY u.level, u.sort, u.id"""

ATTENDEE_INSERT = """
INSERT INTO attendees (notice_id, unit_id, role, name, position, mobile, fields, leave_id, sort, token)
VALUES (:notice, :unit, :role, :name, :position, :mobile, :fields, :leave, :sort, :token)"""
ATTENDEE_COLUMNS = (
    "SELECT t.id, t.notice_id, t.unit_id, t.role, t.name, t.position, t.mobile, t.fields, t.leave_id, t.token, t.checked_in_at "
    "FROM attendees t"
)
ATTENDEES_OF_UNIT = f"""{ATTENDEE_COLUMNS}
WHERE t.notice_id = :notice AND t.unit_id = :unit AND t.removed_at IS NULL ORDER BY t.sort, t.id"""
ATTENDEE_BY_TOKEN = f"{ATTENDEE_COLUMNS} WHERE t.notice_id = :notice AND t.token = :token AND t.removed_at IS NULL"
ATTENDEE_BY_ID = f"{ATTENDEE_COLUMNS} WHERE t.notice_id = :notice AND t.id = :id AND t.removed_at IS NULL"
ATTENDEE_UPDATE = """
UPDATE attendees SET role = :role, position = :position, mobile = :mobile, fields = :fields, sort = :sort, leave_id = :leave
WHERE id = :id"""
ATTENDEE_REMOVE = "UPDATE attendees SET removed_at = :at WHERE id = :id AND removed_at IS NULL"
NAME_LIST = """
SELECT t.id, u.name, u.short_name, t.name, t.position, t.mobile, t.role, t.fields, COALESCE(l.person, ''), t.token,
  COALESCE(t.checked_in_at, ''), t.unit_id
FROM attendees t JOIN units u ON u.id = t.unit_id LEFT JOIN leaves l ON l.id = t.leave_id
WHERE t.notice_id = :notice AND t.removed_at IS NULL ORDER BY u.level, u.sort, u.id, t.sort, t.id"""
ROLE_COUNTS = """
SELECT t.role, COUNT(*), COUNT(t.leave_id), COUNT(t.checked_in_at) FROM attendees t
WHERE t.notice_id = :notice AND t.removed_at IS NULL GROUP BY t.role"""
CHECK_IN = """
UPDATE attendees SET checked_in_at = :at, checked_in_by = :person
WHERE id = :id AND notice_id = :notice AND removed_at IS NULL AND checked_in_at IS NULL"""
CHECK_OUT = """
UPDATE attendees SET checked_in_at = NULL, checked_in_by = NULL
WHERE id = :id AND notice_id = :notice AND checked_in_at IS NOT NULL"""
LAST_NOTICE = """
SELECT t.notice_id FROM attendees t WHERE t.unit_id = :unit AND t.notice_id < :notice AND t.removed_at IS NULL
ORDER BY t.notice_id DESC LIMIT 1"""
LAST_PEOPLE = """
SELECT name, position, mobile, role FROM attendees
WHERE unit_id = :unit AND notice_id = :notice AND removed_at IS NULL AND leave_id IS NULL ORDER BY sort, id"""
KNOWN_PEOPLE = """
SELECT name, position, mobile, role, MAX(notice_id) FROM attendees WHERE unit_id = :unit AND removed_at IS NULL
GROUP BY name, position, mobile, role ORDER BY MAX(notice_id) DESC LIMIT 30"""

LEAVE = (
    "SELECT l.id, l.notice_id, l.unit_id, u.short_name, l.role, l.person, l.position, l.reason, l.stand_in, l.state, l.asked_at, "
    "l.asked_by, l.decided_at, l.decision_reason FROM leaves l JOIN units u ON u.id = l.unit_id"
)
LEAVE_BY_ID = f"{LEAVE} WHERE l.id = :id"
LEAVES_OF_UNIT = f"{LEAVE} WHERE l.notice_id = :notice AND l.unit_id = :unit AND l.state <> 'withdrawn' ORDER BY l.id"
LEAVES_OF_NOTICE = f"{LEAVE} WHERE l.notice_id = :notice AND l.state <> 'withdrawn' ORDER BY l.id"
LEAVE_INSERT = """
INSERT INTO leaves
  (notice_id, unit_id, role, person, position, reason, stand_in, state, asked_at, asked_by, decision_reason)
VALUES (:notice, :unit, :role, :person, :position, :reason, :stand_in, 'asked', :at, :by, '') RETURNING id"""
LEAVE_DECIDE = """
UPDATE leaves SET state = :state, decided_at = :at, decided_by = :by, decision_reason = :reason
WHERE id = :id AND state = 'asked'"""
LEAVE_WITHDRAW = "UPDATE leaves SET state = 'withdrawn', decided_at = :at WHERE id = :id AND state IN ('asked', 'approved')"

LATE = (
    "SELECT c.id, c.notice_id, c.unit_id, u.short_name, c.wish, c.reason, c.state, c.asked_at, c.asked_by, c.decision_reason "
    "FROM late_changes c JOIN units u ON u.id = c.unit_id"
)
LATE_BY_ID = f"{LATE} WHERE c.id = :id"
LATE_OF_NOTICE = f"{LATE} WHERE c.notice_id = :notice AND c.state = 'asked' ORDER BY c.id"
LATE_OF_UNIT = f"{LATE} WHERE c.notice_id = :notice AND c.unit_id = :unit ORDER BY c.id DESC LIMIT 1"
LATE_INSERT = """
INSERT INTO late_changes (notice_id, unit_id, wish, reason, state, asked_at, asked_by, decision_reason)
VALUES (:notice, :unit, :wish, :reason, 'asked', :at, :by, '') RETURNING id"""
LATE_DECIDE = """
UPDATE late_changes SET state = :state, decided_at = :at, decided_by = :by, decision_reason = :reason
WHERE id = :id AND state = 'asked'"""

CHASE_INSERT = """
INSERT INTO chases (notice_id, at, person_id, units, messages) VALUES (:notice, :at, :person, :units, :messages)"""
CHASES = "SELECT at, person_id, units, messages FROM chases WHERE notice_id = :notice ORDER BY id DESC"
CHASE_COUNT = "SELECT COUNT(*) FROM chases WHERE notice_id = :notice"
CHASED_UNITS = """
SELECT unit_id, COUNT(DISTINCT step) FROM messages
WHERE subject_id = :notice AND purpose IN ('chase', 'reminder') AND channel = 'sms' GROUP BY unit_id"""

HINTS = "SELECT n.id, n.starts_at, n.place, n.quota FROM notices n WHERE n.id >= :low AND n.id <= :high"
ORGANISED = """
SELECT s.id, s.title, s.urgency, n.starts_at, n.place, n.answer_by, n.cancelled_at, n.version, t.total, t.signed, t.answered,
  (SELECT COUNT(*) FROM leaves l WHERE l.notice_id = n.id AND l.state = 'asked')
FROM subjects s JOIN notices n ON n.id = s.id JOIN tallies t ON t.subject_id = s.id
WHERE s.sender_unit = :unit AND s.id < :before ORDER BY s.id DESC LIMIT :limit"""
INVITED = """
SELECT s.id, s.title, s.urgency, n.starts_at, n.place, n.answer_by, n.cancelled_at, s.sender_name, a.state, a.people, r.waits,
  r.state
FROM answers a JOIN notices n ON n.id = a.notice_id JOIN subjects s ON s.id = n.id
JOIN receipts r ON r.subject_id = n.id AND r.unit_id = a.unit_id
WHERE a.unit_id = :unit AND a.notice_id < :before ORDER BY a.notice_id DESC LIMIT :limit"""
COMING_UP = """
SELECT s.id, s.title, n.starts_at, n.place, a.state,
  COALESCE((SELECT MIN(t.name) FROM attendees t WHERE t.notice_id = n.id AND t.unit_id = a.unit_id AND t.removed_at IS NULL), '')
FROM notices n JOIN subjects s ON s.id = n.id JOIN answers a ON a.notice_id = n.id AND a.unit_id = :unit
WHERE n.starts_at >= :low AND n.starts_at < :high AND n.cancelled_at IS NULL ORDER BY n.starts_at LIMIT 12"""
REMIND_WINDOW = f"{NOTICE} WHERE n.cancelled_at IS NULL AND n.answer_by > :low AND n.answer_by <= :high"
ATTENDEE_WINDOW = f"{NOTICE} WHERE n.cancelled_at IS NULL AND n.starts_at > :low AND n.starts_at <= :high"
PENDING_FOR_UNIT = f"""{NOTICE} JOIN answers a ON a.notice_id = n.id AND a.unit_id = :unit
WHERE a.state = 'none' AND n.cancelled_at IS NULL AND n.answer_by >= :now ORDER BY n.id DESC LIMIT 1"""
