//! Folders of a cluster, and the lock that gives them to one process. All are in the data folder, unless PostgreSQL's
//! user cannot access it or the path is too long for a socket. If the cluster is outside of the data folder, a symbolic
//! link in the data folder points to it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::embedded::error::EmbeddedError;
use crate::embedded::os_user::OsUser;

/// `sun_path` holds 104 bytes on macOS and 108 elsewhere; `/.s.PGSQL.5432` and a final zero byte are added.
const LONGEST_SOCKET_FOLDER: usize = 88;

/// Returns the path of the folder that holds the cluster and usually the socket, or of the link to that folder.
pub(super) fn cluster_link(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres")
}

/// Returns the folder of the cluster (`PGDATA`).
pub(super) fn cluster(location: &Path) -> PathBuf {
    location.join("data")
}

/// Locks the data folder for this process until the file is closed. The operating system releases the lock of a killed
/// process.
pub(super) fn lock(data_dir: &Path) -> Result<File, EmbeddedError> {
    let path = data_dir.join("postgres.lock");
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(EmbeddedError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(EmbeddedError::io("lock", &path)(error)),
    }
}

/// Returns the folder for the cluster of `data_dir` (a canonical path). Creates it if necessary, owned by the user.
pub(super) fn prepare(data_dir: &Path, os_user: OsUser) -> Result<PathBuf, EmbeddedError> {
    let cluster_link = cluster_link(data_dir);
    let location = if cluster_link.is_symlink() {
        fs::canonicalize(&cluster_link).map_err(|_| EmbeddedError::BrokenLink(cluster_link))?
    } else if cluster_link.exists() || os_user.can_access(data_dir) {
        cluster_link
    } else {
        let fallback = fallback_dir(data_dir, os_user)?;
        symlink(&fallback, &cluster_link).map_err(EmbeddedError::io("create", &cluster_link))?;
        return Ok(fallback);
    };
    private_folder(&location, os_user)?;
    Ok(location)
}

/// Returns a folder outside of `data_dir`, and creates it. Only root needs one. `/var/lib` is preferred to `/var/tmp`,
/// where the system may delete old files.
fn fallback_dir(data_dir: &Path, os_user: OsUser) -> Result<PathBuf, EmbeddedError> {
    let name = format!("guildhall-{}", short_hash(data_dir));
    let preferred = Path::new("/var/lib").join(&name);
    match private_folder(&preferred, os_user) {
        Ok(()) if os_user.can_access(&preferred) => Ok(preferred),
        _ => {
            let other = Path::new("/var/tmp").join(&name);
            private_folder(&other, os_user)?;
            fs::canonicalize(&other).map_err(EmbeddedError::io("open", &other))
        }
    }
}

/// Returns the folder for the socket, and creates it if necessary.
pub(super) fn socket_folder(location: &Path, os_user: OsUser) -> Result<PathBuf, EmbeddedError> {
    let default = location.join("socket");
    let name = format!("guildhall-{}", short_hash(location));
    let temporary = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| PathBuf::from("/tmp"));
    let folder = [default, temporary.join(&name)]
        .into_iter()
        .find(|folder| can_hold_socket(folder) && folder.parent().is_some_and(|parent| os_user.can_access(parent)))
        .unwrap_or_else(|| Path::new("/tmp").join(name));
    private_folder(&folder, os_user)?;
    Ok(folder)
}

/// Whether the folder can hold a socket: its path is short enough and has no quote, which PostgreSQL's setting cannot
/// contain.
fn can_hold_socket(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    bytes.len() <= LONGEST_SOCKET_FOLDER && !bytes.contains(&b'"')
}

/// Creates a folder with access only for the user. An existing folder is accepted only if the user owns it,
/// because other users can create names in a shared folder first.
fn private_folder(path: &Path, os_user: OsUser) -> Result<(), EmbeddedError> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let folder = fs::symlink_metadata(path).map_err(EmbeddedError::io("read", path))?;
            if !folder.is_dir() || !os_user.may_own(folder.uid()) {
                return Err(EmbeddedError::NotOwned(path.to_owned()));
            }
        }
        Err(error) => return Err(EmbeddedError::io("create", path)(error)),
    }
    if let Some((uid, gid)) = os_user.switch_to() {
        chown(path, Some(uid), Some(gid)).map_err(EmbeddedError::io("hand over", path))?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(EmbeddedError::io("protect", path))
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
