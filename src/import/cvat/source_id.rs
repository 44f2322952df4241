//! Identifies the CVAT of an export: IDs of different CVATs overlap and must not be confused.

use std::collections::BTreeSet;

use url::Url;

use crate::import::cvat::ImportError;
use crate::import::cvat::export::Export;

/// Returns the name of the CVAT: `cvat:` and the origin of its users' URLs.
pub fn of(export: &Export) -> Result<String, ImportError> {
    let origins: BTreeSet<String> = export.users.iter().filter_map(|user| origin(user.url.as_deref()?)).collect();
    match origins.len() {
        // Rows without URLs, for example from a custom script.
        0 => Ok("cvat:unknown".into()),
        1 => Ok(origins.into_iter().map(|origin| format!("cvat:{origin}")).collect()),
        _ => Err(ImportError::SeveralOrigins { origins: origins.into_iter().collect::<Vec<_>>().join(" and ") }),
    }
}

fn origin(url: &str) -> Option<String> {
    let origin = Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::super::model::User;
    use super::*;

    fn export(urls: &[&str]) -> Export {
        let user = |url: &&str| serde_json::json!({ "id": 1, "username": "ada", "url": url });
        let users: Vec<User> = serde_json::from_value(urls.iter().map(user).collect()).expect("users");
        Export { users, ..Export::default() }
    }

    #[test]
    fn of_returns_the_origin_of_the_user_urls() {
        for (urls, source) in [
            (
                &["http://localhost:8080/api/users/1", "http://localhost:8080/api/users/2"][..],
                "cvat:http://localhost:8080",
            ),
            (&["https://CVAT.example.org:443/api/users/1"], "cvat:https://cvat.example.org"),
            (&["/api/users/1", "mailto:ada@example.org"], "cvat:unknown"),
            (&[], "cvat:unknown"),
        ] {
            assert_eq!(of(&export(urls)).ok().as_deref(), Some(source));
        }
        let error = of(&export(&["http://a.example/1", "https://a.example/1"])).expect_err("two origins").to_string();
        assert!(error.contains("http://a.example and https://a.example") && error.contains("--source"), "{error}");
    }
}
