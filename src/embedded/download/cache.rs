//! The cache of downloaded programs: one folder per version in the user's cache. For root, whose own cache is seldom
//! accessible to PostgreSQL's user, `/var/cache` is used too.

use std::env;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::package::Registry;
use crate::embedded::binaries::{has_all, versions};
use crate::embedded::error::EmbeddedError;
use crate::embedded::os_user::OsUser;

/// Prefix of the folder of a version.
const PREFIX: &str = "postgresql-";
/// Prefix of unfinished folders.
const UNFINISHED: &str = "new-";

/// Returns the first cache folder that the user can access and this user owns, if any.
pub(super) fn root(os_user: OsUser) -> Option<PathBuf> {
    let mut roots = vec![user_cache()];
    if os_user.switch_to().is_some() {
        roots.push(Some(PathBuf::from("/var/cache")));
    }
    let mut roots = roots.into_iter().flatten().map(|cache| cache.join("guildhall"));
    roots.find(|root| is_usable(root, os_user))
}

/// Whether the folder can be the cache. Root uses no folder of another user, who could replace the programs there.
fn is_usable(root: &Path, os_user: OsUser) -> bool {
    let Some(existing) = root.ancestors().find_map(|folder| fs::canonicalize(folder).ok()) else {
        return false;
    };
    let owned = fs::metadata(&existing).is_ok_and(|folder| os_user.is_current(folder.uid()));
    let can_be_created = !root.exists() && os_user.switch_to().is_none();
    os_user.can_access(&existing) && (owned || can_be_created)
}

fn user_cache() -> Option<PathBuf> {
    let configured = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let default = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    configured.or_else(|| env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(default)))
}

/// Returns the folders with programs in the cache, newest version first.
pub(super) fn cached_versions(root: &Path) -> Vec<PathBuf> {
    let unpacked = versions(root, PREFIX).into_iter();
    unpacked
        .flat_map(|unpacked| Registry::ALL.map(|registry| registry.programs(&unpacked)))
        .filter(|bin| has_all(bin))
        .collect()
}

/// Returns the folder of a version.
pub(super) fn version_dir(root: &Path, version: &str) -> PathBuf {
    root.join(format!("{PREFIX}{version}"))
}

/// Creates the cache if necessary, and waits for its lock, which is held until the file is closed.
pub(super) fn lock(root: &Path, say: &dyn Fn(&str)) -> Result<File, EmbeddedError> {
    fs::create_dir_all(root).map_err(EmbeddedError::io("create", root))?;
    fs::set_permissions(root, Permissions::from_mode(0o755)).map_err(EmbeddedError::io("open", root))?;
    let path = root.join("lock");
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(EmbeddedError::io("open", &path))?;
    if file.try_lock().is_err() {
        say("Another process is downloading PostgreSQL: waiting for it.");
        file.lock().map_err(EmbeddedError::io("lock", &path))?;
    }
    Ok(file)
}

/// A folder for unfinished downloads, deleted with its contents on drop.
pub(super) struct StagingDir(pub(super) PathBuf);

impl StagingDir {
    /// Creates a new folder. Because the lock is held, all other such folders were left by killed processes, and are
    /// deleted.
    pub(super) fn new(root: &Path) -> Result<Self, EmbeddedError> {
        for entry in fs::read_dir(root).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let path = root.join(format!("{UNFINISHED}{}", std::process::id()));
        let created = fs::create_dir(&path).and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)));
        created.map_err(EmbeddedError::io("create", &path))?;
        Ok(Self(path))
    }
}

impl Drop for StagingDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
