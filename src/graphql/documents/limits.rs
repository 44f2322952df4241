//! The limits of documents, in one table for the checks, the error messages and the README.

use async_graphql::Pos;

/// A limited quantity of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Length of the text, in bytes.
    Bytes,
    /// Lexical tokens.
    Tokens,
    /// Depth of nested brackets, outside of strings and comments.
    Nesting,
    /// Defined operations.
    Operations,
    /// Defined fragments.
    Fragments,
    /// Depth of nested fields, with fragments inlined.
    Depth,
    /// Fields, with fragments inlined.
    Fields,
    /// Root fields of an operation, with fragments inlined.
    RootFields,
    /// Aliases, with fragments inlined.
    Aliases,
    /// Directives, with fragments inlined.
    Directives,
    /// Values in arguments, with fragments and variables inlined.
    ArgumentValues,
    /// Length of strings in arguments, in bytes, with fragments and variables inlined.
    ArgumentBytes,
    /// Fields `__schema`, with fragments inlined.
    Schemas,
    /// Cost in points. See [`cost`](super::cost).
    Cost,
}

impl Limit {
    /// All limits, in the order in which they are checked.
    pub const ALL: [Limit; 14] = [
        Limit::Bytes,
        Limit::Tokens,
        Limit::Nesting,
        Limit::Operations,
        Limit::Fragments,
        Limit::Depth,
        Limit::Fields,
        Limit::RootFields,
        Limit::Aliases,
        Limit::Directives,
        Limit::ArgumentValues,
        Limit::ArgumentBytes,
        Limit::Schemas,
        Limit::Cost,
    ];

    /// Returns the maximum.
    pub const fn allowed(self) -> u64 {
        match self {
            Limit::Bytes => 32 * 1024,
            Limit::Tokens => 10_000,
            Limit::Nesting => 64,
            Limit::Operations => 50,
            Limit::Fragments => 100,
            Limit::Depth => 20,
            Limit::Fields => 2_000,
            Limit::RootFields => 100,
            Limit::Aliases => 500,
            Limit::Directives => 200,
            Limit::ArgumentValues => 2_000,
            Limit::ArgumentBytes => 1024 * 1024,
            Limit::Schemas => 1,
            Limit::Cost => 100_000,
        }
    }

    /// Returns the counted noun, for messages and the README.
    pub const fn noun(self) -> &'static str {
        match self {
            Limit::Bytes => "bytes",
            Limit::Tokens => "tokens",
            Limit::Nesting => "brackets within brackets",
            Limit::Operations => "operations",
            Limit::Fragments => "fragments",
            Limit::Depth => "fields within fields",
            Limit::Fields => "fields with its fragments put in",
            Limit::RootFields => "fields at its root",
            Limit::Aliases => "aliases with its fragments put in",
            Limit::Directives => "directives with its fragments put in",
            Limit::ArgumentValues => "values in arguments with its fragments and variables put in",
            Limit::ArgumentBytes => "bytes of text in arguments with its fragments and variables put in",
            Limit::Schemas => "fields `__schema` with its fragments put in",
            Limit::Cost => "points, going by the sizes of pages and of the schema's lists",
        }
    }

    /// Refuses a quantity above the maximum.
    pub fn check(self, quantity: u64) -> Result<(), LimitExceeded> {
        if quantity > self.allowed() { Err(LimitExceeded::Over(self, quantity)) } else { Ok(()) }
    }
}

/// Why a document that may be valid is not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitExceeded {
    /// A quantity is above its maximum.
    Over(Limit, u64),
    /// A mutation selects this root field or fragment twice, and would execute it twice.
    Repeated(String, Pos),
    /// A subscription does not select exactly one root field.
    Roots(Pos),
}
