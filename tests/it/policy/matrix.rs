//! The permission rules: a golden matrix for review as a diff, the README's table, `Query.roles`, and complete coverage
//! of root fields.

use std::collections::BTreeSet;

use guildhall::domain::Role;
use guildhall::policy::action::ROOT_FIELDS;
use guildhall::policy::matrix;
use serde_json::json;

use crate::support::TestApp;
use crate::support::golden::{assert_current, assert_section_current};

#[test]
fn golden_matrix_is_current() {
    assert_current("tests/it/policy/matrix.txt", &matrix::golden());
}

#[test]
fn readme_rules_are_current() {
    assert_section_current("README.md", "rules", &matrix::markdown());
}

#[tokio::test]
async fn root_fields_are_all_mapped_to_an_action() {
    let app = TestApp::new().await;
    let roots = ["queryType", "mutationType", "subscriptionType"].map(|root| format!("{root} {{ fields {{ name }} }}"));
    let data = app.nobody(&format!("{{ __schema {{ {} }} }}", roots.join(" "))).await.data();
    let fields = |root: &str, name: &str| {
        let fields = data["__schema"][root]["fields"].as_array().expect("fields").clone();
        fields
            .into_iter()
            .map(|field| format!("{name}.{}", field["name"].as_str().expect("a name")))
            .collect::<Vec<_>>()
    };
    let mut served: BTreeSet<_> = fields("queryType", "Query").into_iter().collect();
    served.extend(fields("mutationType", "Mutation"));
    served.extend(fields("subscriptionType", "Subscription"));
    let mapped: BTreeSet<_> = ROOT_FIELDS.iter().map(|(field, _)| (*field).to_owned()).collect();
    assert_eq!(served, mapped);
    app.close().await;
}

#[tokio::test]
async fn roles_query_returns_the_enforced_rules() {
    let app = TestApp::new().await;
    let data = app
        .nobody("{ roles { role description permissions conditionalPermissions assignableRoles manageableRoles } }")
        .await
        .data();
    let roles = data["roles"].as_array().expect("roles");
    assert_eq!(
        roles.iter().map(|role| role["role"].clone()).collect::<Vec<_>>(),
        Role::ALL.map(|role| json!(role.name()))
    );
    let worker = ["VIEW_ORGANIZATION", "VIEW_MEMBERS", "LEAVE_ORGANIZATION", "VIEW_EVENTS"];
    assert_eq!(roles[0]["permissions"], json!(worker));
    assert_eq!(roles[1]["assignableRoles"], json!([]));
    assert_eq!(roles[2]["assignableRoles"], json!(["WORKER", "SUPERVISOR"]));
    assert_eq!(roles[3]["manageableRoles"], json!(["WORKER", "SUPERVISOR", "MAINTAINER"]));
    app.close().await;
}
