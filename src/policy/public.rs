//! The root fields that need no identity: a request whose token is bad runs as nobody if it asks for these alone.

/// What makes a root field public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public {
    /// It always is.
    Always,
    /// Its input has a `token`, which is the credential.
    ByToken,
}

/// The public root fields, as `Query.roles`. The list is closed: a field that is not in it needs an identity, or tells those who
/// have one more than others.
pub const PUBLIC_FIELDS: &[(&str, Public)] = &[
    ("Query.__schema", Public::Always),
    ("Query.__type", Public::Always),
    ("Query.__typename", Public::Always),
    ("Query.invitationPreview", Public::Always),
    ("Query.roles", Public::Always),
    ("Mutation.__typename", Public::Always),
    ("Mutation.declineInvitation", Public::ByToken),
    ("Mutation.refreshSession", Public::Always),
    ("Mutation.requestPasswordReset", Public::Always),
    ("Mutation.resetPassword", Public::Always),
    ("Mutation.signIn", Public::Always),
    ("Mutation.signOut", Public::Always),
    ("Mutation.signUp", Public::Always),
];

/// What makes a field of a root type public. None: nothing does.
pub fn public(root: &str, field: &str) -> Option<Public> {
    let is_it = |name: &str| name.split_once('.') == Some((root, field));
    PUBLIC_FIELDS.iter().find(|(name, _)| is_it(name)).map(|(_, public)| *public)
}
