"""schemathesis: documents generated from the schema, with IDs of existing objects, sent by an administrator and by a
worker. The schema allows every response, and no response is an internal error."""

import os
from pathlib import Path

import pytest
import requests
import schemathesis
from graphql import StringValueNode
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import answers
from guildhall import URL, sign_in

SDL = Path(__file__).parents[3] / "schema.graphql"
EXAMPLES = int(os.environ.get("EXAMPLES", "8"))

TOKENS = {login: sign_in(login) for login in ("admin", "femi")}


def _known_ids():
    query = """query ($slug: String!) { organization(slug: $slug) {
      id
      members(first: 3) { nodes { id user { id } } }
      invitations(first: 3) { nodes { id } }
      projects(first: 3) { nodes { id } }
      tasks(first: 3) { nodes { id jobs(first: 1) { nodes { id } } } }
      cloudStorages(first: 2) { nodes { id } }
      events(last: 2) { nodes { id } } } viewer { personalWorkspace { id } } }"""
    body = {"query": query, "variables": {"slug": "pixel-pals"}}
    headers = {"authorization": f"Bearer {TOKENS['admin']}"}
    answer = requests.post(URL, json=body, headers=headers, timeout=30).json()
    found = []

    def walk(value):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key == "id":
                found.append(inner)
            elif isinstance(inner, (dict, list)):
                walk(inner)

    walk(answer["data"])
    return found


IDS = st.one_of(st.sampled_from(_known_ids()), st.sampled_from(["", "org_1", "usr_01jd0000000000000000000000", "ü" * 300]))
schemathesis.graphql.scalar("ID", IDS.map(lambda value: StringValueNode(value=value)))
TIMES = st.datetimes().map(lambda time: StringValueNode(value=time.isoformat() + "Z"))
schemathesis.graphql.scalar("DateTime", TIMES)

schema = schemathesis.graphql.from_path(str(SDL))
types = answers.load(SDL)


@pytest.mark.parametrize("login", TOKENS)
@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_response_follows_the_schema(case, login):
    document = answers.with_type_names(case.body)
    # In this media type, the status shows whether the document was executed.
    headers = {"authorization": f"Bearer {TOKENS[login]}", "accept": "application/graphql-response+json"}
    response = requests.post(URL, json={"query": answers.text(document)}, headers=headers, timeout=30)
    answers.check(types, document, response.status_code, response.json())
