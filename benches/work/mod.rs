//! What is measured of the inside: one piece of work each, without a database. Both ways of measuring it run the same.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema};
use axum::Router;
use axum::body::Body;
use axum::http::Request as HttpRequest;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use guildhall::app::{App, Settings};
use guildhall::auth::Actor;
use guildhall::auth::keys::Keys;
use guildhall::domain::ids::mint;
use guildhall::domain::page::Place;
use guildhall::domain::{Clock, Role, UserId};
use guildhall::graphql::context::RequestContext;
use guildhall::graphql::document::{Plan, syntax};
use guildhall::graphql::json::Json;
use guildhall::graphql::page::{cursor, read_cursor};
use guildhall::graphql::rows::Rows;
use guildhall::graphql::types::membership::Membership;
use guildhall::policy::matrix::standings;
use guildhall::policy::table::RULES;
use guildhall::policy::{Standing, Target, decide};
use guildhall::store::Store;
use guildhall::store::memberships::Membership as Row;
use guildhall::store::users::User;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// What a page of members asks for, as a client would.
pub const DOCUMENT: &str = include_str!("../peer/q2.graphql");

/// An application over a database that is never asked, and a token for it.
fn app() -> (App, String, UserId) {
    let keys = Keys::from_secret("a secret of thirty-two characters and more").unwrap();
    let clock = Clock::default();
    let user: UserId = mint(clock.now());
    let token = keys.mint_access(user, None, clock.now(), chrono::TimeDelta::days(1)).unwrap().0;
    let store = Store::connect("postgres://nobody@127.0.0.1:1/none", 1).unwrap();
    (App::build(Settings::for_tests(), store, keys, clock), token, user)
}

/// One thread that does all the work.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Parses a document and checks it, as is done once for each text.
pub fn check_document(text: &str) -> bool {
    let parsed = syntax::parse(text).unwrap();
    Plan::new(parsed.document, parsed.tokens).is_ok()
}

/// Everything that the policy is asked about.
pub fn decisions() -> Vec<Standing> {
    standings().into_iter().map(|(_, standing)| standing).collect()
}

/// Asks it, for each of the standings.
pub fn decide_all(standings: &[Standing]) -> usize {
    let allowed = |standing: &Standing| {
        RULES.iter().filter(|rule| decide(standing, rule.action, &Target::default()).require("it").is_ok()).count()
    };
    standings.iter().map(allowed).sum()
}

/// Writes a cursor and reads it.
pub fn cursor_there_and_back(name: &str) -> Option<Place<String>> {
    let place = Place { key: name.to_owned(), id: uuid::Uuid::from_u128(0x0192_f3c4_5d6e_7f80_8123_4567_89ab_cdef) };
    read_cursor("members", &cursor("members", &place))
}

struct Members(Vec<Membership>);

#[Object]
impl Members {
    async fn nodes(&self) -> Rows<&Membership> {
        Rows(self.0.iter().collect())
    }
}

/// Fifty members, ready to be answered.
pub struct Page {
    runtime: Runtime,
    schema: Schema<Members, EmptyMutation, EmptySubscription>,
    app: App,
    viewer: UserId,
}

impl Page {
    /// Makes them.
    pub fn new() -> Self {
        let (app, _, viewer) = app();
        let now = app.env.clock.now();
        let member = |number: u32| {
            let user = User {
                id: mint(now),
                username: format!("user-{number}"),
                display_name: Some(format!("User {number}")),
                email: Some(format!("user-{number}@example.org")),
                email_verified_at: Some(now),
                is_admin: false,
                selected_organization_id: None,
                created_at: now,
            };
            let row = Row {
                id: mint(now),
                organization_id: mint(now),
                user_id: user.id,
                username: user.username.clone(),
                role: Role::Worker,
                joined_at: now,
                last_active_on: None,
                invited_by: None,
            };
            let standing = Standing { signed_in: true, role: Some(Role::Owner), ..Standing::default() };
            Membership::listed((row, Some(user)), standing, Some(viewer))
        };
        let members = Members((0..50).map(member).collect());
        let schema = Schema::new(members, EmptyMutation, EmptySubscription);
        Self { runtime: runtime(), schema, app, viewer }
    }

    /// Executes a query for all of them, and writes the answer; tells its length.
    pub fn answer(&self) -> usize {
        let actor = Actor { user_id: self.viewer, session: None, expires_at: None };
        let mut context = RequestContext::new(&self.app.env, Some(actor), None);
        context.takes_json = true;
        let request = Request::new("{ nodes { id role user { email displayName } } }").data(context);
        let answer = self.runtime.block_on(self.schema.execute(request));
        Json::of(&answer).into_bytes().len()
    }
}

/// A server that is asked something for which no database is needed.
pub struct Whole {
    runtime: Runtime,
    router: Router,
    token: String,
}

impl Whole {
    /// Makes one.
    pub fn new() -> Self {
        let (app, token, _) = app();
        Self { runtime: runtime(), router: app.router, token }
    }

    /// Sends a request; tells the status of the answer.
    pub fn answer(&self) -> u16 {
        let body = r#"{"query":"query Rules { roles { role description permissions } }"}"#;
        let request = HttpRequest::post("/graphql")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Body::from(body))
            .unwrap();
        self.runtime.block_on(self.router.clone().oneshot(request)).unwrap().status().as_u16()
    }
}
