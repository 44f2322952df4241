//! Security headers for browsers: they prevent content sniffing, framing, caching and referrers.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};

/// Content security policy of data responses: browsers run and load nothing from them.
const DATA: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Adds the headers to a response. An existing `Cache-Control` or `Content-Security-Policy` is kept.
pub fn apply(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(DATA);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apply_keeps_existing_headers() {
        let mut headers = HeaderMap::new();
        apply(&mut headers);
        assert_eq!((&headers[CACHE_CONTROL], &headers[CONTENT_SECURITY_POLICY]), (&"no-store".parse().unwrap(), &DATA));
        let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-cache"))]);
        apply(&mut headers);
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
    }
}
