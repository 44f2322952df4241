//! The command that installs PostgreSQL on this system, for the error message when it is missing.

use std::fs;

/// Returns the command for this system, without `sudo`.
pub(super) fn install() -> &'static str {
    if cfg!(target_os = "macos") {
        return "brew install postgresql@17";
    }
    install_on(&fs::read_to_string("/etc/os-release").unwrap_or_default())
}

/// Returns the command for the system that `os_release` describes.
fn install_on(os_release: &str) -> &'static str {
    let names: Vec<&str> = os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches(['"', '\'']).split_whitespace())
        .collect();
    let is = |name: &str| names.contains(&name);
    if is("debian") || is("ubuntu") {
        "apt-get install postgresql"
    } else if is("fedora") || is("rhel") || is("centos") || is("amzn") {
        "dnf install postgresql-server"
    } else if is("alpine") {
        "apk add postgresql"
    } else if is("arch") {
        "pacman -S postgresql"
    } else if is("suse") || is("opensuse") {
        "zypper install postgresql-server"
    } else {
        "the package manager of this system (the package is usually called postgresql or postgresql-server)"
    }
}

#[cfg(test)]
mod tests {
    use super::install_on;

    #[test]
    fn install_on_returns_the_command_of_each_system() {
        for (os_release, command) in [
            ("ID=debian\n", "apt-get install postgresql"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get install postgresql"),
            ("NAME=x\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf install postgresql-server"),
            ("ID=alpine\n", "apk add postgresql"),
            ("ID=arch\n", "pacman -S postgresql"),
        ] {
            assert_eq!(install_on(os_release), command);
        }
        assert!(install_on("").contains("package manager"));
    }
}
