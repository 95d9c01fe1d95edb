"""The questions that are asked of the history of hooks.

A card that a repeated call showed again is one card; it belongs to the month it was first shown.
What became of it is what was said of it last, however often something was said.
"""

CALL = "SELECT * FROM hook_call WHERE tenant = ? AND id = ?"
CARD = (
    "SELECT * FROM hook_card WHERE tenant = ? AND id = ? AND service = ? AND salt IS NOT NULL"
    " ORDER BY sequence DESC LIMIT 1"
)
KNOWN_FEEDBACK = "SELECT id FROM feedback WHERE tenant = ? AND id = ?"
SAID_OF_PATIENT = (
    "SELECT rule, order_class, received_at, snoozes, row_number() OVER"
    " (PARTITION BY card, coalesce(rule, '')"
    " ORDER BY outcome_at DESC, received_at DESC, sequence DESC, id) AS turn"
    " FROM feedback WHERE tenant = ? AND patient = ? AND received_at > ? AND salt IS NOT NULL"
)
OVERRIDES = (
    "SELECT rule, order_class, max(received_at) AS at"  # noqa: S608  (constants)
    f" FROM ({SAID_OF_PATIENT}) AS f WHERE turn = 1 AND snoozes = 1"
    " GROUP BY rule, order_class ORDER BY rule, order_class"
)
FIRST_SHOWN = (
    "SELECT tenant, id, rule, substr(min(shown_at), 1, 7) AS month FROM hook_card"
    " WHERE salt IS NOT NULL"
    " GROUP BY tenant, id, rule"
)
SHOWN = (
    f"SELECT rule, month, count(*) AS count FROM ({FIRST_SHOWN}) AS c WHERE tenant = ?"  # noqa: S608  (constants)
    " GROUP BY rule, month ORDER BY month, rule"
)
LAST_SAID = (
    "SELECT tenant, card, rule, outcome, reason_system, reason_code, received_at, row_number() OVER"
    " (PARTITION BY card, coalesce(rule, '')"
    " ORDER BY outcome_at DESC, received_at DESC, sequence DESC, id) AS turn"
    " FROM feedback WHERE tenant = ? AND salt IS NOT NULL"
)
OUTCOMES = (
    "SELECT coalesce(f.rule, '') AS rule, coalesce(c.month, substr(f.received_at, 1, 7)) AS month,"  # noqa: S608  (constants)
    " f.outcome AS outcome,"
    " coalesce(f.reason_system || '|' || f.reason_code, f.reason_code, '') AS reason,"
    " count(*) AS count"
    f" FROM ({LAST_SAID}) AS f LEFT JOIN ({FIRST_SHOWN}) AS c"
    " ON c.tenant = f.tenant AND c.id = f.card AND c.rule = f.rule WHERE f.turn = 1"
    " GROUP BY 1, 2, 3, 4 ORDER BY 2, 1, 3, 4"
)
