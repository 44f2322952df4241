//! Connections to a PostgreSQL that accepts nothing but TLS with client certificates.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use guildhall::store::Connector;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, date_time_ymd,
};

use crate::support::cluster::{OwnCluster, execute};
use crate::support::server_process::{Server, run};

/// The role whose certificate the database asks for.
const ROLE: &str = "app";

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Writes a certificate and its key, `<name>.crt` and `<name>.key`.
fn issue(folder: &Path, name: &str, issuer: &Issuer, common_name: &str, hosts: &[&str], expired: bool) {
    let mut params =
        CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).expect("parameters");
    params.distinguished_name = named(common_name);
    if expired {
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    fs::write(folder.join(format!("{name}.crt")), certificate.pem()).expect("a file");
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).expect("a file");
    fs::set_permissions(folder.join(format!("{name}.key")), fs::Permissions::from_mode(0o600)).expect("permissions");
}

struct Tls {
    cluster: OwnCluster,
    folder: PathBuf,
    address: &'static str,
    ours: Issuer,
    foreign: Issuer,
}

impl Tls {
    /// Starts a cluster that listens on an address of its own, because the port is that of every private cluster.
    async fn start(name: &'static str, address: &'static str) -> Self {
        let cluster = OwnCluster::start_with(name, &[("listen_addresses", address)]).await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("certificates-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (ours, foreign) = (authority("Our authority"), authority("Another authority"));
        fs::write(folder.join("ca.crt"), ours.pem()).expect("a file");
        fs::write(folder.join("foreign-ca.crt"), foreign.pem()).expect("a file");
        issue(&folder, "client", &ours, ROLE, &[], false);
        issue(&folder, "foreign-client", &foreign, ROLE, &[], false);
        issue(&folder, "other-client", &ours, "somebody-else", &[], false);
        let tls = Self { cluster, folder, address, ours, foreign };
        fs::write(tls.data().join("ca.crt"), tls.ours.pem()).expect("a file");
        tls.own(&tls.data().join("ca.crt"));
        let rules = format!("local all all trust\nhostssl all all {address}/8 cert clientcert=verify-full\n");
        fs::write(tls.data().join("pg_hba.conf"), rules).expect("a file");
        tls.present("db.internal", false, false).await;
        for sql in [
            "CREATE ROLE app LOGIN",
            "ALTER DATABASE guildhall OWNER TO app",
            "ALTER SYSTEM SET ssl = on",
            "ALTER SYSTEM SET ssl_ca_file = 'ca.crt'",
            "SELECT pg_reload_conf()",
        ] {
            execute(&tls.cluster.url(), sql).await;
        }
        tls
    }

    fn data(&self) -> PathBuf {
        self.cluster.location().join("data")
    }

    /// Gives a file to the user that PostgreSQL runs as.
    fn own(&self, file: &Path) {
        let owner = fs::metadata(self.data()).expect("the cluster");
        chown(file, Some(owner.uid()), Some(owner.gid())).expect("another owner");
    }

    /// Lets the server present a certificate for that host.
    async fn present(&self, host: &str, expired: bool, by_another: bool) {
        let issuer = if by_another { &self.foreign } else { &self.ours };
        issue(&self.data(), "server", issuer, "server", &[host, self.address], expired);
        self.own(&self.data().join("server.crt"));
        self.own(&self.data().join("server.key"));
        execute(&self.cluster.url(), "SELECT pg_reload_conf()").await;
        // The postmaster reads the files when it gets to the signal.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }

    /// A URL with these parameters; `{}` is the folder of the certificates.
    fn url(&self, parameters: &str) -> String {
        let parameters = parameters.replace("{}", &self.folder.display().to_string());
        format!("postgres://{ROLE}@db.internal/guildhall?hostaddr={}&{parameters}", self.address)
    }

    async fn connect(&self, parameters: &str) -> Result<(), String> {
        let connector = Connector::to_url(&self.url(parameters)).map_err(|error| error.to_string())?;
        connector.connect().await.map(drop).map_err(|error| error.to_string())
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const CLIENT: &str = "sslcert={}/client.crt&sslkey={}/client.key";
const VERIFIED: &str = "sslmode=verify-full&sslrootcert={}/ca.crt";

#[tokio::test]
async fn connect_by_tls_follows_each_mode_and_says_why_it_fails() {
    let tls = Tls::start("tls-modes", "127.7.20.1").await;
    let refused = async |parameters: &str, sentence: &str| {
        let error = tls.connect(parameters).await.expect_err(parameters);
        assert!(error.contains(sentence), "{parameters}: {error}");
        assert!(error.contains("db.internal:5432") || error.contains("cannot be used"), "no place: {error}");
    };
    for mode in ["prefer", "allow", "require", "verify-ca&sslrootcert={}/ca.crt", "verify-full&sslrootcert={}/ca.crt"] {
        tls.connect(&format!("sslmode={mode}&{CLIENT}")).await.expect(mode);
    }
    refused(&format!("sslmode=disable&{CLIENT}"), "no encryption").await;
    refused(VERIFIED, "client certificate").await;
    refused(
        &format!("{VERIFIED}&sslcert={{}}/foreign-client.crt&sslkey={{}}/foreign-client.key"),
        "the server refused TLS",
    )
    .await;
    refused(
        &format!("{VERIFIED}&sslcert={{}}/other-client.crt&sslkey={{}}/other-client.key"),
        "certificate authentication failed",
    )
    .await;
    refused(&format!("sslmode=verify-ca&sslrootcert={{}}/foreign-ca.crt&{CLIENT}"), "not signed by an authority").await;
    refused(&format!("sslmode=require&sslrootcert={{}}/foreign-ca.crt&{CLIENT}"), "not signed by an authority").await;
    refused(&format!("sslmode=verify-full&sslrootcert=system&{CLIENT}"), "not signed by an authority").await;
    refused(&format!("sslmode=verify-full&sslrootcert={{}}/missing.crt&{CLIENT}"), "sslrootcert").await;

    tls.present("other.internal", false, false).await;
    refused(&format!("{VERIFIED}&{CLIENT}"), "for another host name").await;
    tls.connect(&format!("sslmode=verify-ca&sslrootcert={{}}/ca.crt&{CLIENT}")).await.expect("any name");

    tls.present("db.internal", true, false).await;
    refused(&format!("{VERIFIED}&{CLIENT}"), "has expired").await;
    tls.connect(&format!("sslmode=require&{CLIENT}")).await.expect("not checked without authorities");

    tls.present("db.internal", false, true).await;
    refused(&format!("{VERIFIED}&{CLIENT}"), "not signed by an authority").await;
}

#[tokio::test]
async fn migrate_and_serve_work_by_tls_with_a_client_certificate() {
    let tls = Tls::start("tls-serve", "127.7.20.2").await;
    let url = tls.url(&format!("{VERIFIED}&{CLIENT}"));
    let migrated = run(&["migrate"], &[("DATABASE_URL", &url)]).await;
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let server = Server::start(&url, &[]).await;
    let ready = reqwest::get(format!("http://{}/health/ready", server.address)).await.expect("an answer");
    assert_eq!(ready.status(), 200);
    let (client, connection) =
        tokio_postgres::connect(&tls.cluster.url(), tokio_postgres::NoTls).await.expect("a look");
    tokio::spawn(connection);
    let sessions =
        "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app'";
    let row = client.query_one(sessions, &[]).await.expect("a row");
    assert!(row.get::<_, bool>(0) && row.get::<_, i64>(1) >= 2, "queries and LISTEN are encrypted");
}

#[tokio::test]
async fn connect_says_host_port_and_cause() {
    let fails = async |url: &str| {
        let connector = Connector::to_url(url).expect("options");
        connector.connect().await.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let refused = fails("postgres://me@127.7.20.9:5999/db").await;
    assert!(refused.contains("127.7.20.9:5999") && refused.contains("connection refused"), "{refused}");
    let unknown = fails("postgres://me@nowhere.invalid/db").await;
    assert!(unknown.contains("nowhere.invalid:5432") && unknown.contains("cannot be resolved"), "{unknown}");
    let two = fails("postgres://me@127.7.20.9:5999,127.7.20.8:5998/db").await;
    assert!(two.contains("127.7.20.8:5998"), "{two}");
}
