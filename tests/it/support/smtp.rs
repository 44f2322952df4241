//! A mail server in a separate process of this executable. A script decides for each recipient how the server reacts,
//! and the server reports each mail.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncBufReadExt;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

const CHILD: &str = "GUILDHALL_TEST_MAIL_SERVER";

/// Longest wait for a mail.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mail server. It ends when this is dropped.
pub struct MailServer {
    _process: Child,
    steps: mpsc::UnboundedReceiver<Handed>,
    /// Its URL.
    pub url: String,
}

/// A mail that a client delivered or tried to deliver.
#[derive(Debug)]
pub struct Handed {
    /// The recipient.
    pub to: String,
    /// The step of the script that was applied.
    pub done: String,
    /// The whole message; empty if it was not received.
    pub message: String,
}

impl Handed {
    fn parse(line: &str) -> Self {
        let step: Value = serde_json::from_str(line).expect("JSON");
        let text = |field: &str| step[field].as_str().expect("text").to_owned();
        Self { to: text("to"), done: text("done"), message: text("message") }
    }

    /// A header of the message.
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        self.message.lines().find_map(|line| line.strip_prefix(&start)).expect("the header")
    }
}

impl MailServer {
    /// Starts a server with a script: the steps for recipients whose address starts with a prefix, one for each
    /// attempt; the last step repeats. Mails to other recipients are accepted.
    ///
    /// `take` accepts the mail; `late MILLISECONDS` accepts it after a delay; `rcpt CODE` and `data CODE` refuse the
    /// recipient or the message; `drop-in-data` disconnects during the message, `drop-after-dot` before the server
    /// confirms it; `hold-rcpt` and `hold-after-dot` send no reply.
    pub async fn start(script: &[(&str, &[&str])]) -> Self {
        let itself = std::env::current_exe().expect("this executable");
        let mut process = Command::new(itself)
            .args(["--exact", "support::smtp::serve", "--ignored", "--nocapture"])
            .env(CHILD, json!(script).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("this executable");
        let mut output = tokio::io::BufReader::new(process.stderr.take().expect("its words")).lines();
        let port = output.next_line().await.expect("text").expect("its port");
        let (sender, receiver) = mpsc::unbounded_channel();
        // The output is read at once, because a full pipe would block the server.
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                if sender.send(Handed::parse(&line)).is_err() {
                    return;
                }
            }
        });
        Self { _process: process, steps: receiver, url: format!("smtp://127.0.0.1:{port}") }
    }

    /// The next report.
    pub async fn next(&mut self) -> Handed {
        tokio::time::timeout(PATIENCE, self.steps.recv()).await.expect("a mail comes").expect("it runs")
    }

    /// The reports that no call has returned yet.
    pub async fn rest(&mut self) -> Vec<Handed> {
        let mut rest = Vec::new();
        while let Ok(handed) = tokio::time::timeout(Duration::from_millis(300), self.next()).await {
            rest.push(handed);
        }
        rest
    }
}

/// The server itself, which runs in the separate process.
#[test]
#[ignore = "the other half of a mail server, which starts it in a process of its own"]
fn serve() {
    let Ok(script) = std::env::var(CHILD) else { return };
    let script: Vec<(String, Vec<String>)> = serde_json::from_str(&script).expect("a script");
    let attempts = Attempts { script, made: Mutex::default() };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    eprintln!("{}", listener.local_addr().expect("an address").port());
    let attempts = Arc::new(attempts);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let attempts = attempts.clone();
            std::thread::spawn(move || serve_connection(&client, &attempts));
        }
    });
    // The pipe closes when the parent process ends, for any reason.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

struct Attempts {
    script: Vec<(String, Vec<String>)>,
    made: Mutex<HashMap<String, usize>>,
}

impl Attempts {
    /// The step for the next mail to that address.
    fn next(&self, to: &str) -> String {
        let mut made = self.made.lock().expect("no panic");
        let made = made.entry(to.to_owned()).or_default();
        *made += 1;
        let steps = self.script.iter().find(|(start, _)| to.starts_with(start)).map(|(_, steps)| steps);
        steps.map_or("take", |steps| &steps[(*made).min(steps.len()) - 1]).to_owned()
    }
}

fn tell(to: &str, done: &str, message: &str) {
    eprintln!("{}", json!({ "to": to, "done": done, "message": message }));
}

fn serve_connection(client: &TcpStream, attempts: &Attempts) -> Option<()> {
    let mut lines = BufReader::new(client);
    let say = |text: &str| (&mut &*client).write_all(format!("{text}\r\n").as_bytes()).ok();
    let hold = |lines: &mut BufReader<&TcpStream>| lines.read_to_end(&mut Vec::new()).ok();
    let (mut to, mut does) = (String::new(), String::new());
    say("220 ready")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (step, rest) = does.split_once(' ').unwrap_or((&does, ""));
        match line.get(..4)? {
            "RCPT" => {
                to = line.split(['<', '>']).nth(1)?.to_owned();
                does = attempts.next(&to);
                match does.split_once(' ') {
                    Some(("rcpt", code)) => {
                        tell(&to, &does, "");
                        say(&format!("{code} not this one"))?;
                    }
                    _ if does == "hold-rcpt" => {
                        tell(&to, &does, "");
                        hold(&mut lines)?;
                    }
                    _ => say("250 fine")?,
                }
            }
            "DATA" => {
                say("354 go on")?;
                let mut message = String::new();
                while !message.ends_with("\r\n.\r\n") {
                    if lines.read_line(&mut message).ok()? == 0 {
                        return None;
                    }
                    if step == "drop-in-data" && message.len() > 100 {
                        tell(&to, &does, "");
                        return None;
                    }
                }
                if step == "late" {
                    std::thread::sleep(Duration::from_millis(rest.parse().ok()?));
                }
                tell(&to, &does, &message);
                match step {
                    "data" => say(&format!("{rest} not like this"))?,
                    "drop-after-dot" => return None,
                    "hold-after-dot" => drop(hold(&mut lines)?),
                    _ => say("250 taken")?,
                }
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 fine")?,
        }
    }
}
