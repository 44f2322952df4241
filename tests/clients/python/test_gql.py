"""The client `gql`: over HTTP and in a WebSocket, with documents validated against the introspected schema."""

import asyncio

import pytest
from gql import Client, GraphQLRequest, gql
from gql.dsl import DSLMutation, DSLQuery, DSLSchema, dsl_gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

from guildhall import SOCKET_URL, URL, sign_in

FOLLOW = gql(
    """subscription ($id: ID!, $after: String) {
      workspaceEvents(workspaceId: $id, after: $after) { cursor type changes { field after } } }"""
)


def over_http(login):
    headers = {"authorization": f"Bearer {sign_in(login)}"}
    return Client(transport=AIOHTTPTransport(url=URL, headers=headers), fetch_schema_from_transport=True)


def in_socket(token):
    # Set explicitly: gql falls back to the older protocol if the response header is not spelled exactly
    # `Sec-WebSocket-Protocol`, and servers with hyper write header names in lower case.
    protocols = [WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
    return Client(transport=WebsocketsTransport(url=SOCKET_URL, init_payload={"token": token}, subprotocols=protocols))


def test_query_with_variables():
    query = gql("query ($slug: String!) { organization(slug: $slug) { slug viewerMembership { role } } }")
    query.variable_values = {"slug": "northwind"}
    answer = over_http("samuel").execute(query)
    assert answer == {"organization": {"slug": "northwind", "viewerMembership": {"role": "MAINTAINER"}}}


def test_invalid_document_is_refused_before_it_is_sent():
    with pytest.raises(GraphQLError, match="Cannot query field 'secrets'"):
        over_http("samuel").execute(gql("{ viewer { secrets } }"))


def test_forbidden_field_is_an_error_beside_the_data():
    query = gql('{ organization(slug: "northwind") { name billing { amount } } }')
    with pytest.raises(TransportQueryError) as raised:
        over_http("noor").execute(query)
    [error] = raised.value.errors
    assert error["path"] == ["organization", "billing"]
    assert (error["extensions"]["code"], error["extensions"]["requiredRole"]) == ("FORBIDDEN", "MAINTAINER")
    assert raised.value.data["organization"]["billing"] is None


def test_dsl_documents_use_the_introspected_schema():
    async def build():
        client = over_http("greta")
        async with client as session:
            schema = DSLSchema(client.schema)
            organization = schema.Query.organization(slug="northwind").select(schema.Organization.id)
            found = await session.execute(dsl_gql(DSLQuery(organization)))
            given = {"organizationId": found["organization"]["id"], "description": "Told by a DSL"}
            changed = schema.UpdateOrganizationPayload.organization.select(schema.Organization.description)
            mutation = schema.Mutation.updateOrganization(input=given).select(changed)
            return await session.execute(dsl_gql(DSLMutation(mutation)))

    assert asyncio.run(build()) == {"updateOrganization": {"organization": {"description": "Told by a DSL"}}}


def test_subscription_and_mutations_share_a_socket():
    async def listen():
        async with in_socket(sign_in("greta")) as session:
            found = await session.execute(
                gql('{ organization(slug: "northwind") { id events(last: 1) { pageInfo { endCursor } } } }')
            )
            workspace = found["organization"]
            variables = {"id": workspace["id"], "after": workspace["events"]["pageInfo"]["endCursor"]}
            received = []

            async def receive():
                async for result in session.subscribe(GraphQLRequest(FOLLOW, variable_values=variables)):
                    received.append(result["workspaceEvents"])
                    if len(received) == 2:
                        return

            receiving = asyncio.create_task(receive())
            rename = gql(
                """mutation ($id: ID!, $name: String!) {
                  updateOrganization(input: { organizationId: $id, name: $name }) { userErrors { code } } }"""
            )
            for name in ["From Python", "From Python again"]:
                values = {"id": workspace["id"], "name": name}
                done = await session.execute(GraphQLRequest(rename, variable_values=values))
                assert done["updateOrganization"]["userErrors"] == []
            await asyncio.wait_for(receiving, timeout=20)
            return received

    received = asyncio.run(listen())
    assert [event["type"] for event in received] == ["ORGANIZATION_UPDATED"] * 2
    changes = [event["changes"] for event in received]
    assert changes == [[{"field": "name", "after": name}] for name in ["From Python", "From Python again"]]
    assert received[0]["cursor"] != received[1]["cursor"]


def test_socket_with_an_invalid_token_is_closed_as_unauthorized():
    async def open_one():
        async with in_socket("no token"):
            pass

    with pytest.raises(TransportConnectionFailed) as raised:
        asyncio.run(open_one())
    assert raised.value.__cause__.rcvd.code == 4401
