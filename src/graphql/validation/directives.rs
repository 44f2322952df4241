//! Validates directives: they must be defined, at an allowed location, and unique unless they are repeatable
//! (specification, section 5.7).

use async_graphql::Positioned;
use async_graphql::parser::types::{Directive, DirectiveLocation};

use super::selections::Walk;

impl<'a> Walk<'a, '_> {
    /// Validates the directives at one location.
    pub(super) fn directives(&mut self, all: &'a [Positioned<Directive>], location: DirectiveLocation) {
        for (index, Positioned { node: directive, pos }) in all.iter().enumerate() {
            let name = &directive.name.node;
            let Some(rule) = self.schema.directive(name) else {
                let names = self.schema.directive_names();
                self.report
                    .add_unknown(*pos, ("directive", name), names, || format!("There is no directive `@{name}`."));
                self.untyped(&directive.arguments);
                continue;
            };
            if !rule.locations.contains(&location) {
                self.report.add(*pos, || format!("The directive `@{name}` is not allowed here."));
            }
            if !rule.is_repeatable && all[..index].iter().any(|other| other.node.name.node == *name) {
                self.report.add(*pos, || format!("The directive `@{name}` is allowed here only once."));
            }
            self.arguments(&directive.arguments, &rule.arguments, *pos, || format!("`@{name}`"));
        }
    }
}
