//! Arguments of fields and directives: known, given once, and given where they must be (specification, section 5.4).

use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::Value;

use super::definitions::Inputs;
use super::selections::Walk;

impl<'a> Walk<'a, '_> {
    /// The arguments of `whose`, which stands at `place`.
    pub(super) fn arguments(
        &mut self,
        given: &'a [(Positioned<Name>, Positioned<Value>)],
        defined: &'a Inputs,
        place: Pos,
        whose: impl Fn() -> String,
    ) {
        for (index, (name, value)) in given.iter().enumerate() {
            if given[..index].iter().any(|(other, _)| other.node == name.node) {
                self.report.tell(name.pos, || format!("The argument `{}` stands twice.", name.node));
            }
            match defined.get(&name.node) {
                Some(input) => self.value(&value.node, &input.ty, input.has_default, value.pos),
                None => {
                    let names = defined.keys().map(Name::as_str);
                    let message = || format!("{} has no argument `{}`.", whose(), name.node);
                    self.report.unknown(name.pos, ("argument", &name.node), names, message);
                    self.variables(&value.node, value.pos);
                }
            }
        }
        for (name, input) in defined.iter().filter(|(_, input)| input.is_required()) {
            if !given.iter().any(|(other, _)| other.node == *name) {
                let message = || format!("{} needs the argument `{name}` of type `{}`.", whose(), input.ty);
                self.report.tell_of_schema(place, "An argument is missing here.", message);
            }
        }
    }

    /// Arguments of something that is not known: the variables in them are used nevertheless.
    pub(super) fn untyped(&mut self, given: &'a [(Positioned<Name>, Positioned<Value>)]) {
        for (_, value) in given {
            self.variables(&value.node, value.pos);
        }
    }
}
