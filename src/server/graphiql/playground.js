// GraphiQL for the endpoint of this server. The access token of the field above it is kept for this tab only. It is sent
// with every request and with the first message of every WebSocket, unless the headers editor has an Authorization header.
'use strict';

const ENDPOINT = '/graphql';
const STORED = 'guildhall:access-token';

const DEFAULT_QUERY = `# Welcome to Guildhall.
#
# Most of the API needs a signed-in viewer:
#
# 1. Run SignIn (or SignUp, if you have no account)
#    with your own login and password.
# 2. Copy the accessToken of the answer into the
#    field "Access token" at the top of this page.
# 3. Run Me.
#
# The operator of the server can also create a token on
# the command line: guildhall token --help
#
# Ctrl-Enter runs the operation under the cursor.
# The book at the left opens the documentation.
# Subscriptions work here as well.

mutation SignIn {
  signIn(input: {
    login: "you@example.com"
    password: "your password"
  }) {
    session { accessToken }
    userErrors { message code path }
  }
}

mutation SignUp {
  signUp(input: {
    email: "you@example.com"
    username: "you"
    password: "your password"
  }) {
    session { accessToken }
    userErrors { message code path }
  }
}

query Me {
  viewer {
    email
    user { username }
  }
}
`;

// Targets of the links in mails if the operator has not set other pages: /graphiql#invitation=TOKEN and so on. The
// token follows the `#`, so that it is not sent to a server before the operation runs.
const LINKED = {
  invitation: `# You are invited. With an account of that address, sign in and run Accept.
# Without one, choose a username and a password, and run Join.

query Preview($token: String!) {
  invitationPreview(token: $token) {
    organizationName inviterName role status expiresAt email accountExists
  }
}

mutation Accept($token: String!) {
  acceptInvitation(input: { token: $token }) {
    membership { role organization { slug } }
    userErrors { code message }
  }
}

mutation Join($token: String!) {
  signUp(input: { username: "you", password: "your password", invitationToken: $token }) {
    session { accessToken }
    userErrors { code message path }
  }
}

mutation Decline($token: String!) {
  declineInvitation(input: { token: $token }) { userErrors { code message } }
}
`,
  verify: `# This proves that the address is yours, for the account that the mail names:
#
# 1. Run SignIn with the username in the mail.
# 2. Copy the accessToken of the answer into the
#    field "Access token" at the top of this page.
# 3. Run Verify.
#
# If the account is not yours, close this page: nothing happens.

mutation SignIn {
  signIn(input: { login: "the username in the mail", password: "your password" }) {
    session { accessToken }
    userErrors { code message }
  }
}

mutation Verify($token: String!) {
  verifyEmail(input: { token: $token }) {
    viewer { email emailVerified }
    userErrors { code message }
  }
}
`,
  reset: `# Put a new password in, and run this.

mutation Reset($token: String!) {
  resetPassword(input: { token: $token, newPassword: "your new password" }) { userErrors { code message path } }
}
`,
};

/** Returns query and variables for the link in the address; an empty object without a link. */
function linked() {
  const [kind, value] = location.hash.slice(1).split('=');
  if (!Object.hasOwn(LINKED, kind) || !value) return {};
  // Removes the token from the address bar, so that bookmarks and screenshots do not contain it.
  history.replaceState(null, '', location.pathname);
  return { query: LINKED[kind], variables: JSON.stringify({ token: decodeURIComponent(value) }, null, 2) };
}

const field = document.getElementById('token');
const state = document.getElementById('state');

function token() {
  return field.value.trim().replace(/^bearer\s+/i, '');
}

function remember() {
  const value = token();
  if (value) sessionStorage.setItem(STORED, value);
  else sessionStorage.removeItem(STORED);
  state.textContent = value ? 'Sent with every request from this tab.' : 'Not set: requests are anonymous.';
}

/** Returns the headers with the token of the field, unless they have an Authorization header. */
function authorized(headers) {
  const own = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  return token() && !own ? { ...headers, Authorization: `Bearer ${token()}` } : headers;
}

field.value = sessionStorage.getItem(STORED) ?? '';
field.addEventListener('input', remember);
document.getElementById('clear').addEventListener('click', () => {
  field.value = '';
  remember();
});
document.getElementById('access').addEventListener('submit', (event) => event.preventDefault());
remember();

// Content of the headers editor when the last operation ran, for the first message of a WebSocket.
let editorHeaders = {};

const endpoint = new URL(ENDPOINT, location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

const fetcher = GraphiQL.createFetcher({
  url: endpoint.href,
  fetch: (url, init) => fetch(url, { ...init, headers: authorized(init.headers) }),
  wsClient: graphqlWs.createClient({
    url: socket.href,
    lazy: true,
    retryAttempts: 0,
    connectionParams: () => authorized(editorHeaders),
  }),
});

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: (parameters, options) => {
      editorHeaders = options?.headers ?? {};
      return fetcher(parameters, options);
    },
    defaultQuery: DEFAULT_QUERY,
    ...linked(),
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    // Queries are stored, and those that sign in contain a password: they are kept for this tab only.
    storage: sessionStorage,
  }),
);
