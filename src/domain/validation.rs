//! Checks the shape of a whole input before anything else is asked, and tells all that is wrong with it at once.

use crate::domain::error::{Code, Error, FieldError, Refusal};
use crate::domain::ids::TypedId;
use crate::domain::{OrganizationId, PersonalWorkspaceId, WorkspaceId};

/// Gathers the problems of an input's fields.
///
/// ```text
/// let mut check = Check::default();
/// let (Some(slug), Some(name)) = (
///     check.field("slug", Slug::parse(&input.slug)),
///     check.field("name", text::optional(input.name.as_deref(), 64)),
/// ) else { return Err(check.refuse()) };
/// ```
#[derive(Default)]
pub struct Validator {
    refusals: Vec<Refusal>,
}

impl Validator {
    /// The value of `input.<name>`, or none once its problem is noted. Dots in the name go deeper.
    pub fn field<T>(&mut self, name: &str, value: Result<T, FieldError>) -> Option<T> {
        value.map_err(|problem| self.note(name, problem)).ok()
    }

    /// The ID in `input.<name>`; INVALID_FORMAT if it is not one of that type.
    pub fn id<I: TypedId>(&mut self, name: &str, raw: &str) -> Option<I> {
        let wrong = || FieldError::new(Code::InvalidFormat, format!("This is not an ID of the form {}_….", I::PREFIX));
        self.field(name, I::parse(raw).ok_or_else(wrong))
    }

    /// The workspace in `input.<name>`; INVALID_FORMAT if it is not the ID of one.
    pub fn workspace(&mut self, name: &str, raw: &str) -> Option<WorkspaceId> {
        let message =
            format!("This is not an ID of the form {}_… or {}_….", OrganizationId::PREFIX, PersonalWorkspaceId::PREFIX);
        self.field(name, WorkspaceId::parse(raw).ok_or_else(|| FieldError::new(Code::InvalidFormat, message)))
    }

    /// The ID in `input.<name>` of an update, where there is one.
    pub fn patch_id<I: TypedId>(&mut self, name: &str, patch: Patch<String>) -> Option<Patch<I>> {
        match patch {
            Patch::Keep => Some(Patch::Keep),
            Patch::Clear => Some(Patch::Clear),
            Patch::Set(raw) => self.id(name, &raw).map(Patch::Set),
        }
    }

    /// What `input.<name>` of an update is to become, where it is given; REQUIRED if it is to be cleared.
    pub fn change<T, U>(
        &mut self,
        name: &str,
        patch: Patch<T>,
        check: impl FnOnce(T) -> Result<U, FieldError>,
    ) -> Option<Option<U>> {
        let value = match patch {
            Patch::Keep => Ok(None),
            Patch::Clear => Err(FieldError::new(Code::Required, "This cannot be cleared.")),
            Patch::Set(value) => check(value).map(Some),
        };
        self.field(name, value)
    }

    /// Notes a problem of `input.<name>`.
    pub fn note(&mut self, name: &str, problem: FieldError) {
        let path = std::iter::once("input").chain(name.split('.')).map(str::to_owned).collect();
        self.refusals.push(problem.at(path));
    }

    /// The error of an input in which a problem was noted.
    pub fn refuse(self) -> Error {
        Error::Refused(self.refusals)
    }

    /// Goes on only if no problem was noted.
    pub fn finish(self) -> Result<(), Error> {
        if self.refusals.is_empty() { Ok(()) } else { Err(self.refuse()) }
    }
}

/// The ID in `input.<name>`, of an input that has nothing else to check.
pub fn parse_id<I: TypedId>(name: &str, raw: &str) -> Result<I, Error> {
    let mut check = Validator::default();
    check.id(name, raw).ok_or_else(|| check.refuse())
}

/// What an update does to a field that may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leaves it as it is.
    Keep,
    /// Empties it.
    Clear,
    /// Gives it a value.
    Set(T),
}

impl<T> From<Option<T>> for Patch<T> {
    /// What a field begins with, or none.
    fn from(value: Option<T>) -> Self {
        value.map_or(Patch::Keep, Patch::Set)
    }
}

impl<T> Patch<T> {
    /// Whether it does anything.
    pub fn is_set(&self) -> bool {
        !matches!(self, Patch::Keep)
    }

    /// The value that it sets.
    pub fn value(&self) -> Option<&T> {
        match self {
            Patch::Set(value) => Some(value),
            Patch::Keep | Patch::Clear => None,
        }
    }

    /// The field after the update.
    pub fn apply(self, present: Option<T>) -> Option<T> {
        match self {
            Patch::Keep => present,
            Patch::Clear => None,
            Patch::Set(value) => Some(value),
        }
    }

    /// Checks the value, if there is one; a value that comes to nothing clears the field.
    pub fn try_map<U, E>(self, check: impl FnOnce(T) -> Result<Option<U>, E>) -> Result<Patch<U>, E> {
        Ok(match self {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(value) => check(value)?.map_or(Patch::Clear, Patch::Set),
        })
    }
}
