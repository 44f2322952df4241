//! The actions that the policy guards, and the root fields of the schema that need them.

/// An action that a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Use a public field, or a field whose input has a token as its credential. The caller need not be signed in.
    PublicUse,
    /// Read or change one's own account.
    AccountUse,
    /// See a user's account by its ID.
    PersonView,
    /// Create an organization.
    OrganizationCreate,
    /// Read the name of an organization, which invitees may.
    OrganizationViewSummary,
    /// See an organization.
    OrganizationView,
    /// Change the organization's own fields.
    OrganizationUpdate,
    /// Schedule an organization for permanent deletion.
    OrganizationDelete,
    /// Restore an organization that is pending deletion.
    OrganizationRestore,
    /// See an offer of an organization's ownership.
    OwnershipOfferView,
    /// Offer the ownership to a member, or cancel the offer.
    OwnershipOffer,
    /// Accept an offered ownership.
    OwnershipAccept,
    /// Decline an offered ownership.
    OwnershipDecline,
    /// List an organization's members.
    MembersView,
    /// See a member's e-mail address and last activity.
    MemberEmailView,
    /// Change a member's role.
    MemberRoleChange,
    /// Remove a member.
    MemberRemove,
    /// End one's own membership.
    OrganizationLeave,
    /// See an invitation.
    InvitationView,
    /// Invite a person.
    InvitationCreate,
    /// Send an invitation again.
    InvitationResend,
    /// Revoke an invitation.
    InvitationRevoke,
    /// Preview an invitation before signing in.
    InvitationPreview,
    /// Accept an invitation.
    InvitationAccept,
    /// Decline an invitation.
    InvitationDecline,
    /// Make a workspace the selected workspace.
    WorkspaceSelect,
    /// See every project, task and job of a workspace.
    AllResourcesView,
    /// Create a project.
    ProjectCreate,
    /// Create a task, alone or in a project that the caller can see.
    TaskCreate,
    /// See a project, task or job.
    ResourceView,
    /// Edit a project or task.
    ResourceUpdate,
    /// Assign a project or task, or set its storages; assign a job, or set its stage.
    ResourceAssign,
    /// Set a job's state.
    JobStateUpdate,
    /// Delete a project or task, or take a task out of its project.
    ResourceDelete,
    /// Transfer a project or task to another workspace.
    ResourceTransfer,
    /// See a cloud storage.
    CloudStorageView,
    /// Connect a cloud storage.
    CloudStorageCreate,
    /// Edit or disconnect a cloud storage.
    CloudStorageManage,
    /// Read the events of a workspace whose objects the caller may see.
    EventsView,
    /// See events about one's own membership, including its end, and about the deletion of one's former organization.
    OwnEventView,
    /// See the delivery state of an invitation's mail.
    DeliveryView,
    /// See the plan of a workspace, and the usage of its limits.
    PlanView,
    /// See the price of the plan.
    BillingView,
    /// Change or cancel the plan.
    PlanManage,
}

/// The actions that are possible in a personal workspace; all other actions are about organizations.
pub const IN_PERSONAL_WORKSPACES: &[Action] = &[
    Action::WorkspaceSelect,
    Action::AllResourcesView,
    Action::ProjectCreate,
    Action::TaskCreate,
    Action::ResourceView,
    Action::ResourceUpdate,
    Action::ResourceAssign,
    Action::JobStateUpdate,
    Action::ResourceDelete,
    Action::ResourceTransfer,
    Action::CloudStorageView,
    Action::CloudStorageCreate,
    Action::CloudStorageManage,
    Action::EventsView,
    Action::PlanView,
    Action::BillingView,
    Action::PlanManage,
];

/// The action that each root field of the schema checks first; a field that takes IDs of several kinds has an entry for
/// each action that it checks. A test calls every field with every access context and compares.
pub const ROOT_FIELDS: &[(&str, Action)] = &[
    ("Query.viewer", Action::AccountUse),
    ("Query.node", Action::OrganizationViewSummary),
    ("Query.node", Action::PersonView),
    ("Query.node", Action::AllResourcesView),
    ("Query.node", Action::MembersView),
    ("Query.node", Action::InvitationView),
    ("Query.node", Action::OwnershipOfferView),
    ("Query.node", Action::ResourceView),
    ("Query.node", Action::CloudStorageView),
    ("Query.nodes", Action::OrganizationViewSummary),
    ("Query.nodes", Action::PersonView),
    ("Query.nodes", Action::AllResourcesView),
    ("Query.nodes", Action::MembersView),
    ("Query.nodes", Action::InvitationView),
    ("Query.nodes", Action::OwnershipOfferView),
    ("Query.nodes", Action::ResourceView),
    ("Query.nodes", Action::CloudStorageView),
    ("Query.organization", Action::OrganizationViewSummary),
    ("Query.organizations", Action::AccountUse),
    ("Query.invitation", Action::InvitationView),
    ("Query.invitationPreview", Action::InvitationPreview),
    ("Query.slugAvailability", Action::AccountUse),
    ("Query.transferPlan", Action::ResourceTransfer),
    ("Query.roles", Action::PublicUse),
    ("Subscription.workspaceEvents", Action::EventsView),
    ("Subscription.viewerEvents", Action::AccountUse),
    ("Mutation.signUp", Action::PublicUse),
    ("Mutation.signIn", Action::PublicUse),
    ("Mutation.refreshSession", Action::PublicUse),
    ("Mutation.signOut", Action::PublicUse),
    ("Mutation.verifyEmail", Action::PublicUse),
    ("Mutation.resendVerificationEmail", Action::AccountUse),
    ("Mutation.requestPasswordReset", Action::PublicUse),
    ("Mutation.resetPassword", Action::PublicUse),
    ("Mutation.changePassword", Action::AccountUse),
    ("Mutation.updateProfile", Action::AccountUse),
    ("Mutation.changeEmail", Action::AccountUse),
    ("Mutation.deleteAccount", Action::AccountUse),
    ("Mutation.selectWorkspace", Action::WorkspaceSelect),
    ("Mutation.createOrganization", Action::OrganizationCreate),
    ("Mutation.updateOrganization", Action::OrganizationUpdate),
    ("Mutation.deleteOrganization", Action::OrganizationDelete),
    ("Mutation.restoreOrganization", Action::OrganizationRestore),
    ("Mutation.offerOwnership", Action::OwnershipOffer),
    ("Mutation.acceptOwnership", Action::OwnershipAccept),
    ("Mutation.declineOwnership", Action::OwnershipDecline),
    ("Mutation.cancelOwnershipOffer", Action::OwnershipOffer),
    ("Mutation.changeMemberRole", Action::MemberRoleChange),
    ("Mutation.removeMember", Action::MemberRemove),
    ("Mutation.leaveOrganization", Action::OrganizationLeave),
    ("Mutation.inviteMembers", Action::InvitationCreate),
    ("Mutation.resendInvitation", Action::InvitationResend),
    ("Mutation.revokeInvitation", Action::InvitationRevoke),
    ("Mutation.acceptInvitation", Action::InvitationAccept),
    ("Mutation.declineInvitation", Action::InvitationDecline),
    ("Mutation.transferResources", Action::ResourceTransfer),
    ("Mutation.createProject", Action::ProjectCreate),
    ("Mutation.updateProject", Action::ResourceUpdate),
    ("Mutation.createTask", Action::TaskCreate),
    ("Mutation.updateTask", Action::ResourceUpdate),
    ("Mutation.updateJob", Action::JobStateUpdate),
    ("Mutation.deleteResource", Action::ResourceDelete),
    ("Mutation.deleteResource", Action::CloudStorageManage),
    ("Mutation.createCloudStorage", Action::CloudStorageCreate),
    ("Mutation.updateCloudStorage", Action::CloudStorageManage),
    ("Mutation.changePlan", Action::PlanManage),
    ("Mutation.cancelPlan", Action::PlanManage),
];
