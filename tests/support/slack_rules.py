"""What Slack documents about a message to an incoming webhook, as one strict function.

No published validator knows all of it. The total is the one limit that is not documented: messages above
about 13,200 characters were seen refused as `msg_blocks_too_long`.
"""

from __future__ import annotations

import json
import re
from typing import Any

BLOCKS_MAX = 50
TOTAL_MAX = 13_200
TEXT_MAX = 40_000
_TOP = {"text", "blocks", "attachments", "unfurl_links", "unfurl_media", "mrkdwn", "metadata", "thread_ts"}
_SEQUENCE = re.compile(r"<([^<>\n]*)>")
_BARE = re.compile(r"&(?!(?:amp|lt|gt);)")


def units(text: str) -> int:
    """Return the length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2


def refusal(body: bytes) -> tuple[str, str]:  # noqa: PLR0911 - one return a rule
    """Return Slack's word for a message it refuses and the reason; two empty texts when it accepts."""
    try:
        message = json.loads(body.decode("utf-8"))
    except ValueError as error:
        return "invalid_payload", str(error)
    if not isinstance(message, dict):
        return "invalid_payload", "not an object"
    if unknown := set(message) - _TOP:
        return "invalid_payload", f"unknown keys {sorted(unknown)}"
    text = message.get("text", "")
    if not isinstance(text, str) or units(text) > TEXT_MAX:
        return "msg_too_long", "text"
    blocks = message.get("blocks", [])
    if not text.strip() and not blocks:
        return "no_text", "neither text nor blocks"
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_MAX:
        return "invalid_blocks", f"{len(blocks)} blocks"
    for number, block in enumerate(blocks):
        if problem := _block(block):
            return "invalid_blocks", f"block {number}: {problem}"
    if units(json.dumps(message, ensure_ascii=False)) > TOTAL_MAX:
        return "msg_blocks_too_long", "total"
    return "", ""


def sequences(message: dict[str, Any]) -> list[str]:
    """Return everything between angle brackets that Slack would act on, in every mrkdwn text."""
    return [found for text in mrkdwn_texts(message) for found in _SEQUENCE.findall(text)]


def mrkdwn_texts(message: dict[str, Any]) -> list[str]:
    """Return every text in which Slack reads markup."""
    found = [message.get("text", "")]
    for block in message.get("blocks", []):
        parts = [block.get("text"), *block.get("elements", []), *block.get("fields", [])]
        found += [part["text"] for part in parts if part and part["type"] == "mrkdwn"]
    return found


def unescaped(message: dict[str, Any]) -> list[str]:
    """Return texts with an ampersand that is no entity, or an angle bracket without its partner."""
    return [text for text in mrkdwn_texts(message) if _BARE.search(text) or re.search("[<>]", _SEQUENCE.sub("", text))]


def _block(block: Any) -> str:
    if not isinstance(block, dict):
        return "not an object"
    kinds = {"header": _header, "section": _section, "context": _context, "divider": _divider}
    check = kinds.get(block.get("type", ""))
    return check(block) if check else f"unknown type {block.get('type')}"


def _keys(part: dict[str, Any], *known: str) -> str:
    unknown = set(part) - {"type", "block_id", *known}
    return f"unknown keys {sorted(unknown)}" if unknown else ""


def _header(block: dict[str, Any]) -> str:
    return _keys(block, "text") or _text(block.get("text"), 150, ("plain_text",))


def _section(block: dict[str, Any]) -> str:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        return "neither text nor fields"
    if len(fields) > 10:
        return "more than 10 fields"
    problems = [_text(entry, 2000) for entry in fields]
    own = _text(block["text"], 3000) if "text" in block else ""
    return _keys(block, "text", "fields", "accessory", "expand") or own or next(filter(None, problems), "")


def _context(block: dict[str, Any]) -> str:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        return "1 to 10 elements"
    return _keys(block, "elements") or next(filter(None, (_text(entry, 3000) for entry in elements)), "")


def _divider(block: dict[str, Any]) -> str:
    return _keys(block)


def _text(part: Any, longest: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> str:
    if not isinstance(part, dict) or part.get("type") not in kinds:
        return f"text must be one of {kinds}"
    extra = "verbatim" if part["type"] == "mrkdwn" else "emoji"
    if problem := _keys(part, "text", extra):
        return problem
    value = part.get("text")
    if not isinstance(value, str) or not 1 <= units(value) <= longest:
        return f"text of {units(value) if isinstance(value, str) else 0} characters, allowed 1 to {longest}"
    return ""
