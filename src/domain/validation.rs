//! Validates a whole input before anything else, and reports all of its errors at once.

use crate::domain::error::{Code, Error, FieldError, Refusal};
use crate::domain::ids::TypedId;
use crate::domain::{OrganizationId, PersonalWorkspaceId, WorkspaceId};

/// Collects the errors of an input's fields.
///
/// ```text
/// let mut check = Validator::default();
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
    /// Returns the value of `input.<name>`; `None` if it has an error, which is recorded. Dots in the name separate
    /// nested fields.
    pub fn field<T>(&mut self, name: &str, value: Result<T, FieldError>) -> Option<T> {
        value.map_err(|problem| self.note(name, problem)).ok()
    }

    /// Returns the ID in `input.<name>`. Records INVALID_FORMAT if it is not an ID of this type.
    pub fn id<I: TypedId>(&mut self, name: &str, raw: &str) -> Option<I> {
        let wrong = || FieldError::new(Code::InvalidFormat, format!("This is not an ID of the form {}_….", I::PREFIX));
        self.field(name, I::parse(raw).ok_or_else(wrong))
    }

    /// Returns the workspace ID in `input.<name>`. Records INVALID_FORMAT if it is not the ID of a workspace.
    pub fn workspace(&mut self, name: &str, raw: &str) -> Option<WorkspaceId> {
        let message =
            format!("This is not an ID of the form {}_… or {}_….", OrganizationId::PREFIX, PersonalWorkspaceId::PREFIX);
        self.field(name, WorkspaceId::parse(raw).ok_or_else(|| FieldError::new(Code::InvalidFormat, message)))
    }

    /// Returns the optional ID in `input.<name>` of an update.
    pub fn patch_id<I: TypedId>(&mut self, name: &str, patch: Patch<String>) -> Option<Patch<I>> {
        match patch {
            Patch::Keep => Some(Patch::Keep),
            Patch::Clear => Some(Patch::Clear),
            Patch::Set(raw) => self.id(name, &raw).map(Patch::Set),
        }
    }

    /// Returns the new value of `input.<name>` of an update: `Some(None)` if the field is not changed, and `None` if it
    /// has an error. Records REQUIRED if the field would be cleared.
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

    /// Records an error of `input.<name>`.
    pub fn note(&mut self, name: &str, problem: FieldError) {
        let path = std::iter::once("input").chain(name.split('.')).map(str::to_owned).collect();
        self.refusals.push(problem.at(path));
    }

    /// Returns the recorded errors.
    pub fn refuse(self) -> Error {
        Error::Refused(self.refusals)
    }

    /// Fails with the recorded errors, if there are any.
    pub fn finish(self) -> Result<(), Error> {
        if self.refusals.is_empty() { Ok(()) } else { Err(self.refuse()) }
    }
}

/// Parses the ID in `input.<name>`, for an input without other fields to check.
pub fn parse_id<I: TypedId>(name: &str, raw: &str) -> Result<I, Error> {
    let mut check = Validator::default();
    check.id(name, raw).ok_or_else(|| check.refuse())
}

/// Change of an optional field by an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field is not changed.
    Keep,
    /// The field is cleared.
    Clear,
    /// The field is set.
    Set(T),
}

impl<T> From<Option<T>> for Patch<T> {
    /// Converts the initial value of a field.
    fn from(value: Option<T>) -> Self {
        value.map_or(Patch::Keep, Patch::Set)
    }
}

impl<T> Patch<T> {
    /// Returns whether the field changes.
    pub fn is_set(&self) -> bool {
        !matches!(self, Patch::Keep)
    }

    /// Returns the new value.
    pub fn value(&self) -> Option<&T> {
        match self {
            Patch::Set(value) => Some(value),
            Patch::Keep | Patch::Clear => None,
        }
    }

    /// Returns the field after the update.
    pub fn apply(self, present: Option<T>) -> Option<T> {
        match self {
            Patch::Keep => present,
            Patch::Clear => None,
            Patch::Set(value) => Some(value),
        }
    }

    /// Checks the new value. The field is cleared if the check returns `None`.
    pub fn try_map<U, E>(self, check: impl FnOnce(T) -> Result<Option<U>, E>) -> Result<Patch<U>, E> {
        Ok(match self {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(value) => check(value)?.map_or(Patch::Clear, Patch::Set),
        })
    }
}
