// Somebody of the demo world who is signed in. What suites do beside the client under test goes through here, by plain
// HTTP.

import assert from 'node:assert/strict';

const PASSWORD = 'guildhall-demo';

export class Person {
  #url;

  constructor(url, token) {
    this.#url = url;
    this.token = token;
  }

  /** Signs in at the server whose GraphQL is at that URL. */
  static async signIn(url, login) {
    const document = `mutation ($login: String!, $password: String!) {
      signIn(input: { login: $login, password: $password }) { session { accessToken } userErrors { message } } }`;
    const { signIn } = await new Person(url).asks(document, { login, password: PASSWORD });
    assert.deepEqual(signIn.userErrors, []);
    return new Person(url, signIn.session.accessToken);
  }

  /** Signs somebody up there, who has an organization. */
  static async signUp(url, username, slug) {
    const document = `mutation ($signUp: SignUpInput!) { signUp(input: $signUp) { session { accessToken } userErrors { message } } }`;
    const input = { username, email: `${username}@example.org`, password: 'correct horse battery' };
    const { signUp } = await new Person(url).asks(document, { signUp: input });
    assert.deepEqual(signUp.userErrors, []);
    const person = new Person(url, signUp.session.accessToken);
    const create = `mutation ($input: CreateOrganizationInput!) { createOrganization(input: $input) { userErrors { message } } }`;
    assert.deepEqual((await person.asks(create, { input: { slug } })).createOrganization.userErrors, []);
    return person;
  }

  get headers() {
    return this.token ? { authorization: `Bearer ${this.token}` } : {};
  }

  /** The data of an operation that has no errors. */
  async asks(query, variables) {
    const { data, errors } = await this.sends({ query, variables });
    assert.deepEqual(errors, undefined);
    return data;
  }

  /** What is answered to a body. */
  async sends(body) {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.headers },
      body: JSON.stringify(body),
    });
    return response.json();
  }

  /** ID of an organization, and the cursor of the last event in it. */
  async organization(slug) {
    const document = `query ($slug: String!) {
      organization(slug: $slug) { id events(last: 1) { pageInfo { endCursor } } } }`;
    const { organization } = await this.asks(document, { slug });
    return { id: organization.id, cursor: organization.events.pageInfo.endCursor };
  }

  /** Gives an organization another name, which is an event with the old and the new one. */
  async renames(organizationId, name) {
    const document = `mutation ($input: UpdateOrganizationInput!) {
      updateOrganization(input: $input) { organization { name } userErrors { message } } }`;
    const { updateOrganization } = await this.asks(document, { input: { organizationId, name } });
    assert.deepEqual(updateOrganization, { organization: { name }, userErrors: [] });
  }

  /** Makes a worker a supervisor, or a supervisor a worker, which is an event that concerns them. */
  async swapsRole(slug, username) {
    const find = `query ($slug: String!, $search: String!) {
      organization(slug: $slug) { members(search: $search) { nodes { id role } } } }`;
    const [{ id, role }] = (await this.asks(find, { slug, search: username })).organization.members.nodes;
    const change = `mutation ($input: ChangeMemberRoleInput!) {
      changeMemberRole(input: $input) { userErrors { message } } }`;
    const input = { membershipId: id, role: role === 'WORKER' ? 'SUPERVISOR' : 'WORKER' };
    const { changeMemberRole } = await this.asks(change, { input });
    assert.deepEqual(changeMemberRole.userErrors, []);
  }
}
