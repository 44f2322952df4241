//! `guildhall grants`: prints the statements that let a role run the server with as few rights as possible.

use clap::Args;

use crate::commands::error::CliError;
use crate::store::ConnectOptions;

/// Arguments of the command.
#[derive(Args)]
pub struct Grants {
    /// Role that `guildhall serve` connects as.
    role: String,
    /// Schema of the tables.
    #[arg(long, value_name = "SCHEMA", default_value = "public")]
    schema: String,
}

impl Grants {
    /// Prints the statements, for the role that runs the migrations to execute.
    pub fn run(&self) -> Result<(), CliError> {
        if self.role.is_empty() || self.role.contains('\0') || self.schema.is_empty() || self.schema.contains('\0') {
            return Err(CliError::new("The name of a role or schema cannot be empty."));
        }
        print!("{}", statements(&self.role, &self.schema));
        Ok(())
    }
}

fn statements(role: &str, schema: &str) -> String {
    let (role, schema) = (quoted(role), quoted(schema));
    let settings: String = ConnectOptions::session_settings()
        .map(|(name, value)| format!("ALTER ROLE {role} SET {name} = '{value}';\n"))
        .collect();
    format!(
        "-- Run this as the role that runs `guildhall migrate`. Later migrations need no further grants.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT EXECUTE ON FUNCTIONS TO {role};

-- Settings of its sessions. Direct connections set these themselves; connections through a pooler need them here.
{settings}
-- Optional: names the transactions of other roles that hold events back.
-- GRANT pg_read_all_stats TO {role};
"
    )
}

/// Returns a name as an SQL identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_quotes_names_and_sets_time_limits() {
        let text = statements("a\"b", "public");
        assert!(text.contains("TO \"a\"\"b\";"), "{text}");
        assert!(text.contains("SET statement_timeout = '30s';") && text.contains("SET lock_timeout = '5s';"), "{text}");
    }
}
