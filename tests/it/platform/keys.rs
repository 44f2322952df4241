//! Rotation of signing keys while clients use the server.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::TestApp;
use crate::support::server_process::{Server, run};

/// A server process whose keys are in these files, in this order.
async fn serve(app: &TestApp, keys: &[&Path], data_dir: &Path) -> Server {
    let files: Vec<_> = keys.iter().map(|key| key.display().to_string()).collect();
    let (files, data_dir) = (files.join(","), data_dir.display().to_string());
    let settings = [
        ("GUILDHALL_JWT_SECRET", ""),
        ("GUILDHALL_SIGNING_KEY_FILE", files.as_str()),
        ("GUILDHALL_MAIL_WORKER", "on"),
        ("GUILDHALL_DATA_DIR", data_dir.as_str()),
    ];
    Server::start(&app.url, &settings).await
}

async fn post(at: SocketAddr, token: Option<&str>, query: &str, input: Value) -> Value {
    let mut request = reqwest::Client::new().post(format!("http://{at}/graphql"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let sent = request.json(&json!({ "query": query, "variables": { "input": input } })).send().await;
    let answer: Value = sent.expect("an answer").json().await.expect("JSON");
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    answer["data"].clone()
}

/// A client that keeps the tokens of an earlier server.
struct Client {
    access: String,
    refresh: String,
}

impl Client {
    async fn sign_up(at: SocketAddr, name: &str) -> Self {
        let query = "mutation M($input: SignUpInput!) {
            signUp(input: $input) { session { accessToken refreshToken } userErrors { message } } }";
        let input =
            json!({ "username": name, "email": format!("{name}@example.org"), "password": "correct horse staple" });
        Self::of(&post(at, None, query, input).await["signUp"])
    }

    fn of(payload: &Value) -> Self {
        let text = |name: &str| payload["session"][name].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned();
        Self { access: text("accessToken"), refresh: text("refreshToken") }
    }

    /// Uses both tokens, which another server issued, and queues a mail.
    async fn use_at(&mut self, at: SocketAddr) {
        post(at, Some(&self.access), "{ viewer { user { username } } }", json!({})).await;
        let query = "mutation M($input: ResendVerificationEmailInput!) {
            resendVerificationEmail(input: $input) { userErrors { message } } }";
        let sent = post(at, Some(&self.access), query, json!({})).await;
        assert_eq!(sent["resendVerificationEmail"]["userErrors"], json!([]));
        let query = "mutation M($input: RefreshSessionInput!) {
            refreshSession(input: $input) { session { accessToken refreshToken } userErrors { message } } }";
        let refreshed = post(at, None, query, json!({ "refreshToken": self.refresh })).await;
        *self = Self::of(&refreshed["refreshSession"]);
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[tokio::test]
async fn rotation_refuses_no_request_and_loses_no_mail() {
    let app = TestApp::new().await;
    let folder = folder("rotation");
    let [old, new] = ["10-old", "20-new"].map(|name| folder.join(name));
    fs::write(&old, "an old secret that is long enough for HS256").expect("a key");
    let pem = std::process::Command::new("openssl").args(["genpkey", "-algorithm", "ed25519"]).output();
    fs::write(&new, pem.expect("openssl").stdout).expect("a key");
    let steps: [&[&Path]; 4] = [&[&old], &[&old, &new], &[&new, &old], &[&new]];
    let mut server = serve(&app, steps[0], &folder).await;
    let mut clients = Vec::new();
    for index in 0..3 {
        clients.push(Client::sign_up(server.address, &format!("client-{index}")).await);
    }
    let mut mails = 3;
    for (index, step) in steps.iter().enumerate().skip(1) {
        // The processes of two steps run side by side, and clients use both.
        let next = serve(&app, step, &folder).await;
        for round in 0..4 {
            let at = if round % 2 == 0 { next.address } else { server.address };
            for client in &mut clients {
                client.use_at(at).await;
                mails += 1;
            }
        }
        // Before the old key goes, nothing that it has signed or sealed may be left.
        if index == 2 {
            for client in &mut clients {
                client.use_at(next.address).await;
                mails += 1;
            }
            let begun = Instant::now();
            while app.number("SELECT count(*) FROM mails WHERE state = 'QUEUED'").await > 0 {
                assert!(begun.elapsed() < Duration::from_secs(20), "mails wait");
                sleep(Duration::from_millis(100)).await;
            }
        }
        server = next;
    }
    let begun = Instant::now();
    while app.number("SELECT count(*) FROM mails WHERE state = 'SENT'").await < mails {
        assert!(begun.elapsed() < Duration::from_secs(20), "mails are lost");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(app.number("SELECT count(*) FROM mails WHERE state = 'FAILED'").await, 0);

    fs::write(folder.join("stranger"), "a secret that nobody else here has got").expect("a key");
    let stranger = folder.join("stranger").display().to_string();
    let settings = [("DATABASE_URL", app.url.as_str()), ("GUILDHALL_SIGNING_KEY_FILE", stranger.as_str())];
    let refused = run(&["serve", "--listen", "127.0.0.1:0"], &settings).await;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("share no signing key with this one"), "{said}");
    fs::remove_dir_all(&folder).expect("the folder");
}

#[tokio::test]
async fn hangup_reloads_keys_and_retire_refuses_while_mails_are_sealed() {
    let app = TestApp::new().await;
    let (keys, data_dir) = (folder("keys"), folder("keys-data"));
    fs::write(keys.join("0001-first"), "the first secret that is long enough").expect("a key");
    let (path, data) = (keys.display().to_string(), data_dir.display().to_string());
    let settings = [
        ("GUILDHALL_JWT_SECRET", ""),
        ("GUILDHALL_SIGNING_KEY_FILE", path.as_str()),
        ("GUILDHALL_DATA_DIR", data.as_str()),
    ];
    let server = Server::start(&app.url, &settings).await;
    let client = Client::sign_up(server.address, "ada").await;
    let environment = [("DATABASE_URL", app.url.as_str()), ("GUILDHALL_SIGNING_KEY_FILE", path.as_str())];
    let command = async |arguments: &[&str]| {
        let output = run(arguments, &environment).await;
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (done, said) = command(&["keys", "new"]).await;
    assert!(done && said.contains("0002-key.pem"), "{said}");
    let (done, said) = command(&["keys", "list"]).await;
    assert!(done && said.contains("HS256\tsigns\t1 queued mails") && said.contains("Ed25519\tverifies\t0"), "{said}");
    let jwks = async || reqwest::get(format!("http://{}/.well-known/jwks.json", server.address)).await.expect("keys");
    server.signal("HUP");
    let begun = Instant::now();
    while !jwks().await.text().await.expect("text").contains("Ed25519") {
        assert!(begun.elapsed() < Duration::from_secs(5), "not reloaded");
        sleep(Duration::from_millis(50)).await;
    }
    fs::rename(keys.join("0002-key.pem"), keys.join("0000-key.pem")).expect("to the front");
    server.signal("HUP");
    let (done, said) = command(&["keys", "retire", "0000-key.pem"]).await;
    assert!(!done && said.contains("This key signs"), "{said}");
    let (done, said) = command(&["keys", "retire", "0001-first"]).await;
    assert!(!done && said.contains("1 queued mails are encrypted with this key"), "{said}");
    app.sql("UPDATE mails SET state = 'SENT', sealed_link = NULL, sent_at = now()").await;
    let (done, said) = command(&["keys", "retire", "0001-first"]).await;
    assert!(done && !keys.join("0001-first").exists(), "{said}");
    post(server.address, Some(&client.access), "{ viewer { user { username } } }", json!({})).await;
    server.signal("HUP");
    sleep(Duration::from_millis(500)).await;
    let request = reqwest::Client::new().post(format!("http://{}/graphql", server.address)).bearer_auth(&client.access);
    let refused =
        request.json(&json!({ "query": "{ viewer { user { username } } }" })).send().await.expect("an answer");
    assert_eq!(refused.status(), 401, "the key is gone");
    let (done, said) = command(&["token", "--user", "ada", "--minutes", "1441"]).await;
    assert!(!done && said.contains("1440"), "{said}");
    fs::remove_dir_all(&keys).expect("the folder");
    fs::remove_dir_all(&data_dir).expect("the folder");
}
