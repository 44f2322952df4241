//! `graphql_client`: Rust types generated from documents and the schema at compile time.

use graphql_client::{GraphQLQuery, Response};
use guildhall_clients::Server;

type DateTime = String;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "documents/members.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Debug"
)]
struct Members;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "documents/invite.graphql",
    response_derives = "Debug, PartialEq, Clone",
    variables_derives = "Debug",
    skip_serializing_none
)]
struct Invite;

fn ask<Q: GraphQLQuery>(server: &Server, variables: Q::Variables) -> Q::ResponseData {
    let Response { data, errors, .. }: Response<Q::ResponseData> = server.post(&Q::build_query(variables));
    assert_eq!(errors, None);
    data.expect("data without errors")
}

fn members(server: &Server, after: Option<String>) -> members::MembersOrganization {
    let variables = members::Variables { slug: "vision-lab".to_owned(), after };
    ask::<Members>(server, variables).organization.expect("an organization of the demo world")
}

#[test]
fn a_list_is_paged_through() {
    let server = Server::as_("eleni");
    let mut page = members(&server, None).members;
    let total = page.total_count as usize;
    let mut all = page.nodes;
    while page.page_info.has_next_page {
        page = members(&server, page.page_info.end_cursor).members;
        all.append(&mut page.nodes);
    }
    assert_eq!(all.len(), total);
    assert!(all.is_sorted_by_key(|member| member.joined_at.clone()));
    let owners: Vec<_> = all.iter().filter(|member| member.role == members::Role::OWNER).collect();
    assert_eq!(owners.len(), 1);
    assert_eq!(owners[0].user.username, "eleni");
    assert!(owners[0].user.email.is_some());
}

fn invite(server: &Server, emails: &[&str]) -> invite::InviteInviteMembers {
    let role = invite::Role::WORKER;
    let invitee = |email: &&str| invite::InviteeInput { email: (*email).to_owned(), role: role.clone() };
    let input = invite::InviteMembersInput {
        organization_id: members(server, None).id,
        invitees: emails.iter().map(invitee).collect(),
        message: None,
        on_error: invite::InviteErrorPolicy::SKIP,
        client_mutation_id: None,
        idempotency_key: None,
    };
    ask::<Invite>(server, invite::Variables { input }).invite_members
}

#[test]
fn each_invitee_has_a_result_of_their_own() {
    let answer = invite(&Server::as_("eleni"), &["a.typed.client@example.org", "no address"]);
    assert_eq!(answer.user_errors, []);
    let [good, bad] = &answer.results.expect("results")[..] else { panic!("two results") };
    let invitation = good.invitation.as_ref().expect("an invitation");
    assert_eq!(invitation.status, invite::InvitationStatus::PENDING);
    assert_eq!(bad.invitation, None);
    assert_eq!(bad.user_errors[0].code, invite::UserErrorCode::INVALID_FORMAT);
    assert_eq!(bad.user_errors[0].path, ["input", "invitees", "1", "email"]);
}

#[test]
fn who_may_not_invite_is_told_what_is_lacking() {
    let answer = invite(&Server::as_("kwame"), &["somebody@example.org"]);
    let [error] = &answer.user_errors[..] else { panic!("one error") };
    assert_eq!(error.code, invite::UserErrorCode::FORBIDDEN);
    assert_eq!(error.permission, Some(invite::Permission::INVITE_MEMBER));
    assert_eq!(error.required_role, Some(invite::Role::MAINTAINER));
}
