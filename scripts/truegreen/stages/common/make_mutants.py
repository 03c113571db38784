"""Make mutants of single lines by cosmic-ray's operators; runs in the environment of that tool.

Standard input: `{"root": folder, "out": folder, "files": {path: [line, ...]}, "per_kind": number}`. Standard output:
`{"mutants": [{"path", "line", "operator", "diff", "code"}, ...], "unread": ["path: why", ...]}`, where `code` names a
file below `out` with the mutated module; of one kind (the first word of the operator) a line has so many at most.

A mutant that changes an annotation, does not compile, or means the same as another is left out: no test could or
need notice it.
"""

import ast
import difflib
import importlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

get_ast = importlib.import_module("cosmic_ray.ast").get_ast
ast_nodes = importlib.import_module("cosmic_ray.ast").ast_nodes
mutate_code = importlib.import_module("cosmic_ray.mutating").mutate_code
plugins = importlib.import_module("cosmic_ray.plugins")


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    mutants: list[dict[str, object]] = []
    unread = []
    for path, lines in request["files"].items():
        try:
            source = (Path(request["root"]) / path).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
            found = of_file(source, set(lines), request["per_kind"])
        except (SyntaxError, ValueError, RecursionError) as error:
            unread.append(f"{path}: {error}")
            continue
        for line, operator, code in found:
            name = f"{len(mutants)}.py"
            (Path(request["out"]) / name).write_text(code, encoding="utf-8", newline="")
            diff = "\n".join(row for row in difflib.ndiff(source.split("\n"), code.split("\n")) if row[:1] in "+-")
            mutants.append({"path": path, "line": line, "operator": operator, "diff": diff, "code": name})
    json.dump({"mutants": mutants, "unread": unread}, sys.stdout)


def of_file(source: str, lines: set[int], per_kind: int) -> list[tuple[int, str, str]]:
    """Return line, operator and code of the mutants of the wanted lines."""
    tree = ast.parse(source)
    known = {"", ast.dump(tree)}
    hidden = annotations(tree)
    nodes = list(ast_nodes(get_ast(source)))
    found: list[tuple[int, str, str]] = []
    made: dict[tuple[int, str], int] = {}
    for name, operator in operators():
        places = (begin for node in nodes for begin, _ in operator.mutation_positions(node))
        for occurrence, (line, column) in enumerate(places):
            if line not in lines or any(begin <= (line, column) < end for begin, end in hidden):
                continue
            kind = (line, name.partition(" ")[0])
            if made.get(kind, 0) >= per_kind:
                continue
            code = mutate_code(source, operator, occurrence) or ""
            if (meaning := meaning_of(code)) not in known:
                known.add(meaning)
                made[kind] = made.get(kind, 0) + 1
                found.append((line, name, code))
    return found


class Operator(Protocol):
    """A member of cosmic-ray's family of operators, as far as it is used here."""

    def mutation_positions(self, node: object) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
        """Return begin and end, as line and column, of what it can change in a node."""
        ...


def operators() -> Iterator[tuple[str, Operator]]:
    """Yield name and instance of each operator that needs no arguments."""
    for name in plugins.operator_names():
        operator = plugins.get_operator(name)
        if not operator.arguments():
            yield name.partition("/")[2].replace("_", " "), operator()


def meaning_of(code: str) -> str:
    """Return what code means, without its layout; empty when it does not compile."""
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError):
        return ""


def annotations(tree: ast.AST) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return begin and end, as line and column, of all annotations."""
    nodes = []
    for node in ast.walk(tree):
        nodes += [getattr(node, name, None) for name in ("annotation", "returns")]
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0))
        for node in nodes
        if isinstance(node, ast.expr)
    ]


if __name__ == "__main__":
    main()
