//! Permissions, as clients see them. The rules are in `policy::table`.

use super::named_enum::named_enum;

named_enum! {
    /// Permission of a viewer.
    #[derive(PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Permission {
        /// See the organization, its plan, seats and limits.
        ViewOrganization = "VIEW_ORGANIZATION",
        /// Change slug, name, description and contact.
        UpdateOrganization = "UPDATE_ORGANIZATION",
        /// Delete the organization.
        DeleteOrganization = "DELETE_ORGANIZATION",
        /// Restore the organization while its deletion is pending.
        RestoreOrganization = "RESTORE_ORGANIZATION",
        /// Offer the ownership to a member, and cancel the offer.
        OfferOwnership = "OFFER_OWNERSHIP",
        /// Accept the offer of ownership.
        AcceptOwnership = "ACCEPT_OWNERSHIP",
        /// Decline the offer of ownership.
        DeclineOwnership = "DECLINE_OWNERSHIP",
        /// List the members and their roles.
        ViewMembers = "VIEW_MEMBERS",
        /// See the members' e-mail addresses and last activity.
        ViewMemberEmails = "VIEW_MEMBER_EMAILS",
        /// Give a member below one's own rank another role below one's own rank.
        ChangeMemberRole = "CHANGE_MEMBER_ROLE",
        /// Remove a member below one's own rank.
        RemoveMember = "REMOVE_MEMBER",
        /// Leave the organization.
        LeaveOrganization = "LEAVE_ORGANIZATION",
        /// See the invitations and their delivery.
        ViewInvitations = "VIEW_INVITATIONS",
        /// Invite people to roles below one's own rank.
        InviteMember = "INVITE_MEMBER",
        /// Send an invitation again.
        ResendInvitation = "RESEND_INVITATION",
        /// Revoke a pending invitation.
        RevokeInvitation = "REVOKE_INVITATION",
        /// Accept the invitation.
        AcceptInvitation = "ACCEPT_INVITATION",
        /// Decline the invitation.
        DeclineInvitation = "DECLINE_INVITATION",
        /// See every project, task and job of the workspace.
        ViewAllResources = "VIEW_ALL_RESOURCES",
        /// Create projects.
        CreateProject = "CREATE_PROJECT",
        /// Create tasks, alone or in a project that one can see.
        CreateTask = "CREATE_TASK",
        /// See the project, task or job.
        ViewResource = "VIEW_RESOURCE",
        /// Edit the project or task.
        UpdateResource = "UPDATE_RESOURCE",
        /// Set the assignee and the storages of a project or task; the assignee and the stage of a job.
        AssignResource = "ASSIGN_RESOURCE",
        /// Set the state of the job.
        UpdateJobState = "UPDATE_JOB_STATE",
        /// Delete the project or task.
        DeleteResource = "DELETE_RESOURCE",
        /// Move the project or task to another workspace.
        TransferResource = "TRANSFER_RESOURCE",
        /// See the cloud storages.
        ViewCloudStorages = "VIEW_CLOUD_STORAGES",
        /// Create, edit and delete cloud storages.
        ManageCloudStorages = "MANAGE_CLOUD_STORAGES",
        /// Read the events of the workspace whose objects are visible.
        ViewEvents = "VIEW_EVENTS",
        /// See the price of the plan.
        ViewBilling = "VIEW_BILLING",
        /// Change and cancel the plan.
        ManagePlan = "MANAGE_PLAN",
    }
}
