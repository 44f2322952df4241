//! End-to-end test over a real socket, with the mails read from their folder: the first steps of a new user.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guildhall::mail::transports::Transport;
use guildhall::mail::worker;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::TestApp;
use crate::support::actors::document;

/// A client with its own token.
struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    async fn send(&self, query: &str, variables: Value) -> Value {
        let mut request = self.http.post(&self.url).json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        assert!(answer.get("errors").is_none(), "{:#}", answer["errors"]);
        answer["data"].clone()
    }

    async fn mutate(&self, mutation: &str, input: Value, fields: &str) -> Value {
        self.send(&document(mutation, fields), json!({ "input": input })).await[mutation].clone()
    }

    async fn signs_up(&mut self, input: Value) {
        let payload = self.mutate("signUp", input, "session { accessToken }").await;
        self.token = Some(payload["session"]["accessToken"].as_str().expect("a token").to_owned());
    }
}

/// Serves the application on a free port, with a worker that writes mails to a folder.
async fn serve(app: &TestApp, mails: &Path) -> (SocketAddr, CancellationToken) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let router = app.router.clone();
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::spawn(async move { served.await });
    let transport = Transport::folder(mails.to_owned(), "Guildhall <guildhall@example.org>", None).expect("a folder");
    let (store, outbox, clock) = (app.env.store.clone(), app.env.outbox.clone(), app.env.clock.clone());
    tokio::spawn(worker::run(store, outbox, transport, clock, stop.clone()));
    (address, stop)
}

/// Waits for the mail to that address and returns its token.
async fn token_in_mail(folder: &Path, recipient: &str) -> String {
    let mails = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "eml")).collect()
    };
    for _ in 0..100 {
        for path in mails() {
            let bytes = std::fs::read(&path).expect("a mail");
            // Quoted-printable breaks long lines with `=` and writes `=` as `=3D`.
            let text = String::from_utf8_lossy(&bytes).replace("=\r\n", "").replace("=3D", "=");
            if text.contains(&format!("To: {recipient}")) {
                let link = text.split("graphiql#").nth(1).expect("a link");
                let token: String = link
                    .split('=')
                    .nth(1)
                    .expect("a token")
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                    .collect();
                std::fs::remove_file(path).expect("read once");
                return token;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no mail came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_up_to_leave_organization_works_end_to_end() {
    let app = TestApp::new().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mail-{}", uuid::Uuid::new_v4()));
    let (address, stop) = serve(&app, &folder).await;
    let client = || Client { http: reqwest::Client::new(), url: format!("http://{address}/graphql"), token: None };
    let (mut ada, mut bob) = (client(), client());

    ada.signs_up(json!({ "email": "ada@example.org", "username": "ada", "password": "correct horse battery" })).await;
    let token = token_in_mail(&folder, "ada@example.org").await;
    let verified = ada.mutate("verifyEmail", json!({ "token": token }), "viewer { emailVerified }").await;
    assert_eq!(verified["viewer"]["emailVerified"], true);

    let created =
        ada.mutate("createOrganization", json!({ "slug": "lab", "name": "The Lab" }), "organization { id }").await;
    let lab = created["organization"]["id"].clone();
    let input = json!({ "organizationId": lab, "invitees": [{ "email": "bob@example.org", "role": "WORKER" }], "message": "Come & see <b>" });
    let invited = ada.mutate("inviteMembers", input, "results { invitation { id } }").await;
    let invitation = invited["results"][0]["invitation"]["id"].clone();
    let token = token_in_mail(&folder, "bob@example.org").await;
    let delivery = format!(r#"{{ invitation(id: {invitation}) {{ delivery {{ state sendCount }} }} }}"#);
    // The mail is written shortly before the database records it.
    let mut delivered = ada.send(&delivery, json!({})).await["invitation"]["delivery"].clone();
    for _ in 0..100 {
        if delivered["state"] != "QUEUED" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        delivered = ada.send(&delivery, json!({})).await["invitation"]["delivery"].clone();
    }
    assert_eq!(delivered, json!({ "state": "SENT", "sendCount": 1 }));

    bob.signs_up(json!({ "username": "bob", "password": "correct horse battery", "invitationToken": token })).await;
    let seen = bob.send(r#"{ organization(slug: "lab") { name viewerMembership { id role } } }"#, json!({})).await;
    assert_eq!(seen["organization"]["viewerMembership"]["role"], "WORKER");
    let membership = seen["organization"]["viewerMembership"]["id"].clone();

    let change = json!({ "membershipId": membership, "role": "SUPERVISOR" });
    let changed = ada.mutate("changeMemberRole", change.clone(), "membership { role }").await;
    assert_eq!(changed["membership"]["role"], "SUPERVISOR");
    let refused = bob.mutate("changeMemberRole", change, "membership { role }").await;
    assert_eq!(refused["userErrors"][0]["code"], "FORBIDDEN");
    assert_eq!(refused["userErrors"][0]["requiredRole"], "MAINTAINER");
    let left = bob.mutate("leaveOrganization", json!({ "organizationId": lab }), "leftMembershipId").await;
    assert_eq!(left["leftMembershipId"], membership);
    assert_eq!(bob.send(r#"{ organization(slug: "lab") { id } }"#, json!({})).await["organization"], Value::Null);

    stop.cancel();
    std::fs::remove_dir_all(&folder).expect("the folder of mails");
    app.close().await;
}
