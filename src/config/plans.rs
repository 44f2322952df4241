//! Plans as configured by the operator: the built-in plans, plans without limits, or the built-in plans with changes
//! from a file.

use std::fs;

use toml::{Table, Value};

use super::{PlanManagement, RuleSettings};
use crate::config::validate;
use crate::config::validate::ConfigError;
use crate::domain::limit::LimitKind;
use crate::domain::plan_catalog::{PlanLimits, Plans, Price};

/// Maximum price, in minor units. Leaves room for the total of several seats within the schema's 32-bit integers.
const HIGHEST_PRICE: i64 = 100_000_000;

/// The plans, and whether owners may change the plan of their workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRules {
    /// Limits and prices of the plans.
    pub plans: Plans,
    /// Whether owners may change plans; if not, only site administrators may.
    pub owners_manage_plans: bool,
}

impl RuleSettings {
    /// Returns the configured plans. `unless_set` is the default for the plan management.
    pub fn plan_rules(&self, unless_set: PlanManagement) -> Result<PlanRules, ConfigError> {
        let owners_manage_plans = self.plan_changes.unwrap_or(unless_set) == PlanManagement::Owners;
        let plans = match validate::non_empty(self.plans.as_deref()) {
            None => Plans::default(),
            Some("unlimited") => Plans::unlimited(),
            Some(file) => read(file).map_err(|wrong| ConfigError::new(format!("GUILDHALL_PLANS: {wrong}.")))?,
        };
        Ok(PlanRules { plans, owners_manage_plans })
    }
}

fn read(file: &str) -> Result<Plans, String> {
    let text = fs::read_to_string(file).map_err(|cause| format!("{file} cannot be read: {cause}"))?;
    parse(&text).map_err(|wrong| format!("{file}: {wrong}"))
}

/// Parses the text and applies its changes to the built-in plans. An error is written as the end of a sentence.
fn parse(text: &str) -> Result<Plans, String> {
    let mut file: Table = text.parse().map_err(|cause: toml::de::Error| {
        let line = cause.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        format!("line {line} is not TOML: {}", cause.message().lines().collect::<Vec<_>>().join(", "))
    })?;
    let mut plans = Plans::default();
    if let Some(currency) = file.remove("currency") {
        plans.currency = check_currency(&currency)?;
    }
    if let Some(free) = file.remove("free") {
        let mut free = table("free", free)?;
        if let Some(personal) = free.remove("personal") {
            set_limits("free.personal", table("free.personal", personal)?, &mut plans.free_personal, PERSONAL)?;
        }
        if let Some(organization) = free.remove("organization") {
            let organization = table("free.organization", organization)?;
            set_limits("free.organization", organization, &mut plans.free_organization, ORGANIZATION)?;
        }
        refuse_unknown_keys("free.", &free, &["personal", "organization"])?;
    }
    if let Some(solo) = file.remove("solo") {
        let mut solo = table("solo", solo)?;
        set_price("solo", &mut solo, &mut plans.solo_price)?;
        set_limits("solo", solo, &mut plans.solo, PERSONAL)?;
    }
    if let Some(team) = file.remove("team") {
        let mut team = table("team", team)?;
        set_price("team", &mut team, &mut plans.team_price)?;
        set_limits("team", team, &mut plans.team, RESOURCES)?;
    }
    refuse_unknown_keys("", &file, &["currency", "free", "solo", "team"])?;
    Ok(plans)
}

/// Limits of every plan.
const RESOURCES: &[LimitKind] =
    &[LimitKind::Projects, LimitKind::Tasks, LimitKind::TasksPerProject, LimitKind::CloudStorages];
/// Limits of personal workspaces.
const PERSONAL: &[LimitKind] = &[
    LimitKind::Projects,
    LimitKind::Tasks,
    LimitKind::TasksPerProject,
    LimitKind::CloudStorages,
    LimitKind::OwnedOrganizations,
];
/// Limits of organizations without seats.
const ORGANIZATION: &[LimitKind] =
    &[LimitKind::Projects, LimitKind::Tasks, LimitKind::TasksPerProject, LimitKind::CloudStorages, LimitKind::Members];

/// Returns the key in the file: the name in the schema, in lower case.
fn key(kind: LimitKind) -> String {
    kind.name().to_lowercase()
}

fn table(name: &str, value: Value) -> Result<Table, String> {
    match value {
        Value::Table(table) => Ok(table),
        _ => Err(format!("`{name}` must be a table, such as [{name}]")),
    }
}

fn set_limits(name: &str, mut table: Table, limits: &mut PlanLimits, kinds: &[LimitKind]) -> Result<(), String> {
    for kind in kinds {
        let Some(value) = table.remove(&key(*kind)) else { continue };
        let max = match &value {
            Value::String(word) if word == "unlimited" => Some(None),
            Value::Integer(number) => i32::try_from(*number).ok().filter(|number| *number >= 0).map(Some),
            _ => None,
        };
        let wrong = || format!("`{name}.{}` must be a whole number of 0 or more, or \"unlimited\"", key(*kind));
        limits.set(*kind, max.ok_or_else(wrong)?);
    }
    let known: Vec<String> = kinds.iter().copied().map(key).collect();
    refuse_unknown_keys(&format!("{name}."), &table, &known.iter().map(String::as_str).collect::<Vec<_>>())
}

fn set_price(name: &str, table: &mut Table, price: &mut Price) -> Result<(), String> {
    for (key, amount) in [("price_per_month", &mut price.month), ("price_per_year", &mut price.year)] {
        let Some(value) = table.remove(key) else { continue };
        let wrong = || {
            format!("`{name}.{key}` must be a whole number of minor units, such as cents, from 0 to {HIGHEST_PRICE}")
        };
        let number = value.as_integer().filter(|number| (0..=HIGHEST_PRICE).contains(number)).ok_or_else(wrong)?;
        *amount = i32::try_from(number).map_err(|_| wrong())?;
    }
    Ok(())
}

fn check_currency(value: &Value) -> Result<String, String> {
    let code = value.as_str().filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
    code.map(str::to_owned).ok_or_else(|| "`currency` must be three capital letters, such as \"USD\"".to_owned())
}

/// Fails if the table has unknown keys, because a misspelt key must not be ignored.
fn refuse_unknown_keys(name: &str, table: &Table, known: &[&str]) -> Result<(), String> {
    match table.keys().next() {
        None => Ok(()),
        Some(key) => Err(format!("`{name}{key}` is not a known key; the known keys are {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WorkspaceId;
    use crate::domain::plan::Plan;
    use clap::{CommandFactory, FromArgMatches, Parser};
    use uuid::Uuid;

    #[derive(Parser)]
    struct Rules {
        #[command(flatten)]
        rules: RuleSettings,
    }

    fn settings(arguments: &[&str]) -> RuleSettings {
        let all = [&["guildhall"], arguments].concat();
        Rules::from_arg_matches(&Rules::command().get_matches_from(all)).expect("settings").rules
    }

    #[test]
    fn parse_changes_only_the_listed_keys() {
        let plans = parse(
            "currency = \"EUR\"\nsolo.projects = 20\nteam.price_per_year = 30000\n[free.personal]\nowned_organizations = \"unlimited\"\ntasks = 0",
        )
        .expect("plans");
        let mut expected = Plans { currency: "EUR".to_owned(), ..Plans::default() };
        expected.solo.set(LimitKind::Projects, Some(20));
        expected.team_price.year = 30000;
        expected.free_personal.set(LimitKind::OwnedOrganizations, None);
        expected.free_personal.set(LimitKind::Tasks, Some(0));
        assert_eq!(plans, expected);
        let personal = WorkspaceId::Personal(Uuid::from_u128(7).into());
        assert_eq!(plans.max(personal, &Plan::FREE, LimitKind::Tasks), Some(0));
        assert_eq!(parse(""), Ok(Plans::default()));
    }

    #[test]
    fn parse_accepts_the_example_of_the_readme() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once("```toml\n# plans.toml\n").expect("the example");
        let (example, _) = rest.split_once("```").expect("its end");
        assert_eq!(parse(example), Ok(Plans::default()));
        let keys = example.lines().filter(|line| line.contains(" = ")).count();
        assert_eq!(keys, 1 + 2 * PERSONAL.len() + ORGANIZATION.len() + RESOURCES.len() + 4, "all of it");
    }

    #[test]
    fn parse_errors_name_the_key_or_line() {
        for (text, says) in [
            ("[solo]\nprojcts = 20", "`solo.projcts` is not a known key; the known keys are projects, tasks"),
            ("[teams]", "`teams` is not a known key"),
            ("[free]\nprojects = 3", "`free.projects` is not a known key; the known keys are personal, organization"),
            (
                "[free.organization]\nowned_organizations = 3",
                "`free.organization.owned_organizations` is not a known key",
            ),
            ("[team]\nmembers = 3", "`team.members` is not a known key"),
            ("solo = 3", "`solo` must be a table"),
            ("solo.tasks = -1", "`solo.tasks` must be a whole number of 0 or more"),
            ("solo.tasks = 2.5", "`solo.tasks` must be a whole number"),
            ("solo.tasks = 3000000000", "`solo.tasks` must be a whole number"),
            ("solo.tasks = \"many\"", "\"unlimited\""),
            ("team.price_per_month = -5", "`team.price_per_month` must be a whole number of minor units"),
            ("team.price_per_month = 3000000000", "from 0 to 100000000"),
            ("currency = \"dollars\"", "`currency` must be three capital letters"),
            ("\n\nsolo = [", "line 3 is not TOML"),
        ] {
            let wrong = parse(text).expect_err(text);
            assert!(wrong.contains(says) && wrong.lines().count() == 1, "{text}: {wrong}");
        }
    }

    #[test]
    fn plan_rules_names_an_unreadable_file() {
        let refused =
            settings(&["--plans", "/nonexistent/plans.toml"]).plan_rules(PlanManagement::Admin).expect_err("none");
        let sentence = refused.to_string();
        assert!(sentence.starts_with("GUILDHALL_PLANS: /nonexistent/plans.toml cannot be read"), "{sentence}");
    }

    #[test]
    fn plan_rules_take_plan_management_from_the_settings_or_the_command() {
        let owners = |arguments: &[&str], unless_set| {
            settings(arguments).plan_rules(unless_set).expect("rules").owners_manage_plans
        };
        assert!(!owners(&[], PlanManagement::Admin) && owners(&[], PlanManagement::Owners));
        assert!(owners(&["--plan-changes", "self"], PlanManagement::Admin));
        assert!(!owners(&["--plan-changes", "admin"], PlanManagement::Owners));
        let unlimited = settings(&["--plans", "unlimited"]).plan_rules(PlanManagement::Admin).expect("rules");
        assert!(
            unlimited.plans.unlimited
                && !settings(&[]).plan_rules(PlanManagement::Admin).expect("rules").plans.unlimited
        );
    }
}
