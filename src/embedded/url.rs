//! URLs of databases behind a Unix socket.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The superuser of every private cluster.
pub(super) const USER: &str = "guildhall";
/// The database that the server uses.
pub(super) const DATABASE: &str = "guildhall";

/// Returns `postgres://guildhall@/DATABASE?host=FOLDER`, both percent-encoded.
pub(super) fn url(socket_folder: &Path, database: &str) -> String {
    let database = encode(database.as_bytes());
    let folder = encode(socket_folder.as_os_str().as_bytes());
    format!("postgres://{USER}@/{database}?host={folder}")
}

fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn folders_and_names_are_percent_encoded() {
        let url = super::url(Path::new("/a b/ü"), "x/y");
        assert_eq!(url, "postgres://guildhall@/x%2Fy?host=%2Fa%20b%2F%C3%BC");
    }
}
