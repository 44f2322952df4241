//! Where the programs of PostgreSQL are: an explicit folder, `PATH`, then the places that packages use, newest version
//! first. A cluster can only be opened by the major version that wrote it, so an existing one narrows the choice.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::error::EmbeddedError;

const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Folders whose numbered children hold one version each: parent, prefix of the child, path within the child.
const VERSIONED: [(&str, &str, &str); 9] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
];

/// A folder with the server programs of one PostgreSQL.
#[derive(Debug)]
pub(super) struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// Finds programs that can open the cluster in `data`, or any if there is none yet.
    pub(super) fn find(explicit: Option<&Path>, data: &Path) -> Result<Self, EmbeddedError> {
        let found = match explicit {
            Some(bin) if complete(bin) => vec![bin.to_owned()],
            Some(root) if complete(&root.join("bin")) => vec![root.join("bin")],
            Some(bin) => return Err(EmbeddedError::NotThere(bin.to_owned())),
            None => installed(),
        };
        Self::choose(found, data)
    }

    fn choose(found: Vec<PathBuf>, data: &Path) -> Result<Self, EmbeddedError> {
        let Ok(wanted) = fs::read_to_string(data.join("PG_VERSION")) else {
            let bin = found.into_iter().next();
            return bin.map(|bin| Self { bin }).ok_or(EmbeddedError::NotInstalled { install: install() });
        };
        let wanted = wanted.trim();
        let mut others = Vec::new();
        for bin in found {
            match major(&bin) {
                Some(version) if version == wanted => return Ok(Self { bin }),
                version => others.extend(version),
            }
        }
        if others.is_empty() {
            return Err(EmbeddedError::NotInstalled { install: install() });
        }
        Err(EmbeddedError::OtherVersion { data: data.to_owned(), wanted: wanted.to_owned(), found: others.join(", ") })
    }

    /// The path of `initdb`, `postgres` or `pg_ctl`.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

fn complete(bin: &Path) -> bool {
    PROGRAMS.iter().all(|name| bin.join(name).is_file())
}

fn installed() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = env::split_paths(&path).filter(|bin| bin.is_absolute()).collect();
    for (parent, prefix, within) in VERSIONED {
        found.extend(versions(Path::new(parent), prefix).into_iter().map(|version| version.join(within)));
    }
    found.extend(["/opt/homebrew/bin", "/usr/local/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    found.retain(|bin| complete(bin));
    found
}

/// The children of `parent` named `prefix` and a number, highest number first.
fn versions(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(children) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<(f64, PathBuf)> = children
        .flatten()
        .filter_map(|child| {
            let version = child.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, child.path()))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, path)| path).collect()
}

/// `17` of `postgres (PostgreSQL) 17.2 (Debian …)`, in the form that `PG_VERSION` has.
fn major(bin: &Path) -> Option<String> {
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split(") ").nth(1)?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}

fn install() -> &'static str {
    if cfg!(target_os = "macos") {
        return "brew install postgresql@17";
    }
    install_on(&fs::read_to_string("/etc/os-release").unwrap_or_default())
}

/// The command that installs the server on the system that `os_release` describes.
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
    use super::*;

    #[test]
    fn missing_programs_are_one_sentence_with_the_remedy() {
        let error = Tools::choose(Vec::new(), Path::new("/nowhere")).unwrap_err().to_string();
        assert!(error.starts_with("No PostgreSQL server was found on this machine: install it with `"), "{error}");
        assert!(error.contains("GUILDHALL_POSTGRES_BIN") && error.ends_with('.') && !error.contains('\n'), "{error}");
    }

    #[test]
    fn an_explicit_folder_without_programs_is_refused_rather_than_passed_over() {
        let error = Tools::find(Some(Path::new("/nowhere")), Path::new("/nowhere")).unwrap_err();
        assert!(matches!(error, EmbeddedError::NotThere(_)));
    }

    #[test]
    fn each_system_is_told_its_own_command() {
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
