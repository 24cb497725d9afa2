"""SQL that the rooms have no use for: rows of the past, with all that had happened to them. All else is the rooms' own."""

RECEIPT = """
INSERT INTO receipts (subject_id, unit_id, state, part, waits, due_at, arrived_at, opened_at, signed_at, answered_at)
VALUES (:subject, :unit, :state, 'main', :waits, :due, :arrived, :opened, :signed, :answered)"""
TALLY = """
INSERT INTO tallies (subject_id, total, opened, signed, registered, answered, returned, recalled)
VALUES (:subject, :total, :opened, :signed, 0, :answered, 0, 0)"""
ANSWER = """
INSERT INTO answers (notice_id, unit_id, state, people, at, person_id, by_organiser, confirmed)
VALUES (:notice, :unit, :state, :people, :at, :person, :by_organiser, :confirmed)"""
ATTENDEE = """
INSERT INTO attendees
  (notice_id, unit_id, role, name, position, mobile, fields, leave_id, sort, token, checked_in_at, checked_in_by)
VALUES (:notice, :unit, :role, :name, :position, :mobile, :fields, :leave, :sort, :token, :came, :by)"""
# Every message that was put has left and has arrived, but for those whose number is dead.
DISPATCHES = """
INSERT INTO dispatches
  (token, channel, address, name, content_id, parts, gateway, state, claimed_by, claimed_until, carrier_id, code, reason,
   created_at, left_at, done_at)
SELECT 'demo-' || CAST(m.id AS TEXT), m.channel, m.address, COALESCE(p.name, ''), m.content_id, 2, 'spool',
  CASE WHEN p.mobile_bad IS NULL OR m.channel <> 'sms' THEN 'delivered' ELSE 'undelivered' END, 'demo', m.created_at, '',
  CASE WHEN p.mobile_bad IS NULL OR m.channel <> 'sms' THEN 'written' ELSE 'UNDELIV' END,
  CASE WHEN p.mobile_bad IS NULL OR m.channel <> 'sms' THEN '' ELSE p.mobile_bad END, m.created_at, m.created_at, m.created_at
FROM messages m LEFT JOIN people p ON p.id = m.person_id WHERE m.state IN ('ready', 'held')"""
MESSAGES_SENT = """
UPDATE messages SET
  dispatch_id = (SELECT d.id FROM dispatches d WHERE d.token = 'demo-' || CAST(messages.id AS TEXT)),
  state = (SELECT d.state FROM dispatches d WHERE d.token = 'demo-' || CAST(messages.id AS TEXT)),
  code = (SELECT d.code FROM dispatches d WHERE d.token = 'demo-' || CAST(messages.id AS TEXT)),
  reason = (SELECT d.reason FROM dispatches d WHERE d.token = 'demo-' || CAST(messages.id AS TEXT))
WHERE state IN ('ready', 'held')"""
