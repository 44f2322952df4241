//! Links in mails: URLs of pages of the web application, with a placeholder for the token. The token is in the
//! fragment, which browsers do not send to servers.

use url::Url;

use super::template::Template;

/// Placeholder for the token in a setting.
const PLACEHOLDER: &str = "{token}";

/// URLs with the placeholder `{token}`.
#[derive(Clone, Debug)]
pub struct Links {
    /// Page on which an invitee accepts or declines an invitation.
    pub invitation: String,
    /// Page on which a user verifies an email address, the current or a new one.
    pub verification: String,
    /// Page on which a user sets a new password.
    pub password_reset: String,
}

/// A link setting that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the link {0:?} must be an http or https URL with {{token}} in it once, behind a #, so that browsers send it to no server"
)]
pub struct LinkError(pub String);

impl Links {
    /// Checks that each link is an HTTP URL with exactly one placeholder, in the fragment. Called once, at the start.
    pub fn check(&self) -> Result<(), LinkError> {
        for link in [&self.invitation, &self.verification, &self.password_reset] {
            let web = Url::parse(&link.replace(PLACEHOLDER, "token")).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.contains("token"))
            });
            let in_fragment = link.split_once('#').is_some_and(|(_, fragment)| fragment.contains(PLACEHOLDER));
            if !web || !in_fragment || link.matches(PLACEHOLDER).count() != 1 {
                return Err(LinkError(link.clone()));
            }
        }
        Ok(())
    }

    /// Returns the link of a mail of that template, with the token.
    pub fn url(&self, template: Template, token: &str) -> String {
        let link = match template {
            Template::Invitation => &self.invitation,
            Template::VerifyEmail | Template::ChangeEmail => &self.verification,
            Template::ResetPassword => &self.password_reset,
        };
        let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        link.replace(PLACEHOLDER, &token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(invitation: &str) -> Links {
        Links {
            invitation: invitation.to_owned(),
            verification: "https://app.example.org/verify#token={token}".to_owned(),
            password_reset: "https://app.example.org/reset#{token}".to_owned(),
        }
    }

    #[test]
    fn url_puts_the_token_into_the_link_of_the_template() {
        let links = links("http://localhost:4000/i#{token}");
        assert_eq!(links.check(), Ok(()));
        assert_eq!(links.url(Template::Invitation, "a-B_9"), "http://localhost:4000/i#a-B_9");
        assert_eq!(links.url(Template::VerifyEmail, "x"), "https://app.example.org/verify#token=x");
        assert_eq!(links.url(Template::ChangeEmail, "x"), "https://app.example.org/verify#token=x");
        assert_eq!(links.url(Template::ResetPassword, "a&b"), "https://app.example.org/reset#a%26b");
    }

    #[test]
    fn check_refuses_links_without_placeholder_in_the_fragment_and_other_schemes() {
        for bad in [
            "https://example.org/",
            "/invitations#{token}",
            "https://example.org/{token}",
            "https://example.org/?token={token}",
            "https://example.org/?token={token}#here",
            "javascript:{token}",
            "https://{token}.example.org/#",
            "https://example.org/{token}#{token}",
        ] {
            assert_eq!(links(bad).check(), Err(LinkError(bad.to_owned())));
        }
    }
}
