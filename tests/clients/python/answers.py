"""Checks responses against the schema, field by field."""

import re

import graphql

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Error codes that a signed-in caller may get for a valid document.
CODES = {"FORBIDDEN", "BAD_USER_INPUT", "INVALID_CURSOR", "CURSOR_EXPIRED", "TOO_COMPLEX"}


def load(path):
    with open(path, encoding="utf-8") as file:
        schema = graphql.build_schema(file.read())
    schema.type_map["DateTime"].serialize = _date_time
    return schema


def with_type_names(text):
    """Returns the document with `__typename` added to every selection set."""

    class Visitor(graphql.Visitor):
        def leave_selection_set(self, node, *_):
            name = graphql.FieldNode(
                name=graphql.NameNode(value="__typename"), alias=None, arguments=(), directives=(), selection_set=None
            )
            return graphql.SelectionSetNode(selections=(*node.selections, name))

    return graphql.visit(graphql.parse(text), Visitor())


def text(document):
    """Returns the document as text."""
    return graphql.print_ast(document)


def check(schema, document, status, answer):
    """Raises AssertionError unless the schema allows this response to the document."""
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    invalid = graphql.validate(schema, document)
    if invalid:
        assert (status, codes) == (400, {"GRAPHQL_VALIDATION_FAILED"}), f"{invalid}, but {answer}: {text(document)}"
    else:
        assert status in (200, 400), status
        assert codes <= CODES, answer["errors"]
    if status == 400:
        assert "data" not in answer and codes, answer
        return
    data = answer["data"]
    if data is None:
        assert codes, "no data and no error"
        return
    # Executes the document with resolvers that read the response. The result equals the response if it follows the
    # schema.
    completed = graphql.execute(
        schema,
        document,
        root_value=data,
        field_resolver=lambda source, info, **_: source[info.path.key],
        type_resolver=lambda value, *_: value["__typename"],
    )
    assert completed.errors is None, completed.errors
    assert completed.data == data, "the response has fields that were not requested"


def _date_time(value):
    assert RFC3339.fullmatch(value), value
    return value
