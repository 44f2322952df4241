//! Finds operations that need no authentication, because all their root fields are public.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, OperationDefinition, OperationType, VariableDefinition};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Literal;

use crate::graphql::documents::fields::each_field;
use crate::policy::public::{Public, public};

/// Argument of all mutations.
const INPUT: &str = "input";
/// Field of an input that is a credential by itself.
const TOKEN: &str = "token";

/// The conditions under which an operation is public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicFields {
    /// Tokens that the inputs of root fields must contain; `None` if another root field needs authentication.
    tokens: Option<Vec<Token>>,
}

/// The location of the token of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// The token is in the document.
    Given,
    /// The input has no token.
    Missing,
    /// The token is this variable, with its default.
    Variable(Name, Option<Value>),
    /// The token is in this variable, which is the whole input, with its default.
    InVariable(Name, Option<Value>),
}

impl PublicFields {
    /// Computes the conditions of an operation. Callers have validated the document.
    pub fn of(operation: &OperationDefinition, fragments: &HashMap<Name, Positioned<FragmentDefinition>>) -> Self {
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => return Self { tokens: None },
        };
        let mut tokens = Some(Vec::new());
        each_field(&operation.selection_set.node, fragments, &mut |field| match public(root, &field.name.node) {
            Some(Public::Always) => {}
            Some(Public::ByToken) => {
                let token = Token::of(field, &operation.variable_definitions);
                tokens.iter_mut().for_each(|tokens| tokens.push(token.clone()));
            }
            None => tokens = None,
        });
        Self { tokens }
    }

    /// Returns whether the operation is public with these variables.
    pub fn with(&self, variables: &Variables) -> bool {
        self.tokens.as_ref().is_some_and(|tokens| tokens.iter().all(|token| token.is_set(variables)))
    }
}

impl Token {
    fn of(field: &Field, variables: &[Positioned<VariableDefinition>]) -> Self {
        let default = |name: &Name| {
            let defined = variables.iter().find(|defined| defined.node.name.node == *name);
            defined.and_then(|defined| defined.node.default_value.as_ref()).map(|value| value.node.clone())
        };
        match field.get_argument(INPUT).map(|input| &input.node) {
            Some(Literal::Variable(name)) => Self::InVariable(name.clone(), default(name)),
            Some(Literal::Object(input)) => match input.get(TOKEN) {
                Some(Literal::Variable(name)) => Self::Variable(name.clone(), default(name)),
                Some(Literal::String(_)) => Self::Given,
                _ => Self::Missing,
            },
            _ => Self::Missing,
        }
    }

    fn is_set(&self, variables: &Variables) -> bool {
        let is_text = |value: &Value| matches!(value, Value::String(_));
        match self {
            Self::Given => true,
            Self::Missing => false,
            Self::Variable(name, default) => variables.get(name).or(default.as_ref()).is_some_and(is_text),
            Self::InVariable(name, default) => match variables.get(name).or(default.as_ref()) {
                Some(Value::Object(input)) => input.get(TOKEN).is_some_and(is_text),
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::DocumentOperations;
    use serde_json::json;

    use super::*;

    fn is_public(text: &str, variables: serde_json::Value) -> bool {
        let document = parse_query(text).expect("a document");
        let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation") };
        PublicFields::of(&operation.node, &document.fragments).with(&Variables::from_json(variables))
    }

    #[test]
    fn operation_is_public_if_all_root_fields_are_public() {
        for public in [
            "{ roles { role } }",
            "{ a: roles { role } __typename __schema { description } t: __type(name: \"User\") { name } }",
            "{ ...F ... { invitationPreview(token: \"t\") { message } } } fragment F on Query { ...G } fragment G on Query { roles { role } }",
            "mutation { signIn(input: {}) { viewer { user { id } } } signOut(input: {}) { clientMutationId } }",
            "mutation { ... on Mutation { refreshSession(input: {}) { clientMutationId } __typename } }",
        ] {
            assert!(is_public(public, json!({})), "{public}");
        }
        for other in [
            "{ viewer { isAdmin } }",
            "{ roles { role } viewer { isAdmin } }",
            "{ roles: viewer { isAdmin } }",
            "{ roles { role } viewer @skip(if: true) { isAdmin } }",
            "{ roles { role } ...F } fragment F on Query { ... { node(id: \"a\") { id } } }",
            "mutation { signIn(input: {}) { clientMutationId } verifyEmail(input: {}) { clientMutationId } }",
            "mutation { roles }",
            "subscription { roles }",
        ] {
            assert!(!is_public(other, json!({})), "{other}");
        }
    }

    #[test]
    fn operation_is_public_if_its_input_has_a_token() {
        let plain = |input: &str| format!("mutation {{ declineInvitation(input: {input}) {{ clientMutationId }} }}");
        assert!(is_public(&plain("{ token: \"t\" }"), json!({})));
        for other in ["{ invitationId: \"i\" }", "{ token: null }", "{}"] {
            assert!(!is_public(&plain(other), json!({})), "{other}");
        }
        let of = |defined: &str, input: &str| {
            format!("mutation ({defined}) {{ declineInvitation(input: {input}) {{ clientMutationId }} }}")
        };
        let by_text = of("$t: String", "{ token: $t }");
        let with_default = of("$t: String = \"t\"", "{ token: $t }");
        let whole = of("$i: DeclineInvitationInput!", "$i");
        let whole_with_default = of("$i: DeclineInvitationInput! = { token: \"t\" }", "$i");
        for (text, variables, expected) in [
            (&by_text, json!({ "t": "t" }), true),
            (&by_text, json!({ "t": null }), false),
            (&by_text, json!({}), false),
            (&with_default, json!({}), true),
            (&with_default, json!({ "t": null }), false),
            (&whole, json!({ "i": { "token": "t" } }), true),
            (&whole, json!({ "i": { "token": null, "invitationId": "i" } }), false),
            (&whole, json!({ "i": { "invitationId": "i" } }), false),
            (&whole_with_default, json!({}), true),
            (&whole_with_default, json!({ "i": {} }), false),
        ] {
            assert_eq!(is_public(text, variables.clone()), expected, "{text} {variables}");
        }
    }
}
