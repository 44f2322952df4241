//! Rules for the structure of `src`: dependencies between modules, the use of diesel, async-graphql and `Role`
//! variants, file headers, and where writes start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The other modules that each module of `src` may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("policy", &["domain"]),
    ("store", &["domain"]),
    ("embedded", &[]),
    ("events", &["domain", "store"]),
    ("mail", &["domain", "store", "events"]),
    ("auth", &["domain", "config", "store"]),
    ("operations", &["domain", "policy", "store", "events", "mail", "auth"]),
    ("import", &["domain", "store", "events", "operations"]),
    ("seed", &["domain", "store", "events", "operations"]),
    ("graphql", &["domain", "policy", "operations", "events", "store", "auth"]),
    ("server", &["domain", "graphql", "auth", "events", "config", "operations"]),
    ("config", &["domain", "operations", "mail", "auth"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Every source file with its module of `src`.
fn house() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |path: &Path| {
        let first = path.strip_prefix(&src).expect("in src").components().next().expect("a part");
        first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    sources(&src)
        .into_iter()
        .map(|path| (module(&path), path.clone(), fs::read_to_string(&path).expect("text")))
        .collect()
}

#[test]
fn module_dependencies_follow_the_allowed_list() {
    let may_use: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut offences = Vec::new();
    for (module, path, text) in house() {
        let Some(allowed) = may_use.get(module.as_str()) else { continue };
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = MAY_USE.iter().any(|(module, _)| *module == used) || used == "app" || used == "commands";
                if known && used != module && !allowed.contains(&used.as_str()) {
                    offences.push(format!("{}: {module} uses {used}", path.display()));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn diesel_and_async_graphql_are_used_in_their_modules_only() {
    let mut offences = Vec::new();
    for (module, path, text) in house() {
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let speaks_sql = code.contains("diesel::") && !["store", "domain"].contains(&module.as_str());
        let speaks_graphql = code.contains("async_graphql::") && !["graphql", "server"].contains(&module.as_str());
        if speaks_sql || speaks_graphql {
            offences.push(path.display().to_string());
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn role_variants_are_named_only_in_domain_policy_and_mapping_modules() {
    let allowed = ["domain", "policy", "store", "graphql", "import", "seed"];
    let creator = "organizations/create.rs";
    let offences: Vec<_> = house()
        .into_iter()
        .filter(|(module, path, _)| !allowed.contains(&module.as_str()) && !path.ends_with(creator))
        .filter(|(_, _, text)| {
            ["Role::Owner", "Role::Maintainer", "Role::Supervisor", "Role::Worker"]
                .iter()
                .any(|role| text.contains(role))
        })
        .map(|(_, path, _)| path.display().to_string())
        .collect();
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn source_files_start_with_a_header() {
    for (_, path, text) in house() {
        assert!(text.starts_with("//!"), "{} has no header", path.display());
    }
}

#[test]
fn writes_go_through_the_transaction_that_checks_the_session() {
    // `idempotency.rs` has the transaction that checks the session. Exempt are also the sign-in with a token of an OIDC
    // issuer, the recording of activity, and jobs.
    let others = [
        "idempotency.rs",
        "provision_oidc_user.rs",
        "record_activity.rs",
        "expire_plans.rs",
        "expire_invitations.rs",
        "expire_ownership_offers.rs",
        "fill_text_keys.rs",
        "schedule.rs",
        "purge_organizations.rs",
        "signing_keys.rs",
    ];
    let offences: Vec<_> = house()
        .into_iter()
        .filter(|(module, path, _)| {
            let is_other = others.iter().any(|name| path.ends_with(name));
            ["operations", "graphql"].contains(&module.as_str()) && !is_other
        })
        .filter(|(_, _, text)| [".writer()", ".turn("].iter().any(|way| text.contains(way)))
        .map(|(_, path, _)| path.display().to_string())
        .collect();
    assert_eq!(offences, [] as [&str; 0], "these write beside `AppContext::transaction`");
}
