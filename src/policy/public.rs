//! The root fields that need no identity: a request with an invalid token runs unauthenticated if it uses only these.

/// The reason why a root field is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public {
    /// The field is always public.
    Always,
    /// The field is public if its input has a `token`, which is the credential.
    ByToken,
}

/// The public root fields, as `Query.roles`. The list is complete: a field outside of it needs an identity, or returns
/// more to callers with an identity.
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

/// Returns why a field of a root type is public; `None` if it is not.
pub fn public(root: &str, field: &str) -> Option<Public> {
    let is_it = |name: &str| name.split_once('.') == Some((root, field));
    PUBLIC_FIELDS.iter().find(|(name, _)| is_it(name)).map(|(_, public)| *public)
}
