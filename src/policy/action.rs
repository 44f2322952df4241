//! Everything that is guarded, and which root fields of the schema it is asked for.

/// Something that somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Ask for what is public, or prove oneself by a token: nobody has to be signed in.
    PublicUse,
    /// Look at or change one's own account.
    AccountUse,
    /// See the account of a person by its ID.
    PersonView,
    /// Create an organization.
    OrganizationCreate,
    /// Read the name of an organization, as an invitee may.
    OrganizationGlimpse,
    /// See an organization.
    OrganizationView,
    /// Change its own fields.
    OrganizationUpdate,
    /// Delete an organization, for good after a while.
    OrganizationDelete,
    /// Restore an organization that is about to be deleted.
    OrganizationRestore,
    /// See an offer of its ownership.
    OwnershipOfferView,
    /// Offer its ownership to a member, or take the offer back.
    OwnershipOffer,
    /// Accept the ownership that was offered.
    OwnershipAccept,
    /// Decline the ownership that was offered.
    OwnershipDecline,
    /// List its members.
    MembersView,
    /// See a member's e-mail address and last activity.
    MemberEmailView,
    /// Give a member another role.
    MemberRoleChange,
    /// Remove a member.
    MemberRemove,
    /// End one's own membership.
    OrganizationLeave,
    /// See an invitation.
    InvitationView,
    /// Invite somebody.
    InvitationCreate,
    /// Send an invitation again.
    InvitationResend,
    /// Take an invitation back.
    InvitationRevoke,
    /// Look at an invitation before signing in.
    InvitationPreview,
    /// Accept an invitation.
    InvitationAccept,
    /// Decline an invitation.
    InvitationDecline,
    /// Make a workspace the selected one.
    WorkspaceSelect,
    /// See every project, task and job of a workspace.
    AllResourcesView,
    /// Create a project.
    ProjectCreate,
    /// Create a task, alone or in a project that one can see.
    TaskCreate,
    /// See a project, task or job.
    ResourceView,
    /// Edit a project or task.
    ResourceUpdate,
    /// Assign a project or task, set its storages; assign a job, set its stage.
    ResourceAssign,
    /// Set a job's state.
    JobStateUpdate,
    /// Delete a project or task, or take it out of where it is.
    ResourceDelete,
    /// Take a project or task to another workspace.
    ResourceTransfer,
    /// See a cloud storage.
    CloudStorageView,
    /// Connect a cloud storage.
    CloudStorageCreate,
    /// Edit or disconnect a cloud storage.
    CloudStorageManage,
    /// Read the log of a workspace, as far as one sees what an event is about.
    EventsView,
    /// Be told of one's own membership, its end included, and of the end of an organization that was one's own.
    OwnEventView,
    /// See what became of the mail of an invitation.
    DeliveryView,
    /// See the plan of a workspace, and what is left of its limits.
    PlanView,
    /// See what the plan costs.
    BillingView,
    /// Change or cancel the plan.
    PlanManage,
}

/// What can be done in a personal workspace; all else is a matter of organizations.
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

/// What each root field of the schema asks before it does anything; a field that takes IDs of several kinds has a line for each
/// action that it asks for. A test drives every field as every standing and compares.
pub const ROOT_FIELDS: &[(&str, Action)] = &[
    ("Query.viewer", Action::AccountUse),
    ("Query.node", Action::OrganizationGlimpse),
    ("Query.node", Action::PersonView),
    ("Query.node", Action::AllResourcesView),
    ("Query.node", Action::MembersView),
    ("Query.node", Action::InvitationView),
    ("Query.node", Action::OwnershipOfferView),
    ("Query.node", Action::ResourceView),
    ("Query.node", Action::CloudStorageView),
    ("Query.nodes", Action::OrganizationGlimpse),
    ("Query.nodes", Action::PersonView),
    ("Query.nodes", Action::AllResourcesView),
    ("Query.nodes", Action::MembersView),
    ("Query.nodes", Action::InvitationView),
    ("Query.nodes", Action::OwnershipOfferView),
    ("Query.nodes", Action::ResourceView),
    ("Query.nodes", Action::CloudStorageView),
    ("Query.organization", Action::OrganizationGlimpse),
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
