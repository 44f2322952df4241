//! Validates the arguments of fields and directives: they must be defined, unique, and present if required
//! (specification, section 5.4).

use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::Value;

use super::definitions::Inputs;
use super::selections::Walk;

impl<'a> Walk<'a, '_> {
    /// Validates the arguments of a field or directive at `place`; `owner` returns its name for messages.
    pub(super) fn arguments(
        &mut self,
        given: &'a [(Positioned<Name>, Positioned<Value>)],
        defined: &'a Inputs,
        place: Pos,
        owner: impl Fn() -> String,
    ) {
        for (index, (name, value)) in given.iter().enumerate() {
            if given[..index].iter().any(|(other, _)| other.node == name.node) {
                self.report.add(name.pos, || format!("The argument `{}` is given twice.", name.node));
            }
            match defined.get(&name.node) {
                Some(input) => self.value(&value.node, &input.ty, input.has_default, value.pos),
                None => {
                    let names = defined.keys().map(Name::as_str);
                    let message = || format!("{} has no argument `{}`.", owner(), name.node);
                    self.report.add_unknown(name.pos, ("argument", &name.node), names, message);
                    self.variables(&value.node, value.pos);
                }
            }
        }
        for (name, input) in defined.iter().filter(|(_, input)| input.is_required()) {
            if !given.iter().any(|(other, _)| other.node == *name) {
                let message = || format!("{} needs the argument `{name}` of type `{}`.", owner(), input.ty);
                self.report.add_schema_mistake(place, "An argument is missing here.", message);
            }
        }
    }

    /// Records the variables in the arguments of an unknown field or directive.
    pub(super) fn untyped(&mut self, given: &'a [(Positioned<Name>, Positioned<Value>)]) {
        for (_, value) in given {
            self.variables(&value.node, value.pos);
        }
    }
}
