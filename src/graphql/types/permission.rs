//! Permissions, as clients see them.

use async_graphql::Enum;

/// An action that the viewer may be allowed to do. A `viewerPermissions` field lists the viewer's present permissions
/// on that object: by role, or as its owner, assignee or invitee. Site administrators have every permission that a role
/// can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::Permission")]
pub enum Permission {
    /// See the organization, its plan, seats and limits. WORKER or above.
    ViewOrganization,
    /// Change slug, name, description and contact. MAINTAINER or above.
    UpdateOrganization,
    /// Delete the organization. OWNER only.
    DeleteOrganization,
    /// Restore the organization while its deletion is pending. OWNER only.
    RestoreOrganization,
    /// Offer the ownership to a member, and cancel the offer. OWNER only.
    OfferOwnership,
    /// Accept the offer of ownership. Only the member to whom the offer is made.
    AcceptOwnership,
    /// Decline the offer of ownership. Only the member to whom the offer is made.
    DeclineOwnership,
    /// List the members and their roles. WORKER or above.
    ViewMembers,
    /// See the members' e-mail addresses and last activity. MAINTAINER or above; every member sees their own.
    ViewMemberEmails,
    /// Change the role of a member who ranks below the viewer to another role below the viewer's own. MAINTAINER or
    /// above.
    ChangeMemberRole,
    /// Remove a member who ranks below the viewer. MAINTAINER or above.
    RemoveMember,
    /// Leave the organization. Every member except the owner.
    LeaveOrganization,
    /// See the invitations and their delivery. MAINTAINER or above; invitees see their own invitations.
    ViewInvitations,
    /// Invite users to roles below the viewer's own. MAINTAINER or above, with a verified address.
    InviteMember,
    /// Send an invitation again. MAINTAINER or above.
    ResendInvitation,
    /// Revoke a pending invitation. MAINTAINER or above.
    RevokeInvitation,
    /// Accept the invitation. Invitee only.
    AcceptInvitation,
    /// Decline the invitation. Invitee only.
    DeclineInvitation,
    /// See every project, task and job of the workspace. MAINTAINER or above.
    ViewAllResources,
    /// Create projects. SUPERVISOR or above.
    CreateProject,
    /// Create tasks without a project, or in a project that the viewer may see. SUPERVISOR or above.
    CreateTask,
    /// See the project, task or job. MAINTAINER or above, its owner or assignee, or the owner or assignee of the
    /// project or task that contains it.
    ViewResource,
    /// Edit the project or task. Same conditions as for VIEW_RESOURCE.
    UpdateResource,
    /// Set the assignee and the storages of a project or task: MAINTAINER or above, its owner, or the owner or assignee
    /// of the project that contains it. Set the assignee and the stage of a job: MAINTAINER or above, or the owner or
    /// assignee of its task or project.
    AssignResource,
    /// Set the state of the job. Same conditions as for VIEW_RESOURCE.
    UpdateJobState,
    /// Delete the project or task. MAINTAINER or above, its owner, or the owner or assignee of the project that
    /// contains it.
    DeleteResource,
    /// Move the project or task to another workspace. Needs DELETE_RESOURCE here, and the permission to create it
    /// there.
    TransferResource,
    /// See the cloud storages. SUPERVISOR or above; the owner of a storage sees that storage.
    ViewCloudStorages,
    /// Create, edit and delete cloud storages. MAINTAINER or above; the owner of a storage edits and deletes that
    /// storage.
    ManageCloudStorages,
    /// Read the log of the workspace: events about objects that the viewer may see. WORKER or above.
    ViewEvents,
    /// See the price of the plan. MAINTAINER or above. Plan, seats and limits need only VIEW_ORGANIZATION.
    ViewBilling,
    /// Change and cancel the plan. Site administrators, and the OWNER if the server is configured to let owners manage
    /// plans.
    ManagePlan,
}
