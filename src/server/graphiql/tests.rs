//! Tests that vendored files match their checksums, the page uses no other host, and caching works.

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use tower::ServiceExt;

use crate::server::graphiql::{ASSETS, router, sha256};

const PAGE: &str = include_str!("index.html");
const OURS: [&str; 3] = [PAGE, include_str!("playground.js"), include_str!("playground.css")];

async fn get(path: &str, known: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path);
    if let Some(etag) = known {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    let router: Router<()> = router();
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn text(response: &Response<Body>, name: header::HeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Returns the values of `src` and `href` in the page.
fn references() -> Vec<&'static str> {
    let after = |attribute| PAGE.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    after(" src=\"").chain(after(" href=\"")).collect()
}

#[test]
fn vendored_files_match_their_checksums() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/graphiql/vendor");
    let mut listed = vec!["CHECKSUMS.txt".to_owned()];
    for line in include_str!("vendor/CHECKSUMS.txt").lines() {
        let [sum, file, package, _path] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not four words: {line}")
        };
        assert_eq!(sha256(&std::fs::read(folder.join(file)).unwrap()), sum, "{file} of {package}");
        listed.push(file.to_owned());
    }
    let mut present: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    listed.sort();
    present.sort();
    assert_eq!(listed, present);
}

#[test]
fn files_refer_to_no_other_host() {
    for reference in references() {
        assert!(reference.starts_with("/graphiql/"), "{reference}");
    }
    for text in OURS {
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("\"//"));
    }
    for asset in ASSETS.iter().filter(|asset| asset.name.ends_with(".css")) {
        let css = std::str::from_utf8(asset.body).unwrap();
        assert!(!css.contains("@import"), "{}", asset.name);
        let mut targets = css.split("url(").skip(1).map(|rest| rest.trim_start_matches(['"', '\'']));
        assert!(targets.all(|target| target.starts_with("data:") || target.starts_with('#')), "{}", asset.name);
    }
}

#[test]
fn page_has_no_inline_script_or_style() {
    assert!(
        !PAGE.contains("<style") && !PAGE.contains(" style=") && !PAGE.contains("<script>") && !PAGE.contains(" on")
    );
}

#[tokio::test]
async fn router_serves_each_referenced_file_with_its_type() {
    let references = references();
    assert_eq!(references.len(), ASSETS.len(), "all files are used");
    for reference in references {
        let response = get(reference, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{reference}");
        let expected = match reference.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(text(&response, header::CONTENT_TYPE), expected, "{reference}");
        assert!(text(&response, header::CONTENT_SECURITY_POLICY).contains("script-src 'self'; "), "{reference}");
        assert!(!to_bytes(response.into_body(), usize::MAX).await.unwrap().is_empty());
    }
    assert_eq!(get("/graphiql/missing.js", None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn router_answers_304_for_a_cached_file() {
    for path in ["/graphiql", "/graphiql/graphiql.min.js"] {
        let first = get(path, None).await;
        assert_eq!(text(&first, header::CACHE_CONTROL), "no-cache");
        let etag = text(&first, header::ETAG);
        for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let again = get(path, Some(&known)).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(text(&again, header::ETAG), etag);
            assert!(to_bytes(again.into_body(), usize::MAX).await.unwrap().is_empty());
        }
        assert_eq!(get(path, Some("\"other\"")).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn router_redirects_the_root_to_the_page() {
    let response = get("/", None).await;
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(text(&response, header::LOCATION), "/graphiql");
    assert_eq!(text(&get("/graphiql", None).await, header::CONTENT_TYPE), "text/html; charset=utf-8");
}
