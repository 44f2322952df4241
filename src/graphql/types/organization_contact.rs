//! Contact details of an organization.

use async_graphql::SimpleObject;

use crate::store::organizations::Organization;

/// Contact details of an organization. Each of them may be null.
#[derive(SimpleObject)]
pub struct OrganizationContact {
    /// E-mail address, at most 254 characters. Null if none was given.
    email: Option<String>,
    /// Telephone number in free form, at most 32 characters. Null if none was given.
    phone: Option<String>,
    /// Postal address or location, at most 256 characters. Null if none was given.
    location: Option<String>,
}

impl From<&Organization> for OrganizationContact {
    fn from(organization: &Organization) -> Self {
        Self {
            email: organization.contact_email.clone(),
            phone: organization.contact_phone.clone(),
            location: organization.contact_location.clone(),
        }
    }
}
