//! Folders of a cluster, and the lock that gives them to one process. All are in the data folder, unless PostgreSQL's
//! user cannot access it or the path is too long for a socket. If the cluster is elsewhere, a symbolic link in the data
//! folder points to it.

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
pub(super) fn entrance(data_dir: &Path) -> PathBuf {
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

/// Returns the folder for the cluster of `data_dir` (a canonical path). Creates it if necessary, owned by the account.
pub(super) fn settle(data_dir: &Path, account: OsUser) -> Result<PathBuf, EmbeddedError> {
    let entrance = entrance(data_dir);
    let location = if entrance.is_symlink() {
        fs::canonicalize(&entrance).map_err(|_| EmbeddedError::Dangling(entrance))?
    } else if entrance.exists() || account.reaches(data_dir) {
        entrance
    } else {
        let elsewhere = elsewhere(data_dir, account)?;
        symlink(&elsewhere, &entrance).map_err(EmbeddedError::io("create", &entrance))?;
        return Ok(elsewhere);
    };
    private_folder(&location, account)?;
    Ok(location)
}

/// Only root needs this, and root may write to `/var/lib`. `/var/tmp` is for systems without it, because old files
/// there may be deleted.
fn elsewhere(data_dir: &Path, account: OsUser) -> Result<PathBuf, EmbeddedError> {
    let name = format!("guildhall-{}", short_hash(data_dir));
    let first = Path::new("/var/lib").join(&name);
    match private_folder(&first, account) {
        Ok(()) if account.reaches(&first) => Ok(first),
        _ => {
            let second = Path::new("/var/tmp").join(&name);
            private_folder(&second, account)?;
            fs::canonicalize(&second).map_err(EmbeddedError::io("open", &second))
        }
    }
}

/// Returns the folder for the socket, and creates it if necessary.
pub(super) fn socket_folder(location: &Path, account: OsUser) -> Result<PathBuf, EmbeddedError> {
    let beside = location.join("socket");
    let name = format!("guildhall-{}", short_hash(location));
    let temporary = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| PathBuf::from("/tmp"));
    let folder = [beside, temporary.join(&name)]
        .into_iter()
        .find(|folder| fits(folder) && folder.parent().is_some_and(|parent| account.reaches(parent)))
        .unwrap_or_else(|| Path::new("/tmp").join(name));
    private_folder(&folder, account)?;
    Ok(folder)
}

/// Whether the folder can hold a socket. PostgreSQL's setting is a list in which a quoted element cannot contain a
/// quote.
fn fits(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    bytes.len() <= LONGEST_SOCKET_FOLDER && !bytes.contains(&b'"')
}

/// Creates a folder with access only for the account. An existing folder is accepted only if the account owns it,
/// because other users can create names in a shared folder first.
fn private_folder(path: &Path, account: OsUser) -> Result<(), EmbeddedError> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let folder = fs::symlink_metadata(path).map_err(EmbeddedError::io("read", path))?;
            if !folder.is_dir() || !account.owns(folder.uid()) {
                return Err(EmbeddedError::Foreign(path.to_owned()));
            }
        }
        Err(error) => return Err(EmbeddedError::io("create", path)(error)),
    }
    if let Some((uid, gid)) = account.step_down() {
        chown(path, Some(uid), Some(gid)).map_err(EmbeddedError::io("hand over", path))?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(EmbeddedError::io("protect", path))
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
