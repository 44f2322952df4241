//! Checks whether a postmaster is ready, by connecting to the server's database, which is created if missing. A restart
//! thus needs one connection and no statement.

use std::path::Path;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, NoTls};

use crate::embedded::url::{DATABASE, url};

/// Whether a postmaster accepts connections.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Ready, and the database exists.
    Ready,
    /// Starting, stopping, or not listening.
    NotYet,
}

/// Connects once. An error is permanent: waiting does not help.
pub(super) async fn probe(socket_folder: &Path) -> Result<Readiness, Error> {
    match connect(socket_folder, DATABASE).await {
        Ok(_) => Ok(Readiness::Ready),
        Err(error) => match error.code() {
            Some(&SqlState::INVALID_CATALOG_NAME) => create_database(socket_folder).await.map(|()| Readiness::Ready),
            Some(&SqlState::TOO_MANY_CONNECTIONS) => Ok(Readiness::Ready),
            Some(&SqlState::CANNOT_CONNECT_NOW) | None => Ok(Readiness::NotYet),
            Some(_) => Err(error),
        },
    }
}

async fn create_database(socket_folder: &Path) -> Result<(), Error> {
    let client = connect(socket_folder, "postgres").await?;
    client.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await
}

async fn connect(socket_folder: &Path, database: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(&url(socket_folder, database), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
