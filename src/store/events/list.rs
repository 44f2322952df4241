//! Events of a workspace that a viewer may see. Each reason for which an event is visible has an index in the order of
//! the log, so the cost of a page does not depend on the other events.
//!
//! The caller checks each event by the policy once more, because a page can contain a few events that the viewer may
//! not see.

use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, BigInt, Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::event::{EventPosition, EventType};
use crate::domain::resource::RowScope;
use crate::domain::{CloudStorageId, EventId, JobId, OwnershipOfferId, ProjectId, Result, TaskId, UserId};
use crate::store::Connection;
use crate::store::events::{Entry, EventRange, Filter, find_at};
use crate::store::resource_lists::{Filter as ListFilter, Kind, List, ParentKind};

/// Maximum number of subjects that are looked up one by one. A viewer who sees more of them sees much of the log, which
/// is then read in order.
const MAX_SUBJECTS: usize = 20_000;

/// Conditions for the events of a workspace that a viewer may see.
#[derive(Clone, Debug)]
pub struct Visible {
    /// ID of the workspace.
    pub workspace: Uuid,
    /// ID of the viewer.
    pub viewer: UserId,
    /// Types whose events are all visible.
    pub always: Vec<EventType>,
    /// Types visible to the user with the address that the event concerns.
    pub to_invitee: Vec<EventType>,
    /// Proven address of the viewer.
    pub email: Option<String>,
    /// Types visible to the two users of an ownership offer.
    pub of_offers: Vec<EventType>,
    /// Types visible to users who are related to the resource.
    pub of_resources: Vec<EventType>,
    /// Ownership offers and resources that the viewer sees now, as typed IDs.
    pub subjects: Vec<String>,
    /// Types whose events are all read although not all are visible, because the viewer sees too many subjects to list
    /// them.
    pub read_whole: Vec<EventType>,
}

impl Visible {
    /// Adds the subjects that the viewer sees now: ownership offers, and the resources and cloud storages that the
    /// policy allows.
    pub async fn with_subjects(
        mut self,
        connection: &mut Connection,
        resources: RowScope,
        storages: RowScope,
    ) -> Result<Self> {
        if self.of_offers.is_empty() && self.of_resources.is_empty() {
            return Ok(self);
        }
        let list = |kind, rows| List {
            kind,
            within: ParentKind::Workspace,
            viewer: self.viewer,
            rows,
            seers: None,
            filter: ListFilter::default(),
            newest_first: false,
        };
        let lists = [
            list(Kind::Projects, resources),
            list(Kind::Tasks, resources),
            list(Kind::Jobs, resources),
            list(Kind::CloudStorages, storages),
        ];
        let most = MAX_SUBJECTS as i64 + 1;
        let query = Subjects { workspace: self.workspace, viewer: self.viewer, lists: &lists, most };
        let found: Vec<(i32, Uuid)> = query.load(connection).await?;
        if found.len() > MAX_SUBJECTS {
            self.read_whole = self.of_resources.clone();
            return Ok(self);
        }
        self.subjects = found.into_iter().filter_map(|(kind, id)| subject(kind, id)).collect();
        Ok(self)
    }
}

impl Visible {
    /// Returns an example of a group of events for which the policy decides the same.
    pub fn example(&self, alike: EventGroup) -> Entry {
        let place = EventPosition::default();
        Entry {
            place,
            id: EventId::of(Instant::default(), place),
            workspace_id: self.workspace,
            kind: EventType::from_name(&alike.kind),
            at: Instant::default(),
            actor_id: None,
            subject_id: alike.subject_id,
            person_id: alike.concerned.then_some(self.viewer),
            email: self.email.clone().filter(|_| alike.invited),
            changes: Vec::new(),
            tied_ids: if alike.tied { vec![self.viewer] } else { Vec::new() },
        }
    }

    fn of_subjects(&self) -> Vec<EventType> {
        [self.of_offers.as_slice(), &self.of_resources].concat()
    }
}

/// Returns the typed ID of a row of [`Subjects`].
fn subject(kind: i32, id: Uuid) -> Option<String> {
    Some(match kind {
        0 => ProjectId::from(id).to_string(),
        1 => TaskId::from(id).to_string(),
        2 => JobId::from(id).to_string(),
        3 => CloudStorageId::from(id).to_string(),
        4 => OwnershipOfferId::from(id).to_string(),
        _ => return None,
    })
}

/// Query of the IDs of all subjects that the viewer sees in a workspace, with the numbers of their kinds.
struct Subjects<'a> {
    workspace: Uuid,
    viewer: UserId,
    lists: &'a [List; 4],
    most: i64,
}

impl QueryFragment<Pg> for Subjects<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT s.kind, s.id FROM (SELECT ");
        out.push_bind_param::<sql_types::Uuid, _>(&self.workspace)?;
        out.push_sql("::uuid) o (id) CROSS JOIN LATERAL (SELECT 4 AS kind, f.id FROM ownership_offers f WHERE f.organization_id = o.id AND ");
        out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
        out.push_sql(" IN (f.from_id, f.to_id)");
        // Subjects of a kind that is visible as a whole need no lookup: their events are visible by type.
        for (number, list) in self.lists.iter().enumerate().filter(|(_, list)| !list.rows.all) {
            out.push_sql(&format!(" UNION ALL SELECT {number}, x.id FROM "));
            list.walk(&None, &mut out)?;
        }
        out.push_sql(") s LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.most)
    }
}

impl Query for Subjects<'_> {
    type SqlType = (sql_types::Integer, sql_types::Uuid);
}

impl QueryId for Subjects<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Returns a range of the events that the viewer may see in a workspace's log, in the direction of reading.
pub async fn page(
    connection: &mut Connection,
    visible: &Visible,
    filter: &Filter,
    range: EventRange,
) -> Result<Vec<Entry>> {
    let statement = PAGES.get(usize::from(range.backward) * 2 + usize::from(filter.actor.is_some()));
    let statement = statement.map_or("", String::as_str);
    let by_type = names(&[visible.always.as_slice(), &visible.read_whole].concat(), filter);
    let after = range.after.unwrap_or(EventPosition { transaction: i64::MIN, sequence: i64::MIN });
    let before = range.before.unwrap_or(EventPosition { transaction: i64::MAX, sequence: i64::MAX });
    let query = diesel::sql_query(statement)
        .bind::<sql_types::Uuid, _>(visible.workspace)
        .bind::<sql_types::Uuid, _>(visible.viewer)
        .bind::<BigInt, _>(after.transaction)
        .bind::<BigInt, _>(after.sequence)
        .bind::<BigInt, _>(before.transaction)
        .bind::<BigInt, _>(before.sequence)
        .bind::<BigInt, _>(range.limit)
        .bind::<Array<Text>, _>(by_type)
        .bind::<Array<Text>, _>(&visible.subjects)
        .bind::<Array<Text>, _>(names(&visible.of_subjects(), filter))
        .bind::<Array<Text>, _>(names(&visible.of_resources, filter))
        .bind::<Nullable<Text>, _>(&visible.email)
        .bind::<Array<Text>, _>(names(&visible.to_invitee, filter))
        .bind::<Array<Text>, _>(names(&visible.of_offers, filter));
    let places: Vec<PlaceRow> = match filter.actor {
        Some(actor) => query.bind::<sql_types::Uuid, _>(actor).load(connection).await?,
        None => query.load(connection).await?,
    };
    let places: Vec<EventPosition> = places.iter().map(PlaceRow::place).collect();
    let mut entries = find_at(connection, &places).await?;
    entries.sort_by_key(|entry| entry.place);
    if range.backward {
        entries.reverse();
    }
    Ok(entries)
}

fn names(kinds: &[EventType], filter: &Filter) -> Vec<&'static str> {
    let is_included = |kind: &&EventType| filter.kinds.as_ref().is_none_or(|included| included.contains(kind));
    kinds.iter().filter(is_included).map(|kind| kind.name()).collect()
}

#[derive(QueryableByName)]
#[diesel(check_for_backend(Pg))]
struct PlaceRow {
    #[diesel(sql_type = BigInt)]
    transaction_id: i64,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
}

impl PlaceRow {
    fn place(&self) -> EventPosition {
        EventPosition { transaction: self.transaction_id, sequence: self.sequence }
    }
}

/// Statements of [`page`]: forward, forward by one actor, backward, backward by one actor.
static PAGES: LazyLock<[String; 4]> = LazyLock::new(|| {
    [("", false), ("", true), (" DESC", false), (" DESC", true)].map(|(direction, by_actor)| pages(direction, by_actor))
});

/// Returns the statement of a page: the first rows for each reason of visibility, merged.
fn pages(direction: &str, by_actor: bool) -> String {
    let order = format!("ORDER BY transaction_id{direction}, sequence{direction}");
    let section = |from: &str, limit: &str| {
        format!(
            "(SELECT f.transaction_id, f.sequence FROM {from} AND f.transaction_id < (SELECT event_horizon()) \
             AND (f.transaction_id, f.sequence) > ($3, $4) AND (f.transaction_id, f.sequence) < ($5, $6) \
             {order} LIMIT {limit})"
        )
    };
    // The first $7 rows of all keys belong to the $7 keys whose own first rows come first.
    let merged = |keys: &str, from: &str| {
        format!(
            "(SELECT e.transaction_id, e.sequence FROM (SELECT k.key FROM unnest({keys}::text[]) k (key) \
             CROSS JOIN LATERAL {} e {order} LIMIT $7) k CROSS JOIN LATERAL {} e {order} LIMIT $7)",
            section(from, "1"),
            section(from, "$7")
        )
    };
    let (by, tied_by) = if by_actor {
        (
            " AND f.actor_id = $15",
            " AND EXISTS (SELECT FROM events a WHERE (a.transaction_id, a.sequence) = (f.transaction_id, f.sequence) \
             AND a.actor_id = $15)",
        )
    } else {
        ("", "")
    };
    let branches = [
        merged("$8", &format!("events f WHERE f.workspace_id = $1 AND f.type = k.key{by}")),
        merged(
            "$9",
            &format!("events f WHERE f.workspace_id = $1 AND f.subject_id = k.key AND f.type = ANY ($10){by}"),
        ),
        merged(
            "$11",
            &format!("event_ties f WHERE f.workspace_id = $1 AND f.user_id = $2 AND f.type = k.key{tied_by}"),
        ),
        section(&format!("events f WHERE f.email = $12 AND f.workspace_id = $1 AND f.type = ANY ($13){by}"), "$7"),
        merged("$14", &format!("events f WHERE f.workspace_id = $1 AND f.type = k.key AND f.person_id = $2{by}")),
    ];
    format!("SELECT transaction_id, sequence FROM ({}) v {order} LIMIT $7", branches.join(" UNION "))
}

/// Group of events for which the policy decides the same, and their number.
#[derive(QueryableByName)]
#[diesel(check_for_backend(Pg))]
pub struct EventGroup {
    /// Type of the events.
    #[diesel(sql_type = Text, column_name = "type")]
    pub kind: String,
    /// Subject of the events.
    #[diesel(sql_type = Text)]
    pub subject_id: String,
    /// Whether the events concern the viewer.
    #[diesel(sql_type = Bool)]
    pub concerned: bool,
    /// Whether the events concern the viewer's proven address.
    #[diesel(sql_type = Bool)]
    pub invited: bool,
    /// Whether the viewer was related to the resource at the time of the events.
    #[diesel(sql_type = Bool)]
    pub tied: bool,
    /// Number of the events.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Counts the events that are not visible by their type alone, in groups for which the policy decides the same.
pub async fn count_groups(connection: &mut Connection, visible: &Visible, filter: &Filter) -> Result<Vec<EventGroup>> {
    let query = diesel::sql_query(
        "SELECT e.type, e.subject_id, coalesce(e.person_id = $2, false) AS concerned, \
           coalesce(e.email = $6, false) AS invited, $2 = ANY (e.tied_ids) AS tied, count(*) FROM ( \
           SELECT f.transaction_id, f.sequence FROM events f \
             WHERE f.workspace_id = $1 AND f.subject_id = ANY ($3) AND f.type = ANY ($4) \
           UNION SELECT f.transaction_id, f.sequence FROM event_ties f \
             WHERE f.workspace_id = $1 AND f.user_id = $2 AND f.type = ANY ($5) \
           UNION SELECT f.transaction_id, f.sequence FROM events f \
             WHERE f.email = $6 AND f.workspace_id = $1 AND f.type = ANY ($7) \
           UNION SELECT f.transaction_id, f.sequence FROM events f \
             WHERE f.workspace_id = $1 AND f.type = ANY ($8) AND f.person_id = $2 \
           UNION SELECT f.transaction_id, f.sequence FROM events f \
             WHERE f.workspace_id = $1 AND f.type = ANY ($9)) c JOIN events e USING (transaction_id, sequence) \
         WHERE e.transaction_id < (SELECT event_horizon()) AND ($10::uuid IS NULL OR e.actor_id = $10) GROUP BY 1, 2, 3, 4, 5",
    );
    Ok(query
        .bind::<sql_types::Uuid, _>(visible.workspace)
        .bind::<sql_types::Uuid, _>(visible.viewer)
        .bind::<Array<Text>, _>(&visible.subjects)
        .bind::<Array<Text>, _>(names(&visible.of_subjects(), filter))
        .bind::<Array<Text>, _>(names(&visible.of_resources, filter))
        .bind::<Nullable<Text>, _>(&visible.email)
        .bind::<Array<Text>, _>(names(&visible.to_invitee, filter))
        .bind::<Array<Text>, _>(names(&visible.of_offers, filter))
        .bind::<Array<Text>, _>(names(&visible.read_whole, filter))
        .bind::<Nullable<sql_types::Uuid>, _>(filter.actor)
        .load(connection)
        .await?)
}
