//! Parses values and type references (specification, sections 2.9 to 2.11).

use async_graphql::parser::types::{BaseType, Type};
use async_graphql::{Name, Positioned, Value as Constant};
use async_graphql_value::indexmap::IndexMap;
use async_graphql_value::{Number, Value};

use crate::graphql::documents::parser::definitions::Parser;
use crate::graphql::documents::parser::token::Kind;
use crate::graphql::documents::parser::{DocumentMistake, Unreadable, strings};

impl<'a> Parser<'a> {
    /// Parses a value that may contain variables.
    pub(super) fn value(&mut self) -> Result<Positioned<Value>, Unreadable> {
        let place = self.ahead.place;
        let value = match self.ahead.kind {
            Kind::Punctuator(b'$') => {
                self.advance()?;
                Value::Variable(self.name()?.node)
            }
            Kind::Punctuator(b'[') => Value::List(self.any((b'[', b']'), |parser| Ok(parser.value()?.node))?),
            Kind::Punctuator(b'{') => Value::Object(self.object(Self::value)?),
            _ => self.leaf()?.into_value(),
        };
        Ok(Positioned::new(value, place))
    }

    /// Parses a constant value.
    pub(super) fn constant(&mut self) -> Result<Positioned<Constant>, Unreadable> {
        let place = self.ahead.place;
        let value = match self.ahead.kind {
            Kind::Punctuator(b'[') => Constant::List(self.any((b'[', b']'), |parser| Ok(parser.constant()?.node))?),
            Kind::Punctuator(b'{') => Constant::Object(self.object(Self::constant)?),
            _ => self.leaf()?,
        };
        Ok(Positioned::new(value, place))
    }

    /// Parses a constant value into the type of values with variables.
    pub(super) fn constant_argument(&mut self) -> Result<Positioned<Value>, Unreadable> {
        Ok(self.constant()?.map(Constant::into_value))
    }

    fn object<T>(
        &mut self,
        value: impl Fn(&mut Self) -> Result<Positioned<T>, Unreadable>,
    ) -> Result<IndexMap<Name, T>, Unreadable> {
        let fields = self.any((b'{', b'}'), |parser| {
            let name = parser.name()?;
            parser.take(b':', "`:`")?;
            Ok((name, value(parser)?.node))
        })?;
        let mut object = IndexMap::with_capacity(fields.len());
        for (name, value) in fields {
            if object.contains_key(&name.node) {
                let message = format!("The field `{}` is given twice in this object.", name.node);
                self.ambiguities.push(DocumentMistake::new(message, name.pos));
            }
            object.insert(name.node, value);
        }
        Ok(object)
    }

    fn leaf(&mut self) -> Result<Constant, Unreadable> {
        let token = self.ahead;
        let value = match token.kind {
            Kind::Int if token.text == "-0" => Constant::Number(0.into()),
            Kind::Int | Kind::Float => Constant::Number(token.text.parse::<Number>().map_err(|_| {
                Unreadable::Malformed(DocumentMistake::new(
                    format!("{token} is out of the range of numbers."),
                    token.place,
                ))
            })?),
            Kind::String => Constant::String(strings::unescaped(token.text, token.place)?),
            Kind::BlockString => Constant::String(strings::block(token.text)),
            Kind::Name => match token.text {
                "true" => Constant::Boolean(true),
                "false" => Constant::Boolean(false),
                "null" => Constant::Null,
                _ => return Ok(Constant::Enum(self.name()?.node)),
            },
            _ => return Err(self.unexpected("a value")),
        };
        self.advance()?;
        Ok(value)
    }

    pub(super) fn type_reference(&mut self) -> Result<Type, Unreadable> {
        let base = if self.ahead.is(b'[') {
            let mut inner = self.some((b'[', b']'), Self::type_reference)?;
            match (inner.pop(), inner.is_empty()) {
                (Some(only), true) => BaseType::List(Box::new(only)),
                _ => return Err(self.unexpected("a list of one type")),
            }
        } else {
            BaseType::Named(self.name()?.node)
        };
        let nullable = !self.ahead.is(b'!');
        if !nullable {
            self.advance()?;
        }
        Ok(Type { base, nullable })
    }
}
