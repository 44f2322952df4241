//! Measures documents with their fragments inlined. Each fragment is measured once, however often it is spread, and
//! sums saturate, so that the time is linear in the number of selections of the text.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

use crate::graphql::documents::limits::{Limit, LimitExceeded};

/// Checks the size of a document against the limits. Called right after parsing, before the validation.
pub fn check(document: &ExecutableDocument) -> Result<(), LimitExceeded> {
    Limit::Operations.check(document.operations.iter().len() as u64)?;
    Limit::Fragments.check(document.fragments.len() as u64)?;
    let mut measure = Measure { fragments: &document.fragments, measured: HashMap::new() };
    let mut whole = Size::default();
    for (_, operation) in document.operations.iter() {
        let directives = operation.node.directives.len()
            + operation.node.variable_definitions.iter().map(|each| each.node.directives.len()).sum::<usize>();
        let size = measure.set(&operation.node.selection_set.node).plus(Size::directives(directives));
        Limit::RootFields.check(size.root_fields)?;
        whole = whole.plus(size);
    }
    whole.check()?;
    // Unused fragments are validated too.
    for name in document.fragments.keys() {
        measure.fragment(name).check()?;
    }
    Ok(())
}

/// The size of a part of a document.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Direct fields of the selection set.
    root_fields: u64,
    fields: u64,
    aliases: u64,
    directives: u64,
    schemas: u64,
    depth: u64,
}

impl Size {
    fn directives(count: usize) -> Self {
        Self { directives: count as u64, ..Self::default() }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            root_fields: self.root_fields.saturating_add(other.root_fields),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            schemas: self.schemas.saturating_add(other.schemas),
            depth: self.depth.max(other.depth),
        }
    }

    fn check(self) -> Result<(), LimitExceeded> {
        Limit::Depth.check(self.depth)?;
        Limit::Fields.check(self.fields)?;
        Limit::Aliases.check(self.aliases)?;
        Limit::Directives.check(self.directives)?;
        Limit::Schemas.check(self.schemas)
    }
}

struct Measure<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// Size of each fragment; `None` while the fragment is being measured, to detect cycles.
    measured: HashMap<&'a Name, Option<Size>>,
}

impl<'a> Measure<'a> {
    /// Measures a selection set. A cycle counts as empty: the validation refuses it later.
    fn set(&mut self, set: &'a SelectionSet) -> Size {
        set.items.iter().fold(Size::default(), |sum, item| {
            let size = match &item.node {
                Selection::Field(field) => self.field(&field.node),
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            sum.plus(size).plus(Size::directives(item.node.directives().len()))
        })
    }

    fn field(&mut self, field: &'a Field) -> Size {
        let inner = self.set(&field.selection_set.node);
        let own = Size {
            fields: 1,
            aliases: u64::from(field.alias.is_some()),
            schemas: u64::from(field.name.node == "__schema"),
            ..Size::default()
        };
        Size { root_fields: 1, depth: inner.depth.saturating_add(1), ..inner.plus(own) }
    }

    fn fragment(&mut self, name: &'a Name) -> Size {
        if let Some(size) = self.measured.get(name) {
            return size.unwrap_or_default();
        }
        let Some(fragment) = self.fragments.get(name) else { return Size::default() };
        self.measured.insert(name, None);
        let own = Size::directives(fragment.node.directives.len());
        let size = self.set(&fragment.node.selection_set.node).plus(own);
        self.measured.insert(name, Some(size));
        size
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn checked(text: &str) -> Result<(), Limit> {
        check(&parse_query(text).expect("a document")).map_err(|exceeded| match exceeded {
            LimitExceeded::Over(limit, _) => limit,
            other => panic!("{other:?}"),
        })
    }

    /// Returns a document with `levels` fragments, each of which spreads the next one several `times`.
    fn exponential(levels: usize, times: usize) -> String {
        let spreads = |level: usize| format!("...F{level} ").repeat(times);
        let fragments: String =
            (0..levels).map(|level| format!("fragment F{level} on Query {{ {} }} ", spreads(level + 1))).collect();
        format!("{{ a {{ ...F0 }} }} {fragments} fragment F{levels} on Query {{ __typename }}")
    }

    #[test]
    fn check_refuses_exponential_fragments() {
        for (levels, times) in [(11, 2), (26, 2), (60, 2), (7, 8), (90, 30)] {
            assert_eq!(checked(&exponential(levels, times)), Err(Limit::Fields), "{levels} levels, {times} times");
        }
        assert_eq!(checked(&exponential(10, 2)), Ok(()), "1,024 fields");
    }

    #[test]
    fn check_measures_unused_and_cyclic_fragments() {
        let several = "query A { ...F } query B { ...F } fragment F on Query { a { ";
        assert_eq!(checked(&format!("{several} {} }} }}", "b ".repeat(1_000))), Err(Limit::Fields), "all together");
        assert_eq!(checked("{ a } fragment F on Query { ...G } fragment G on Query { ...F }"), Ok(()));
        let unused: String = (0..101).map(|n| format!("fragment F{n} on Query {{ a }} ")).collect();
        assert_eq!(checked(&format!("{{ a }} {unused}")), Err(Limit::Fragments));
        assert_eq!(checked(&format!("{{ a }} fragment F on Q {{ {} }}", "a ".repeat(2001))), Err(Limit::Fields));
    }

    #[test]
    fn check_accepts_documents_up_to_each_limit() {
        type Written = fn(usize) -> String;
        let shapes: [(Limit, Written); 8] = [
            (Limit::Depth, |n| format!("{}a{}", "{a".repeat(n - 1) + "{", "}".repeat(n))),
            (Limit::Fields, |n| format!("{{ a {{ {} }} }}", "b ".repeat(n - 1))),
            (Limit::RootFields, |n| format!("{{ {} }}", "a ".repeat(n))),
            (Limit::Aliases, |n| format!("{{ a {{ {} }} }}", "x: b ".repeat(n))),
            (Limit::Directives, |n| format!("{{ a {} }}", "@b ".repeat(n))),
            (Limit::Schemas, |n| format!("{{ {} }}", "x: __schema { b } ".repeat(n))),
            (Limit::Schemas, |n| {
                format!(
                    "query A {{ ...F }} query B {{ a {} }} fragment F on Q {{ __schema {{ b }} }}",
                    "...F ".repeat(n - 1)
                )
            }),
            (Limit::Directives, |n| {
                format!("query($a: Int @a) @b {{ a ...F }} fragment F on Q @c {{ a {} }}", "@b ".repeat(n - 3))
            }),
        ];
        for (limit, written) in shapes {
            let most = limit.allowed() as usize;
            assert_eq!(checked(&written(most)), Ok(()), "{limit:?}");
            assert_eq!(checked(&written(most + 1)), Err(limit));
        }
    }
}
