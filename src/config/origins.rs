//! Origins of pages, in the notation of operators and of browsers.

use url::Url;

/// A list of origins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Parses a list with commas, such as `https://app.example.org, http://localhost:5173`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(origin).collect::<Option<_>>().map(Self).ok_or_else(|| {
            "it must be origins such as https://app.example.org, with commas between them and without paths".to_owned()
        })
    }

    /// Whether the list contains the origin, written as in the browser's `Origin` header.
    pub fn contain(&self, origin: &str) -> bool {
        self.0.iter().any(|listed| listed == origin)
    }

    /// Iterates over the origins, written as in the browser's `Origin` header.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Normalizes an origin as browsers write it: lower case, without the default port of the scheme. `None` if it is
/// invalid.
fn origin(entry: &str) -> Option<String> {
    let url = Url::parse(entry).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (bare && matches!(url.scheme(), "http" | "https")).then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_normalizes_origins_as_browsers_write_them() {
        let origins = Origins::parse("https://App.Example.org:443/, http://localhost:5173,").unwrap();
        assert_eq!(origins.iter().collect::<Vec<_>>(), ["https://app.example.org", "http://localhost:5173"]);
        assert!(
            origins.contain("http://localhost:5173")
                && !origins.contain("http://localhost")
                && !origins.contain("null")
        );
        assert_eq!(Origins::parse(""), Ok(Origins::default()));
    }

    #[test]
    fn parse_refuses_invalid_origins() {
        for bad in
            ["*", "null", "example.org", "https://example.org/path", "ftp://example.org", "https://a@example.org"]
        {
            assert!(Origins::parse(bad).is_err(), "{bad}");
        }
    }
}
