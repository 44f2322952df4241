//! Invitations by ID.

use super::load_by_id;
use crate::domain::InvitationId;
use crate::store::invitations::{self, Invitation};

load_by_id!(InvitationId, Invitation, invitations::find_many, |invitation: &Invitation| invitation.id);
