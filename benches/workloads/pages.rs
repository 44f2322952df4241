//! Pages of lists: their cursors, and the response that contains a page.

use std::hint::black_box;
use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Response, Schema, ValidationMode, Variables};
use guildhall::app::{App, AppConfig};
use guildhall::auth::Actor;
use guildhall::auth::tokens::TokenSigner;
use guildhall::domain::clock::{Clock, Instant};
use guildhall::domain::page::{Keyset, PageRequest, PageRows};
use guildhall::domain::{MembershipId, OrganizationId, Role, UserId};
use guildhall::graphql;
use guildhall::graphql::connection;
use guildhall::graphql::connection::{Page, PageArgs};
use guildhall::graphql::context::RequestContext;
use guildhall::graphql::documents::PreparedDocument;
use guildhall::graphql::json_writer::JsonWriter;
use guildhall::graphql::loaders::memberships::MemberRow;
use guildhall::graphql::types::membership::{Membership, MembershipConnection};
use guildhall::graphql::validation::Exposure;
use guildhall::policy::AccessContext;
use guildhall::store::memberships::list::{Order, key_of};
use guildhall::store::{Connector, Database, memberships, users};
use serde_json::json;
use uuid::Uuid;

use super::documents::MEMBERS;
use super::{Outcome, Work};

/// Identity of the list that the cursors belong to.
const LIST: &str = "members of org_0000000000000000000000000g by JoinedAt, false";
/// Members on a page.
const ROWS: usize = 50;

/// Encodes a cursor.
pub fn cursor_written() -> Outcome<Work> {
    let keyset = keyset(&member(1).0);
    Ok(Box::new(move || {
        black_box(connection::cursor(black_box(LIST), black_box(&keyset)));
    }))
}

/// Decodes a cursor.
pub fn cursor_read() -> Outcome<Work> {
    let keyset = keyset(&member(1).0);
    let cursor = connection::cursor(LIST, &keyset);
    if connection::read_cursor(LIST, &cursor) != Some(keyset) {
        return Err("the decoded cursor differs".into());
    }
    Ok(Box::new(move || {
        black_box(connection::read_cursor::<String>(black_box(LIST), black_box(&cursor)));
    }))
}

/// A page of members from database rows to response bytes. Lists are serialized at once, as in responses to queries, or
/// field by field, as in responses to mutations.
pub fn answered(at_once: bool) -> Outcome<Work> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let store = Database::connect(&Connector::to_url("postgres://nobody@localhost/never-opened")?, 1)?;
    let keys = TokenSigner::from_secret("a secret for measurements that is long enough")?;
    let app = App::build(AppConfig::for_tests(), store, keys, Clock::default());
    drop(guard);
    let document = PreparedDocument::new(MEMBERS, graphql::schema::definitions(), Exposure::Open)
        .map_err(|error| error.to_string())?;
    let variables = Variables::from_json(json!({ "slug": "acme", "first": ROWS }));
    let rows: Vec<MemberRow> = (0..=ROWS).map(member).collect();
    let schema = Schema::build(Query { rows }, EmptyMutation, EmptySubscription);
    let schema = schema.validation_mode(ValidationMode::Fast).finish();
    let issued_at = Clock::default().now();
    let viewer = Actor { user_id: id(0, 1), session: None, issued_at, authenticated_at: None, expires_at: None };

    let answer = move || {
        // Loaders need the current runtime at their creation.
        let answer: Response = runtime.block_on(async {
            let mut request = Request::new("").variables(variables.clone());
            if let Ok(operation) = document.operation(None) {
                request.set_parsed_query(operation.document.clone());
            }
            let mut context = RequestContext::new(&app.env, Some(viewer), None);
            context.raw_json = at_once;
            schema.execute(request.data(Arc::new(context))).await
        });
        JsonWriter::of(&answer).unwrap_or_default().into_bytes()
    };
    let shown: serde_json::Value = serde_json::from_slice(&answer())?;
    let members = &shown["data"]["organization"]["members"];
    let last = &members["edges"][ROWS - 1]["node"]["user"];
    if last["email"] != "member-49@example.org" || members["pageInfo"]["hasNextPage"] != true {
        return Err(format!("not the requested page: {shown}").into());
    }
    Ok(Box::new(move || {
        black_box(answer());
    }))
}

/// Root of a schema that finds the organization without a database; the list of members and its types are those of the
/// server.
struct Query {
    rows: Vec<MemberRow>,
}

#[Object]
impl Query {
    async fn organization(&self, slug: String) -> BenchOrganization<'_> {
        BenchOrganization { rows: &self.rows, slug }
    }
}

/// An organization that has been found.
struct BenchOrganization<'a> {
    rows: &'a [MemberRow],
    slug: String,
}

#[Object]
impl BenchOrganization<'_> {
    async fn slug(&self) -> &str {
        &self.slug
    }

    async fn name(&self) -> &str {
        "Acme"
    }

    async fn members(&self, first: i32) -> graphql::Result<MembershipConnection> {
        let request: PageRequest<String> =
            PageArgs { first: Some(first), after: None, last: None, before: None }.window(LIST)?;
        let access = AccessContext { signed_in: true, role: Some(Role::Maintainer), ..AccessContext::default() };
        Ok(MembershipConnection(Page::new(
            LIST,
            &request,
            PageRows::from_read(self.rows.to_vec(), &request),
            |(row, _)| keyset(row),
            |row| Membership::listed(row, access, None),
            Arc::new(|| Box::pin(async { Ok(0) })),
        )))
    }
}

fn keyset(row: &memberships::Membership) -> Keyset<String> {
    Keyset { key: key_of(Order::JoinedAt, row), id: row.id.into() }
}

/// Returns an ID that is the same each time and has the usual length.
fn id<I: From<Uuid>>(kind: u128, number: usize) -> I {
    I::from(Uuid::from_u128((0x0190_0000_0000_7000_8000_0000_0000_0000 | kind << 32) + number as u128))
}

fn member(number: usize) -> MemberRow {
    let at = Instant::from_timestamp_micros(1_700_000_000_000_000).unwrap_or_default();
    let user_id: UserId = id(0, number);
    let username = format!("member-{number}");
    let membership = memberships::Membership {
        id: id::<MembershipId>(1, number),
        organization_id: id::<OrganizationId>(2, 1),
        user_id,
        username: username.clone(),
        shown_name: format!("Member \"{number}\""),
        role: Role::ALL[number % Role::ALL.len()],
        joined_at: at,
        last_active_on: None,
        invited_by: None,
    };
    let user = users::Profile {
        id: user_id,
        email: Some(format!("{username}@example.org")),
        email_written: None,
        display_name: Some(format!("Member \"{number}\"")),
        username,
        created_at: at,
    };
    (membership, Some(user))
}
