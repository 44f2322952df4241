//! Where the links in mails lead: pages of the web application that this server stands behind, given as URLs with a place
//! for the token. The token is in the fragment, which browsers send to no server.

use url::Url;

use super::template::Template;

/// What stands in a setting in place of the token.
const PLACE: &str = "{token}";

/// URLs with `{token}` in place of the token.
#[derive(Clone, Debug)]
pub struct Links {
    /// Where an invitation is answered.
    pub invitation: String,
    /// Where an address is proven, that of an account or a new one.
    pub verification: String,
    /// Where a new password is set.
    pub password_reset: String,
}

/// A setting that cannot serve as a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the link {0:?} must be an http or https URL with {{token}} in it once, behind a #, so that browsers send it to no server"
)]
pub struct BadLink(pub String);

impl Links {
    /// Whether each of them is a web address with one place for the token, in its fragment: to be asked once, at the start.
    pub fn check(&self) -> Result<(), BadLink> {
        for link in [&self.invitation, &self.verification, &self.password_reset] {
            let web = Url::parse(&link.replace(PLACE, "token")).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.contains("token"))
            });
            let in_fragment = link.split_once('#').is_some_and(|(_, fragment)| fragment.contains(PLACE));
            if !web || !in_fragment || link.matches(PLACE).count() != 1 {
                return Err(BadLink(link.clone()));
            }
        }
        Ok(())
    }

    /// The link of such a mail, with the token in it.
    pub fn url(&self, template: Template, token: &str) -> String {
        let link = match template {
            Template::Invitation => &self.invitation,
            Template::VerifyEmail | Template::ChangeEmail => &self.verification,
            Template::ResetPassword => &self.password_reset,
        };
        let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        link.replace(PLACE, &token)
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
    fn each_kind_of_mail_has_its_link_with_the_token_in_it() {
        let links = links("http://localhost:4000/i#{token}");
        assert_eq!(links.check(), Ok(()));
        assert_eq!(links.url(Template::Invitation, "a-B_9"), "http://localhost:4000/i#a-B_9");
        assert_eq!(links.url(Template::VerifyEmail, "x"), "https://app.example.org/verify#token=x");
        assert_eq!(links.url(Template::ChangeEmail, "x"), "https://app.example.org/verify#token=x");
        assert_eq!(links.url(Template::ResetPassword, "a&b"), "https://app.example.org/reset#a%26b");
    }

    #[test]
    fn a_link_without_a_place_for_the_token_or_that_is_no_web_address_is_refused() {
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
            assert_eq!(links(bad).check(), Err(BadLink(bad.to_owned())));
        }
    }
}
