//! A folder of mails, one `.eml` file each. Only the server's OS user may read them, because they contain links with
//! tokens.

use std::io;
use std::path::PathBuf;

use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::domain::MailId;
use crate::domain::clock::Instant;

/// A folder of mails.
#[derive(Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Creates a folder at `path`. The directory is created with the first mail.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Writes a message; a second write of the same mail replaces the file. Files with the ending `.eml` are complete.
    pub async fn put(&self, id: MailId, at: Instant, message: &[u8]) -> io::Result<()> {
        let mut folder = fs::DirBuilder::new();
        #[cfg(unix)]
        folder.mode(0o700);
        folder.recursive(true).create(&self.path).await?;

        let name = format!("{}-{}", at.format("%Y%m%dT%H%M%S%3fZ"), Uuid::from(id));
        let unfinished = self.path.join(format!("{name}.part"));
        let mut options = fs::OpenOptions::new();
        #[cfg(unix)]
        options.mode(0o600);
        let mut file = options.write(true).create(true).truncate(true).open(&unfinished).await?;
        file.write_all(message).await?;
        file.flush().await?;
        fs::rename(&unfinished, self.path.join(format!("{name}.eml"))).await
    }
}
