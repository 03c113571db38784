"""`truegreen config explain`: every value with its default, source and documentation."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from typing import Any

import msgspec

from truegreen.config.layers import Source
from truegreen.config.settings import Settings, known_tables


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration value."""

    key: str
    value: Any
    source: str
    place: str = ""
    type: str = ""
    doc: str = ""


def rows(settings: Settings, prefix: str = "") -> list[Row]:
    """Return every value whose dotted key begins with the prefix, in table order."""
    found: list[Row] = []
    for table, struct in known_tables().items():
        current = _instance(settings, table)
        docs = field_docs(struct)
        for field in msgspec.structs.fields(struct):
            key = f"{table}.{field.encode_name}" if table else field.encode_name
            if not key.startswith(prefix):
                continue
            source = _source(settings, key)
            found.append(
                Row(
                    key=key,
                    value=msgspec.to_builtins(getattr(current, field.name)) if current is not None else None,
                    source=source.layer,
                    place=source.place,
                    type=_type_name(field.type),
                    doc=docs.get(field.name, ""),
                )
            )
    return found


def field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return field → the docstring written below it, inherited fields included."""
    docs: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if cls is msgspec.Struct or not issubclass(cls, msgspec.Struct):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        if not isinstance(body, ast.ClassDef):
            continue
        for item, following in zip(body.body, body.body[1:], strict=False):
            if (
                (
                    isinstance(item, ast.AnnAssign)
                    and isinstance(item.target, ast.Name)
                    and isinstance(following, ast.Expr)
                )
                and isinstance(following.value, ast.Constant)
                and isinstance(following.value.value, str)
            ):
                docs[item.target.id] = inspect.cleandoc(following.value.value)
    return docs


def _instance(settings: Settings, table: str) -> Any:
    if not table:
        return settings.project
    if table == "history":
        return settings.history
    if table == "report":
        return settings.report
    family, _, name = table.partition(".")
    if family == "gates" and name:
        return settings.gates[name]
    if family == "notify" and name:
        return settings.notify.get(name)
    return settings.stages[table]


def _source(settings: Settings, key: str) -> Source:
    exact = settings.sources.get(key)
    below = next((source for name, source in settings.sources.items() if name.startswith(f"{key}.")), None)
    return exact or below or Source("built-in default")


def _type_name(kind: Any) -> str:
    if hasattr(kind, "__metadata__"):  # Annotated: the limits are in the documentation
        return _type_name(kind.__origin__)
    if inside := typing.get_args(kind):
        words = [_type_name(part) for part in inside if part is not ...]
        whole = typing.get_origin(kind)
        name = "dict" if whole is dict else "list" if whole in (list, tuple) else ""
        return f"{name}[{', '.join(words)}]" if name else " | ".join(words)
    return getattr(kind, "__name__", str(kind))
