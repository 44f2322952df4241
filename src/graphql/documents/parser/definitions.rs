//! Parses documents, operations and fragments (specification, sections 2.2 to 2.4 and 2.8), with one token of
//! lookahead.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType, VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned};

use crate::graphql::documents::parser::lexer::{Lexer, Nesting};
use crate::graphql::documents::parser::names::Names;
use crate::graphql::documents::parser::token::{Kind, Token};
use crate::graphql::documents::parser::{DocumentMistake, Parsed, Unreadable};

/// Brackets around arguments and variables.
pub(super) const ROUND: (u8, u8) = (b'(', b')');

/// A recursive descent parser of one document.
pub struct Parser<'a> {
    lexer: Lexer<'a>,
    nesting: Nesting,
    names: Names<'a>,
    /// The next token.
    pub(super) ahead: Token<'a>,
    pub(super) ambiguities: Vec<DocumentMistake>,
}

impl<'a> Parser<'a> {
    /// Creates a parser at the beginning of a text.
    pub fn new(text: &'a str) -> Result<Self, Unreadable> {
        let mut lexer = Lexer::new(text)?;
        let ahead = lexer.next()?;
        Ok(Self { lexer, nesting: Nesting::default(), names: Names::default(), ahead, ambiguities: Vec::new() })
    }

    /// Parses the whole document.
    pub fn document(mut self) -> Result<Parsed, Unreadable> {
        let mut operations: Vec<(Option<Name>, Positioned<OperationDefinition>)> = Vec::new();
        let mut fragments: HashMap<Name, Positioned<FragmentDefinition>> = HashMap::new();
        loop {
            let place = self.ahead.place;
            if self.ahead.is_keyword("fragment") {
                let (name, fragment) = self.fragment()?;
                match fragments.entry(name) {
                    Entry::Vacant(free) => drop(free.insert(Positioned::new(fragment, place))),
                    Entry::Occupied(taken) => {
                        let message = format!("The fragment `{}` is defined twice.", taken.key());
                        self.ambiguities.push(DocumentMistake::new(message, place));
                    }
                }
            } else {
                let (name, operation) = self.operation()?;
                operations.push((name, Positioned::new(operation, place)));
            }
            if self.ahead.kind == Kind::End {
                break;
            }
        }
        let operations = self.combine_operations(operations);
        let document = ExecutableDocument { operations, fragments };
        Ok(Parsed { document, ambiguities: self.ambiguities, tokens: self.lexer.count() })
    }

    /// Combines the operations of a document. Only a single operation may be anonymous, and names must be unique.
    fn combine_operations(&mut self, all: Vec<(Option<Name>, Positioned<OperationDefinition>)>) -> DocumentOperations {
        let several = all.len() > 1;
        let mut named = HashMap::new();
        for (name, operation) in all {
            let Some(name) = name else {
                if !several {
                    return DocumentOperations::Single(operation);
                }
                let message = "An operation without a name must be the only one.";
                self.ambiguities.push(DocumentMistake::new(message, operation.pos));
                continue;
            };
            match named.entry(name) {
                Entry::Vacant(free) => drop(free.insert(operation)),
                Entry::Occupied(taken) => {
                    let message = format!("The operation `{}` is defined twice.", taken.key());
                    self.ambiguities.push(DocumentMistake::new(message, operation.pos));
                }
            }
        }
        DocumentOperations::Multiple(named)
    }

    fn operation(&mut self) -> Result<(Option<Name>, OperationDefinition), Unreadable> {
        let kind = self.ahead;
        let ty = match kind.kind {
            Kind::Punctuator(b'{') => None,
            Kind::Name => match kind.text {
                "query" => Some(OperationType::Query),
                "mutation" => Some(OperationType::Mutation),
                "subscription" => Some(OperationType::Subscription),
                _ => return Err(self.unexpected("an operation or a fragment")),
            },
            _ => return Err(self.unexpected("an operation or a fragment")),
        };
        let (mut name, mut variable_definitions, mut directives) = (None, Vec::new(), Vec::new());
        if ty.is_some() {
            self.advance()?;
            if self.ahead.kind == Kind::Name {
                name = Some(self.name()?.node);
            }
            if self.ahead.is(b'(') {
                variable_definitions = self.some(ROUND, Self::variable_definition)?;
            }
            directives = self.directives(Self::value)?;
        }
        let ty = ty.unwrap_or(OperationType::Query);
        let selection_set = self.selection_set()?;
        Ok((name, OperationDefinition { ty, variable_definitions, directives, selection_set }))
    }

    fn variable_definition(&mut self) -> Result<Positioned<VariableDefinition>, Unreadable> {
        let place = self.ahead.place;
        self.take(b'$', "a variable")?;
        let name = self.name()?;
        self.take(b':', "`:`")?;
        let at = self.ahead.place;
        let var_type = Positioned::new(self.type_reference()?, at);
        let default_value = if self.ahead.is(b'=') {
            self.advance()?;
            Some(self.constant()?)
        } else {
            None
        };
        let directives = self.directives(Self::constant_argument)?;
        Ok(Positioned::new(VariableDefinition { name, var_type, directives, default_value }, place))
    }

    fn fragment(&mut self) -> Result<(Name, FragmentDefinition), Unreadable> {
        self.advance()?;
        if self.ahead.is_keyword("on") {
            return Err(self.unexpected("the name of a fragment"));
        }
        let name = self.name()?.node;
        if !self.ahead.is_keyword("on") {
            return Err(self.unexpected("`on`"));
        }
        let type_condition = self.type_condition()?;
        let directives = self.directives(Self::value)?;
        let selection_set = self.selection_set()?;
        Ok((name, FragmentDefinition { type_condition, directives, selection_set }))
    }

    /// Reads the next token, and returns the current one.
    pub(super) fn advance(&mut self) -> Result<Token<'a>, Unreadable> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    /// Consumes a punctuator. `expected` is its name for messages.
    pub(super) fn take(&mut self, punctuator: u8, expected: &str) -> Result<Pos, Unreadable> {
        if self.ahead.is(punctuator) { Ok(self.advance()?.place) } else { Err(self.unexpected(expected)) }
    }

    /// Parses a name.
    pub(super) fn name(&mut self) -> Result<Positioned<Name>, Unreadable> {
        if self.ahead.kind != Kind::Name {
            return Err(self.unexpected("a name"));
        }
        let token = self.advance()?;
        Ok(Positioned::new(self.names.get(token.text), token.place))
    }

    /// Parses any number of items in brackets.
    pub(super) fn any<T>(
        &mut self,
        (open, close): (u8, u8),
        each: impl Fn(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        self.take(open, "a bracket")?;
        self.nesting.open().map_err(Unreadable::Excessive)?;
        let mut found = Vec::new();
        while !self.ahead.is(close) {
            found.push(each(self)?);
        }
        self.advance()?;
        self.nesting.close();
        Ok(found)
    }

    /// Parses at least one item in brackets.
    pub(super) fn some<T>(
        &mut self,
        brackets: (u8, u8),
        each: impl Fn(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        let place = self.ahead.place;
        let found = self.any(brackets, each)?;
        if found.is_empty() {
            return Err(Unreadable::Malformed(DocumentMistake::new("These brackets are empty.", place)));
        }
        Ok(found)
    }

    /// Returns the error for an unexpected next token.
    pub(super) fn unexpected(&self, expected: &str) -> Unreadable {
        let message = format!("Expected {expected}, but found {}.", self.ahead);
        Unreadable::Malformed(DocumentMistake::new(message, self.ahead.place))
    }
}
