//! Tests of the transports, with an SMTP server of their own and a folder.

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::domain::{Clock, ids};
use crate::mail::template::Template;

const FROM: &str = "Guildhall <no-reply@localhost>";

/// Starts a minimal mail server that replies `answer` to `RCPT`. Returns its URL and the messages that it receives.
async fn mail_server(answer: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (messages, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_connection(stream, answer, messages.clone()));
        }
    });
    (url, received)
}

async fn serve_connection(stream: TcpStream, answer: &str, messages: mpsc::UnboundedSender<String>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 ready\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let reply = match line.get(..4)? {
            "RCPT" => answer,
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut message = String::new();
                while !message.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut message).await.ok()?;
                }
                messages.send(message).ok()?;
                "250 taken"
            }
            _ => "250 fine",
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    }
}

async fn send(transport: &Transport) -> (String, Result<(), DeliveryError>) {
    let at = Clock::default().now();
    let variables = json!({ "username": "ada" });
    let mail = OutgoingMail {
        id: ids::new_id(at),
        template: Template::VerifyEmail,
        recipient: "ada@example.org",
        variables: &variables,
        link: Some("https://app.example.org/v/tok"),
        at,
    };
    (uuid::Uuid::from(mail.id).to_string(), transport.send(&mail).await)
}

#[tokio::test]
async fn send_hands_the_message_to_the_mail_server() {
    let (url, mut received) = mail_server("250 fine").await;
    let (id, outcome) = send(&Transport::smtp(&url, FROM).unwrap()).await;
    assert_eq!(outcome, Ok(()));
    let message = received.recv().await.unwrap();
    assert!(message.contains(&format!("Message-ID: <{id}@localhost>")), "{message}");
    assert!(message.contains("https://app.example.org/v/tok"), "{message}");
}

#[tokio::test]
async fn send_distinguishes_permanent_and_transient_refusals() {
    let (url, _received) = mail_server("550 no such user here").await;
    let (_, outcome) = send(&Transport::smtp(&url, FROM).unwrap()).await;
    assert_eq!(outcome, Err(DeliveryError::permanent("The mail server answered 550: no such user here")));

    let (url, _received) = mail_server("451 come back later").await;
    let (_, outcome) = send(&Transport::smtp(&url, FROM).unwrap()).await;
    assert_eq!(outcome, Err(DeliveryError::transient("The mail server answered 451: come back later")));

    let (url, _received) = mail_server("530 sign in first").await;
    let (_, outcome) = send(&Transport::smtp(&url, FROM).unwrap()).await;
    assert_eq!(outcome, Err(DeliveryError::transient("The mail server did not let Guildhall sign in (530).")));
}

#[tokio::test]
async fn send_fails_transiently_without_a_mail_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let (_, outcome) = send(&Transport::smtp(&url, FROM).unwrap()).await;
    assert_eq!(outcome, Err(DeliveryError::transient("The mail server could not be reached.")));
}

#[tokio::test]
async fn send_writes_one_private_file_per_mail_to_the_folder() {
    let path = std::env::temp_dir().join(format!("guildhall-{}", uuid::Uuid::new_v4())).join("mail");
    let (sender, mut sent) = mpsc::unbounded_channel();
    let transport = Transport::folder(path.clone(), FROM, Some(sender)).unwrap();
    let (id, outcome) = send(&transport).await;
    assert_eq!(outcome, Ok(()));

    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].to_str().unwrap().ends_with(&format!("Z-{id}.eml")), "{files:?}");
    assert!(std::fs::read_to_string(&files[0]).unwrap().contains("To: ada@example.org\r\n"));
    #[cfg(unix)]
    for (place, mode) in [(&path, 0o700), (&files[0], 0o600)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(place).unwrap().permissions().mode() & 0o777, mode, "{place:?}");
    }
    let mail = sent.recv().await.unwrap();
    assert_eq!(mail.recipient, "ada@example.org");
    assert_eq!(mail.subject, "Verify your address");
    assert_eq!(mail.link.as_deref(), Some("https://app.example.org/v/tok"));
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn smtp_refuses_invalid_settings() {
    assert_eq!(Transport::smtp("smtp://localhost", "nobody").err(), Some(BadSetting::From));
    for bad in ["localhost", "http://localhost", "smtp://localhost?tls=perhaps"] {
        assert_eq!(Transport::smtp(bad, FROM).err(), Some(BadSetting::SmtpUrl), "{bad}");
    }
}
