//! Tests of the rendered texts of mails.

use serde_json::json;

use super::*;

fn invitation() -> serde_json::Value {
    json!({
        "organization": "Ärzte & <b> Söhne",
        "inviter": "Ada \"<script>\"",
        "role": "SUPERVISOR",
        "message": "Come & see <https://evil.example>\nTomorrow?",
        "expires_at": "2026-08-03T14:05:00.000Z",
    })
}

#[test]
fn render_invitation_writes_inviter_organization_role_message_link_and_expiry() {
    let content = Template::Invitation.render(&invitation(), Some("https://app.example.org/i/tok")).unwrap();
    assert_eq!(content.subject, "Ada \"<script>\" invites you to Ärzte & <b> Söhne");
    insta::assert_snapshot!(content.text, @r#"
    Hello,

    Ada "<script>" invites you to join Ärzte & <b> Söhne as a Supervisor.

    Ada "<script>" writes:

    > Come & see <https://evil.example>
    > Tomorrow?

    To accept or decline, open this link. Do not share it with anyone:

    https://app.example.org/i/tok

    The invitation expires on Monday, 3 August 2026, 14:05 UTC.

    If you did not expect this invitation, you can ignore it. You do not join unless you accept.

    -- 
    Guildhall. This is an automated message; replies are not read.
    "#);
    assert!(content.html.contains(">See the invitation</a>"));
}

#[test]
fn render_invitation_escapes_variables_in_html() {
    let html = Template::Invitation.render(&invitation(), Some("https://app.example.org/i/tok")).unwrap().html;
    for dangerous in ["<script", "<b>", "<https", "href=\"https:&#x2f;&#x2f;evil"] {
        assert!(!html.contains(dangerous), "{dangerous} in {html}");
    }
    assert!(html.contains("&lt;script&gt;"));
    assert!(html.contains("Come &amp; see &lt;https:&#x2f;&#x2f;evil.example&gt;<br>"));
    assert_eq!(html.matches("<a ").count(), 1, "our own link alone");
}

#[test]
fn render_invitation_leaves_out_absent_variables() {
    let bare = json!({ "organization": "acme", "inviter": null, "role": "WORKER", "message": null });
    let content = Template::Invitation.render(&bare, None).unwrap();
    assert_eq!(content.subject, "You are invited to acme");
    for part in [&content.text, &content.html] {
        assert!(!part.contains("none") && !part.contains("writes:") && !part.contains("expires on"), "{part}");
    }
}

#[test]
fn render_invitation_keeps_names_on_one_line() {
    let mut variables = invitation();
    variables["organization"] = json!("acme\r\nBcc: x@example.org\u{2028}\0!");
    let content = Template::Invitation.render(&variables, None).unwrap();
    assert!(!content.subject.contains(|c: char| c.is_control() || c == '\u{2028}'), "{:?}", content.subject);
    assert!(content.subject.replace('\u{200c}', "").ends_with("Bcc: x@example.org  !"));
    assert!(!content.text.lines().any(|line| line.starts_with("Bcc")), "{}", content.text);
}

#[test]
fn render_writes_subject_and_link_of_every_template() {
    let variables = json!({ "organization": "acme", "username": "ada.l", "expires_at": "2026-08-03T14:05:00Z" });
    for template in Template::ALL {
        assert_eq!(Template::from_name(template.name()), Some(template));
        let content = template.render(&variables, Some("https://app.example.org/x?t=tok&en=1")).unwrap();
        assert!(!content.subject.is_empty());
        assert!(content.text.contains("\nhttps://app.example.org/x?t=tok&en=1\n"), "{}", content.text);
        assert!(
            content.html.contains("href=\"https:&#x2f;&#x2f;app.example.org&#x2f;x?t=tok&amp;en=1\""),
            "{}",
            content.html
        );
        assert!(content.text.contains("expires on Monday, 3 August 2026, 14:05 UTC."), "{}", content.text);
        assert!(template == Template::Invitation || content.text.contains("account ada.\u{200C}l"), "{}", content.text);
        assert!(!content.text.contains("\n\n\n"), "no gaps: {}", content.text);
    }
}

#[test]
fn render_account_mails_ignores_free_texts() {
    let variables = json!({
        "username": "ada", "name": "You won", "display_name": "You won", "message": "You won", "organization": "You won",
        "inviter": "You won",
    });
    for template in [Template::VerifyEmail, Template::ChangeEmail, Template::ResetPassword] {
        let content = template.render(&variables, Some("https://app.example.org/x#tok")).unwrap();
        for part in [&content.subject, &content.text, &content.html] {
            assert!(!part.contains("You won"), "{part}");
        }
        for part in [&content.text, &content.html] {
            assert!(part.contains("ada") && part.contains("ignore this mail"), "{part}");
        }
    }
}

#[test]
fn render_writes_no_name_as_a_link() {
    let names = ["evil.example", "https://evil.example", "me@evil.example", "evil。example", "www.evil.example"];
    for name in names {
        for (template, variable) in [
            (Template::Invitation, "organization"),
            (Template::Invitation, "inviter"),
            (Template::VerifyEmail, "username"),
            (Template::ChangeEmail, "username"),
            (Template::ResetPassword, "username"),
        ] {
            let mut variables = json!({ "organization": "acme" });
            variables[variable] = json!(name);
            let content = template.render(&variables, None).unwrap();
            for part in [content.subject, content.text, content.html] {
                for link in [".example", "。example", "://", "@evil", "www.evil"] {
                    assert!(!part.contains(link), "{name}: {link} in {part}");
                }
            }
        }
    }
}
