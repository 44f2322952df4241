//! Creates a cluster at the first start. It is built in another folder and then renamed, so that an interrupted attempt
//! leaves nothing that looks like a database.

use std::fs::{self, File};
use std::path::Path;

use super::error::EmbeddedError;
use super::url::USER;
use crate::embedded::binaries::Binaries;
use crate::embedded::data_dir;
use crate::embedded::os_user::OsUser;

const UNFINISHED: &str = "new-";

/// Creates the cluster in `location` unless it exists. `durable` is false only for temporary clusters.
pub(super) async fn ensure(
    location: &Path,
    binaries: &Binaries,
    os_user: OsUser,
    durable: bool,
) -> Result<(), EmbeddedError> {
    let cluster = data_dir::cluster(location);
    if cluster.exists() {
        return Ok(());
    }
    remove_unfinished(location);
    // The `initdb` of a killed process may still be writing to its own folder, so each process uses another name.
    let unfinished = location.join(format!("{UNFINISHED}{}", std::process::id()));
    let preferred = run(&unfinished, location, binaries, os_user, &["--locale=C.UTF-8"], durable).await?;
    if preferred.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
        run(&unfinished, location, binaries, os_user, &["--no-locale"], durable).await?.map_err(EmbeddedError::Init)?;
    }
    fs::rename(&unfinished, &cluster).map_err(EmbeddedError::io("rename", &unfinished))?;
    File::open(location).and_then(|folder| folder.sync_all()).map_err(EmbeddedError::io("sync", location))
}

/// Runs `initdb`. The inner error is its output.
async fn run(
    target: &Path,
    location: &Path,
    binaries: &Binaries,
    os_user: OsUser,
    locale: &[&str],
    durable: bool,
) -> Result<Result<(), String>, EmbeddedError> {
    let program = binaries.program("initdb");
    let mut command = os_user.command(&program, location);
    command.arg("-D").arg(target).args(["--auth=trust", "--encoding=UTF8", "--username", USER]).args(locale);
    if !durable {
        command.arg("--no-sync");
    }
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output().await.map_err(EmbeddedError::io("run", &program))?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    Ok(Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")))
}

fn remove_unfinished(location: &Path) {
    for entry in fs::read_dir(location).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
