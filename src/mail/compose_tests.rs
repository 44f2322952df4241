//! Tests of composed messages.

use serde_json::json;

use super::*;
use crate::domain::{Clock, ids};

fn from() -> Mailbox {
    "Guildhall <no-reply@localhost>".parse().unwrap()
}

fn composed(recipient: &str, organization: &str) -> Result<String, ComposeError> {
    let variables = json!({ "organization": organization });
    let at = Clock::default().now();
    let mail = OutgoingMail {
        id: ids::new_id(at),
        template: Template::Invitation,
        recipient,
        variables: &variables,
        link: Some("https://app.example.org/i/tok"),
        at,
    };
    let (first, _) = compose(&from(), &mail)?;
    let (again, _) = compose(&from(), &mail)?;
    let id = format!("Message-ID: <{}@localhost>\r\n", Uuid::from(mail.id));
    let texts = [first, again].map(|message| String::from_utf8(message.formatted()).unwrap());
    assert!(texts.iter().all(|text| text.contains(&id)), "the same Message-ID each time");
    let [text, _] = texts;
    Ok(text)
}

#[test]
fn compose_writes_both_parts_and_the_auto_submitted_header() {
    let text = composed("ada@example.org", "acme").unwrap();
    for part in [
        "From: Guildhall <no-reply@localhost>\r\n",
        "To: ada@example.org\r\n",
        "Subject: You are invited to acme\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "MIME-Version: 1.0\r\n",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "\r\nDate: ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn compose_lets_no_name_or_address_add_a_header() {
    let text = composed("ada@example.org", "x\r\nBcc: eve@example.org\r\n\r\nbody\n.\nQUIT").unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let names: Vec<_> = head.lines().filter(|line| !line.starts_with([' ', '\t'])).collect();
    assert!(names.iter().all(|line| line.contains(": ")), "{head}");
    assert!(!names.iter().any(|line| line.starts_with("Bcc") || line.starts_with("QUIT")), "{head}");
    for bad in ["ada@example.org\r\nBcc: eve@example.org", "ada@example.org, eve@example.org", "ada", "<a@example.org>"]
    {
        assert_eq!(composed(bad, "acme").err(), Some(ComposeError::Address), "{bad}");
    }
}

#[test]
fn compose_writes_the_recipient_domain_as_a_labels() {
    for recipient in ["user@bücher.example", "user@xn--bcher-kva.example"] {
        let text = composed(recipient, "acme").unwrap();
        assert!(text.contains("\r\nTo: user@xn--bcher-kva.example\r\n"), "{text}");
    }
}
