//! Directives: known, where they may be, and once unless they may be repeated (specification, section 5.7).

use async_graphql::Positioned;
use async_graphql::parser::types::{Directive, DirectiveLocation};

use super::selections::Walk;

impl<'a> Walk<'a, '_> {
    /// The directives at one place.
    pub(super) fn directives(&mut self, all: &'a [Positioned<Directive>], location: DirectiveLocation) {
        for (index, Positioned { node: directive, pos }) in all.iter().enumerate() {
            let name = &directive.name.node;
            let Some(rule) = self.schema.directive(name) else {
                let names = self.schema.directive_names();
                self.report.unknown(*pos, ("directive", name), names, || format!("There is no directive `@{name}`."));
                self.untyped(&directive.arguments);
                continue;
            };
            if !rule.locations.contains(&location) {
                self.report.tell(*pos, || format!("The directive `@{name}` may not stand here."));
            }
            if !rule.is_repeatable && all[..index].iter().any(|other| other.node.name.node == *name) {
                self.report.tell(*pos, || format!("The directive `@{name}` may stand here only once."));
            }
            self.arguments(&directive.arguments, &rule.arguments, *pos, || format!("`@{name}`"));
        }
    }
}
