// Documents of a TypeScript application, and code that compiles only with the right generated types.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';

import { graphql } from './generated/index.js';
import type { MembersQuery, Role } from './generated/graphql.js';

const MEMBERS = graphql(`
  query Members($slug: String!, $first: Int!, $after: String) {
    organization(slug: $slug) {
      id
      members(first: $first, after: $after) {
        nodes {
          role
          lastActiveAt
          user {
            username
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

const CREATE = graphql(`
  mutation CreateProject($input: CreateProjectInput!) {
    createProject(input: $input) {
      project {
        id
        name
        workspace {
          __typename
          ... on Organization {
            slug
          }
          ... on PersonalWorkspace {
            owner {
              username
            }
          }
        }
      }
      userErrors {
        code
        path
        limit {
          kind
          max
        }
      }
    }
  }
`);

export interface Server {
  url: string;
  token: string;
}

async function run<Data, Variables>(
  { url, token }: Server,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: { message: string }[] };
  if (!data || errors) throw new Error(errors?.[0]?.message ?? 'no data');
  return data;
}

/** Returns the rank of a role. Does not compile if a role is missing. */
function rank(role: Role): number {
  switch (role) {
    case 'WORKER':
      return 0;
    case 'SUPERVISOR':
      return 1;
    case 'MAINTAINER':
      return 2;
    case 'OWNER':
      return 3;
  }
}

/** Returns the usernames of all members, highest role first. */
export async function members(server: Server, slug: string): Promise<string[]> {
  type Page = NonNullable<MembersQuery['organization']>['members'];
  const all: Page['nodes'] = [];
  let after: string | null = null;
  do {
    const data: MembersQuery = await run(server, MEMBERS, { slug, first: 4, after });
    if (!data.organization) throw new Error(`there is no organization ${slug}`);
    const { nodes, pageInfo }: Page = data.organization.members;
    all.push(...nodes);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  all.sort((left, right) => rank(right.role) - rank(left.role));
  return all.map(({ user }) => user.username);
}

/** Creates a project, and returns its description or the reason why it was refused. */
export async function createProject(server: Server, workspaceId: string, name: string): Promise<string> {
  const { createProject } = await run(server, CREATE, { input: { workspaceId, name } });
  const [error] = createProject.userErrors;
  if (error) return error.code === 'LIMIT_EXCEEDED' ? `only ${error.limit?.max ?? 0} projects` : error.code;
  const workspace = createProject.project?.workspace;
  switch (workspace?.__typename) {
    case 'Organization':
      return `${name} of ${workspace.slug}`;
    case 'PersonalWorkspace':
      return `${name} of ${workspace.owner.username}`;
    case undefined:
      return 'nothing';
  }
}

/** Never called: checks that these calls do not compile. */
export function refused(server: Server): void {
  // @ts-expect-error: a slug is a string
  void run(server, MEMBERS, { slug: 1, first: 4 });
  // @ts-expect-error: a project needs a name
  void run(server, CREATE, { input: { workspaceId: 'org_1' } });
}
