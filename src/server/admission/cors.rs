//! Checks the origins of pages. For HTTP, browsers enforce the answer to their CORS preflight; WebSockets have no
//! preflight, so their `Origin` is checked here.

use std::time::Duration;

use axum::http::header::{HOST, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, CorsLayer};
use url::Url;

use crate::server::admission::Admission;
use crate::server::middleware::REQUEST_ID;

/// How long a browser may cache the answer to a preflight.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

impl Admission {
    /// Returns the CORS layer; `None` if no other origins are allowed. Credentials are not enabled: browsers do not
    /// send bearer tokens automatically.
    pub fn cors(&self) -> Option<CorsLayer> {
        let origins: Vec<HeaderValue> = self.access.origins.iter().filter_map(|origin| origin.parse().ok()).collect();
        (!origins.is_empty()).then(|| {
            CorsLayer::new()
                .allow_origin(origins)
                .allow_methods([Method::GET, Method::POST])
                .allow_headers(AllowHeaders::mirror_request())
                .expose_headers([REQUEST_ID, RETRY_AFTER])
                .max_age(MAX_AGE)
        })
    }

    /// Whether a WebSocket request comes from no page, from a page of this server, or from an allowed origin.
    pub fn allows_origin(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else { return !headers.contains_key(ORIGIN) };
        let Ok(origin) = origin.to_str() else { return false };
        let own = self.access.public_url.as_deref().and_then(authority);
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_ascii_lowercase);
        let requesting = authority(origin);
        self.access.origins.contain(origin) || requesting.is_some() && (requesting == own || requesting == host)
    }
}

/// Returns host and port of a URL, without the default port of the scheme.
fn authority(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HttpPolicy, Origins};

    #[test]
    fn admits_page_checks_the_own_and_the_allowed_origins() {
        let admission = Admission::new(HttpPolicy {
            public_url: Some("https://guildhall.example.org/team".to_owned()),
            origins: Origins::parse("https://app.example.org").unwrap(),
            ..HttpPolicy::default()
        });
        let admits = |origin: &str, host: &str| {
            let headers = [(ORIGIN, origin.parse().unwrap()), (HOST, host.parse().unwrap())];
            admission.allows_origin(&HeaderMap::from_iter(headers))
        };
        assert!(admits("https://app.example.org", "internal:4000"));
        assert!(admits("https://guildhall.example.org", "internal:4000"));
        assert!(admits("http://localhost:4000", "LOCALHOST:4000"));
        for bad in [
            "null",
            "",
            "https://evil.example",
            "http://localhost:4001",
            "http://localhost",
            "https://app.example.org:444",
        ] {
            assert!(!admits(bad, "localhost:4000"), "{bad}");
        }
        assert!(admission.allows_origin(&HeaderMap::new()), "no page");
        let mut two = HeaderMap::from_iter([(ORIGIN, "https://app.example.org".parse().unwrap())]);
        two.append(ORIGIN, "https://evil.example".parse().unwrap());
        assert!(!admission.allows_origin(&two));
    }
}
