//! Copies a database to another cluster with `pg_dump` and `psql`, as an operator would.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of `pg_dump` and `psql`.
#[derive(Clone)]
pub struct Dump {
    bin: PathBuf,
}

impl Dump {
    /// Finds the programs. `None` if this machine has none that fit its server; some with a PostgreSQL server lack them.
    pub fn of_this_machine() -> Option<Self> {
        let set = env::var_os("GUILDHALL_POSTGRES_BIN").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = set.into_iter().chain(env::split_paths(&path)).collect();
        let versions = Path::new("/usr/lib/postgresql").read_dir().into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
        let bin = folders.into_iter().find(|bin| ["pg_dump", "psql"].iter().all(|name| bin.join(name).exists()))?;
        // The programs of an older version refuse a newer server.
        let other_server = env::var_os("GUILDHALL_POSTGRES_BIN").is_some_and(|server| Path::new(&server) != bin);
        (!other_server).then_some(Self { bin })
    }

    /// Copies all content of one database into another, which is empty.
    pub async fn carry(self, from: &str, to: &str) {
        let mut read = Command::new(self.bin.join("pg_dump"));
        read.arg("--dbname").arg(from).stdout(Stdio::piped());
        let mut write = Command::new(self.bin.join("psql"));
        write.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", to]).stdout(Stdio::null());
        let carry = move || {
            let mut reading = read.spawn().expect("pg_dump");
            let written = write.stdin(reading.stdout.take().expect("its output")).status().expect("psql");
            assert!(reading.wait().expect("its end").success() && written.success());
        };
        tokio::task::spawn_blocking(carry).await.expect("it is carried");
    }
}
