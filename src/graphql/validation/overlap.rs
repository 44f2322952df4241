//! Validates that fields with the same response key can be merged (specification, section 5.3.2). Fields are grouped by
//! response key and compared level by level instead of pair by pair, so that the time grows linearly with the number of
//! fields.

use std::collections::{BTreeMap, HashSet};

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Pos};

use super::definitions::{Definitions, Kind};
use super::report::Report;

/// Checks one operation. All its fields are known, and its fragments have no cycles.
pub fn check(
    schema: &Definitions,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    report: &mut Report,
) {
    let Some(root) = super::root(schema, operation.ty) else { return };
    let mut merge = Merge { schema, document, all: Vec::new(), seen: HashSet::new() };
    let mut top = Vec::new();
    merge.collect(&operation.selection_set.node, root, &mut top);
    merge.check_shapes(&top, report);
    merge.seen.clear();
    merge.check_names_and_arguments(&top, report);
}

/// A field of the operation, with fragments inlined.
#[derive(Clone)]
struct Placed<'a> {
    field: &'a Field,
    place: Pos,
    /// Parent type of the field.
    on: &'a Name,
    ty: &'a Type,
    /// Selected fields, as indexes into [`Merge::all`].
    children: Vec<usize>,
}

struct Merge<'a> {
    schema: &'a Definitions,
    document: &'a ExecutableDocument,
    all: Vec<Placed<'a>>,
    /// Groups that were checked. The same group may be reached several times.
    seen: HashSet<Vec<usize>>,
}

impl<'a> Merge<'a> {
    fn collect(&mut self, set: &'a SelectionSet, on: &'a Name, found: &mut Vec<usize>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let Some(definition) = self.schema.field(on, &field.name.node) else { continue };
                    let ty = &definition.ty;
                    let mut children = Vec::new();
                    self.collect(&field.selection_set.node, super::definitions::innermost(ty), &mut children);
                    found.push(self.all.len());
                    self.all.push(Placed { field, place: item.pos, on, ty, children });
                }
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    let on = inline.type_condition.as_ref().map_or(on, |condition| &condition.node.on.node);
                    self.collect(&inline.selection_set.node, on, found);
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) else { continue };
                    let fragment = &fragment.node;
                    self.collect(&fragment.selection_set.node, &fragment.type_condition.node.on.node, found);
                }
            }
        }
    }

    fn by_key(&self, fields: &[usize]) -> BTreeMap<&'a Name, Vec<usize>> {
        let mut groups: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
        for &index in fields {
            groups.entry(&self.all[index].field.response_key().node).or_default().push(index);
        }
        groups
    }

    fn children(&self, fields: &[usize]) -> Vec<usize> {
        fields.iter().flat_map(|&index| self.all[index].children.iter().copied()).collect()
    }

    /// Checks that all fields of a response key have the same shape (`SameResponseShape`).
    fn check_shapes(&mut self, fields: &[usize], report: &mut Report) {
        for (key, group) in self.by_key(fields) {
            if !self.seen.insert(group.clone()) {
                continue;
            }
            let first = self.all[group[0]].ty;
            if let Some(&other) = group.iter().find(|&&other| !self.same_shape(first, self.all[other].ty)) {
                let Placed { place, ty, .. } = &self.all[other];
                let hidden = format!("The fields `{key}` have different types: give one of them another alias.");
                report.add_schema_mistake(*place, &hidden, || {
                    format!("The fields `{key}` have the types `{ty}` and `{first}`: give one of them another alias.")
                });
                continue;
            }
            let children = self.children(&group);
            self.check_shapes(&children, report);
        }
    }

    fn same_shape(&self, one: &Type, other: &Type) -> bool {
        one.nullable == other.nullable
            && match (&one.base, &other.base) {
                (BaseType::List(one), BaseType::List(other)) => self.same_shape(one, other),
                (BaseType::Named(one), BaseType::Named(other)) => {
                    let is_leaf = |name| matches!(self.schema.kind(name), Some(Kind::Scalar | Kind::Enum(_)));
                    one == other || !(is_leaf(one) || is_leaf(other))
                }
                _ => false,
            }
    }

    /// Checks that fields of one object with the same response key have the same name and arguments.
    fn check_names_and_arguments(&mut self, fields: &[usize], report: &mut Report) {
        for (key, group) in self.by_key(fields) {
            for same_object in self.by_object(group) {
                if !self.seen.insert(same_object.clone()) {
                    continue;
                }
                let first = self.all[same_object[0]].field;
                if let Some(&other) = same_object.iter().find(|&&other| !is_same_field(first, self.all[other].field)) {
                    report.add(self.all[other].place, || {
                        format!("The fields `{key}` differ in name or arguments: give one of them another alias.")
                    });
                    continue;
                }
                let children = self.children(&same_object);
                self.check_names_and_arguments(&children, report);
            }
        }
    }

    /// Splits a group by object type. Fields of interfaces belong to every object's group.
    fn by_object(&self, group: Vec<usize>) -> Vec<Vec<usize>> {
        let is_object = |index: &usize| matches!(self.schema.kind(self.all[*index].on), Some(Kind::Object(_)));
        let objects: BTreeMap<&Name, ()> =
            group.iter().filter(|index| is_object(index)).map(|index| (self.all[*index].on, ())).collect();
        if objects.len() < 2 {
            return vec![group];
        }
        let with = |object: &Name| {
            let fits = |index: &&usize| !is_object(index) || self.all[**index].on == object;
            group.iter().filter(fits).copied().collect()
        };
        objects.into_keys().map(with).collect()
    }
}

fn is_same_field(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| other.get_argument(&name.node).is_some_and(|given| given.node == value.node))
}
