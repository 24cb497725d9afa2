"""Every SQL text of the messages room.

The states of a message stand in message.py. A dispatch goes claimed → leaving → accepted, delivered, undelivered, retry_wait or
unknown; `released` never left; `resent` is an unknown one whose message goes once more.
"""

from ground.messages.message import RANK

# Word for word the condition of the partial indexes: SQLite uses one only when its condition stands in the query.
WAITING = "state IN ('held', 'ready', 'retry_wait')"
WAITING_OF = "m.state IN ('held', 'ready', 'retry_wait')"
OPEN = "state IN ('claimed', 'leaving')"
FRESH = "(expires_at IS NULL OR expires_at > :now)"
# A report may raise what is known and never lower it; `delivered` also corrects what was cleared or expired meanwhile.
RANKED = " ".join(f"WHEN '{state}' THEN {rank}" for state, rank in RANK.items())
RANK_OF = f"CASE state {RANKED} WHEN 'resent' THEN 2 WHEN 'cleared' THEN 4 WHEN 'expired' THEN 4 ELSE 1 END"

# --- putting and clearing -------------------------------------------------------------------------------------------------

CONTENT_FIND = "SELECT id FROM contents WHERE digest = :digest"
CONTENT_PUT = """
INSERT INTO contents (digest, title, text, line, ics, ics_method) VALUES (:digest, :title, :text, :line, :ics, :ics_method)
ON CONFLICT (digest) DO NOTHING RETURNING id"""
PUT = """
INSERT INTO messages (subject_id, version, purpose, step, channel, recipient, person_id, unit_id, address, content_id, priority,
  state, not_before, expires_at, tries, code, reason, created_at, changed_at)
VALUES (:subject, :version, :purpose, :step, :channel, :recipient, :person, :unit, :address, :content, :priority,
  :state, :not_before, :expires, 0, :code, :reason, :now, :now)
ON CONFLICT DO NOTHING"""
LAST_ID = "SELECT COALESCE(MAX(id), 0) FROM messages"
PUT_SINCE = """
SELECT COUNT(*) FROM messages WHERE id > :last AND created_at = :now AND subject_id >= :low AND subject_id <= :high"""
CLEAR = f"""
UPDATE messages SET state = 'cleared', code = 'ANSWERED', reason = '', changed_at = :now
WHERE {WAITING} AND unit_id = :unit AND subject_id = :subject AND purpose = :purpose"""
CLEAR_SUBJECT = f"""
UPDATE messages SET state = 'cleared', code = 'CANCELLED', reason = '', changed_at = :now
WHERE {WAITING} AND subject_id = :subject AND purpose NOT IN ('cancelled', 'reply')"""
SEEN = """
UPDATE messages SET state = 'delivered', changed_at = :now
WHERE id = :id AND person_id = :person AND channel = 'screen' AND state = 'ready'"""

# --- claiming -------------------------------------------------------------------------------------------------------------


def skip_locked(engine: str) -> str:
    """What keeps two claimers off each other's rows: PostgreSQL passes over locked ones, SQLite has one writer."""
    return "FOR UPDATE SKIP LOCKED" if engine == "postgres" else ""


# The UPDATE stands in front and its choice inside: sqlite3 counts the rows of no statement that begins with WITH.
def claim_due(engine: str) -> str:
    """Claim the next rows of one channel and priority. Until they are linked, rows claimed without a dispatch are this
    transaction's own: nobody else ever sees such a row."""
    return f"""
UPDATE messages SET state = 'claimed', dispatch_id = NULL, changed_at = :now WHERE {WAITING} AND id IN (
  WITH due AS MATERIALIZED (
    SELECT id FROM messages WHERE {WAITING} AND channel = :channel AND priority = :priority AND not_before <= :now AND {FRESH}
    ORDER BY not_before, id LIMIT :limit {skip_locked(engine)})
  SELECT id FROM due)"""


def claim_companions(engine: str) -> str:
    """Claim what else is due to the people of the rows just claimed, so that it leaves with them as one SMS.

    The channel stands in an expression, so that the engine looks by the few people, and not through all that is due.
    """
    return f"""
UPDATE messages SET state = 'claimed', dispatch_id = NULL, changed_at = :now WHERE {WAITING} AND id IN (
  WITH due AS MATERIALIZED (
    SELECT id FROM messages WHERE {WAITING} AND channel || '' = 'sms' AND recipient IN (
      SELECT recipient FROM messages WHERE state IN ('claimed', 'unknown') AND state = 'claimed' AND dispatch_id IS NULL)
    AND priority <= :priority AND not_before <= :now AND {FRESH} AND resend_of IS NULL AND purpose <> 'reply'
    {skip_locked(engine)})
  SELECT id FROM due)"""


CLAIMED = """
SELECT m.id, m.recipient, m.address, m.purpose, m.resend_of, m.content_id, COALESCE(p.name, ''), c.title, c.text, c.line, c.ics,
  c.ics_method
FROM messages m JOIN contents c ON c.id = m.content_id LEFT JOIN people p ON p.id = m.person_id
WHERE m.state IN ('claimed', 'unknown') AND m.state = 'claimed' AND m.dispatch_id IS NULL
ORDER BY m.priority, m.not_before, m.id"""
DISPATCH_PUT = """
INSERT INTO dispatches (token, channel, address, name, content_id, parts, gateway, state, resend_of, claimed_by, claimed_until,
  carrier_id, code, reason, created_at)
VALUES (:token, :channel, :address, :name, :content, :parts, :gateway, 'claimed', :resend_of, :by, :until, '', '', '', :now)"""
LINK = """
UPDATE messages SET dispatch_id = (SELECT id FROM dispatches WHERE token = :token)
WHERE id = :id AND state = 'claimed' AND dispatch_id IS NULL"""
DISPATCH = (
    "SELECT d.id, d.token, d.channel, d.address, d.name, c.title, c.text, c.ics, c.ics_method, d.parts, d.gateway, d.resend_of, "
    "d.claimed_by FROM dispatches d JOIN contents c ON c.id = d.content_id"
)
DISPATCHES_CLAIMED = f"{DISPATCH} WHERE d.state IN ('claimed', 'leaving') AND d.claimed_by = :by ORDER BY d.id"
LEAVE = """
UPDATE dispatches SET state = 'leaving', left_at = :now, claimed_until = :until
WHERE id = :id AND state = 'claimed' AND claimed_by = :by AND claimed_until > :now"""

# --- leases ---------------------------------------------------------------------------------------------------------------

RELEASE = f"""
UPDATE dispatches SET state = 'released', done_at = :now
WHERE {OPEN} AND state = 'claimed' AND claimed_until <= :now RETURNING id"""
GIVE_BACK = f"UPDATE dispatches SET state = 'released', done_at = :now WHERE {OPEN} AND id = :id AND claimed_by = :by"
READY_AGAIN = """
UPDATE messages SET state = 'ready', dispatch_id = NULL, changed_at = :now WHERE dispatch_id = :dispatch AND state = 'claimed'"""
TAKE_OVER = f"""
UPDATE dispatches SET claimed_by = :by, claimed_until = :until
WHERE {OPEN} AND state = 'leaving' AND claimed_until <= :now AND gateway = :gateway"""
LOST = f"SELECT id FROM dispatches WHERE {OPEN} AND state = 'leaving' AND claimed_until <= :now ORDER BY claimed_until LIMIT 1000"
LOSE = f"""
UPDATE dispatches SET state = 'unknown', code = :code, reason = :reason
WHERE {OPEN} AND id = :id AND state = 'leaving' AND claimed_until <= :now"""

# --- outcomes -------------------------------------------------------------------------------------------------------------

DISPATCH_STATE = "SELECT id, state, channel, address, gateway FROM dispatches WHERE id = :id"
DISPATCH_BY_TOKEN = "SELECT id, state, channel, address, gateway FROM dispatches WHERE token = :token"
DISPATCH_RAISE = f"""
UPDATE dispatches SET state = :state, code = :code, reason = :reason, done_at = :now,
  carrier_id = CASE WHEN :carrier_id = '' THEN carrier_id ELSE :carrier_id END
WHERE id = :id AND {RANK_OF} < :rank AND state NOT IN ('claimed', 'released')"""
DISPATCH_CARRIER_ID = "UPDATE dispatches SET carrier_id = :carrier_id WHERE id = :id AND carrier_id = ''"
MESSAGES_RAISE = f"""
UPDATE messages SET state = :state, code = :code, reason = :reason, changed_at = :now
WHERE (dispatch_id = :dispatch OR resend_of = :dispatch) AND {RANK_OF} < :rank"""
MESSAGES_FAIL = f"""
UPDATE messages SET state = :state, code = :code, reason = :reason, changed_at = :now
WHERE dispatch_id = :dispatch AND {RANK_OF} < :rank"""
DISPATCH_UNKNOWN = """
UPDATE dispatches SET state = 'unknown', code = :code, reason = :reason WHERE id = :id AND state = 'leaving'"""
MESSAGES_UNKNOWN = """
UPDATE messages SET state = 'unknown', code = :code, reason = :reason, changed_at = :now
WHERE dispatch_id = :dispatch AND state = 'claimed'"""
DISPATCH_TEMPORARY = """
UPDATE dispatches SET state = 'retry_wait', code = :code, reason = :reason, done_at = :now
WHERE id = :id AND state IN ('leaving', 'unknown') AND done_at IS NULL"""
TRIES = "SELECT id, tries FROM messages WHERE dispatch_id = :dispatch AND state IN ('claimed', 'unknown') ORDER BY id"
RETRY = """
UPDATE messages SET state = :state, tries = :tries, not_before = :not_before, code = :code, reason = :reason, changed_at = :now
WHERE id = :id AND dispatch_id = :dispatch AND state IN ('claimed', 'unknown')"""
MOBILE_IS_BAD = "SELECT 1 FROM people WHERE mobile = :mobile AND mobile_bad IS NOT NULL LIMIT 1"

# --- unknown --------------------------------------------------------------------------------------------------------------

DOUBTFUL = """
SELECT id, resend_of FROM dispatches WHERE state = 'unknown' AND done_at IS NULL AND left_at <= :before ORDER BY left_at LIMIT 1000"""
SETTLE = "UPDATE dispatches SET done_at = :now WHERE id = :id AND state = 'unknown' AND done_at IS NULL"
ONCE_MORE = """
UPDATE messages SET state = 'ready', resend_of = dispatch_id, not_before = :now, changed_at = :now
WHERE dispatch_id = :dispatch AND state = 'unknown' AND priority = 0"""
ASSUME = """
UPDATE messages SET state = 'accepted', code = 'ASSUMED', changed_at = :now
WHERE dispatch_id = :dispatch AND state = 'unknown' AND purpose IN ('reminder', 'chase') AND (priority <> 0 OR :resent = 1)"""
STILL_UNKNOWN = "SELECT COUNT(*) FROM messages WHERE dispatch_id = :dispatch AND state = 'unknown'"
DISPATCH_SETTLED = "UPDATE dispatches SET state = :state, done_at = :now WHERE id = :id AND state = 'unknown'"
RESEND = """
UPDATE messages SET state = 'ready', resend_of = dispatch_id, not_before = :now, changed_at = :now
WHERE id = :id AND state = 'unknown' RETURNING dispatch_id"""
GIVE_UP = """
UPDATE messages SET state = 'undelivered', code = 'GIVEN_UP', reason = :reason, changed_at = :now
WHERE id = :id AND state = 'unknown' RETURNING dispatch_id"""

# --- the clock ------------------------------------------------------------------------------------------------------------

HOLD = f"""
UPDATE messages SET state = 'held', not_before = :until, changed_at = :now
WHERE {WAITING} AND channel IN ('sms', 'email') AND priority > 0 AND not_before < :until"""
WAKE = f"UPDATE messages SET state = 'ready', changed_at = :now WHERE {WAITING} AND state = 'held' AND not_before <= :now"
EXPIRE = f"""
UPDATE messages SET state = 'expired', code = 'EXPIRED', reason = '', changed_at = :now
WHERE {WAITING} AND expires_at <= :now"""
CHANNEL_OFF = f"""
UPDATE messages SET state = 'undelivered', code = 'CHANNEL_OFF', reason = '', changed_at = :now
WHERE {WAITING} AND channel = :channel"""

# --- in from the telephone ------------------------------------------------------------------------------------------------

INBOUND_PUT = """
INSERT INTO inbound (gateway, received_id, mobile, text, at, outcome) VALUES (:gateway, :received_id, :mobile, :text, :now, '')
ON CONFLICT DO NOTHING RETURNING id"""
INBOUND_OUTCOME = "UPDATE inbound SET outcome = :outcome WHERE id = :id"
INBOUND_SINCE = "SELECT COUNT(*) FROM inbound WHERE mobile = :mobile AND at > :since"
BEGIN_ANSWER = "SAVEPOINT answer"
UNDO_ANSWER = "ROLLBACK TO answer"
END_ANSWER = "RELEASE answer"

# --- looking --------------------------------------------------------------------------------------------------------------

BACKLOG = f"""
SELECT channel, state, COUNT(*), MIN(created_at), MIN(not_before) FROM messages WHERE {WAITING} AND channel <> 'screen'
GROUP BY channel, state
UNION ALL
SELECT channel, state, COUNT(*), MIN(created_at), MIN(not_before) FROM messages WHERE state IN ('claimed', 'unknown')
GROUP BY channel, state ORDER BY 1, 2"""
FAILURES = """
SELECT channel, state, code, COUNT(*), MAX(changed_at), MAX(reason) FROM messages
WHERE state IN ('undelivered', 'expired') AND changed_at >= :since GROUP BY channel, state, code ORDER BY 4 DESC, 1, 3"""
LINE = (
    "SELECT m.id, m.subject_id, m.version, m.purpose, m.step, m.channel, m.person_id, COALESCE(p.name, ''), m.unit_id, "
    "COALESCE(u.short_name, ''), m.address, c.title, c.text, m.priority, m.state, m.not_before, m.expires_at, m.tries, m.code, "
    "m.reason, m.created_at, m.changed_at, COALESCE(d.gateway, ''), d.left_at, m.resend_of, "
    "CASE WHEN d.id IS NULL THEN 0 ELSE (SELECT COUNT(*) FROM messages x WHERE x.dispatch_id = d.id) - 1 END "
    "FROM messages m JOIN contents c ON c.id = m.content_id LEFT JOIN dispatches d ON d.id = m.dispatch_id "
    "LEFT JOIN people p ON p.id = m.person_id LEFT JOIN units u ON u.id = m.unit_id"
)
LINES_UNKNOWN = f"{LINE} WHERE m.state IN ('claimed', 'unknown') AND m.state = 'unknown' ORDER BY m.priority, m.id LIMIT :limit"
LINES_OF_PERSON = f"{LINE} WHERE m.subject_id = :subject AND m.recipient = :recipient ORDER BY m.id"
LINES_OF_NAME = f"{LINE} WHERE m.subject_id = :subject AND p.name = :name ORDER BY m.id"
LINES_NEWEST = f"""{LINE} WHERE m.id < :before AND (:state = '' OR m.state = :state) ORDER BY m.id DESC LIMIT :limit"""
LINES_OF_SUBJECT = f"""{LINE} WHERE m.subject_id = :subject AND m.id < :before AND (:state = '' OR m.state = :state)
ORDER BY m.id DESC LIMIT :limit"""

PULSE_AT = "SELECT at FROM pulses WHERE name = :name"
