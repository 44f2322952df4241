//! Invalid values of every field of every mutation.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::{Case, Schema, World, list, text};
use crate::support::Answer;

/// The value is valid here, although its kind is invalid in other fields.
const VALID: &str = "good";
/// The code of GraphQL validation for a value of a wrong type, before execution.
const MALFORMED: &str = "GRAPHQL_VALIDATION_FAILED";

/// Exceptions from the usual code of a kind of value: the field (`*` means any mutation), the kinds, the code.
const CODE_EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    // Returned unchanged, neither validated nor stored.
    ("*.clientMutationId", &["empty", "NUL", "bidi"], VALID),
    // Opaque: any text without control characters.
    ("*.idempotencyKey", &["bidi"], VALID),
    // Texts that may be empty; an empty text counts as null.
    ("*.description", &["empty"], VALID),
    ("createOrganization.name", &["empty"], VALID),
    ("updateOrganization.name", &["empty"], VALID),
    ("*.contact.email", &["empty"], VALID),
    ("*.contact.phone", &["empty"], VALID),
    ("*.contact.location", &["empty"], VALID),
    ("inviteMembers.message", &["empty"], VALID),
    ("signUp.displayName", &["empty"], VALID),
    // Non-members and unknown users get the same code.
    ("*.assigneeId", &["unknown", "foreign"], "ASSIGNEE_NOT_ELIGIBLE"),
    // One of two fields is required.
    ("createTask.projectId", &["null"], "REQUIRED"),
    ("acceptInvitation.token", &["null"], "REQUIRED"),
    ("declineInvitation.token", &["null"], "REQUIRED"),
    ("updateProfile.username", &["null"], "REQUIRED"),
    ("updateOrganization.expectedVersion", &["negative", "zero", "least", "most"], "VERSION_CONFLICT"),
    ("deleteOrganization.confirmSlug", TEXTS, "CONFIRMATION_MISMATCH"),
    ("deleteAccount.confirmUsername", TEXTS, "CONFIRMATION_MISMATCH"),
    // Tokens are opaque: they either exist or not.
    ("acceptInvitation.token", TEXTS, "NOT_FOUND"),
    ("declineInvitation.token", TEXTS, "NOT_FOUND"),
    ("signUp.invitationToken", &["empty"], "REQUIRED"),
    ("signUp.invitationToken", TEXTS, "NOT_FOUND"),
    ("verifyEmail.token", TEXTS, "INVALID_CREDENTIALS"),
    ("resetPassword.token", TEXTS, "INVALID_CREDENTIALS"),
    ("refreshSession.refreshToken", TEXTS, "INVALID_CREDENTIALS"),
    ("signOut.refreshToken", TEXTS, "INVALID_CREDENTIALS"),
    ("signIn.login", TEXTS, "INVALID_CREDENTIALS"),
    ("signIn.password", TEXTS, "INVALID_CREDENTIALS"),
    ("changePassword.currentPassword", TEXTS, "INVALID_CREDENTIALS"),
    ("changeEmail.password", TEXTS, "INVALID_CREDENTIALS"),
    ("deleteAccount.password", TEXTS, "INVALID_CREDENTIALS"),
    // Administrators see every organization and every account.
    ("restoreOrganization.organizationId", &["foreign"], "NOT_PENDING_DELETION"),
    ("restoreOrganization.newOwnerId", &["foreign"], VALID),
    // A password is never displayed: any characters are allowed if it is hard to guess.
    ("signUp.password", &["bidi"], VALID),
    ("changePassword.newPassword", &["bidi"], VALID),
    ("resetPassword.newPassword", &["bidi"], VALID),
    ("signUp.password", &["empty", "NUL"], "PASSWORD_TOO_WEAK"),
    ("changePassword.newPassword", &["empty", "NUL"], "PASSWORD_TOO_WEAK"),
    ("resetPassword.newPassword", &["empty", "NUL"], "PASSWORD_TOO_WEAK"),
];

/// All kinds of invalid text.
const TEXTS: &[&str] = &["empty", "long", "one too many", "NUL", "bidi"];

/// Exceptions from the path of the tried field: the field, the kinds of values, the path.
const PATH_EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    // The other one of two fields, one of which is required.
    ("createTask.projectId", &["null"], "input.workspaceId"),
    ("acceptInvitation.token", &["null"], "input.invitationId"),
    ("declineInvitation.token", &["null"], "input.invitationId"),
    ("signUp.invitationToken", &["empty"], "input.email"),
    // The error does not disclose which of the two is wrong.
    ("restoreOrganization.organizationId", &["foreign"], ""),
    ("signIn.login", TEXTS, ""),
    ("signIn.password", TEXTS, ""),
];

impl Schema {
    /// The fields of an input, recursively, with their values in `value`.
    fn fields(&self, input: &str, value: &Value) -> Vec<Field> {
        let mut fields = Vec::new();
        for field in list(&self.types[input]["inputFields"]) {
            let name = text(&field["name"]);
            let value = value.get(&name).cloned();
            let about = text(&field["description"]);
            self.field(&mut fields, vec![name], &field["type"], value, about);
        }
        fields
    }

    fn field(&self, found: &mut Vec<Field>, path: Vec<String>, kind: &Value, value: Option<Value>, about: String) {
        let nullable = kind["kind"] != "NON_NULL";
        let inner = if nullable { kind } else { &kind["ofType"] };
        let (shape, name) = (text(&inner["kind"]), inner["name"].as_str().unwrap_or_default().to_owned());
        if shape == "LIST" {
            let item = value.as_ref().and_then(|value| value.get(0)).cloned();
            let path = [path.as_slice(), &["0".to_owned()]].concat();
            self.field(found, path, &inner["ofType"], item, about.clone());
        }
        if shape == "INPUT_OBJECT" {
            for field in list(&self.types[&name]["inputFields"]) {
                let path = [path.as_slice(), &[text(&field["name"])]].concat();
                let value = value.as_ref().and_then(|value| value.get(path.last()?)).cloned();
                self.field(found, path, &field["type"], value, text(&field["description"]));
            }
        }
        found.push(Field { path, shape, name, nullable, value, about });
    }
}

/// A field of an input, and its valid value.
struct Field {
    path: Vec<String>,
    shape: String,
    name: String,
    nullable: bool,
    value: Option<Value>,
    about: String,
}

/// Kind of invalid value, the value, and the expected code.
type InvalidValue = (&'static str, Value, &'static str);

impl Field {
    /// The name of the field in the tables above, without list positions.
    fn key(&self) -> String {
        self.path.iter().filter(|step| *step != "0").cloned().collect::<Vec<_>>().join(".")
    }

    /// The invalid values for this field.
    fn invalid_values(&self, good: &Value, foreign: &HashMap<String, String>) -> Vec<InvalidValue> {
        let mut invalid_values = vec![("of another shape", json!({ "no": ["such"] }), MALFORMED)];
        if !self.nullable {
            invalid_values.push(("null", Value::Null, MALFORMED));
        } else if self.about.contains("annot be cleared") || self.about.contains("Exactly one of") {
            invalid_values.push(("null", Value::Null, "REQUIRED"));
        } else {
            // Null counts as absent, or clears the field in an update.
            invalid_values.push(("null", Value::Null, VALID));
        }
        match (self.shape.as_str(), self.name.as_str()) {
            ("LIST", _) => {
                invalid_values.push(("no items", json!([]), "OUT_OF_RANGE"));
                invalid_values.push(("101 items", json!(vec![&good[0]; 101]), "TOO_LONG"));
            }
            ("ENUM", _) => invalid_values.push(("nonsense", json!("NONSENSE"), MALFORMED)),
            ("SCALAR", "ID") => invalid_values.extend(invalid_ids(good.as_str().expect("an ID"), foreign)),
            ("SCALAR", "Int") => invalid_values.extend([
                ("negative", json!(-1), "OUT_OF_RANGE"),
                ("zero", json!(0), "OUT_OF_RANGE"),
                ("least", json!(i32::MIN), "OUT_OF_RANGE"),
                ("most", json!(i32::MAX), "OUT_OF_RANGE"),
                ("beyond 32 bits", json!(1_i64 << 31), MALFORMED),
                ("a fraction", json!(1.5), MALFORMED),
            ]),
            ("SCALAR", "String") => {
                let is_email = self.path.last().is_some_and(|name| name == "email");
                let bidi = if is_email { "a\u{202E}b@example.org" } else { "a horse\u{202E} battery" };
                let bidi = if self.about.contains("a-z") { "a\u{202E}bc" } else { bidi };
                invalid_values.extend([
                    ("empty", json!(""), "REQUIRED"),
                    ("long", json!("x".repeat(100_000)), "TOO_LONG"),
                    ("NUL", json!("a\0b"), "INVALID_FORMAT"),
                    ("bidi", json!(bidi), "INVALID_FORMAT"),
                ]);
                invalid_values
                    .extend(self.bound().map(|most| ("one too many", json!("x".repeat(most + 1)), "TOO_LONG")));
            }
            ("INPUT_OBJECT", _) => {}
            other => panic!("Add invalid values for fields of the type {other:?}."),
        }
        invalid_values
    }

    /// The maximum number of characters, parsed from the description.
    fn bound(&self) -> Option<usize> {
        let before = self.about.split(" characters").next().filter(|before| *before != self.about)?;
        before.split(' ').next_back()?.replace(',', "").parse().ok()
    }
}

fn invalid_ids(good: &str, foreign: &HashMap<String, String>) -> Vec<InvalidValue> {
    let (prefix, bits) = good.split_once('_').expect("an ID");
    let other = if prefix == "usr" { "mem" } else { "usr" };
    vec![
        ("empty", json!(""), "INVALID_FORMAT"),
        ("nonsense", json!("nonsense"), "INVALID_FORMAT"),
        ("long", json!("x".repeat(100_000)), "INVALID_FORMAT"),
        ("NUL", json!(format!("{good}\0")), "INVALID_FORMAT"),
        ("a number", json!(7), "INVALID_FORMAT"),
        ("of another type", json!(format!("{other}_{bits}")), "INVALID_FORMAT"),
        ("unknown", json!(format!("{prefix}_{}", "0".repeat(26))), "NOT_FOUND"),
        ("foreign", json!(foreign[prefix]), "NOT_FOUND"),
    ]
}

/// The entry of a table for a kind of value in a field.
fn exception(table: &[(&str, &[&str], &'static str)], case: &Case, field: &Field, kind: &str) -> Option<&'static str> {
    let (named, anywhere) = (format!("{}.{}", case.mutation, field.key()), format!("*.{}", field.key()));
    let of = |name: &str| table.iter().find(|(field, kinds, _)| *field == name && kinds.contains(&kind));
    of(&named).or_else(|| of(&anywhere)).map(|(_, _, said)| *said)
}

/// Code and path of each user error, or the codes of the top-level errors.
fn user_errors(answer: &Answer) -> Vec<(String, String)> {
    if answer.body.get("errors").is_some() {
        return answer.codes().iter().map(|code| ((*code).to_owned(), String::new())).collect();
    }
    let payload = answer.body["data"].as_object().and_then(|data| data.values().next()).expect("a payload");
    let steps = |error: &Value| list(&error["path"]).iter().map(text).collect::<Vec<_>>().join(".");
    list(&payload["userErrors"]).iter().map(|error| (text(&error["code"]), steps(error))).collect()
}

impl Case {
    /// The input with another value at that path.
    fn with(&self, path: &[String], value: Value) -> Value {
        let mut input = self.input.clone();
        *input.pointer_mut(&format!("/{}", path.join("/"))).expect("a value to replace") = value;
        input
    }

    /// Differences from the expected errors for invalid values of `field`.
    async fn differences(&self, field: &Field, foreign: &HashMap<String, String>) -> Vec<String> {
        let Some(good) = &field.value else { return Vec::new() };
        let name = format!("{}.{}", self.mutation, field.key());
        let mut differences = Vec::new();
        for (kind, value, usual) in field.invalid_values(good, foreign) {
            let code = exception(CODE_EXCEPTIONS, self, field, kind).unwrap_or(usual);
            let (status, path) = match code {
                VALID => continue,
                MALFORMED => (400, String::new()),
                _ => {
                    let usual = || format!("input.{}", field.path.join("."));
                    (200, exception(PATH_EXCEPTIONS, self, field, kind).map_or_else(usual, str::to_owned))
                }
            };
            let answer = self.by.mutate(self.mutation, self.with(&field.path, value), "clientMutationId").await;
            let errors = user_errors(&answer);
            if answer.status != status || errors != [(code.to_owned(), path.clone())] {
                differences.push(format!("{name}, {kind}: {} {errors:?} rather than {code} {path}", answer.status));
            }
        }
        differences
    }
}

#[tokio::test]
async fn mutations_refuse_invalid_values_of_every_field_and_write_nothing() {
    let mut world = World::new().await;
    let schema = Schema::read(&world.app).await;
    let (mut differences, mut tried, mut missing) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (place, case) in world.cases.iter_mut().enumerate() {
        let input = format!("{}{}Input", case.mutation[..1].to_uppercase(), &case.mutation[1..]);
        case.input["clientMutationId"] = json!("mine");
        if list(&schema.types[&input]["inputFields"]).iter().any(|field| field["name"] == "idempotencyKey") {
            // The refused inputs may not use up the key of the valid input below.
            case.input["idempotencyKey"] = json!(format!("key {place}"));
        }
        let before = world.app.snapshot().await;
        for field in schema.fields(&input, &case.input) {
            let name = format!("{}.{}", case.mutation, field.key());
            if field.value.is_some() {
                tried.insert(name)
            } else {
                missing.insert(name)
            };
            differences.extend(case.differences(&field, &world.foreign).await);
        }
        if world.app.snapshot().await != before {
            differences.push(format!("{} wrote something", case.mutation));
        }
    }
    let keys = world.app.count("idempotency_keys").await;
    let tables: Vec<_> = CODE_EXCEPTIONS.iter().chain(PATH_EXCEPTIONS).map(|(field, _, _)| *field).collect();
    let used = |field: &str| {
        tried.iter().any(|name| name == field || field.strip_prefix('*').is_some_and(|end| name.ends_with(end)))
    };
    differences
        .extend(tables.iter().filter(|field| !used(field)).map(|field| format!("The schema has no field {field}.")));
    for case in &world.cases {
        let answer = case.by.mutate(case.mutation, case.input.clone(), "clientMutationId").await;
        let errors = user_errors(&answer);
        if !errors.is_empty() {
            differences.push(format!("{}: the valid input is refused: {errors:?}", case.mutation));
        }
    }
    let covered: BTreeSet<_> = world.cases.iter().map(|case| case.mutation.to_owned()).collect();
    differences.extend(schema.mutations.difference(&covered).map(|name| format!("Add a valid input of {name}.")));
    differences.extend(missing.difference(&tried).map(|name| format!("Add a valid value of {name}.")));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(keys, 0, "a refused mutation stores no key");
    world.app.check_invariants().await;
    world.app.close().await;
}
