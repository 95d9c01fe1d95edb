"""The shapes of CDS Hooks 2.0 as JSON Schema, written from its text: discovery and answers."""

from typing import Any

from jsonschema_rs import Draft202012Validator

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
ABSOLUTE: Schema = {"type": "string", "pattern": "^https?://"}
UUID: Schema = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
}


def strict(required: dict[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def some(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


EXTENSION: Schema = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {"^health\\.painplan\\.": {}},
    "additionalProperties": False,
}
CODING = strict({"code": TEXT, "system": ABSOLUTE}, display=TEXT)
REASON = strict({"code": TEXT, "system": ABSOLUTE, "display": TEXT})
RESOURCE: Schema = {"type": "object", "required": ["resourceType"]}
ACTION: Schema = {
    "oneOf": [
        strict({"type": {"const": "create"}, "description": TEXT, "resource": RESOURCE}),
        strict({"type": {"const": "update"}, "description": TEXT, "resource": RESOURCE}),
        strict(
            {
                "type": {"const": "delete"},
                "description": TEXT,
                "resourceId": {"type": "string", "pattern": "^[A-Za-z]+/[A-Za-z0-9.-]+$"},
            }
        ),
    ]
}
SUGGESTION = strict(
    {"label": TEXT, "uuid": UUID, "actions": some(ACTION)}, isRecommended={"const": True}
)
LINK = strict({"label": TEXT, "url": ABSOLUTE, "type": {"enum": ["absolute"]}})
CARD: Schema = {
    **strict(
        {
            "uuid": UUID,
            "summary": {**TEXT, "maxLength": 139},
            "indicator": {"enum": ["info", "warning", "critical"]},
            "detail": TEXT,
            "source": strict({"label": TEXT, "url": ABSOLUTE, "topic": CODING}),
            "links": some(LINK),
            "extension": EXTENSION,
        },
        suggestions=some(SUGGESTION),
        selectionBehavior={"enum": ["at-most-one", "any"]},
        overrideReasons=some(REASON),
    ),
    "dependentRequired": {
        "suggestions": ["selectionBehavior"],
        "selectionBehavior": ["suggestions"],
    },
}
ANSWER = strict({"cards": {"type": "array", "items": CARD}, "extension": EXTENSION})
SERVICE = strict(
    {
        "id": {"type": "string", "pattern": "^[a-z-]+$"},
        "hook": {"enum": ["patient-view", "order-select", "order-sign"]},
        "title": TEXT,
        "description": TEXT,
        "prefetch": {"type": "object", "minProperties": 1, "additionalProperties": TEXT},
        "usageRequirements": TEXT,
    }
)
CARDS = Draft202012Validator(ANSWER)
SERVICES = Draft202012Validator(strict({"services": some(SERVICE)}))
