//! How much a document may ask for. One table: what is checked, what the refusal says, and what the README tells.

use async_graphql::Pos;

/// Something that a document may not have any number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of the text.
    Bytes,
    /// Words, numbers, strings and signs of the text.
    Tokens,
    /// Brackets within brackets, strings and comments apart.
    Nesting,
    /// Operations that are defined.
    Operations,
    /// Fragments that are defined.
    Fragments,
    /// Fields within fields, fragments put in the place of their spreads.
    Depth,
    /// Fields, fragments put in.
    Fields,
    /// Fields at the root of an operation, fragments put in.
    RootFields,
    /// Aliases, fragments put in.
    Aliases,
    /// Directives, fragments put in.
    Directives,
    /// Values of arguments, fragments and variables put in.
    ArgumentValues,
    /// Bytes of the texts of arguments, fragments and variables put in.
    ArgumentBytes,
    /// Fields `__schema`, fragments put in.
    Schemas,
    /// Cost in points: fields of the answer, as far as the sizes of pages, and of the lists in the schema's description, tell
    /// beforehand, and passwords to hash.
    Cost,
}

impl Limit {
    /// All of them, in the order in which they are asked.
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

    /// The most that is allowed.
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

    /// What there is too much of, as it is called in sentences.
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

    /// Refuses more than is allowed.
    pub fn hold(self, asked: u64) -> Result<(), LimitExceeded> {
        if asked > self.allowed() { Err(LimitExceeded::Over(self, asked)) } else { Ok(()) }
    }
}

/// Why a document is not executed although it may fit the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitExceeded {
    /// More than is allowed, and how much.
    Over(Limit, u64),
    /// A mutation that would run once for each time it is named.
    Repeated(String, Pos),
    /// A subscription to anything but one field.
    Roots(Pos),
}
