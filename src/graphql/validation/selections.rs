//! Validates the operations and fragments of a document: traverses their selection sets, and checks fields and the
//! types of fragments (specification, sections 5.2, 5.3 and 5.5).

use async_graphql::parser::types::{
    DirectiveLocation, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, Type, TypeCondition,
};
use async_graphql::{Name, Pos, Positioned};

use super::definitions::{Definitions, Kind, innermost};
use super::report::Report;
use super::usage::Usage;
use super::{Exposure, introspection};

/// A traversal of one operation or fragment.
pub struct Walk<'a, 'r> {
    pub schema: &'a Definitions,
    pub document: &'a ExecutableDocument,
    pub report: &'r mut Report,
    /// Variables and fragments that the definition uses.
    pub usage: Usage<'a>,
    /// Number of introspection lists around the current field.
    list_depth: usize,
}

impl<'a, 'r> Walk<'a, 'r> {
    pub fn new(schema: &'a Definitions, document: &'a ExecutableDocument, report: &'r mut Report) -> Self {
        Self { schema, document, report, usage: Usage::default(), list_depth: 0 }
    }

    pub fn operation(&mut self, Positioned { node: operation, pos }: &'a Positioned<OperationDefinition>) {
        let location = match operation.ty {
            OperationType::Query => DirectiveLocation::Query,
            OperationType::Mutation => DirectiveLocation::Mutation,
            OperationType::Subscription => DirectiveLocation::Subscription,
        };
        self.directives(&operation.directives, location);
        for variable in &operation.variable_definitions {
            self.directives(&variable.node.directives, DirectiveLocation::VariableDefinition);
            if let Some(default) = &variable.node.default_value {
                self.constant(&default.node, &variable.node.var_type.node, default.pos);
            }
        }
        match super::root(self.schema, operation.ty) {
            Some(root) => self.set(&operation.selection_set.node, Some(root)),
            None => self
                .report
                .add(*pos, || format!("The schema does not support operations of the type {}.", operation.ty)),
        }
    }

    pub fn fragment(&mut self, fragment: &'a FragmentDefinition) {
        let on = self.condition(&fragment.type_condition);
        self.directives(&fragment.directives, DirectiveLocation::FragmentDefinition);
        self.set(&fragment.selection_set.node, on);
    }

    /// Validates a selection set on a type; `None` if the type is unknown, which is already reported.
    fn set(&mut self, set: &'a SelectionSet, on: Option<&'a Name>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.field(&field.node, on, item.pos),
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    self.directives(&inline.directives, DirectiveLocation::InlineFragment);
                    let inner = match &inline.type_condition {
                        Some(condition) => {
                            let inner = self.condition(condition);
                            self.possible(on, inner, item.pos);
                            inner
                        }
                        None => on,
                    };
                    self.set(&inline.selection_set.node, inner);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    self.directives(&spread.node.directives, DirectiveLocation::FragmentSpread);
                    self.usage.spreads.push((name, item.pos));
                    match self.document.fragments.get(name) {
                        Some(fragment) => {
                            let condition = &fragment.node.type_condition.node.on.node;
                            self.possible(on, self.composite(condition), item.pos);
                        }
                        None => {
                            let names = self.document.fragments.keys().map(Name::as_str);
                            self.report.add_unknown(item.pos, ("fragment", name), names, || {
                                format!("There is no fragment `{name}`.")
                            });
                        }
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &'a Field, on: Option<&'a Name>, place: Pos) {
        self.directives(&field.directives, DirectiveLocation::Field);
        let name = &field.name.node;
        let Some((on, definition)) = on.and_then(|on| Some((on, self.schema.field(on, name)?))) else {
            if let Some(on) = on {
                let names = match self.schema.kind(on) {
                    Some(Kind::Object(fields) | Kind::Interface(fields)) => fields.keys().map(Name::as_str).collect(),
                    _ => Vec::new(),
                };
                self.report.add_unknown(place, ("field", name), names.into_iter(), || {
                    format!("`{on}` has no field `{name}`.")
                });
            }
            self.untyped(&field.arguments);
            return self.set(&field.selection_set.node, None);
        };
        if self.report.exposure == Exposure::Hidden && self.schema.is_introspection(on, name) {
            self.report.add(place, || "This server does not describe its schema.".to_owned());
        }
        self.arguments(&field.arguments, &definition.arguments, place, || format!("`{on}.{name}`"));
        self.leaf(field, &definition.ty, place);
        let deeper = usize::from(introspection::is_list(on, name));
        self.list_depth += deeper;
        if deeper == 1 && self.list_depth == introspection::LIST_DEPTH_LIMIT {
            self.report
                .add(place, || "Introspection is nested too deeply: deeper levels return nothing new.".to_owned());
        }
        let inner = innermost(&definition.ty);
        self.set(&field.selection_set.node, self.composite(inner));
        self.list_depth -= deeper;
    }

    /// Checks that fields with object types have selections, and others have none.
    fn leaf(&mut self, field: &Field, ty: &Type, place: Pos) {
        let name = &field.name.node;
        match (self.composite(innermost(ty)).is_some(), field.selection_set.node.items.is_empty()) {
            (true, true) => {
                self.report.add_schema_mistake(place, "Select fields here.", || {
                    format!("`{name}` is of type `{ty}`: select fields of it.")
                });
            }
            (false, false) => {
                self.report.add_schema_mistake(place, "There are no fields to select here.", || {
                    format!("`{name}` is of type `{ty}`, which has no fields.")
                });
            }
            _ => {}
        }
    }

    /// Returns the type of a fragment. Reports it, and returns `None`, if it is not an object, interface or union.
    fn condition(&mut self, Positioned { node: condition, .. }: &'a Positioned<TypeCondition>) -> Option<&'a Name> {
        let Positioned { node: name, pos } = &condition.on;
        match self.schema.kind(name) {
            Some(Kind::Object(_) | Kind::Interface(_) | Kind::Union) => return Some(name),
            Some(_) => self.report.add(*pos, || format!("A fragment cannot be on `{name}`, which has no fields.")),
            None => self
                .report
                .add_unknown(*pos, ("type", name), self.schema.names(), || format!("There is no type `{name}`.")),
        }
        None
    }

    fn composite(&self, name: &'a Name) -> Option<&'a Name> {
        let kind = self.schema.kind(name)?;
        matches!(kind, Kind::Object(_) | Kind::Interface(_) | Kind::Union).then_some(name)
    }

    fn possible(&mut self, on: Option<&Name>, inner: Option<&Name>, place: Pos) {
        if let (Some(on), Some(inner)) = (on, inner)
            && !self.schema.overlap(on, inner)
        {
            self.report.add_schema_mistake(place, "This fragment never applies here.", || {
                format!("This fragment never applies: an object of type `{on}` is never of type `{inner}`.")
            });
        }
    }
}
