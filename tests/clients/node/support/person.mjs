// A signed-in user. The suites use it for requests that are not sent by the client under test, over plain HTTP.

import assert from 'node:assert/strict';

const PASSWORD = 'guildhall-demo';

export class Person {
  #url;

  constructor(url, token) {
    this.#url = url;
    this.token = token;
  }

  /** Signs in with a demo account. `url` is the GraphQL endpoint. */
  static async signIn(url, login) {
    const document = `mutation ($login: String!, $password: String!) {
      signIn(input: { login: $login, password: $password }) { session { accessToken } userErrors { message } } }`;
    const { signIn } = await new Person(url).execute(document, { login, password: PASSWORD });
    assert.deepEqual(signIn.userErrors, []);
    return new Person(url, signIn.session.accessToken);
  }

  /** Signs up a new user, and creates an organization. */
  static async signUp(url, username, slug) {
    const document = `mutation ($signUp: SignUpInput!) { signUp(input: $signUp) { session { accessToken } userErrors { message } } }`;
    const input = { username, email: `${username}@example.org`, password: 'correct horse battery' };
    const { signUp } = await new Person(url).execute(document, { signUp: input });
    assert.deepEqual(signUp.userErrors, []);
    const person = new Person(url, signUp.session.accessToken);
    const create = `mutation ($input: CreateOrganizationInput!) { createOrganization(input: $input) { userErrors { message } } }`;
    assert.deepEqual((await person.execute(create, { input: { slug } })).createOrganization.userErrors, []);
    return person;
  }

  get headers() {
    return this.token ? { authorization: `Bearer ${this.token}` } : {};
  }

  /** Runs an operation that must succeed, and returns its data. */
  async execute(query, variables) {
    const { data, errors } = await this.post({ query, variables });
    assert.deepEqual(errors, undefined);
    return data;
  }

  /** Posts a body, and returns the response. */
  async post(body) {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.headers },
      body: JSON.stringify(body),
    });
    return response.json();
  }

  /** Returns the ID of an organization, and the cursor of its last event. */
  async organization(slug) {
    const document = `query ($slug: String!) {
      organization(slug: $slug) { id events(last: 1) { pageInfo { endCursor } } } }`;
    const { organization } = await this.execute(document, { slug });
    return { id: organization.id, cursor: organization.events.pageInfo.endCursor };
  }

  /** Renames an organization. Its event has the old and the new name. */
  async renameOrganization(organizationId, name) {
    const document = `mutation ($input: UpdateOrganizationInput!) {
      updateOrganization(input: $input) { organization { name } userErrors { message } } }`;
    const { updateOrganization } = await this.execute(document, { input: { organizationId, name } });
    assert.deepEqual(updateOrganization, { organization: { name }, userErrors: [] });
  }

  /** Changes a worker to a supervisor or back. Its event concerns the member. */
  async toggleRole(slug, username) {
    const find = `query ($slug: String!, $search: String!) {
      organization(slug: $slug) { members(search: $search) { nodes { id role } } } }`;
    const [{ id, role }] = (await this.execute(find, { slug, search: username })).organization.members.nodes;
    const change = `mutation ($input: ChangeMemberRoleInput!) {
      changeMemberRole(input: $input) { userErrors { message } } }`;
    const input = { membershipId: id, role: role === 'WORKER' ? 'SUPERVISOR' : 'WORKER' };
    const { changeMemberRole } = await this.execute(change, { input });
    assert.deepEqual(changeMemberRole.userErrors, []);
  }
}
