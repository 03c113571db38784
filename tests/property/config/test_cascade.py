"""Any layers: the last one that says something wins, and is named."""

from __future__ import annotations

import copy

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from truegreen.config.layers import INPUTS_VARIABLE, Layer, assignments_layer, environment_layers, merge, scalar

KEY = st.sampled_from(["a", "b", "a-b", "c1"])
LEAF = st.one_of(st.integers(-9, 9), st.booleans(), st.text(max_size=3), st.lists(st.integers(0, 3), max_size=2))
TABLE = st.recursive(
    st.dictionaries(KEY, LEAF, max_size=3), lambda inner: st.dictionaries(KEY, st.one_of(LEAF, inner), max_size=3)
)
STACK = st.lists(TABLE, max_size=6)


def leaves(table, path=()):
    """Yield path → value; an empty table inside is a leaf."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def expected(stack):
    """The rule, written flat: a value replaces what lies above and below it; an empty table only a value."""
    found = {}
    for number, table in enumerate(stack):
        for path, value in leaves(table):
            below = [other for other in found if other[: len(path)] == path and other != path]
            if value == {} and isinstance(value, dict) and (below or found.get(path, (None,))[0] == {}):
                continue
            above = [path[:end] for end in range(1, len(path))]
            for other in (*below, *above):
                found.pop(other, None)
            found[path] = value, str(number)
    return found


def layers(stack):
    return [Layer(str(number), copy.deepcopy(table)) for number, table in enumerate(stack)]


@given(STACK)
def test_merge_of_any_layers_follows_the_rule_leaf_by_leaf(stack):
    values, sources = merge(layers(stack))
    wanted = expected(stack)
    assert dict(leaves(values)) == {path: value for path, (value, _) in wanted.items()}
    assert {tuple(key.split(".")): source.layer for key, source in sources.items()} == {
        path: layer for path, (_, layer) in wanted.items()
    }


@given(STACK)
def test_merge_never_changes_a_layer(stack):
    given_layers = layers(stack)
    merge(given_layers)
    assert [layer.values for layer in given_layers] == stack


@given(STACK, TABLE)
def test_merge_strongest_layer_is_found_whole(stack, last):
    values, sources = merge(layers([*stack, last]))
    for path, value in leaves(last):
        node = values
        for key in path:
            node = node[key]
        if value != {}:
            assert node == value
            assert sources[".".join(path)].layer == str(len(stack))


@given(STACK)
def test_merge_in_two_steps_is_the_same(stack):
    once, _ = merge(layers(stack))
    half = len(stack) // 2
    first, _ = merge(layers(stack[:half]))
    twice, _ = merge([Layer("first", first), *layers(stack[half:])])
    assert once == twice


@given(st.text())
def test_scalar_of_any_text_is_a_value_or_the_text(text):
    value = scalar(text)
    assert isinstance(value, str | int | float | list | dict) or hasattr(value, "isoformat")


@given(st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.lists(st.text(st.characters(codec="ascii")))))
def test_scalar_reads_back_what_was_written(value):
    assert scalar(msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")) == value


PATH = st.lists(st.sampled_from(["a", "b", "min-rps", "x"]), min_size=1, max_size=3)


@given(st.dictionaries(PATH.map(tuple), st.integers(), max_size=4))
def test_variable_input_and_flag_set_the_same(chosen):
    prefixes = {path[:end] for path in chosen for end in range(1, len(path))}
    apart = {path: value for path, value in chosen.items() if path not in prefixes}
    rows = [f"{'.'.join(path)}={value}" for path, value in apart.items()]
    env = {"TRUEGREEN_SET_" + "__".join(path).replace("-", "_").upper(): str(value) for path, value in apart.items()}
    flags = assignments_layer("command line", [("--set", row) for row in rows])
    inputs, variables = environment_layers({**env, INPUTS_VARIABLE: "\n".join(rows)})
    assert flags.values == inputs.values == variables.values
    for path in apart:
        name = "TRUEGREEN_SET_" + "__".join(path).replace("-", "_").upper()
        assert variables.source(".".join(path)).place == name
        assert inputs.source(".".join(path)).place == INPUTS_VARIABLE
        assert flags.source(".".join(path)).place == "--set"
