//! Searchable texts with their keys (see [`crate::domain::text_keys`]), which are stored in a column beside the text.
//! The key is null for ASCII texts, and temporarily in rows written by older versions.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use crate::domain::Result;
use crate::domain::text_keys::{folded, stored};

/// Text column of a table with its key column.
#[derive(Clone, Copy, Debug)]
pub struct Keyed {
    table: &'static str,
    text: &'static str,
    key: &'static str,
}

/// All text columns that have keys.
pub const KEYED: [Keyed; 5] = [
    Keyed { table: "organizations", text: "name", key: "name_key" },
    Keyed { table: "memberships", text: "shown_name", key: "name_key" },
    Keyed { table: "invitations", text: "email", key: "email_key" },
    Keyed { table: "projects", text: "name", key: "name_key" },
    Keyed { table: "tasks", text: "name", key: "name_key" },
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    text: String,
}

/// Fills in missing keys of the first `limit` rows after an ID, and returns the IDs of these rows in order. Locked rows
/// are left out. Needs a transaction.
pub async fn fill(tx: &mut Connection, keyed: Keyed, after: Uuid, limit: i64) -> Result<Vec<Uuid>> {
    let Keyed { table, text, key } = keyed;
    let lacking = diesel::sql_query(format!(
        "SELECT id, {text} AS text FROM {table} WHERE {key} IS NULL AND octet_length({text}) <> char_length({text}) \
         AND id > $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED"
    ));
    let rows: Vec<Row> = lacking.bind::<SqlUuid, _>(after).bind::<BigInt, _>(limit).load(tx).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, keys): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.id, stored(&row.text))).unzip();
    let fill = diesel::sql_query(format!(
        "UPDATE {table} x SET {key} = made.key FROM unnest($1, $2) made (id, key) WHERE x.id = made.id"
    ));
    fill.bind::<Array<SqlUuid>, _>(&ids).bind::<Array<Nullable<Text>>, _>(keys).execute(tx).await?;
    Ok(ids)
}

/// Returns the SQL expression that searches compare with: the key of a text, or, without a key, the text with its ASCII
/// letters in lower case.
pub fn searched(key: &str, text: &str) -> String {
    format!("coalesce({key}, lower({text} COLLATE \"C\"))")
}

/// Returns a `LIKE` pattern for texts that contain `search` in their [`searched`] form. Wildcards in `search` are
/// escaped.
pub fn containing(search: &str) -> String {
    let search = folded(search);
    let escaped: String =
        search.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    #[test]
    fn containing_takes_a_search_literally() {
        assert_eq!(super::containing(r"50%_\"), r"%50\%\_\\%");
        assert_eq!(super::containing("％"), r"%\%%");
    }
}
