//! The types and directives of a schema, in the form that the validation uses.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_graphql::parser::types::{
    BaseType, ConstDirective, DirectiveLocation, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::parser::{Error, parse_schema};
use async_graphql::{Name, Pos, Positioned};

use super::introspection;

/// The definitions of a schema, including the introspection types and built-in scalars.
#[derive(Debug, Default)]
pub struct Definitions {
    types: HashMap<Name, Kind>,
    /// For each object, interface and union, its possible object types.
    objects: HashMap<Name, HashSet<Name>>,
    directives: HashMap<Name, DirectiveRule>,
    pub(super) query: Option<Name>,
    pub(super) mutation: Option<Name>,
    pub(super) subscription: Option<Name>,
    /// The field `__typename` of every object.
    pub(super) typename: Option<Field>,
    /// The introspection fields of the query root.
    pub(super) meta: HashMap<Name, Field>,
}

/// The kind of a type with its definition.
#[derive(Debug)]
pub enum Kind {
    /// A built-in or custom scalar.
    Scalar,
    /// An enum with its values.
    Enum(HashSet<Name>),
    /// An input object with its fields, and whether it is a `@oneOf` input object.
    Input(Inputs, OneOf),
    /// An object type with its fields.
    Object(HashMap<Name, Field>),
    /// An interface with its fields.
    Interface(HashMap<Name, Field>),
    /// A union.
    Union,
}

/// Whether an input object requires exactly one field (`@oneOf`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneOf {
    /// Exactly one field is required.
    Yes,
    /// Any number of fields is allowed.
    No,
}

/// Arguments, or fields of an input object, sorted by name.
pub type Inputs = BTreeMap<Name, Input>;

/// A field of an object or interface.
#[derive(Debug)]
pub struct Field {
    /// Type of the field.
    pub ty: Type,
    /// Arguments of the field.
    pub arguments: Inputs,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub struct Input {
    /// Type of the value.
    pub ty: Type,
    /// Whether it has a default value.
    pub has_default: bool,
}

impl Input {
    /// Returns whether a value is required: the type is not nullable, and there is no default.
    pub fn is_required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
}

/// The definition of a directive.
#[derive(Debug)]
pub struct DirectiveRule {
    /// Arguments of the directive.
    pub arguments: Inputs,
    /// Whether it may be repeated at one location.
    pub is_repeatable: bool,
    /// Allowed locations.
    pub locations: Vec<DirectiveLocation>,
}

impl Definitions {
    /// Parses a schema in the schema definition language.
    pub fn parse(sdl: &str) -> Result<Self, Error> {
        let mut schema = Self {
            query: Some(Name::new("Query")),
            mutation: Some(Name::new("Mutation")),
            subscription: Some(Name::new("Subscription")),
            ..Self::default()
        };
        for text in [introspection::SDL, sdl] {
            parse_schema(text)?.definitions.into_iter().for_each(|definition| schema.add(definition, text));
        }
        let defined = |root: Option<Name>| root.filter(|name| schema.types.contains_key(name));
        let [query, mutation, subscription] =
            [&schema.query, &schema.mutation, &schema.subscription].map(|root| defined(root.clone()));
        (schema.query, schema.mutation, schema.subscription) = (query, mutation, subscription);
        if let Some(Kind::Object(mut fields)) = schema.types.remove(introspection::META) {
            schema.typename = fields.remove("__typename");
            schema.meta = fields;
        }
        Ok(schema)
    }

    /// Returns the type with that name.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.types.get(name)
    }

    /// Returns the names of all types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(Name::as_str)
    }

    /// Returns the directive with that name.
    pub fn directive(&self, name: &str) -> Option<&DirectiveRule> {
        self.directives.get(name)
    }

    /// Returns the names of all directives.
    pub fn directive_names(&self) -> impl Iterator<Item = &str> {
        self.directives.keys().map(Name::as_str)
    }

    /// Returns a field of the type `on`, including introspection fields; `None` if it has no field with that name.
    pub fn field(&self, on: &str, name: &str) -> Option<&Field> {
        let own = match self.kind(on)? {
            Kind::Object(fields) | Kind::Interface(fields) => fields.get(name),
            Kind::Union => None,
            _ => return None,
        };
        let is_query = self.query.as_ref().is_some_and(|query| query == on);
        let meta =
            || if name == "__typename" { self.typename.as_ref() } else { self.meta.get(name).filter(|_| is_query) };
        own.or_else(meta)
    }

    /// Returns whether a field is an introspection field of the query root (`__schema` or `__type`).
    pub fn is_introspection(&self, on: &str, name: &str) -> bool {
        self.query.as_ref().is_some_and(|query| query == on) && self.meta.contains_key(name)
    }

    /// Returns whether the two types have a possible object type in common.
    pub fn overlap(&self, one: &str, other: &str) -> bool {
        match (self.objects.get(one), self.objects.get(other)) {
            (Some(one), Some(other)) => !one.is_disjoint(other),
            _ => false,
        }
    }

    fn add(&mut self, definition: TypeSystemDefinition, text: &str) {
        match definition {
            TypeSystemDefinition::Schema(roots) => {
                let root = |name: Option<Positioned<Name>>| name.map(|name| name.node);
                self.query = root(roots.node.query);
                self.mutation = root(roots.node.mutation);
                self.subscription = root(roots.node.subscription);
            }
            TypeSystemDefinition::Directive(directive) => {
                let directive = directive.node;
                let rule = DirectiveRule {
                    arguments: inputs(directive.arguments),
                    is_repeatable: directive.locations.first().is_some_and(|first| is_repeatable(text, first.pos)),
                    locations: directive.locations.into_iter().map(|location| location.node).collect(),
                };
                self.directives.insert(directive.name.node, rule);
            }
            TypeSystemDefinition::Type(ty) => self.add_type(ty.node),
        }
    }

    fn add_type(&mut self, TypeDefinition { name, kind, directives, .. }: TypeDefinition) {
        let name = name.node;
        let kind = match kind {
            TypeKind::Scalar => Kind::Scalar,
            TypeKind::Enum(kind) => Kind::Enum(kind.values.into_iter().map(|value| value.node.value.node).collect()),
            TypeKind::InputObject(input) => Kind::Input(inputs(input.fields), one_of(&directives)),
            TypeKind::Object(object) => {
                self.objects.entry(name.clone()).or_default().insert(name.clone());
                for interface in object.implements {
                    self.objects.entry(interface.node).or_default().insert(name.clone());
                }
                Kind::Object(fields(object.fields))
            }
            TypeKind::Interface(interface) => {
                self.objects.entry(name.clone()).or_default();
                Kind::Interface(fields(interface.fields))
            }
            TypeKind::Union(union) => {
                self.objects
                    .entry(name.clone())
                    .or_default()
                    .extend(union.members.into_iter().map(|member| member.node));
                Kind::Union
            }
        };
        self.types.insert(name, kind);
    }
}

/// Returns whether the keyword `repeatable` precedes the `locations` of a directive. The parser of async-graphql
/// reports every directive as repeatable.
fn is_repeatable(text: &str, locations: Pos) -> bool {
    let line: String =
        text.lines().nth(locations.line - 1).unwrap_or_default().chars().take(locations.column - 1).collect();
    let before: Vec<&str> = text.lines().take(locations.line - 1).chain([line.as_str()]).collect();
    let before = before.join(" ");
    let before = before.trim_end().trim_end_matches('|').trim_end();
    before.strip_suffix("on").is_some_and(|before| before.trim_end().ends_with("repeatable"))
}

fn one_of(directives: &[Positioned<ConstDirective>]) -> OneOf {
    if directives.iter().any(|directive| directive.node.name.node == "oneOf") { OneOf::Yes } else { OneOf::No }
}

fn fields(all: Vec<Positioned<FieldDefinition>>) -> HashMap<Name, Field> {
    let field = |field: Positioned<FieldDefinition>| {
        let FieldDefinition { name, ty, arguments, .. } = field.node;
        (name.node, Field { ty: ty.node, arguments: inputs(arguments) })
    };
    all.into_iter().map(field).collect()
}

fn inputs(all: Vec<Positioned<InputValueDefinition>>) -> Inputs {
    let input = |input: Positioned<InputValueDefinition>| {
        let InputValueDefinition { name, ty, default_value, .. } = input.node;
        (name.node, Input { ty: ty.node, has_default: default_value.is_some() })
    };
    all.into_iter().map(input).collect()
}

/// Returns the name of a type without list and non-null modifiers.
pub fn innermost(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}
