// Documents of a Relay application: a paginated connection, a mutation that adds to a list, an interface, a subscription.

import { graphql } from 'relay-runtime';

graphql`
  query MembersQuery($slug: String!) {
    organization(slug: $slug) {
      name
      ...Members_organization
      ...Members_workspace
    }
  }
`;

graphql`
  fragment Members_organization on Organization
  @refetchable(queryName: "MembersPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
    members(first: $count, after: $cursor, orderBy: { field: USERNAME, direction: ASC })
      @connection(key: "Members_members") {
      edges {
        node {
          role
          user {
            username
          }
        }
      }
    }
  }
`;

graphql`
  fragment Members_workspace on Workspace {
    displayName
    viewerPermissions
    projects(first: 1) {
      totalCount
    }
    ... on Organization {
      memberCount
    }
  }
`;

graphql`
  mutation MembersInviteMutation($input: InviteMembersInput!, $connections: [ID!]!) {
    inviteMembers(input: $input) {
      results {
        invitation @appendNode(connections: $connections, edgeTypeName: "InvitationEdge") {
          email
          role
          status
        }
        userErrors {
          code
        }
      }
      userErrors {
        code
      }
    }
  }
`;

graphql`
  subscription MembersEventsSubscription($workspaceId: ID!, $after: String) {
    workspaceEvents(workspaceId: $workspaceId, after: $after, types: [MEMBER_ROLE_CHANGED]) {
      cursor
      type
      subject {
        ... on Membership {
          role
        }
      }
    }
  }
`;
