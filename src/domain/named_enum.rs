//! Declares enums whose variants have the names that clients and the database use.

/// Declares an enum with `ALL` (every variant, in the order of the schema), `name` and `from_name`.
macro_rules! named_enum {
    ($(#[$attribute:meta])* pub enum $enum:ident { $($(#[$variant_attribute:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $($(#[$variant_attribute])* $variant,)+ }

        impl $enum {
            /// Every variant, in the order of the schema.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Returns the variant's name in the schema and the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns the variant with a name. `None` if no variant has the name, for example because a newer version
            /// of the server wrote it.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

pub(super) use named_enum;
