//! The executable: it starts, works and stops, and refuses bad settings in one line.

use std::process::{Command, Stdio};

use jsonwebtoken::Algorithm;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::TestApp;
use crate::support::cluster::Cluster;
use crate::support::fake_oidc::{AUDIENCE, ISSUER, Key, claims, key_set};
use crate::support::server_process::{SECRET, Server, guildhall, listening, run};

/// The line with which the command fails.
async fn refusal(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(arguments, environment).await;
    let sentence = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(output.stdout.is_empty());
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence
}

#[tokio::test]
async fn serve_names_the_missing_or_invalid_setting() {
    let nowhere = "postgres://nobody@127.0.0.1:1/none?connect_timeout=2";
    for (arguments, environment, says) in [
        (vec!["serve"], vec![("GUILDHALL_JWT_SECRET", SECRET)], "DATABASE_URL"),
        (vec!["serve"], vec![("DATABASE_URL", nowhere)], "openssl genpkey"),
        (vec!["serve"], vec![("DATABASE_URL", nowhere), ("GUILDHALL_JWT_SECRET", "hunter2")], "32 bytes"),
        (
            vec!["serve"],
            vec![("DATABASE_URL", nowhere), ("GUILDHALL_JWT_SECRET", SECRET), ("DATABASE_WAIT_SECONDS", "0")],
            "127.0.0.1:1: nothing listens there",
        ),
        (
            vec!["serve"],
            vec![("DATABASE_URL", nowhere), ("GUILDHALL_EMBEDDED", "yes"), ("GUILDHALL_DATA_DIR", "unused")],
            "not both",
        ),
        (vec!["serve", "--log", "a=b=c"], vec![], "GUILDHALL_LOG"),
        (
            vec!["serve", "--mail-from", "nobody"],
            vec![("DATABASE_URL", nowhere), ("GUILDHALL_JWT_SECRET", SECRET)],
            "MAIL_FROM",
        ),
        (
            vec!["serve", "--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE, "--jwks-file", "missing.json"],
            vec![("DATABASE_URL", nowhere), ("GUILDHALL_JWT_SECRET", SECRET)],
            "JWKS_FILE: missing.json: it cannot be read",
        ),
        (vec!["serve", "--invitation-expiry-days", "366"], vec![], "365"),
        (vec!["token", "--user", "ada"], vec![("GUILDHALL_DATA_DIR", "unused")], "DATABASE_URL"),
    ] {
        let sentence = refusal(&arguments, &environment).await;
        assert!(sentence.contains(says), "{arguments:?} {environment:?}: {sentence}");
        assert!(!sentence.contains("hunter2"), "the secret is repeated: {sentence}");
    }
}

#[tokio::test]
async fn serve_refuses_unmigrated_and_demo_databases() {
    let cluster = Cluster::get();
    let url = cluster.empty_database().await;
    let environment =
        [("DATABASE_URL", url.as_str()), ("GUILDHALL_JWT_SECRET", SECRET), ("GUILDHALL_LISTEN", "127.0.0.1:0")];
    assert!(refusal(&["serve"], &environment).await.contains("guildhall migrate"));
    assert!(run(&["migrate"], &environment).await.status.success());
    let again = run(&["migrate"], &environment).await;
    assert!(String::from_utf8_lossy(&again.stdout).contains("up to date"));
    crate::support::cluster::execute(&url, "UPDATE installation SET demo = true").await;
    assert!(refusal(&["serve"], &environment).await.contains("demo"));
    cluster.drop(&url).await;
}

#[tokio::test]
async fn serve_answers_logs_and_stops_on_sigterm() {
    let app = TestApp::new().await;
    app.person("ada").await;
    let environment = [
        ("DATABASE_URL", app.url.as_str()),
        ("GUILDHALL_JWT_SECRET", SECRET),
        ("GUILDHALL_LISTEN", "127.0.0.1:0"),
        ("GUILDHALL_MAIL_WORKER", "off"),
    ];
    let mut command = tokio::process::Command::from(guildhall(&["serve", "--log-format", "json"], &environment));
    let mut server = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("the executable");
    let mut log = BufReader::new(server.stderr.take().expect("its log")).lines();
    let first = log.next_line().await.expect("text").expect("a line");
    let first: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    let url = first["public_url"].as_str().expect("where it listens").to_owned();

    let token = run(&["token", "--user", "ADA"], &environment).await.stdout;
    let token = String::from_utf8(token).expect("text");
    let answer = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .bearer_auth(token.trim())
        .header("content-type", "application/json")
        .body(r#"{"query":"query Me { viewer { isAdmin } }"}"#)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    assert_eq!(answer.text().await.expect("text"), r#"{"data":{"viewer":{"isAdmin":false}}}"#);

    let line = log.next_line().await.expect("text").expect("a line");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["request_id"], &line["operation"]), (&id.into(), &"Me".into()), "{line}");

    let refused = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .header("content-type", "application/json")
        .body(r#"{"query":"mutation In { signIn(input: { login: \"ada\", password: \"secret-word\" }) { userErrors { code } } }"}"#)
        .send();
    refused.await.expect("an answer");
    let line = log.next_line().await.expect("text").expect("a line");
    assert!(!line.contains("secret-word") && !line.contains("ada"), "{line}");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["operation"], &line["codes"]), (&"In".into(), &"INVALID_CREDENTIALS".into()), "{line}");

    let pid = server.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), server.wait()).await;
    assert!(ended.expect("it stops in time").expect("its status").success());
    app.close().await;
}

#[tokio::test]
async fn serve_accepts_tokens_of_an_issuer_with_keys_from_a_file() {
    let app = TestApp::new().await;
    let file = std::env::temp_dir().join(format!("guildhall-served-keys-{}.json", std::process::id()));
    let [ours, other] = [Algorithm::ES256, Algorithm::ES256].map(|algorithm| Key::new(algorithm, "one"));
    std::fs::write(&file, key_set(std::slice::from_ref(&ours))).expect("the file");
    let environment = [("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", AUDIENCE), ("JWKS_FILE", file.to_str().expect("text"))];
    let server = Server::start(&app.url, &environment).await;
    let ask = async |key: &Key| {
        let token = key.sign(&claims("ada", json!({ "preferred_username": "ada" })));
        let request = reqwest::Client::new().post(format!("http://{}/graphql", server.address)).bearer_auth(token);
        let request = request.header("content-type", "application/json");
        let answer = request.body(r#"{"query":"{ viewer { user { username } } }"}"#).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    assert_eq!(ask(&ours).await, (200, r#"{"data":{"viewer":{"user":{"username":"ada"}}}}"#.to_owned()));
    let (status, answer) = ask(&other).await;
    assert!(status == 401 && answer.contains("UNAUTHENTICATED"), "{status} {answer}");
    drop(server);
    std::fs::remove_file(file).expect("the file");
    app.close().await;
}

#[tokio::test]
async fn serve_embedded_stops_on_sigterm_after_its_data_folder_was_deleted() {
    let folder = std::env::temp_dir().join(format!("guildhall-deleted-{}", std::process::id()));
    let environment = [("GUILDHALL_DATA_DIR", folder.to_str().expect("text")), ("GUILDHALL_LISTEN", "127.0.0.1:0")];
    let arguments = ["serve", "--embedded", "--log-format", "json"];
    let mut command = tokio::process::Command::from(guildhall(&arguments, &environment));
    let mut server = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("the executable");
    // The log stays open to the end, because the process still writes to it.
    let mut log = BufReader::new(server.stderr.take().expect("its log")).lines();
    listening(&mut log).await;
    std::fs::rename(&folder, folder.with_extension("gone")).expect("the folder");
    // The database still writes to the folder, so the removal is retried.
    let removed = (0..100).any(|_| std::fs::remove_dir_all(folder.with_extension("gone")).is_ok());
    assert!(removed, "the folder stays");
    let pid = server.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), server.wait()).await;
    assert!(ended.expect("it stops in time").expect("its status").success());
}

#[tokio::test]
async fn import_cvat_runs_dry_then_for_real_and_again() {
    let app = TestApp::new().await;
    let environment = [("DATABASE_URL", app.url.as_str())];
    let export = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cvat");
    let import = async |arguments: &[&str]| {
        let output = run(&[&["import", "cvat", export], arguments].concat(), &environment).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let rehearsal = import(&["--dry-run"]).await;
    assert_eq!(app.count("users").await, 0);
    let report = import(&[]).await;
    assert_eq!(rehearsal.trim_end(), format!("{}\n\nThis was a dry run: nothing was written.", report.trim_end()));
    assert_eq!(app.count("users").await, 21);
    let again = import(&[]).await;
    assert!(again.contains("Nothing in it is new"), "{again}");
    assert!(again.contains("users               21       0      21       0       0"), "{again}");
    let elsewhere = import(&["--source", "another"]).await;
    assert!(elsewhere.contains("accounts are never merged"), "{elsewhere}");
    assert_eq!(app.count("users").await, 21);

    let nothing = refusal(&["import", "cvat", env!("CARGO_TARGET_TMPDIR")], &environment).await;
    assert!(nothing.contains("Nothing was imported: users.json is missing."), "{nothing}");
    app.close().await;
}
