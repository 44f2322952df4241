//! Negotiates the media types of requests and responses, by the GraphQL-over-HTTP specification.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

/// The media type of a response. The body is the same for both; the HTTP status may differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status shows whether the request was refused or executed.
    #[default]
    GraphqlResponse,
    /// `application/json`: status 200 for every well-formed request, for older clients.
    Json,
}

impl Media {
    /// Returns the value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
        }
    }

    fn essence(self) -> &'static str {
        match self {
            Media::GraphqlResponse => "application/graphql-response+json",
            Media::Json => "application/json",
        }
    }
}

/// Chooses the media type of the response; `None` if the client accepts neither. Clients that do not name the newer
/// type get `application/json`.
pub fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let values: Vec<&str> = headers.get_all(ACCEPT).iter().map(|value| value.to_str().unwrap_or("")).collect();
    let accept = values.join(",");
    if accept.trim().is_empty() {
        return Some(Media::Json);
    }
    let ranges: Vec<Range> = accept.split(',').filter_map(Range::parse).collect();
    let json = preference(&ranges, Media::Json);
    let graphql = preference(&ranges, Media::GraphqlResponse);
    match (graphql, json) {
        (Some(graphql), Some(json)) if json > graphql || graphql.1 < EXACT => Some(Media::Json),
        (Some(_), _) => Some(Media::GraphqlResponse),
        (None, Some(_)) => Some(Media::Json),
        (None, None) => None,
    }
}

/// Whether the client names `text/event-stream` in `Accept`. A wildcard does not count.
pub fn accepts_event_stream(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(',')).filter_map(Range::parse);
    ranges.any(|range| range.essence.eq_ignore_ascii_case("text/event-stream") && range.weight > 0)
}

/// Whether the body is sent as JSON in UTF-8 and not compressed: decompression could turn a kilobyte into a megabyte.
pub fn sends_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return false;
    }
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    essence.trim().eq_ignore_ascii_case("application/json") && is_utf8(parameters)
}

/// Precision of a range that is exactly one media type.
const EXACT: u8 = 2;

/// One entry of `Accept`.
struct Range<'a> {
    essence: &'a str,
    /// Weight (`q`) in thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(entry: &'a str) -> Option<Self> {
        let (essence, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let weight =
            parameter(parameters, "q").map_or(Some(1.0), |q| q.parse().ok()).filter(|q| (0.0..=1.0).contains(q))?;
        let weight = (weight * 1000.0f32).round() as u16;
        is_utf8(parameters).then_some(Range { essence: essence.trim(), weight })
    }

    /// Returns how precisely the range matches the media type; `None` if it does not match.
    fn precision(&self, media: Media) -> Option<u8> {
        if self.essence.eq_ignore_ascii_case(media.essence()) {
            Some(EXACT)
        } else if self.essence.eq_ignore_ascii_case("application/*") {
            Some(1)
        } else {
            (self.essence == "*/*").then_some(0)
        }
    }
}

/// Returns weight and precision of the most precise matching range; `None` if that range excludes the type.
fn preference(ranges: &[Range], media: Media) -> Option<(u16, u8)> {
    let covering = ranges.iter().filter_map(|range| Some((range.precision(media)?, range.weight)));
    covering.max().filter(|(_, weight)| *weight > 0).map(|(precision, weight)| (weight, precision))
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"')))
}

fn is_utf8(parameters: &str) -> bool {
    parameter(parameters, "charset")
        .is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn negotiate_returns_the_media_type_that_the_client_prefers() {
        use Media::{GraphqlResponse, Json};
        for (accept, expected) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/graphql-response+json", Some(GraphqlResponse)),
            ("application/json", Some(Json)),
            ("Application/JSON; charset=UTF-8", Some(Json)),
            ("application/graphql-response+json, application/json;q=0.9", Some(GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/json, application/graphql-response+json;q=0.5", Some(Json)),
            ("application/json, text/plain, */*", Some(Json)),
            ("*/*, application/graphql-response+json;q=0", Some(Json)),
            ("application/json, multipart/mixed", Some(Json)),
            ("text/html, */*;q=0.1", Some(Json)),
            ("*/*, application/json;q=0", Some(GraphqlResponse)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json; charset=latin1", None),
        ] {
            assert_eq!(negotiate(&headers(ACCEPT, accept)), expected, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new()), Some(Json));
    }

    #[test]
    fn takes_events_needs_the_exact_media_type() {
        for good in
            ["text/event-stream", "application/json, Text/Event-Stream;q=0.1", "text/event-stream; charset=utf-8"]
        {
            assert!(accepts_event_stream(&headers(ACCEPT, good)), "{good}");
        }
        for bad in ["", "*/*", "text/*", "text/event-stream;q=0", "application/json"] {
            assert!(!accepts_event_stream(&headers(ACCEPT, bad)), "{bad}");
        }
    }

    #[test]
    fn negotiate_joins_several_headers() {
        let mut both = headers(ACCEPT, "text/html");
        both.append(ACCEPT, "application/json".parse().unwrap());
        assert_eq!(negotiate(&both), Some(Media::Json));
    }

    #[test]
    fn sends_json_accepts_only_json_in_utf8() {
        for good in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON;charset=\"UTF-8\""] {
            assert!(sends_json(&headers(CONTENT_TYPE, good)), "{good}");
        }
        for bad in ["text/plain", "application/graphql", "application/json; charset=utf-16", "application/jsonp", ""] {
            assert!(!sends_json(&headers(CONTENT_TYPE, bad)), "{bad}");
        }
        let mut packed = headers(CONTENT_TYPE, "application/json");
        packed.append(CONTENT_ENCODING, "identity".parse().unwrap());
        assert!(sends_json(&packed));
        packed.append(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert!(!sends_json(&packed));
        let mut both = headers(CONTENT_TYPE, "application/json");
        both.append(CONTENT_TYPE, "text/plain".parse().unwrap());
        assert!(!sends_json(&both));
        assert!(!sends_json(&HeaderMap::new()));
    }
}
