//! The types and directives of a schema, as documents are held against them.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_graphql::parser::types::{
    BaseType, ConstDirective, DirectiveLocation, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::parser::{Error, parse_schema};
use async_graphql::{Name, Pos, Positioned};

use super::introspection;

/// What a schema defines, and what every schema has besides.
#[derive(Debug, Default)]
pub struct Definitions {
    types: HashMap<Name, Kind>,
    /// For each type that has fields or members, the objects that it may be.
    objects: HashMap<Name, HashSet<Name>>,
    directives: HashMap<Name, DirectiveRule>,
    pub(super) query: Option<Name>,
    pub(super) mutation: Option<Name>,
    pub(super) subscription: Option<Name>,
    /// What every object has, and what the root of queries has.
    pub(super) typename: Option<Field>,
    pub(super) meta: HashMap<Name, Field>,
}

/// What a type is.
#[derive(Debug)]
pub enum Kind {
    /// One that the specification tells the values of, or another, which takes any.
    Scalar,
    /// Some names.
    Enum(HashSet<Name>),
    /// An object of inputs; whether exactly one of them must be given.
    Input(Inputs, OneOf),
    /// Something with fields that is one thing.
    Object(HashMap<Name, Field>),
    /// Something with fields that may be several.
    Interface(HashMap<Name, Field>),
    /// One of several objects.
    Union,
}

/// Whether an input object takes exactly one of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneOf {
    /// It does.
    Yes,
    /// It takes any of them.
    No,
}

/// Arguments, or fields of an input object. In the order of their names.
pub type Inputs = BTreeMap<Name, Input>;

/// A field of an object or interface.
#[derive(Debug)]
pub struct Field {
    /// What it has.
    pub ty: Type,
    /// What it takes.
    pub arguments: Inputs,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub struct Input {
    /// What it takes.
    pub ty: Type,
    /// Whether it has a value if none is given.
    pub has_default: bool,
}

impl Input {
    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
}

/// Where a directive may be put, and with what.
#[derive(Debug)]
pub struct DirectiveRule {
    /// What it takes.
    pub arguments: Inputs,
    /// Whether it may be put twice at the same place.
    pub is_repeatable: bool,
    /// Where it may be put.
    pub locations: Vec<DirectiveLocation>,
}

impl Definitions {
    /// Of a schema that is written in GraphQL's own language.
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

    /// The type of that name.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.types.get(name)
    }

    /// The names of all types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(Name::as_str)
    }

    /// The directive of that name.
    pub fn directive(&self, name: &str) -> Option<&DirectiveRule> {
        self.directives.get(name)
    }

    /// The names of all directives.
    pub fn directive_names(&self) -> impl Iterator<Item = &str> {
        self.directives.keys().map(Name::as_str)
    }

    /// The field of that name of a type.
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

    /// Whether a field tells of the schema.
    pub fn is_introspection(&self, on: &str, name: &str) -> bool {
        self.query.as_ref().is_some_and(|query| query == on) && self.meta.contains_key(name)
    }

    /// Whether something may be of both types.
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
                    is_repeatable: directive.locations.first().is_some_and(|first| says_repeatable(text, first.pos)),
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

/// Whether `repeatable` stands before the locations of a directive, which begin there. The library says that of every one.
fn says_repeatable(text: &str, locations: Pos) -> bool {
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

/// The name of a type without lists and exclamation marks.
pub fn innermost(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}
