//! Malicious and misleading strings, through the API and in mails.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use guildhall::mail::transports::Transport;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Person, TestApp};

/// The stored name of a new organization, or the codes of the user errors.
async fn named(person: &Person, slug: &str, name: &str) -> Result<String, Vec<String>> {
    let answer =
        person.mutate("createOrganization", json!({ "slug": slug, "name": name }), "organization { name }").await;
    let payload = answer.body["data"]["createOrganization"].clone();
    payload["organization"]["name"].as_str().map(str::to_owned).ok_or_else(|| answer.refused())
}

/// Sends a body unchanged.
async fn raw(app: &TestApp, token: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/graphql-response+json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let response = app.router.clone().oneshot(request).await.expect("a response");
    let status = response.status();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&bytes).expect("JSON"))
}

#[tokio::test]
async fn name_validation_accepts_all_scripts_and_refuses_misleading_characters() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let emoji = "🚀".repeat(64);
    let zalgo = format!("Z{}", "\u{317}".repeat(63));
    for (number, good) in [
        "👩‍👩‍👧 Family",
        "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        "שלום עולם",
        "می‌خواهم",
        "<script>alert(1)</script>",
        "'; DROP TABLE users; --",
        "{{ 7 * 7 }} ${7*7} %s",
        &emoji,
        &zalgo,
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(named(&ada, &format!("good-{number}"), good).await.as_deref(), Ok(good));
    }
    let megabyte = "x".repeat(900_000);
    for (bad, code) in [
        ("a\0b", "INVALID_FORMAT"),
        ("a\r\nBcc: eve@example.org", "INVALID_FORMAT"),
        ("a\u{2028}b", "INVALID_FORMAT"),
        ("\u{202E}gro.elgoog", "INVALID_FORMAT"),
        ("a\u{2066}b\u{2069}c", "INVALID_FORMAT"),
        ("ad\u{200B}min", "INVALID_FORMAT"),
        ("\u{3164}", "INVALID_FORMAT"),
        (&"🚀".repeat(65), "TOO_LONG"),
        (&format!("Z{}", "\u{317}".repeat(64)), "TOO_LONG"),
        (&megabyte, "TOO_LONG"),
    ] {
        assert_eq!(named(&ada, "bad", bad).await, Err(vec![code.to_owned()]), "{bad:.20}");
    }
    for (slug, code) in [
        ("a\u{202E}b", "INVALID_FORMAT"),
        ("a\u{200D}b", "INVALID_FORMAT"),
        ("\u{430}dmin", "INVALID_FORMAT"),
        ("\u{212A}elvin", "INVALID_FORMAT"),
        ("a\0", "INVALID_FORMAT"),
        (&megabyte, "TOO_LONG"),
    ] {
        assert_eq!(named(&ada, slug, "Name").await, Err(vec![code.to_owned()]), "{slug:.20}");
    }
    app.close().await;
}

#[tokio::test]
async fn lone_surrogates_are_refused() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let variables = |name: &str| {
        format!(
            r#"{{"query":"mutation($n:String){{createOrganization(input:{{slug:\"acme\",name:$n}}){{organization{{name}}}}}}","variables":{{"n":"{name}"}}}}"#
        )
    };
    for half in [r"\ud800", r"\udc00", r"a\ud83db", r"\udc00\ud800", r"\ud800\ud800"] {
        let (status, answer) = raw(&app, &ada.token, &variables(half)).await;
        assert_eq!(
            (status, &answer["errors"][0]["extensions"]["code"]),
            (StatusCode::BAD_REQUEST, &json!("BAD_REQUEST")),
            "{half}"
        );
        let document = format!(
            r#"{{"query":"mutation{{createOrganization(input:{{slug:\"acme\",name:\"{}\"}}){{organization{{name}}}}}}"}}"#,
            half.replace('\\', r"\\")
        );
        let (status, answer) = raw(&app, &ada.token, &document).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{half}: {answer}");
    }
    assert_eq!(app.count("organizations").await, 0);
    let (_, answer) = raw(&app, &ada.token, &variables(r"\ud83d\ude80")).await;
    assert_eq!(answer["data"]["createOrganization"]["organization"]["name"], "🚀", "a surrogate pair is one character");
    app.close().await;
}

/// Waits for the only complete mail in the folder.
async fn mail_in(folder: &Path) -> String {
    loop {
        let files: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        if let Some(file) = files.iter().find(|file| file.extension().is_some_and(|ending| ending == "eml")) {
            return std::fs::read_to_string(file).expect("a mail");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn mail_headers_and_markup_cannot_be_injected_by_names_or_addresses() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let name = "=?utf-8?q?Bcc:_eve?= <b>\"Acme\", eve@example.org;";
    assert_eq!(named(&ada, "acme", name).await.as_deref(), Ok(name));
    ada.mutate("updateProfile", json!({ "displayName": "Ada <eve@example.org>, Bcc:" }), "viewer { email }")
        .await
        .done();
    // A name that validation refuses today, in case it ever passes.
    app.sql("UPDATE organizations SET name = E'Acme\\r\\nBcc: eve@example.org\\r\\n\\r\\n<h1>' WHERE slug = 'acme'")
        .await;
    let organization = app.texts("SELECT id::text FROM organizations").await.swap_remove(0);
    let organization =
        guildhall::domain::OrganizationId::from(organization.parse::<uuid::Uuid>().expect("an ID")).to_string();
    let message = "<script>alert(1)</script>\n.\nQUIT\r\nBcc: eve@example.org";
    let input = json!({
        "organizationId": organization, "message": message,
        "invitees": [
            { "email": "bob@example.org", "role": "WORKER" },
            { "email": "eve@example.org\r\nBcc: x@example.org", "role": "WORKER" },
            { "email": "bob@example.org, eve@example.org", "role": "WORKER" },
            { "email": "Bob <eve@example.org>", "role": "WORKER" },
        ],
    });
    let payload = ada.mutate("inviteMembers", input, "results { userErrors { code } }").await.done();
    let codes: Vec<_> = payload["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["userErrors"][0]["code"].clone())
        .collect();
    assert_eq!(codes, [json!(null), json!("INVALID_FORMAT"), json!("INVALID_FORMAT"), json!("INVALID_FORMAT")]);

    let folder = std::env::temp_dir().join(format!("guildhall-strings-{}", std::process::id()));
    let transport = Transport::folder(folder.clone(), "Guildhall <guildhall@example.org>", None).expect("a folder");
    app.app.spawn_mail_worker(transport);
    let mail = mail_in(&folder).await;
    let (head, body) = mail.split_once("\r\n\r\n").expect("a head and a body");
    let mut names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(": ").expect("a header").0)
        .collect();
    names.sort_unstable();
    let expected = ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];
    assert_eq!(names, expected, "{head}");
    assert!(head.contains("\r\nTo: bob@example.org\r\n"), "{head}");
    let html = body.split_once("text/html").expect("an HTML part").1.replace("=\r\n", "");
    assert!(html.contains("&lt;script&gt;"), "{html}");
    assert!(!html.contains("<script") && !html.contains("<b>") && html.matches("<a ").count() == 1, "{html}");
    app.app.shutdown.soft.cancel();
    let _ = std::fs::remove_dir_all(&folder);
    app.close().await;
}
