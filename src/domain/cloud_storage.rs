//! Providers of cloud storages, and the handling of links to cloud storages in a transfer.

use super::named_enum::named_enum;

named_enum! {
    /// A provider of cloud storage.
    pub enum CloudProvider {
        /// Amazon S3, or a service that speaks its protocol.
        AwsS3 = "AWS_S3",
        /// Azure Blob Storage.
        AzureBlob = "AZURE_BLOB",
        /// Google Cloud Storage.
        GoogleCloudStorage = "GOOGLE_CLOUD_STORAGE",
    }
}

/// Handling of links to cloud storages in a transfer to another workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageHandling {
    /// The links are removed.
    Detach,
    /// Each is replaced by a link to the one storage of the destination with the same provider and resource.
    AutoMatch,
}
