//! Lists all settings as a table for the README, from the definitions that clap parses.

use std::fmt::Write;

use clap::{Arg, Args, Command};

use crate::config::{
    DataDirSettings, DatabaseSettings, DocumentSettings, HttpSettings, IssuerSettings, KeySettings, LifeCycleSettings,
    LinkSettings, LogSettings, MailSettings, RuleSettings,
};

/// Returns the table, in Markdown.
pub fn markdown() -> String {
    let mut command = Command::new("guildhall");
    command = DatabaseSettings::augment_args(command);
    command = DataDirSettings::augment_args(command);
    command = HttpSettings::augment_args(command);
    command = LifeCycleSettings::augment_args(command);
    command = KeySettings::augment_args(command);
    command = IssuerSettings::augment_args(command);
    command = DocumentSettings::augment_args(command);
    command = LinkSettings::augment_args(command);
    command = MailSettings::augment_args(command);
    command = RuleSettings::augment_args(command);
    command = LogSettings::augment_args(command);
    let mut table = String::from("| variable | flag | default | |\n|---|---|---|---|\n");
    for setting in command.get_arguments() {
        let name = setting.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let flag = setting.get_long().unwrap_or_default();
        let _ = writeln!(table, "| `{name}` | `--{flag}` | {} | {} |", default(setting), description(setting));
    }
    table
}

fn default(setting: &Arg) -> String {
    match setting.get_default_values() {
        [value] if setting.get_action().takes_values() => format!("`{}`", value.to_string_lossy()),
        _ => help(setting).1,
    }
}

fn description(setting: &Arg) -> String {
    let values: Vec<String> =
        setting.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let (meaning, _) = help(setting);
    if values.is_empty() || !setting.get_action().takes_values() {
        meaning
    } else {
        format!("{meaning} ({})", values.join(", "))
    }
}

/// Returns the help of the setting without its `[default: …]`, and the text of that default, which describes a default
/// without a fixed value.
fn help(setting: &Arg) -> (String, String) {
    let help = setting.get_help().map(ToString::to_string).unwrap_or_default();
    let (meaning, default) = match help.split_once(" [default: ") {
        Some((meaning, default)) => (meaning, default.trim_end_matches(']')),
        None => (help.as_str(), ""),
    };
    (meaning.trim_end_matches('.').to_owned(), default.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- settings -->\n";
    const END: &str = "<!-- /settings -->";

    #[test]
    fn markdown_has_a_variable_a_flag_and_a_description_for_every_setting() {
        for row in markdown().lines().skip(2) {
            let cells: Vec<&str> = row.split(" | ").collect();
            assert_eq!(cells.len(), 4, "{row}");
            assert!(cells[0].len() > 4 && cells[1].len() > 4 && cells[3].len() > 4, "{row}");
        }
    }

    #[test]
    fn the_readme_shows_the_present_settings() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let present = format!("{before}{BEGIN}{}{END}{after}", markdown());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &present).unwrap();
        } else {
            assert!(
                readme == present,
                "README.md is stale: write its settings with `UPDATE=1 cargo test the_readme_shows`"
            );
        }
    }
}
