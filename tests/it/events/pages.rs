//! Pages, counts and filters of the list of events.

use serde_json::json;

use crate::support::stream::{events_of, text};
use crate::support::{Office, Person, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_list_pages_both_ways_counts_and_filters() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    for n in 0..40 {
        let by = if n % 2 == 0 { &office.owner } else { &office.maintainer };
        by.mutate(
            "updateOrganization",
            json!({ "organizationId": office.id, "name": format!("N{n}") }),
            "clientMutationId",
        )
        .await
        .done();
        office.owner.invites(&office.id, &format!("p{n}@example.org"), "WORKER").await;
    }
    office.app.log_settles().await;
    let page = async |person: &Person, arguments: &str| {
        let query = format!(
            r#"{{ organization(id: "{}") {{ events({arguments}) {{ totalCount edges {{ cursor node {{ id cursor }} }} pageInfo {{ hasNextPage hasPreviousPage endCursor startCursor }} }} }} }}"#,
            office.id
        );
        person.ask(&query).await.data()["organization"]["events"].clone()
    };
    for person in [&office.worker, &office.maintainer] {
        let all = events_of(person, &office.id, "first: 100").await;
        let next = page(person, "first: 100").await["pageInfo"]["endCursor"].clone();
        let more = page(person, &format!("first: 100, after: {next}")).await;
        let count = all.len() + more["edges"].as_array().expect("edges").len();
        assert_eq!(more["totalCount"], count);
        let (mut forward, mut after) = (Vec::new(), String::new());
        loop {
            let part = page(person, &format!("first: 7{after}")).await;
            for edge in part["edges"].as_array().expect("edges") {
                assert_eq!(edge["cursor"], edge["node"]["cursor"]);
                forward.push(text(&edge["node"], "id"));
            }
            if part["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = format!(", after: {}", part["pageInfo"]["endCursor"]);
        }
        let (mut backward, mut before) = (Vec::new(), String::new());
        loop {
            let part = page(person, &format!("last: 9{before}")).await;
            let ids = part["edges"].as_array().expect("edges").iter().rev().map(|edge| text(&edge["node"], "id"));
            backward.extend(ids);
            if part["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            before = format!(", before: {}", part["pageInfo"]["startCursor"]);
        }
        backward.reverse();
        assert_eq!((forward.len(), &forward), (count, &backward));
        for event in all.iter().take(3) {
            let node =
                person.ask(&format!(r#"{{ node(id: {}) {{ id ... on Event {{ cursor }} }} }}"#, event["id"])).await;
            assert_eq!(node.data()["node"], json!({ "id": event["id"], "cursor": event["cursor"] }));
        }
    }
    let by = format!(r#"actorId: "{}", types: [ORGANIZATION_UPDATED, MEMBER_LEFT]"#, office.maintainer.id);
    assert_eq!(page(&office.worker, &by).await["totalCount"], 20);
    assert_eq!(page(&office.worker, "types: []").await["totalCount"], 0);
    assert_eq!(
        page(&office.worker, "types: [INVITATION_CREATED]").await["totalCount"],
        1,
        "the viewer's own invitation"
    );
    assert_eq!(page(&office.owner, r#"actorId: "nonsense""#).await["totalCount"], 0);
    office.app.close().await;
}
