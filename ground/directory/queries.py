"""Every SQL text of the directory."""

UNIT = (
    "SELECT id, code, name, short_name, parent_id, path, kind, level, initials, pinyin, duty_phone, sort, opened_on, "
    "closed_on, merged_into FROM units"
)
UNIT_BY_ID = f"{UNIT} WHERE id = :id"
UNIT_BY_CODE = f"{UNIT} WHERE code = :code"
UNITS_ALL = f"{UNIT} ORDER BY level, sort, id"
UNITS_IN_USE = "SELECT COUNT(*) FROM units WHERE closed_on IS NULL AND kind <> '区划'"
UNITS_OPEN = f"{UNIT} WHERE closed_on IS NULL OR closed_on > :today ORDER BY level, sort, id"
UNITS_CHILDREN = f"{UNIT} WHERE parent_id = :parent ORDER BY sort, id"
UNITS_ROOTS = f"{UNIT} WHERE parent_id IS NULL ORDER BY sort, id"
UNITS_BELOW = f"{UNIT} WHERE path LIKE :path ORDER BY level, sort, id"
UNITS_SEARCH = f"""{UNIT}
WHERE lower(code) LIKE :prefix ESCAPE '\\' OR initials LIKE :prefix ESCAPE '\\' OR pinyin LIKE :prefix ESCAPE '\\'
   OR name LIKE :anywhere ESCAPE '\\' OR short_name LIKE :anywhere ESCAPE '\\'
ORDER BY CASE WHEN code = :exact OR short_name = :exact OR name = :exact THEN 0
              WHEN initials LIKE :prefix ESCAPE '\\' THEN 1 ELSE 2 END, level, sort, id
LIMIT :limit"""
UNIT_INSERT = """
INSERT INTO units (code, name, short_name, parent_id, path, kind, level, initials, pinyin, duty_phone, sort, opened_on)
VALUES (:code, :name, :short_name, :parent_id, :path, :kind, :level, :initials, :pinyin, :duty_phone, :sort, :opened_on)
ON CONFLICT (code) DO NOTHING RETURNING id"""
UNIT_SET_PATH = "UPDATE units SET path = :path WHERE id = :id"
UNIT_UPDATE = """
UPDATE units SET short_name = :short_name, kind = :kind, initials = :initials, pinyin = :pinyin, duty_phone = :duty_phone,
  sort = :sort WHERE id = :id"""
UNIT_REIMPORT = """
UPDATE units SET name = :name, short_name = :short_name, kind = :kind, level = :level, parent_id = :parent_id,
  initials = :initials, pinyin = :pinyin WHERE id = :id"""
UNIT_RENAME = "UPDATE units SET name = :name, short_name = :short_name, initials = :initials, pinyin = :pinyin WHERE id = :id"
UNIT_CLOSE = """
UPDATE units SET closed_on = :on, closed_reason = :reason, merged_into = :into WHERE id = :id AND closed_on IS NULL
  AND NOT EXISTS (SELECT 1 FROM units c WHERE c.parent_id = :id AND c.closed_on IS NULL)
  AND (CAST(:into AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM units t WHERE t.id = :into AND t.closed_on IS NULL))"""
UNIT_NAME_PUT = """
INSERT INTO unit_names (unit_id, from_date, name, short_name, reason) VALUES (:unit, :from_date, :name, :short_name, :reason)
ON CONFLICT (unit_id, from_date) DO UPDATE SET name = excluded.name, short_name = excluded.short_name, reason = excluded.reason"""
UNIT_NAMES = "SELECT from_date, name, short_name, reason FROM unit_names WHERE unit_id = :unit ORDER BY from_date DESC"
UNIT_NAME_ON = """
SELECT name FROM unit_names WHERE unit_id = :unit AND from_date <= :on ORDER BY from_date DESC LIMIT 1"""
UNIT_COUNTS = """
SELECT (SELECT COUNT(*) FROM units WHERE closed_on IS NULL),
       (SELECT COUNT(*) FROM people WHERE disabled_at IS NULL),
       (SELECT COUNT(*) FROM units u WHERE u.closed_on IS NULL AND u.level > 0 AND u.kind <> '区划' AND NOT EXISTS
         (SELECT 1 FROM posts p JOIN people x ON x.id = p.person_id AND x.disabled_at IS NULL
          WHERE p.unit_id = u.id AND p.role = 'secretary' AND p.until_at IS NULL)),
       (SELECT COUNT(*) FROM people WHERE disabled_at IS NULL AND (mobile = '' OR mobile_bad IS NOT NULL))"""
UNIT_COUNTS_BELOW = """
SELECT (SELECT COUNT(*) FROM units WHERE closed_on IS NULL AND path LIKE :path),
       (SELECT COUNT(DISTINCT p.id) FROM units u JOIN posts o ON o.unit_id = u.id AND o.until_at IS NULL
        JOIN people p ON p.id = o.person_id AND p.disabled_at IS NULL WHERE u.path LIKE :path),
       (SELECT COUNT(*) FROM units u WHERE u.closed_on IS NULL AND u.kind <> '区划' AND u.path LIKE :path AND NOT EXISTS
         (SELECT 1 FROM posts p JOIN people x ON x.id = p.person_id AND x.disabled_at IS NULL
          WHERE p.unit_id = u.id AND p.role = 'secretary' AND p.until_at IS NULL)),
       (SELECT COUNT(DISTINCT p.id) FROM units u JOIN posts o ON o.unit_id = u.id AND o.until_at IS NULL
        JOIN people p ON p.id = o.person_id AND p.disabled_at IS NULL AND (p.mobile = '' OR p.mobile_bad IS NOT NULL)
        WHERE u.path LIKE :path)"""
UNITS_WITHOUT_SECRETARY = f"""{UNIT} u WHERE closed_on IS NULL AND kind <> '区划' AND path LIKE :path AND NOT EXISTS
  (SELECT 1 FROM posts p JOIN people x ON x.id = p.person_id AND x.disabled_at IS NULL
   WHERE p.unit_id = u.id AND p.role = 'secretary' AND p.until_at IS NULL) ORDER BY level, sort, id"""
UNITS_PAGE = f"""{UNIT} WHERE id > :after AND path LIKE :path AND (CAST(:closed AS BIGINT) = 1 OR closed_on IS NULL)
  AND (CAST(:all AS BIGINT) = 1 OR lower(code) LIKE :prefix ESCAPE '\\' OR initials LIKE :prefix ESCAPE '\\'
    OR pinyin LIKE :prefix ESCAPE '\\' OR name LIKE :anywhere ESCAPE '\\' OR short_name LIKE :anywhere ESCAPE '\\')
ORDER BY id LIMIT :limit"""
UNIT_PATHS = "SELECT id, path, kind FROM units WHERE closed_on IS NULL OR closed_on > :today"
UNITS_ABOVE = f"{UNIT} u WHERE :path LIKE path || '%' AND path <> :path ORDER BY path"
UNIT_PARENTS = "SELECT id, COALESCE(parent_id, 0), path FROM units"
UNIT_IN_GROUPS = """
SELECT g.name FROM group_units x JOIN groups g ON g.id = x.group_id AND g.closed_at IS NULL
WHERE x.unit_id = :unit ORDER BY g.id"""
STAFF_BELOW_PARENT = """
SELECT u.id, COUNT(DISTINCT p.id) FROM units u LEFT JOIN posts o ON o.unit_id = u.id AND o.until_at IS NULL
LEFT JOIN people p ON p.id = o.person_id AND p.disabled_at IS NULL WHERE u.parent_id = :parent GROUP BY u.id"""
UNREACHED_BELOW_PARENT = """
SELECT u.id FROM units u WHERE u.parent_id = :parent AND u.closed_on IS NULL AND u.kind <> '区划' AND NOT EXISTS
  (SELECT 1 FROM posts p JOIN people x ON x.id = p.person_id AND x.disabled_at IS NULL AND x.mobile <> '' AND x.mobile_bad IS NULL
   WHERE p.unit_id = u.id AND p.role = 'secretary' AND p.until_at IS NULL)"""
PEOPLE_WITHOUT_MOBILE = """
SELECT p.id, p.name, p.mobile, COALESCE(p.mobile_bad, ''), u.code, u.short_name FROM people p
JOIN posts o ON o.person_id = p.id AND o.until_at IS NULL JOIN units u ON u.id = o.unit_id AND u.path LIKE :path
WHERE p.disabled_at IS NULL AND (p.mobile = '' OR p.mobile_bad IS NOT NULL)
GROUP BY p.id, p.name, p.mobile, p.mobile_bad, u.code, u.short_name, u.sort, u.id ORDER BY u.sort, u.id, p.id LIMIT :limit"""
PEOPLE_PAGE = """
SELECT o.id, p.id, p.name, p.login, p.mobile, COALESCE(p.mobile_bad, ''), p.last_seen_at, u.code, u.short_name, o.role, o.position
FROM posts o JOIN people p ON p.id = o.person_id AND p.disabled_at IS NULL JOIN units u ON u.id = o.unit_id AND u.path LIKE :path
WHERE o.until_at IS NULL AND o.id > :after AND (CAST(:all AS BIGINT) = 1 OR lower(p.login) LIKE :prefix ESCAPE '\\'
  OR p.mobile LIKE :prefix ESCAPE '\\' OR p.initials LIKE :prefix ESCAPE '\\' OR p.name LIKE :anywhere ESCAPE '\\')
ORDER BY o.id LIMIT :limit"""
CHILD_COUNTS = "SELECT parent_id, COUNT(*) FROM units WHERE parent_id IS NOT NULL AND closed_on IS NULL GROUP BY parent_id"

PERSON = (
    "SELECT id, login, name, mobile, mobile_bad, email, language, keys_off, disabled_at, last_seen_at, "
    "CASE WHEN totp_secret IS NULL THEN 0 ELSE 1 END, CASE WHEN password_hash IS NULL THEN 0 ELSE 1 END FROM people"
)
PERSON_BY_ID = f"{PERSON} WHERE id = :id"
PERSON_BY_LOGIN = f"{PERSON} WHERE login = :login"
PERSON_LOGIN_LIKE = "SELECT login FROM people WHERE lower(login) = lower(:login) AND login <> :login"
PEOPLE_ALL = f"{PERSON} ORDER BY id"
PERSON_SECRETS = """
SELECT id, password_hash, password_at, must_change, totp_secret, totp_step, disabled_at FROM people
WHERE login = :login OR (mobile = :login AND mobile <> '') ORDER BY CASE WHEN login = :login THEN 0 ELSE 1 END, id LIMIT 2"""
PERSON_SECRETS_BY_ID = """
SELECT id, password_hash, password_at, must_change, totp_secret, totp_step, disabled_at FROM people WHERE id = :id"""
PERSON_INSERT = """
INSERT INTO people (login, name, initials, mobile, email, must_change, totp_step, language, keys_off, created_at)
VALUES (:login, :name, :initials, :mobile, :email, 1, 0, 'zh', 0, :at) ON CONFLICT (login) DO NOTHING RETURNING id"""
PERSON_IMPORT = """
INSERT INTO people (login, name, initials, mobile, email, must_change, totp_step, language, keys_off, created_at)
VALUES (:login, :name, :initials, :mobile, :email, 1, 0, 'zh', 0, :at)
ON CONFLICT (login) DO UPDATE SET name = excluded.name, initials = excluded.initials, email = excluded.email,
  mobile_bad = CASE WHEN people.mobile = excluded.mobile THEN people.mobile_bad END, mobile = excluded.mobile"""
POST_IMPORT = """
INSERT INTO posts (person_id, unit_id, role, position, sort, from_at)
SELECT p.id, u.id, CAST(:role AS TEXT), CAST(:position AS TEXT), 100, CAST(:at AS TEXT)
FROM people p JOIN units u ON u.code = :code WHERE p.login = :login
ON CONFLICT (person_id, unit_id, role) WHERE until_at IS NULL DO UPDATE SET position = excluded.position"""
PERSON_UPDATE = """
UPDATE people SET name = :name, initials = :initials, mobile = :mobile, email = :email,
  mobile_bad = CASE WHEN mobile = :mobile THEN mobile_bad END WHERE id = :id"""
PERSON_OWN = """
UPDATE people SET mobile = :mobile, email = :email, language = :language, keys_off = :keys_off,
  mobile_bad = CASE WHEN mobile = :mobile THEN mobile_bad END WHERE id = :id"""
PERSON_LANGUAGE = "UPDATE people SET language = :language WHERE id = :id"
PERSON_PASSWORD = """
UPDATE people SET password_hash = :hash, password_at = :at, must_change = :must_change WHERE id = :id"""
PERSON_MUST_CHANGE = "UPDATE people SET must_change = 1 WHERE id = :id"
PERSON_TOTP = "UPDATE people SET totp_secret = :secret, totp_step = :step WHERE id = :id"
PERSON_TOTP_STEP = "UPDATE people SET totp_step = :step WHERE id = :id AND totp_step < :step"
PERSON_DISABLE = "UPDATE people SET disabled_at = :at WHERE id = :id AND disabled_at IS NULL"
PERSON_ENABLE = "UPDATE people SET disabled_at = NULL WHERE id = :id"
PERSON_SEEN = "UPDATE people SET last_seen_at = :at WHERE id = :id"
PERSON_MOBILE_BAD = "UPDATE people SET mobile_bad = :reason WHERE mobile = :mobile AND mobile <> ''"

POST = (
    "SELECT o.id, o.person_id, o.unit_id, u.code, u.short_name, o.role, o.position, o.from_at, o.until_at "
    "FROM posts o JOIN units u ON u.id = o.unit_id"
)
POSTS_OF_PERSON = f"{POST} WHERE o.person_id = :person AND o.until_at IS NULL ORDER BY o.unit_id, o.sort, o.id"
POSTS_ALL = f"{POST} WHERE o.until_at IS NULL ORDER BY o.person_id, o.id"
POST_BY_ID = f"{POST} WHERE o.id = :id"
POST_INSERT = """
INSERT INTO posts (person_id, unit_id, role, position, sort, from_at) VALUES (:person, :unit, :role, :position, :sort, :at)
ON CONFLICT (person_id, unit_id, role) WHERE until_at IS NULL DO UPDATE SET position = excluded.position RETURNING id"""
POSTS_OUTSIDE = """
SELECT COUNT(*) FROM posts o JOIN units u ON u.id = o.unit_id
WHERE o.person_id = :person AND o.until_at IS NULL AND u.path NOT LIKE :path"""
POSTS_EVER_IN_UNIT = "SELECT COUNT(*) FROM posts WHERE person_id = :person AND unit_id = :unit"
POST_END = "UPDATE posts SET until_at = :at WHERE id = :id AND until_at IS NULL"
PEOPLE_OF_UNIT = """
SELECT p.id, p.name, p.login, p.mobile, p.mobile_bad, p.email, p.last_seen_at, p.disabled_at, o.id, o.role, o.position,
  o.until_at,  CASE WHEN p.password_hash IS NULL THEN 0 ELSE 1 END
FROM posts o JOIN people p ON p.id = o.person_id WHERE o.unit_id = :unit
ORDER BY CASE WHEN o.until_at IS NULL THEN 0 ELSE 1 END, o.sort, p.id, o.id"""
ROLES_IN_UNIT = """
SELECT role FROM posts WHERE person_id = :person AND unit_id = :unit AND until_at IS NULL
ORDER BY CASE role WHEN 'secretary' THEN 0 WHEN 'organiser' THEN 1 WHEN 'leader' THEN 2 ELSE 3 END"""
ROLES_OF_PERSON = "SELECT DISTINCT role FROM posts WHERE person_id = :person AND until_at IS NULL"
CONTACT = (
    "SELECT p.id, o.unit_id, p.name, o.position, o.role, p.mobile, p.mobile_bad, p.email, p.last_seen_at "
    "FROM posts o JOIN people p ON p.id = o.person_id AND p.disabled_at IS NULL"
)
CONTACTS_BY_ROLE = f"{CONTACT} WHERE o.role = :role AND o.until_at IS NULL ORDER BY o.unit_id, o.sort, o.id"
CONTACTS_OF_UNIT = f"{CONTACT} WHERE o.unit_id = :unit AND o.until_at IS NULL ORDER BY o.sort, o.id"
CONTACTS_BY_MOBILE = f"{CONTACT} WHERE p.mobile = :mobile AND o.until_at IS NULL ORDER BY o.unit_id, o.id"

GROUP = "SELECT id, name, owner_unit, sort FROM groups"
GROUPS_FOR = f"{GROUP} WHERE closed_at IS NULL AND (owner_unit IS NULL OR owner_unit = :unit) ORDER BY sort, id"
GROUPS_CITY = f"{GROUP} WHERE closed_at IS NULL AND owner_unit IS NULL ORDER BY sort, id"
GROUP_BY_ID = f"{GROUP} WHERE id = :id AND closed_at IS NULL AND (owner_unit IS NULL OR owner_unit = :unit)"
GROUP_BY_NAME = f"{GROUP} WHERE name = :name AND closed_at IS NULL AND owner_unit IS NULL"
GROUP_INSERT = """
INSERT INTO groups (name, owner_unit, sort, created_at) VALUES (:name, :owner, :sort, :at) RETURNING id"""
GROUP_RENAME = "UPDATE groups SET name = :name WHERE id = :id"
GROUP_CLOSE = "UPDATE groups SET closed_at = :at WHERE id = :id AND closed_at IS NULL"
GROUP_UNITS = "SELECT unit_id FROM group_units WHERE group_id = :group ORDER BY unit_id"
GROUP_UNITS_ALL = "SELECT group_id, unit_id FROM group_units"
GROUP_GROUPS_ALL = "SELECT group_id, child_id FROM group_groups"
GROUP_UNIT_PUT = "INSERT INTO group_units (group_id, unit_id) VALUES (:group, :unit) ON CONFLICT DO NOTHING"
GROUP_GROUP_PUT = "INSERT INTO group_groups (group_id, child_id) VALUES (:group, :child) ON CONFLICT DO NOTHING"
GROUP_HOLDERS = """
SELECT g.name FROM group_groups x JOIN groups g ON g.id = x.group_id AND g.closed_at IS NULL
WHERE x.child_id = :group ORDER BY g.id"""
GROUP_CHILDREN = "SELECT child_id FROM group_groups WHERE group_id = :group ORDER BY child_id"
GROUP_UNITS_CLEAR = "DELETE FROM group_units WHERE group_id = :group"
GROUP_GROUPS_CLEAR = "DELETE FROM group_groups WHERE group_id = :group"

SESSION_INSERT = """
INSERT INTO sessions (token_hash, public_id, person_id, unit_id, how, created_at, seen_at, expires_at, address, agent)
VALUES (:hash, :public, :person, :unit, :how, :at, :at, :expires, :address, :agent)"""
SESSION_ACTOR = """
SELECT s.person_id, p.name, p.login, s.unit_id, COALESCE(u.code, ''), COALESCE(u.name, ''), COALESCE(u.short_name, ''),
  COALESCE(u.path, ''), s.how, s.seen_at, p.must_change, p.language, p.keys_off
FROM sessions s JOIN people p ON p.id = s.person_id AND p.disabled_at IS NULL LEFT JOIN units u ON u.id = s.unit_id
WHERE s.token_hash = :hash AND s.ended_at IS NULL AND s.expires_at > :now AND s.seen_at > :idle_since"""
SESSION_SEEN = "UPDATE sessions SET seen_at = :at WHERE token_hash = :hash AND ended_at IS NULL AND seen_at < :at"
SESSION_UNIT = "UPDATE sessions SET unit_id = :unit WHERE token_hash = :hash AND ended_at IS NULL"
SESSION_END = "UPDATE sessions SET ended_at = :at WHERE token_hash = :hash AND ended_at IS NULL"
SESSION_END_PUBLIC = "UPDATE sessions SET ended_at = :at WHERE public_id = :public AND person_id = :person AND ended_at IS NULL"
SESSIONS_END_OTHERS = """
UPDATE sessions SET ended_at = :at WHERE person_id = :person AND ended_at IS NULL AND token_hash <> :hash"""
SESSIONS_END_IN_UNIT = """
UPDATE sessions SET ended_at = :at WHERE person_id = :person AND unit_id = :unit AND ended_at IS NULL"""
SESSIONS_OF_PERSON = """
SELECT public_id, created_at, seen_at, address, agent, CASE WHEN token_hash = :hash THEN 1 ELSE 0 END FROM sessions
WHERE person_id = :person AND ended_at IS NULL AND expires_at > :now ORDER BY seen_at DESC"""

TOKEN_INSERT = """
INSERT INTO tokens (token_hash, public_id, person_id, unit_id, name, created_at, expires_at)
VALUES (:hash, :public, :person, :unit, :name, :at, :expires)"""
TOKEN_ACTOR = """
SELECT t.person_id, p.name, p.login, t.unit_id, u.code, u.name, u.short_name, u.path
FROM tokens t JOIN people p ON p.id = t.person_id AND p.disabled_at IS NULL JOIN units u ON u.id = t.unit_id
WHERE t.token_hash = :hash AND t.revoked_at IS NULL AND t.expires_at > :now"""
TOKENS_OF_PERSON = """
SELECT public_id, name, created_at, expires_at, COALESCE(used_at, '') FROM tokens
WHERE person_id = :person AND revoked_at IS NULL ORDER BY created_at DESC"""
TOKEN_REVOKE = "UPDATE tokens SET revoked_at = :at WHERE public_id = :public AND person_id = :person AND revoked_at IS NULL"

THROTTLE = "SELECT tries, since, locked_until FROM throttles WHERE key = :key"
THROTTLE_COUNT = """
INSERT INTO throttles (key, tries, since, locked_until) VALUES (:key, 1, :now, NULL)
ON CONFLICT (key) DO UPDATE SET
  tries = CASE WHEN throttles.since < :fresh THEN 1 ELSE throttles.tries + 1 END,
  since = CASE WHEN throttles.since < :fresh THEN excluded.since ELSE throttles.since END,
  locked_until = CASE WHEN throttles.since >= :fresh AND throttles.tries + 1 >= :most THEN :until END"""
THROTTLE_CLEAR = "DELETE FROM throttles WHERE key = :key"

DELEGATION_INSERT = """
INSERT INTO delegations (from_person, to_person, unit_id, from_at, until_at, reason, created_at)
VALUES (:giver, :taker, :unit, :from_at, :until_at, :reason, :at) RETURNING id"""
DELEGATION_ACTIVE = """
SELECT d.from_person FROM delegations d WHERE d.to_person = :person AND d.unit_id = :unit AND d.revoked_at IS NULL
  AND d.from_at <= :now AND d.until_at > :now ORDER BY d.id DESC LIMIT 1"""
DELEGATIONS_OF_PERSON = """
SELECT d.id, d.from_person, f.name, d.to_person, t.name, d.unit_id, u.short_name, d.from_at, d.until_at, d.reason
FROM delegations d JOIN people f ON f.id = d.from_person JOIN people t ON t.id = d.to_person JOIN units u ON u.id = d.unit_id
WHERE (d.from_person = :person OR d.to_person = :person) AND d.revoked_at IS NULL AND d.until_at > :now ORDER BY d.id"""
DELEGATION_REVOKE = """
UPDATE delegations SET revoked_at = :at WHERE id = :id AND from_person = :person AND revoked_at IS NULL"""
DELEGATED_UNITS = """
SELECT DISTINCT d.unit_id, u.code, u.short_name, o.role FROM delegations d JOIN units u ON u.id = d.unit_id
JOIN posts o ON o.person_id = d.from_person AND o.unit_id = d.unit_id AND o.until_at IS NULL
WHERE d.to_person = :person AND d.revoked_at IS NULL AND d.from_at <= :now AND d.until_at > :now"""
