//! Fields of the same key are put together in one answer: they must ask for the same (specification, section 5.3.2). Fields are
//! grouped by key and looked at together, level by level, rather than each with each: twice the fields take twice the steps.

use std::collections::{BTreeMap, HashSet};

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Pos};

use super::definitions::{Definitions, Kind};
use super::report::Report;

/// Checks one operation, of which every field is known, and whose fragments end.
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
    merge.alike(&top, report);
    merge.seen.clear();
    merge.same(&top, report);
}

/// A field where it stands, fragments put in.
#[derive(Clone)]
struct Placed<'a> {
    field: &'a Field,
    place: Pos,
    /// The type that it is a field of.
    on: &'a Name,
    ty: &'a Type,
    /// The fields below it, as places in [`Merge::all`].
    below: Vec<usize>,
}

struct Merge<'a> {
    schema: &'a Definitions,
    document: &'a ExecutableDocument,
    all: Vec<Placed<'a>>,
    /// Groups that were looked at. The same fields come together in several ways.
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
                    let mut below = Vec::new();
                    self.collect(&field.selection_set.node, super::definitions::innermost(ty), &mut below);
                    found.push(self.all.len());
                    self.all.push(Placed { field, place: item.pos, on, ty, below });
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

    fn below(&self, fields: &[usize]) -> Vec<usize> {
        fields.iter().flat_map(|&index| self.all[index].below.iter().copied()).collect()
    }

    /// Whatever object there is, the answers have the same shape.
    fn alike(&mut self, fields: &[usize], report: &mut Report) {
        for (key, group) in self.by_key(fields) {
            if !self.seen.insert(group.clone()) {
                continue;
            }
            let first = self.all[group[0]].ty;
            if let Some(&other) = group.iter().find(|&&other| !self.same_shape(first, self.all[other].ty)) {
                let Placed { place, ty, .. } = &self.all[other];
                let hidden = format!("`{key}` is asked for as two types: give one of them another alias.");
                report.tell_of_schema(*place, &hidden, || {
                    format!("`{key}` is asked for as `{ty}` and as `{first}`: give one of them another alias.")
                });
                continue;
            }
            let below = self.below(&group);
            self.alike(&below, report);
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

    /// For each object that there can be, the same field is asked for with the same arguments.
    fn same(&mut self, fields: &[usize], report: &mut Report) {
        for (key, group) in self.by_key(fields) {
            for together in self.of_one_object(group) {
                if !self.seen.insert(together.clone()) {
                    continue;
                }
                let first = self.all[together[0]].field;
                if let Some(&other) = together.iter().find(|&&other| !asks_the_same(first, self.all[other].field)) {
                    report.tell(self.all[other].place, || {
                        format!("`{key}` is asked for twice, otherwise each time: give one of them another alias.")
                    });
                    continue;
                }
                let below = self.below(&together);
                self.same(&below, report);
            }
        }
    }

    /// Fields of different objects are never answered together; those of interfaces are, with each.
    fn of_one_object(&self, group: Vec<usize>) -> Vec<Vec<usize>> {
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

fn asks_the_same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| other.get_argument(&name.node).is_some_and(|given| given.node == value.node))
}
