"""The shipped schema of a verdict, itself checked once: that takes far longer than to check a document by it."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema.validators import validator_for

import truegreen.model

PATH = Path(truegreen.model.__file__).with_name("verdict.schema.json")
SCHEMA = json.loads(PATH.read_bytes())
_KIND = validator_for(SCHEMA)
_KIND.check_schema(SCHEMA)
_VALIDATOR = _KIND(SCHEMA)


def check(document: object) -> None:
    """Raise `jsonschema.ValidationError` where a document is not what the schema says."""
    _VALIDATOR.validate(document)
