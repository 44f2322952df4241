//! `cynic`: documents generated from Rust types, which are checked against the schema at compile time.

use cynic::{GraphQlResponse, MutationBuilder, QueryBuilder};
use guildhall_clients::Server;

#[cynic::schema("guildhall")]
mod schema {}

#[derive(cynic::Scalar)]
struct DateTime(String);

#[derive(cynic::QueryVariables)]
struct SlugVariables<'a> {
    slug: &'a str,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "SlugVariables")]
struct LastEvents {
    #[arguments(slug: $slug)]
    organization: Option<OrganizationWithEvents>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization")]
struct OrganizationWithEvents {
    id: cynic::Id,
    viewer_permissions: Vec<Permission>,
    #[arguments(last: 3)]
    events: Option<EventConnection>,
}

#[derive(cynic::QueryFragment)]
struct EventConnection {
    nodes: Vec<Event>,
}

#[derive(cynic::QueryFragment)]
struct Event {
    at: DateTime,
    subject: Option<EventSubject>,
    #[cynic(rename = "type")]
    kind: EventType,
}

#[derive(cynic::InlineFragments)]
enum EventSubject {
    Project(Project),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
struct Project {
    id: cynic::Id,
    name: String,
}

#[derive(cynic::Enum, Debug, PartialEq, Clone, Copy)]
#[cynic(non_exhaustive)]
enum Permission {
    CreateProject,
    DeleteOrganization,
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::Enum, Debug, PartialEq, Clone, Copy)]
#[cynic(non_exhaustive)]
enum EventType {
    ProjectCreated,
    ProjectDeleted,
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
struct CreateVariables {
    input: CreateProjectInput,
}

#[derive(cynic::InputObject)]
struct CreateProjectInput {
    workspace_id: cynic::Id,
    name: String,
    description: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
struct Create {
    #[arguments(input: $input)]
    create_project: CreateProjectPayload,
}

#[derive(cynic::QueryFragment)]
struct CreateProjectPayload {
    project: Option<Project>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment)]
struct UserError {
    path: Vec<String>,
    code: UserErrorCode,
}

#[derive(cynic::Enum, Debug, PartialEq, Clone, Copy)]
#[cynic(non_exhaustive)]
enum UserErrorCode {
    Required,
    LimitExceeded,
    #[cynic(fallback)]
    Other,
}

fn good<T>(response: GraphQlResponse<T>) -> T {
    assert!(response.errors.is_none(), "{:?}", response.errors);
    response.data.expect("data without errors")
}

fn organization(server: &Server) -> OrganizationWithEvents {
    let query = LastEvents::build(SlugVariables { slug: "northwind" });
    good(server.post::<GraphQlResponse<LastEvents>>(&query)).organization.expect("an organization of the demo world")
}

fn create(server: &Server, name: &str, key: Option<&str>) -> CreateProjectPayload {
    let input = CreateProjectInput {
        workspace_id: organization(server).id,
        name: name.to_owned(),
        description: None,
        idempotency_key: key.map(str::to_owned),
    };
    good(server.post::<GraphQlResponse<Create>>(&Create::build(CreateVariables { input }))).create_project
}

#[test]
fn what_a_mutation_has_made_is_the_subject_of_the_last_event() {
    let server = Server::as_("samuel");
    let made = create(&server, "Made by cynic", Some("once"));
    let again = create(&server, "Made by cynic", Some("once"));
    assert!(made.user_errors.is_empty(), "{:?}", made.user_errors.iter().map(|error| error.code).collect::<Vec<_>>());
    let project = made.project.expect("a project");
    assert_eq!(again.project.expect("the same project").id, project.id);

    let events = organization(&server).events.expect("a maintainer sees the log").nodes;
    let created: Vec<&Event> = events.iter().filter(|event| event.kind == EventType::ProjectCreated).collect();
    let about = |event: &&&Event| matches!(&event.subject, Some(EventSubject::Project(it)) if it.id == project.id);
    let event = created.iter().find(about).expect("an event about it");
    let Some(EventSubject::Project(subject)) = &event.subject else { unreachable!() };
    assert_eq!(subject.name, "Made by cynic");
    assert!(event.at.0.ends_with('Z'), "{}", event.at.0);
}

#[test]
fn a_project_without_a_name_is_refused() {
    let refused = create(&Server::as_("samuel"), "  ", None);
    assert!(refused.project.is_none());
    assert_eq!(refused.user_errors[0].code, UserErrorCode::Required);
    assert_eq!(refused.user_errors[0].path, ["input", "name"]);
}

#[test]
fn permissions_are_those_of_the_role() {
    let of = |login| organization(&Server::as_(login)).viewer_permissions;
    assert!(of("greta").contains(&Permission::DeleteOrganization));
    let maintainer = of("samuel");
    assert!(maintainer.contains(&Permission::CreateProject) && !maintainer.contains(&Permission::DeleteOrganization));
    assert!(!of("noor").contains(&Permission::CreateProject));
}
