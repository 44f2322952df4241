//! Parses selection sets, fields, fragment spreads, arguments and directives (specification, sections 2.4 to 2.8).

use async_graphql::parser::types::{
    Directive, Field, FragmentSpread, InlineFragment, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use crate::graphql::documents::parser::Unreadable;
use crate::graphql::documents::parser::definitions::{Parser, ROUND};
use crate::graphql::documents::parser::token::Kind;

/// A method that parses a value: one with variables or a constant.
type ReadValue<'a> = fn(&mut Parser<'a>) -> Result<Positioned<Value>, Unreadable>;
type Arguments = Vec<(Positioned<Name>, Positioned<Value>)>;

impl<'a> Parser<'a> {
    pub(super) fn selection_set(&mut self) -> Result<Positioned<SelectionSet>, Unreadable> {
        let place = self.ahead.place;
        let items = self.some((b'{', b'}'), Self::selection)?;
        Ok(Positioned::new(SelectionSet { items }, place))
    }

    fn selection(&mut self) -> Result<Positioned<Selection>, Unreadable> {
        let place = self.ahead.place;
        let selection = if self.ahead.kind == Kind::Spread {
            self.advance()?;
            self.spread()?.map_at(place)
        } else {
            Selection::Field(Positioned::new(self.field()?, place))
        };
        Ok(Positioned::new(selection, place))
    }

    fn field(&mut self) -> Result<Field, Unreadable> {
        let first = self.name()?;
        let (alias, name) = if self.ahead.is(b':') {
            self.advance()?;
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        let arguments = self.arguments(Self::value)?;
        let directives = self.directives(Self::value)?;
        let selection_set = if self.ahead.is(b'{') {
            self.selection_set()?
        } else {
            Positioned::new(SelectionSet::default(), self.ahead.place)
        };
        Ok(Field { alias, name, arguments, directives, selection_set })
    }

    /// Parses what follows `...`: a fragment spread or an inline fragment.
    fn spread(&mut self) -> Result<Spread, Unreadable> {
        if self.ahead.kind == Kind::Name && self.ahead.text != "on" {
            let fragment_name = self.name()?;
            let directives = self.directives(Self::value)?;
            return Ok(Spread::Named(FragmentSpread { fragment_name, directives }));
        }
        let type_condition = if self.ahead.is_keyword("on") { Some(self.type_condition()?) } else { None };
        let directives = self.directives(Self::value)?;
        let selection_set = self.selection_set()?;
        Ok(Spread::Inline(InlineFragment { type_condition, directives, selection_set }))
    }

    pub(super) fn type_condition(&mut self) -> Result<Positioned<TypeCondition>, Unreadable> {
        let place = self.advance()?.place;
        Ok(Positioned::new(TypeCondition { on: self.name()? }, place))
    }

    fn arguments(&mut self, value: ReadValue<'a>) -> Result<Arguments, Unreadable> {
        if !self.ahead.is(b'(') {
            return Ok(Vec::new());
        }
        self.some(ROUND, |parser| {
            let name = parser.name()?;
            parser.take(b':', "`:`")?;
            Ok((name, value(parser)?))
        })
    }

    pub(super) fn directives(&mut self, value: ReadValue<'a>) -> Result<Vec<Positioned<Directive>>, Unreadable> {
        let mut found = Vec::new();
        while self.ahead.is(b'@') {
            let place = self.advance()?.place;
            let name = self.name()?;
            let arguments = self.arguments(value)?;
            found.push(Positioned::new(Directive { name, arguments }, place));
        }
        Ok(found)
    }
}

enum Spread {
    Named(FragmentSpread),
    Inline(InlineFragment),
}

impl Spread {
    fn map_at(self, place: async_graphql::Pos) -> Selection {
        match self {
            Spread::Named(spread) => Selection::FragmentSpread(Positioned::new(spread, place)),
            Spread::Inline(inline) => Selection::InlineFragment(Positioned::new(inline, place)),
        }
    }
}
