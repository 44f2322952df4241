//! Logging: its destination, its format, and the logging of panics.

use std::io;

use crate::config::{ConfigError, LogFormat, LogSettings};

/// Starts to write the log to standard error. Fails with a sentence if the filter cannot be parsed.
pub fn start(settings: &LogSettings) -> Result<(), ConfigError> {
    let filter = settings.filter()?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => {
            let colours = io::IsTerminal::is_terminal(&io::stderr());
            subscriber.with_ansi(colours).with_target(false).try_init()
        }
        LogFormat::Json => subscriber.json().flatten_event(true).with_span_list(false).try_init(),
    };
    started.map_err(|cause| ConfigError::new(format!("The log cannot be started: {cause}.")))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("(no message)");
        tracing::error!(place, message, "panic");
    }));
    Ok(())
}
